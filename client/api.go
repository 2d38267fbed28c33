package client

import (
	"context"
	"iter"
	"time"

	"huisclos/chat"
)

// API is what a face uses. *Client implements it for the process that owns the
// profile, *Remote for every other process of the same user.
//
// Rooms are named as people name them; "#" and capitals don't matter
// (chat.RoomName). All methods may be called at the same time. Errors are
// *chat.Error. After Close, and after the session has ended for good
// (Ended), methods return the reason.
type API interface {
	// Status says who and where we are. It needs no network.
	Status(ctx context.Context) (Status, error)
	// Online waits for the session: nil as soon as the login is done, else the
	// reason of the last attempt, once there was one. It doesn't end the attempts.
	Online(ctx context.Context) error
	// Events begins a stream of what happens from now on. It ends, by closing
	// the channel, with ctx or after Ended. A reader that falls far behind
	// loses events and is told so by Missed; messages are all in History.
	Events(ctx context.Context) (<-chan Event, error)

	// Join enters a key room and stays in it in later sessions. CodeRoomUnknown,
	// CodeRoomName. It returns when the room is read up to its head.
	Join(ctx context.Context, room string) (RoomView, error)
	// Leave leaves it; what was read is kept. CodeNotJoined.
	Leave(ctx context.Context, room string) error
	// Create makes a key room and joins it. CodeRoomExists, CodeRoomLimit.
	Create(ctx context.Context, room string) (RoomView, error)
	// Rooms lists the server's rooms and those joined; without a network, those joined.
	Rooms(ctx context.Context) ([]RoomView, error)
	// People lists who is in a room now; with an empty room, on the server.
	People(ctx context.Context, room string) ([]PersonView, error)

	// Queue puts a message at the end of the outbox and returns when it would
	// survive a crash of the program. What becomes of it is told by Sent or SendFailed.
	// CodeTooLarge when text is over Status.MaxText, CodeNotJoined.
	Queue(ctx context.Context, room, text string) (chat.MessageID, error)
	// Post is Queue for what isn't a plain text: an answer, an edit, a reaction. CodeFrame when it can't be said: a reaction that is no emoji, say.
	Post(ctx context.Context, room string, d Draft) (chat.MessageID, error)
	// Send returns when the message is durable on the server. When it fails, by
	// CodeNotAcked at the end of ctx or otherwise, nothing stays queued; a message that was
	// already on its way may still have arrived. It doesn't need the room to be joined.
	Send(ctx context.Context, room, text string) (Receipt, error)
	// SendDraft is Send for what isn't a plain text, or is to vanish. CodeFrame, CodeExpiry.
	SendDraft(ctx context.Context, room string, d Draft) (Receipt, error)
	// Flush waits until everything queued is acknowledged or has failed; it
	// returns the first failure, CodeNotAcked at the end of ctx.
	Flush(ctx context.Context) error

	// CreatePrivate makes a private room with us as its owner. CodeRoomExists when a room of that name is known here, CodeRoomLimit.
	CreatePrivate(ctx context.Context, room string) (RoomView, error)
	// Private enters the direct conversation with a person, begins it when there is none, and queues a message there unless text is empty.
	// CodeNoSuchPerson, CodeNoPackage when none of the person's devices can be added yet, CodeSelf.
	Private(ctx context.Context, name, text string) (RoomView, error)
	// Invite adds people, at most 64 at once, to a private room: all of them or none. It returns when the room has the change in its log. CodeNoSuchPerson, CodeNoPackage, CodeMember, CodeNotPrivate,
	// CodeNotMember, CodeRole.
	Invite(ctx context.Context, room string, names ...string) error
	// Remove takes a person out of a private room. CodeRole when our role isn't above theirs, CodeNotInRoom, CodeSelf.
	Remove(ctx context.Context, room, name string) error
	// Members lists who is in a private room. It needs no network. CodeNotPrivate, CodeNotMember, CodeReturning, CodeVerifying.
	Members(ctx context.Context, room string) ([]MemberView, error)
	// SetRole gives a member another role; only owners can. CodeRole, CodeNotInRoom, CodeSelf when no owner would be left.
	SetRole(ctx context.Context, room, name string, role Role) error
	// SetTopic changes what a private room is about; moderators and owners can. CodeRole, CodeTooLarge.
	SetTopic(ctx context.Context, room, topic string) error
	// SetPast says what newcomers of a private room are given of what was written before them: nothing (0, as in a new room), the last days, everything (-1). Only
	// owners can. CodeRole, CodeTooLarge.
	SetPast(ctx context.Context, room string, days int) error
	// SetSlow sets how long plain members of a private room wait between two texts: 1 s to 1 h, 0 for not at all. Moderators and owners can. CodeRole, CodeTooLarge, CodeNotPrivate.
	SetSlow(ctx context.Context, room string, wait time.Duration) error
	// SetExpiry says after how long the messages of a private room go from all its members' devices: those written from now on; 0 for never, else MinExpiry to
	// MaxExpiry, in whole seconds. Only owners can, and both people of a direct conversation. CodeRole, CodeExpiry.
	SetExpiry(ctx context.Context, room string, after time.Duration) error
	// SetNotify says which messages of a joined room are told loudly. It is kept in this profile. CodeNotJoined.
	SetNotify(ctx context.Context, room string, n Notify) error
	// SetReports says whether the authors of messages in private rooms of at most 20 members are told that these have come here and were read, which is off in a new profile. Who
	// doesn't tell isn't told either.
	SetReports(ctx context.Context, on bool) error
	// MarkRead says that a room's messages up to a place were shown to a person. It does nothing where reports are off. CodeNotJoined.
	MarkRead(ctx context.Context, room string, seq chat.Seq) error
	// SetTyping says whether those in a room are told when a person is writing there, which is off in a new profile. Who doesn't tell isn't told either.
	SetTyping(ctx context.Context, on bool) error
	// Typing tells those who are in a room of at most 20 people that a person is writing there, or has stopped; as often as it happens: few signs of it
	// are sent. It does nothing when that is off, or can't be told now. CodeNotJoined.
	Typing(ctx context.Context, room string, on bool) error
	// Mute keeps everybody from showing a plain member's messages, or lets them show again. CodeRole, CodeSelf.
	Mute(ctx context.Context, room, name string, mute bool) error
	// Ban removes a person and keeps others from inviting him again, or lets them. CodeRole, CodeSelf.
	Ban(ctx context.Context, room, name string, ban bool) error

	// History returns up to limit messages with seq > after, oldest first; it
	// fetches from the server what isn't here. No messages: the head.
	History(ctx context.Context, room string, after chat.Seq, limit int) ([]Message, error)
	// Recent returns the last messages with seq < before (0: up to the head),
	// at most limit of them, oldest first.
	Recent(ctx context.Context, room string, before chat.Seq, limit int) ([]Message, error)
	// Read goes through a room's messages with seq > after, to the head or, with
	// follow, on until ctx ends. An error is the last thing that it yields. The room
	// is read up to the server's head first; it need not be joined.
	Read(ctx context.Context, room string, after chat.Seq, follow bool) iter.Seq2[Message, error]

	// SetKey takes the key of another generation (hc1… or a link), when a rotation
	// left us without it. CodeKeyWrong when it fits no generation of this server.
	SetKey(ctx context.Context, text string) error
	// Resume goes on with a room that stopped, on the person's own decision: what
	// the server now holds is taken as the room's log. It does nothing to one that runs.
	Resume(ctx context.Context, room string) error
	// Lost lists the messages of a room that its server has lost for good (MessagesLost), oldest first. It needs no network.
	Lost(ctx context.Context, room string) ([]Message, error)

	// Safety is what to compare with somebody, so as to know that the name is really theirs: with them in person, or by
	// a way that the server isn't on. CodeNoSuchPerson, CodeSelf, CodeIdentityChange while another account claims the name.
	Safety(ctx context.Context, name string) (SafetyView, error)
	// Verify marks somebody as verified. With a number (or the text of a QR code), that the other one's program shows,
	// it compares it first: CodeSafetyOther, CodeSafetyForm. Without one the person has compared them.
	Verify(ctx context.Context, name, number string) (SafetyView, error)
	// Unverify takes the mark away.
	Unverify(ctx context.Context, name string) (SafetyView, error)

	// ForgetKey takes the account's key off this device, for good and from the files too (Vault.Scrub; its error comes after the key has gone). The person proves to have the
	// recovery phrase by at least ProofWords of its words, by their place from 1. Where it is gone already it does nothing. CodePhraseUnseen, CodePhraseOther, CodePhraseLength for too few; those of the
	// connection, because the server must have this device in the account's list before.
	ForgetKey(ctx context.Context, words map[int]string) error
	// TakeKey brings the account's key back to this device, from the 24 words. It needs no network. CodePhraseOther, and those of words that aren't a phrase.
	TakeKey(ctx context.Context, phrase string) error
	// Recovery gives the 24 words of the account, in a language ("en", "fr"); none when its key isn't on this device. From the first time on the server keeps a sealed backup for them; it
	// returns when that is stored, or can't be now.
	Recovery(ctx context.Context, language string) (Phrase, error)

	// Devices lists the devices of one's own account, oldest first.
	Devices(ctx context.Context) ([]DeviceView, error)
	// RevokeDevice puts one of them out for good; id is the beginning of its ID. CodeNoDevice, CodeSelf for this one, CodePhraseNeeded when the account's key
	// isn't on this device: then RevokeDeviceBy does it with the 24 words, which nothing keeps; its errors are also those of TakeKey.
	RevokeDevice(ctx context.Context, id string) (DeviceView, error)
	RevokeDeviceBy(ctx context.Context, id, phrase string) (DeviceView, error)

	// OpenCode makes an invitation code, with French words for "fr", and English ones otherwise. It can be used for life, at most and if 0 for CodeLife, once, while
	// this session is there: CodeUsed or CodeFailed tells what became of it. CodeKeyNeeded when we lack the key in force, CodeCodeTries
	// when too many guesses have failed, CodeRate. With a private room, whoever joins by the code is taken into that too; CodeNotPrivate, CodeNotMember.
	OpenCode(ctx context.Context, room, lang string, life time.Duration) (InviteCode, error)
	// CloseCode takes a code back. One that is gone already is no error.
	CloseCode(ctx context.Context, number uint32) error

	// OpenLink makes a link code, by which a person takes another device of their own along; language and life are those of OpenCode. CloseCode takes it back. LinkAsked tells that
	// a device has used it, and waits for AnswerLink; LinkDone or CodeFailed what became of it. CodeCodeTries, CodeRate.
	OpenLink(ctx context.Context, lang string, life time.Duration) (InviteCode, error)
	// AnswerLink says whether the device of LinkAsked gets the account: with number 0 the only one that waits. CodeNoLink.
	AnswerLink(ctx context.Context, number uint32, yes bool) error

	// Close ends the session. What is queued stays queued. A Remote's Close only ends
	// the connection to the owner.
	Close(ctx context.Context) error
}

// Status is the state of the session.
type Status struct {
	Server     chat.Fingerprint
	Address    string // where it was last reached, HOST:PORT
	Software   string // the server's program and version; empty before the first login
	Name       string
	Account    chat.AccountID
	Device     chat.DeviceID
	Online     bool
	Offline    *chat.Error     // why not, when it isn't
	Ended      *chat.Error     // why the session ended for good
	Generation chat.Generation // the server's newest
	Keys       []chat.Generation
	Enrolled   bool // the server knows this device
	Prove      bool // this device must prove the newest key before it can log in
	Ephemeral  bool // the server forgets everything when it stops, and so does this profile
	Session    uint64
	MaxText    int   // bytes of text in one message; 0 before the first login
	Skew       int64 // the server's clock minus ours at the login, ms
	Queued     int   // messages not acknowledged yet
	Protection Protection
	NewDevice  string // why this device's keys were made anew, empty when they weren't (ReasonVaultRolledBack …)
	Backup     BackupView
	Reports    bool            // SetReports
	Typing     bool            // SetTyping
	Restored   *ServerRestored // the server says that a backup was put back, and takes back what it lacks; nil: it doesn't
	Rooms      []RoomView
	Transfers  []TransferView // history that is on its way from or to another device of one's own
}

// Protection says what guards the vault's key.
type Protection string

const (
	// ProtectedByKeyring: the system's keyring holds the key.
	ProtectedByKeyring Protection = "keyring"
	// ProtectedByFile: a file of mode 0600 beside the vault: not protected from who can read your files.
	ProtectedByFile Protection = "file"
	// ProtectedByPassphrase: the key is sealed by a passphrase (Argon2id).
	ProtectedByPassphrase Protection = "passphrase"
	// ProtectedByMemory: nothing is written to disk.
	ProtectedByMemory Protection = "memory"
)

// RoomView is a room as a face shows it.
type RoomView struct {
	Room    chat.RoomID
	Name    string // without "#"
	Kind    chat.RoomKind
	Joined  bool
	Oldest  chat.Seq // the first entry that we hold; 0 when we hold none
	Read    chat.Seq // verified up to here
	Head    chat.Seq // the server's, as last heard
	Online  int      // people in it, as last heard; -1 when unknown
	Queued  int
	Stopped *chat.Error // why it stopped; nil when it runs
	// Of a private room.
	Direct    bool // a direct conversation; Name is "@" and the other's name
	Members   int  // accounts
	Topic     string
	Role      Role
	Away      bool          // this device is on its way back into the group
	Out       bool          // the server says that we aren't a member; no member has
	Pending   bool          // this device came from outside, and its name, its rules and its past are asked for
	Missing   int           // messages that the others are asked for
	Slow      time.Duration // between two texts of a plain member; 0: none
	SlowUntil time.Time     // our next text waits until then, by our clock; zero: it goes at once
	Expiry    time.Duration // after which its messages go; 0: never
	Notify    Notify        // of any room; never NotifyUsual
}

// PersonView is somebody present.
type PersonView struct {
	Account chat.AccountID
	Name    string
	Me      bool
	Devices int // connected
	Since   time.Time
	Client  string // the client's program and version, as the server tells it
	// Refused says why this person's messages aren't shown: CodeNameLookalike,
	// CodeIdentityChange, CodeAuth. Name is then only what the server claims.
	Refused *chat.Error
	Trust   Trust
}

// Receipt is the server's acknowledgement.
type Receipt struct {
	Room string
	ID   chat.MessageID
	Seq  chat.Seq
	Time time.Time // the server's
}

// Form says what a Message holds.
type Form uint8

const (
	// Text is a message that passed every check.
	Text Form = 1
	// Unreadable is one whose key we lack. It becomes Text by itself when the key comes;
	// a second Message with the same Seq tells so.
	Unreadable Form = 2
	// Removed is one that the server's retention has removed.
	Removed Form = 3
	// Refused is an entry that failed a check; nothing of it is shown.
	Refused Form = 4
	// Unsupported is a message of a kind that this version doesn't know.
	Unsupported Form = 5
	// Changed is a change of who is in a private room: Added, Removed and Returned say what Sender has changed.
	Changed Form = 6
	// Silent is an entry with nothing for people. It isn't in what API returns.
	Silent Form = 7
	// Taken is a message that was taken back, by its author or by a moderator.
	Taken Form = 8
	// Expired is a message whose time is over: nothing of it is here any more. It isn't in what API returns of the past; Updated and Quote have it.
	Expired Form = 9
)

// Message is one entry of a room's log. It is also an Event.
type Message struct {
	Room       string
	Seq        chat.Seq
	ID         chat.MessageID
	Account    chat.AccountID
	Device     chat.DeviceID
	Sender     string // pinned name; empty when Removed, or Refused before the name was known
	Mine       bool
	Time       time.Time // the server's
	Written    time.Time // the sender's word
	Form       Form
	Text       string          // of Text; Markdown or plain
	Generation chat.Generation // of the key that it is sealed with
	Err        *chat.Error     // why, for Unreadable and Refused
	Old        bool            // it was there before this session read up to the head
	Trust      Trust           // how well the sender is known, now
	Added      []string        // of Changed: names
	Removed    []string
	Left       []string // who asked for it themselves
	NewDevices []string // members of whom one more device is in the room
	Returned   bool     // Sender couldn't follow, and came back
	Weak       []string // who came on a key that is used more than once: weaker until their first change of keys
	Silent     []string // who was taken out because nothing came of them for 60 days
	Sleeping   []string // members of whom a device was taken out for that
	Changes    []Change
	What       What
	Ref        *Quote // what it answers, edits, takes back or reacts at; nil for none
	Markdown   bool
	Edited     bool   // Text isn't what was said first
	TakenBy    string // of Taken
	Reactions  []ReactionView
	SharedBy   string        // the member on whose word it is here; empty: it was read in the log
	Expires    time.Time     // when it goes from this device, by its clock; zero: never
	Mentions   []MentionView // in Text, in its order
	MentionsMe bool          // somebody else mentions this account
	Seen       []SeenView    // of our own message: what was reported on it
}

// About says what of a private room's state has changed.
type About uint8

// What changes besides who is in a room.
const (
	// AboutTopic: Value is the new one.
	AboutTopic About = 1
	// AboutRole: Role is Name's new one.
	AboutRole About = 2
	// AboutMuted and AboutUnmuted: whether what Name writes is shown.
	AboutMuted   About = 3
	AboutUnmuted About = 4
	// AboutBanned and AboutUnbanned: whether Name can be invited.
	AboutBanned   About = 5
	AboutUnbanned About = 6
	// AboutPast: what newcomers are given: Value is a number of days, "-1" for everything, "0" for nothing.
	AboutPast About = 7
	// AboutSlow: Value is the seconds between two texts of a plain member, "0" for none.
	AboutSlow About = 9
	// AboutExpiry: after how long messages go: Value is a number of seconds, "0" for never.
	AboutExpiry About = 8
)

// Change is one change of a private room's state.
type Change struct {
	About About
	Name  string
	Value string
	Role  Role
}
