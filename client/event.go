package client

import (
	"time"

	"huisclos/chat"
)

// Event is one of: Message, Sent, SendFailed, Arrivals, Online, Offline, Notice,
// Gap, RoomStopped, RoomResumed, Rotated, KeyMissing, KeyGained, IdentityChanged, NewDevice, DeviceAdded, DeviceRevoked,
// DevicesWithheld, Missed, Ended, Invited, InvitationRefused, PutOut, Left, Returning, Returned, Updated, PastShared, PastAsked, PastEnded, Held, LinkAsked, LinkDone, HistoryMoved,
// ReportRead, Typing, ServerRestored, Refilling, Refilled, RefillConflict, MessagesLost, Readmitted.
type Event interface{ event() }

// Sent tells that a message of ours is durable on the server.
type Sent struct {
	Room string
	ID   chat.MessageID
	Seq  chat.Seq
	Time time.Time
}

// SendFailed tells that a message will not be sent. Text is what was in it.
type SendFailed struct {
	Room string
	ID   chat.MessageID
	Text string
	Err  *chat.Error
}

// Arrivals tells who came into a room and who left. In a large room only
// the number is told.
type Arrivals struct {
	Room   string
	Came   []string
	Went   []string
	Online int
	Member bool // it is a private room: they are members, and stay so when they go
}

// Online tells that the login is done and every joined room is being read.
type Online struct {
	Address string
	Session uint64
	First   bool // of this process
}

// Offline tells that the connection was lost or couldn't be made, and when it is tried again.
type Offline struct {
	Err     *chat.Error
	RetryIn time.Duration
}

// Notice is what the server's admin says to everyone; the server can read it.
type Notice struct {
	Text string
	Time time.Time
}

// Gap tells that entries From to To of a room are gone: the server's retention
// removed them before we read them.
type Gap struct {
	Room     string
	From, To chat.Seq
}

// RoomStopped tells that a room is neither read nor written any more, and why: CodeForked,
// CodeRolledBack, CodeIdentityChange. See API.Resume.
type RoomStopped struct {
	Room string
	Seq  chat.Seq // the entry that failed; 0 when it isn't about one
	Err  *chat.Error
}

// RoomResumed tells that a stopped room goes on. What comes after that entry is new, also where there were others of these numbers.
type RoomResumed struct {
	Room  string
	After chat.Seq
}

// Rotated tells that a new generation of the shared key began.
type Rotated struct {
	Generation chat.Generation
	Have       bool // we hold its key
}

// KeyMissing tells that the key of a generation is needed and how we ask for it:
// CodeKeyNeeded with its hint. It is told once for each session and generation.
type KeyMissing struct {
	Generation chat.Generation
	Err        *chat.Error
}

// KeyGained tells that a missing key came, and how many messages it opened.
type KeyGained struct {
	Generation chat.Generation
	Opened     int
}

// IdentityChanged tells that the server shows other keys for a name than those
// first seen (CodeIdentityChange), or a name that looks like another's (CodeNameLookalike).
type IdentityChanged struct {
	Name    string
	Account chat.AccountID // that claims the name now
	Err     *chat.Error
	// Verified: the account that has the name here is verified. The one that claims it now isn't, and won't be by accepting it.
	Verified bool
}

// NewDevice tells that the keys of this device were made anew, and why.
type NewDevice struct{ Reason string }

// DeviceAdded tells that an account which we know has a device that we didn't know. Its keys are those that were seen before: it has certified the device.
type DeviceAdded struct {
	Name    string
	Account chat.AccountID
	Device  chat.DeviceID
	Issued  time.Time // the device's word
	Mine    bool      // it is our own account: somebody has used our recovery words, ourselves perhaps
}

// DeviceRevoked tells that an account has revoked a device of its own: what that says later isn't believed.
type DeviceRevoked struct {
	Name    string
	Account chat.AccountID
	Device  chat.DeviceID
	Mine    bool
}

// DevicesWithheld tells that the server shows an older device list of an account than it has shown before, or another one (Forked): a revoked device might
// pass for a good one. What was seen before counts.
type DevicesWithheld struct {
	Name      string
	Account   chat.AccountID
	Have, Got uint64 // versions
	Forked    bool
}

// The reasons of NewDevice.
const (
	// ReasonVaultRolledBack: the vault is an older copy of itself.
	ReasonVaultRolledBack = "vault_rolled_back"
	// ReasonRevoked: the server no longer accepts the old keys.
	ReasonRevoked = "revoked"
)

// The reasons of a CodeGoodbye, when there is more to say than that the server has stopped.
const (
	// ReasonMemory: the server was in memory; its rooms and its key are gone with it.
	ReasonMemory = "memory"
	// ReasonOwner: it isn't the server, but the process that had the profile open (Remote).
	ReasonOwner = "owner"
)

// Missed tells a slow reader of Events how many it lost.
type Missed struct{ Events int }

// Ended is the last event: the session is over and isn't tried again. Err is CodeKicked,
// CodeBanned, CodeGoodbye of an in-memory server, CodeSuperseded, CodeIdentity, …; nil after Close.
type Ended struct {
	Err  *chat.Error
	Gone bool // the server was in memory and is gone: the profile can be removed
}

// Updated tells that a message was edited or taken back, or that somebody reacted to it: Message is as it stands now.
type Updated struct{ Message Message }

func (Updated) event() {}

// PastShared tells that a member has told messages from before this device could read them. More: others are asked for.
type PastShared struct {
	Room     string
	By       string
	Messages int
	More     bool
}

func (PastShared) event() {}

// Held tells that slow mode keeps a text of ours back, and until when by our clock; those that wait behind it keep their order.
type Held struct {
	Room   string
	ID     chat.MessageID
	Until  time.Time
	Queued int // texts that wait, with it
}

func (Held) event() {}

// PastAsked tells that members are asked for what this device can't read: all of them, or the one Of.
type PastAsked struct {
	Room     string
	Of       string
	Messages int
}

// PastEnded tells that nobody else is asked in this session. Missing messages can't be read here still.
type PastEnded struct {
	Room    string
	Missing int
}

func (PastAsked) event() {}
func (PastEnded) event() {}

// Invited tells that somebody has taken us into a private room, or has begun a direct conversation. We are in it.
type Invited struct {
	Room    string
	By      string
	Direct  bool
	Members int
	Was     string // what the room was called here until its name was known; empty when we didn't have it
	Weak    bool   // on a key that is used more than once: what is written to us is weaker until our first message
}

// InvitationRefused tells that an invitation wasn't what it claimed to be, and why.
type InvitationRefused struct {
	By  string
	Err *chat.Error
}

// PutOut tells that we aren't in a private room any more. By is who removed us; empty when only the server says so: then
// nothing is forgotten, and the next session asks again.
type PutOut struct {
	Room, By string
	Silent   bool // this device had said nothing for 60 days
}

// Left tells that we have left a private room.
type Left struct{ Room string }

// Returning tells that this device can't follow a private room any more, and asks to come back by itself.
type Returning struct{ Room string }

// Returned tells that it follows again. What was written meanwhile is Unreadable here.
type Returned struct{ Room string }

func (Invited) event()           {}
func (InvitationRefused) event() {}
func (PutOut) event()            {}
func (Left) event()              {}
func (Returning) event()         {}
func (Returned) event()          {}

func (Message) event()         {}
func (Sent) event()            {}
func (SendFailed) event()      {}
func (Arrivals) event()        {}
func (Online) event()          {}
func (Offline) event()         {}
func (Notice) event()          {}
func (Gap) event()             {}
func (RoomStopped) event()     {}
func (RoomResumed) event()     {}
func (Rotated) event()         {}
func (KeyMissing) event()      {}
func (KeyGained) event()       {}
func (IdentityChanged) event() {}
func (NewDevice) event()       {}
func (DeviceAdded) event()     {}
func (DeviceRevoked) event()   {}
func (DevicesWithheld) event() {}
func (Missed) event()          {}
func (Ended) event()           {}
