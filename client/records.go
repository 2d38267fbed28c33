package client

import (
	"encoding/binary"
	"errors"

	"huisclos/chat"
	"huisclos/wire"
)

// The records of the vault. Each is a CBOR map with small numbers for names, so that a later
// version can add to it; what a number means never changes.

// selfRecord is who we are on this server. It holds secrets.
type selfRecord struct {
	Server      chat.Fingerprint `cbor:"1,keyasint"`
	Name        string           `cbor:"2,keyasint"`
	Account     []byte           `cbor:"3,keyasint"` // the account's private key; empty: it isn't here any more
	Device      []byte           `cbor:"4,keyasint"` // the device's private keys
	Certificate []byte           `cbor:"5,keyasint"`
	ListVersion uint64           `cbor:"6,keyasint"`
	NameSig     []byte           `cbor:"7,keyasint"`
	Enrolled    bool             `cbor:"8,keyasint,omitempty"`
	Address     string           `cbor:"9,keyasint,omitempty"`
	Incarnation []byte           `cbor:"10,keyasint,omitempty"`
	Ephemeral   bool             `cbor:"11,keyasint,omitempty"`
	Newest      chat.Generation  `cbor:"12,keyasint,omitempty"` // the server's newest generation, as last heard
	Message     uint32           `cbor:"13,keyasint,omitempty"` // the server's limit of one envelope, bytes
	NewDevice   string           `cbor:"14,keyasint,omitempty"` // reason of the last renewal
	Given       []byte           `cbor:"15,keyasint,omitempty"` // a key that wasn't tried on the server yet
	AccountID   chat.AccountID   `cbor:"16,keyasint"`
	LastRefs    [][]byte         `cbor:"18,keyasint,omitempty"` // of those whose secrets are kept, oldest first
	Renew       string           `cbor:"50,keyasint,omitempty"` // why the device's keys may not be used before they are made anew, which needs the account's key
	LastResort  int64            `cbor:"17,keyasint,omitempty"` // when our key package of last resort was made, ms since 1970
	Reports     bool             `cbor:"60,keyasint,omitempty"` // others are told what has come here and was read
	Typing      bool             `cbor:"61,keyasint,omitempty"` // and that we are writing
}

// keyRecord is the shared key of one generation.
type keyRecord struct {
	Key  []byte `cbor:"1,keyasint"`
	Link bool   `cbor:"2,keyasint,omitempty"` // the server has the link to the generation before
}

// roomRecord is the state of one room's log.
type roomRecord struct {
	Name   string        `cbor:"1,keyasint"`
	Kind   chat.RoomKind `cbor:"2,keyasint"`
	Joined bool          `cbor:"3,keyasint,omitempty"`
	// Anchored says that Base and Seq mean something.
	Anchored bool     `cbor:"4,keyasint,omitempty"`
	Base     chat.Seq `cbor:"5,keyasint,omitempty"` // the verified stretch begins after this
	BaseHash [32]byte `cbor:"6,keyasint"`
	Seq      chat.Seq `cbor:"7,keyasint,omitempty"` // and ends here
	Hash     [32]byte `cbor:"8,keyasint"`
	Floor    chat.Seq `cbor:"9,keyasint,omitempty"` // the server's log begins after this, as last heard
	// The counters under which we sealed last.
	OwnCounter uint64   `cbor:"10,keyasint,omitempty"`
	OwnHash    [32]byte `cbor:"11,keyasint"`
	// The newest of our messages that the server acknowledged.
	Acked         chat.Seq `cbor:"12,keyasint,omitempty"`
	AckedHash     [32]byte `cbor:"13,keyasint"`
	Whole         bool     `cbor:"22,keyasint,omitempty"` // read it all, from the start
	AckedCounter  uint64   `cbor:"19,keyasint,omitempty"` // of our message with the greatest one acknowledged
	AckedEnvelope [32]byte `cbor:"20,keyasint"`
	// What members have seen before Base, to be compared when we read that far back.
	Claims map[chat.Seq][32]byte `cbor:"14,keyasint,omitempty"`
	// Why it stopped.
	StopCode   chat.Code         `cbor:"15,keyasint,omitempty"`
	StopParams map[string]string `cbor:"16,keyasint,omitempty"`
	StopSeq    chat.Seq          `cbor:"17,keyasint,omitempty"`
	Gap        chat.Seq          `cbor:"18,keyasint,omitempty"` // entries up to here that we never read are gone
	Barrier    chat.Seq          `cbor:"21,keyasint,omitempty"` // nothing before is read: a person resumed here, or we came then
	Private    *privateRecord    `cbor:"23,keyasint,omitempty"` // of a private room
	Notify     Notify            `cbor:"60,keyasint,omitempty"`
	Shown      chat.Seq          `cbor:"61,keyasint,omitempty"` // up to here it was reported as read
	// What is kept as it came: entries from RawFirst on, up to before RawNext. RawFirst 0: nothing.
	RawFirst chat.Seq `cbor:"80,keyasint,omitempty"`
	RawNext  chat.Seq `cbor:"81,keyasint,omitempty"`
	RawBytes int64    `cbor:"82,keyasint,omitempty"`
	Lost     bool     `cbor:"83,keyasint,omitempty"` // what the server has lost for good isn't told yet
}

// privateRecord is what of a private room isn't in the records of its group.
type privateRecord struct {
	Direct      chat.AccountID  `cbor:"1,keyasint"`            // with whom; zero for a room
	State       []byte          `cbor:"2,keyasint,omitempty"`  // roomState in force
	Commit      chat.Seq        `cbor:"3,keyasint,omitempty"`  // the last Commit in the log, void or not
	Applied     chat.Seq        `cbor:"4,keyasint,omitempty"`  // the last one that counted
	Voided      chat.Seq        `cbor:"5,keyasint,omitempty"`  // the last one that didn't, when none has counted since
	Confirm     chat.Seq        `cbor:"6,keyasint,omitempty"`  // the last one that took somebody out
	Confirmed   chat.Seq        `cbor:"7,keyasint,omitempty"`  // the same, once the roster was compared: the base of our messages
	Epoch       uint64          `cbor:"8,keyasint,omitempty"`  // in which we came
	Updated     int64           `cbor:"9,keyasint,omitempty"`  // when we last gave our leaf new keys, ms since 1970; 0: never
	Pending     *pendingRecord  `cbor:"10,keyasint,omitempty"` // our commit under way
	Lost        bool            `cbor:"11,keyasint,omitempty"` // we can't follow, and come back
	Return      []byte          `cbor:"12,keyasint,omitempty"` // SHA-256 of the envelope of our external commit under way
	ReturnID    chat.MessageID  `cbor:"13,keyasint"`
	Anew        bool            `cbor:"35,keyasint,omitempty"` // it takes no leaf of ours out: we count from 1
	Leaving     bool            `cbor:"14,keyasint,omitempty"` // we have asked to be removed
	Gone        bool            `cbor:"15,keyasint,omitempty"` // we aren't a member any more
	Nameless    bool            `cbor:"16,keyasint,omitempty"` // we came from outside and don't know the room's state yet
	Came        chat.Seq        `cbor:"17,keyasint,omitempty"` // the commit that brought us
	Inviter     chat.AccountID  `cbor:"18,keyasint"`           // who made it
	Wanted      *wantedRecord   `cbor:"19,keyasint,omitempty"` // what we lack and others are asked for
	Late        *wantedRecord   `cbor:"36,keyasint,omitempty"` // what we found to be missing since, and others will be asked for when they aren't asked for that any more
	External    bool            `cbor:"37,keyasint,omitempty"` // we came by an external commit: our account was a member before
	Asked       chat.MessageID  `cbor:"20,keyasint"`           // our last request
	Known       []chat.DeviceID `cbor:"22,keyasint,omitempty"` // who was in the group when we lost it
	KnownEpoch  uint64          `cbor:"23,keyasint,omitempty"`
	Unproven    bool            `cbor:"24,keyasint,omitempty"` // we came back, and none of Known has spoken or signed
	SignerKnown bool            `cbor:"25,keyasint,omitempty"` // of the state that we are coming back by
	Since       int64           `cbor:"26,keyasint,omitempty"` // when we came, ms since 1970
	LostAt      chat.Seq        `cbor:"21,keyasint,omitempty"` // up to here we followed, before we didn't
	Unjudged    chat.Seq        `cbor:"31,keyasint,omitempty"` // the last commit that we followed without knowing the room's rules
	Before      chat.Seq        `cbor:"38,keyasint,omitempty"` // up to here we read it when we were a member another time: that isn't told until it is proven that this is the same room
	Unsaid      bool            `cbor:"39,keyasint,omitempty"` // we left without being able to tell the others
	LeafKey     []byte          `cbor:"41,keyasint,omitempty"` // of our leaf in the group that we lost
	Rewound     bool            `cbor:"33,keyasint,omitempty"` // the log was put back, as the person has agreed to: an earlier epoch may be right
	Unvetted    bool            `cbor:"34,keyasint,omitempty"` // who its members are isn't verified yet
	Left        bool            `cbor:"32,keyasint,omitempty"` // that was told: what removes us is in the log
	Back        bool            `cbor:"30,keyasint,omitempty"` // we came back in Epoch, and were a member before
	Watched     int64           `cbor:"70,keyasint,omitempty"` // since when we follow it without long pauses, by our clock, ms since 1970
	Seen        int64           `cbor:"71,keyasint,omitempty"` // when we last did
	Silent      []silentRecord  `cbor:"72,keyasint,omitempty"` // told in this epoch
	Linked      bool            `cbor:"40,keyasint,omitempty"` // this device was linked: another of ours named Known and KnownEpoch, and hasn't been proven right yet
	Branch      bool            `cbor:"80,keyasint,omitempty"` // the server has lost commits that we applied: the next one in its log says whether it is of our branch
	Regain      []regainRecord  `cbor:"81,keyasint,omitempty"` // what they did to the members
	Outside     bool            `cbor:"82,keyasint,omitempty"` // not even the commit that brought us is in the log: what is there isn't ours
}

// wantedRecord is a range of entries: after one, up to another.
type wantedRecord struct {
	After chat.Seq `cbor:"1,keyasint"`
	Upto  chat.Seq `cbor:"2,keyasint"`
	Tries int      `cbor:"3,keyasint,omitempty"` // how often it was asked for
}

// pendingRecord is what our pending commit does.
type pendingRecord struct {
	Added   []chat.AccountID `cbor:"1,keyasint,omitempty"`
	Removed []chat.AccountID `cbor:"2,keyasint,omitempty"`
	State   []byte           `cbor:"3,keyasint,omitempty"`
	Left    []chat.AccountID `cbor:"4,keyasint,omitempty"`  // those of Removed who asked for it
	Devices []chat.DeviceID  `cbor:"5,keyasint,omitempty"`  // of Added
	Weak    []chat.DeviceID  `cbor:"70,keyasint,omitempty"` // those of Devices that came by a last resort
	Gone    []chat.DeviceID  `cbor:"71,keyasint,omitempty"` // of Removed, in the same order
}

// senderRecord is how far a sender's counter is in a room.
type senderRecord struct {
	Counter uint64   `cbor:"1,keyasint"` // of its newest message
	Hash    [32]byte `cbor:"2,keyasint"` // of that envelope
	Seq     chat.Seq `cbor:"3,keyasint"` // its place; while Counter is 0, that of the commit of Since
	// The oldest one that we have read, for reading further back.
	FirstCounter  uint64   `cbor:"4,keyasint"`
	FirstPrevious [32]byte `cbor:"5,keyasint"`
	FirstSeq      chat.Seq `cbor:"6,keyasint"`
	Since         uint64   `cbor:"7,keyasint,omitempty"`  // of a private room: the epoch in which the device was invited, and counts from 1
	Heard         int64    `cbor:"70,keyasint,omitempty"` // of a private room: when we last read something of the device, by our clock, ms since 1970
	Weak          bool     `cbor:"71,keyasint,omitempty"` // it was invited on a last resort, and hasn't renewed its keys since
}

// personRecord is a pinned account.
type personRecord struct {
	Name    string `cbor:"1,keyasint"`
	NameSig []byte `cbor:"2,keyasint"`
	Version uint64 `cbor:"3,keyasint,omitempty"` // the highest version of the device list that we saw
	Former  bool   `cbor:"4,keyasint,omitempty"` // another account has the name now, as the person accepted
	// Verified is when we compared keys with the person, ms since 1970; 0: we haven't. VerifiedBy says how.
	Verified   int64  `cbor:"5,keyasint,omitempty"`
	VerifiedBy string `cbor:"6,keyasint,omitempty"`
	Changed    bool   `cbor:"7,keyasint,omitempty"` // another account had the name here before, and this one isn't verified
	List       []byte `cbor:"8,keyasint,omitempty"` // the newest trust.DeviceList that we saw
}

// deviceRecord is a pinned device.
type deviceRecord struct {
	Account     chat.AccountID `cbor:"1,keyasint"`
	Certificate []byte         `cbor:"2,keyasint"`
}

// outboxRecord is a message that waits.
type outboxRecord struct {
	ID   chat.MessageID `cbor:"1,keyasint"`
	Text string         `cbor:"2,keyasint"`
	// Once: made by Send, which forgets it when it fails.
	Once bool `cbor:"3,keyasint,omitempty"`
	// Envelope is what was sent; empty: it isn't sealed yet.
	Envelope []byte `cbor:"4,keyasint,omitempty"`
	// Acked is its place in the log once the server said so; it waits to be read there.
	Acked chat.Seq `cbor:"5,keyasint,omitempty"`
	// Of a private room: what of it is inside the encryption besides the content, once it was sealed; and what it is when it isn't a person's message.
	Inner   []byte    `cbor:"6,keyasint,omitempty"`
	Kind    innerKind `cbor:"7,keyasint,omitempty"`
	Content []byte    `cbor:"8,keyasint,omitempty"`
	What    What      `cbor:"9,keyasint,omitempty"`
	Due     int64     `cbor:"60,keyasint,omitempty"` // when it goes if it hasn't been sent, ms since 1970; 0: never
	AckedAt int64     `cbor:"80,keyasint,omitempty"` // the server's time of Acked, ms since 1970
}

// entryRecord is one entry read.
type entryRecord struct {
	Time       int64             `cbor:"1,keyasint"` // the server's, ms since 1970
	Form       Form              `cbor:"2,keyasint"`
	Envelope   [32]byte          `cbor:"3,keyasint"` // its SHA-256
	Hash       [32]byte          `cbor:"4,keyasint"` // H of the chain here
	Account    chat.AccountID    `cbor:"5,keyasint"`
	Device     chat.DeviceID     `cbor:"6,keyasint"`
	ID         chat.MessageID    `cbor:"7,keyasint"`
	Generation chat.Generation   `cbor:"8,keyasint,omitempty"`
	Text       string            `cbor:"9,keyasint,omitempty"`
	Code       chat.Code         `cbor:"10,keyasint,omitempty"`
	Params     map[string]string `cbor:"11,keyasint,omitempty"`
	Raw        []byte            `cbor:"12,keyasint,omitempty"` // the envelope, while it can't be read
	// Of Changed.
	Added   []chat.AccountID `cbor:"13,keyasint,omitempty"`
	Removed []chat.AccountID `cbor:"14,keyasint,omitempty"`
	Back    bool             `cbor:"15,keyasint,omitempty"` // Account came back with new keys
	Left    []chat.AccountID `cbor:"16,keyasint,omitempty"`
	About   []aboutRecord    `cbor:"17,keyasint,omitempty"`
	// Of a message that isn't only said, and of one to which others did something.
	What      What             `cbor:"18,keyasint,omitempty"`
	Ref       chat.MessageID   `cbor:"19,keyasint"`
	Markdown  bool             `cbor:"20,keyasint,omitempty"`
	Edited    chat.Seq         `cbor:"21,keyasint,omitempty"` // the edit that is shown, or what took it back
	TakenBy   chat.AccountID   `cbor:"22,keyasint"`
	Reactions []reactionRecord `cbor:"23,keyasint,omitempty"`
	Moderates bool             `cbor:"24,keyasint,omitempty"` // the sender could take back what others wrote
	Devices   []chat.AccountID `cbor:"25,keyasint,omitempty"` // of Changed: members with one device more
	SharedBy  chat.AccountID   `cbor:"26,keyasint"`           // the member on whose word it is here; zero: from the log itself
	Weak      []chat.AccountID `cbor:"70,keyasint,omitempty"` // of Changed: who came by a last resort
	Silent    []chat.AccountID `cbor:"71,keyasint,omitempty"` // who went because nothing came of them for long
	Sleeping  []chat.AccountID `cbor:"72,keyasint,omitempty"` // members of whom a silent device went
	Moved     bool             `cbor:"40,keyasint,omitempty"` // another device of our account has read it in the log, and handed it over
	// Of a message that expires (expire.go): for how many seconds it is there, when it goes and when it was read, by this machine's clock, ms since 1970.
	Life uint32 `cbor:"60,keyasint,omitempty"`
	Due  int64  `cbor:"61,keyasint,omitempty"`
	Read int64  `cbor:"62,keyasint,omitempty"`
	// Mentions are in Text.
	Mentions []mentionRecord `cbor:"63,keyasint,omitempty"`
	Reports  []reportRecord  `cbor:"64,keyasint,omitempty"` // of a message of ours
	limits   limits          // while it is read
}

// aboutRecord is a change of a private room's state.
type aboutRecord struct {
	What    About          `cbor:"1,keyasint"`
	Account chat.AccountID `cbor:"2,keyasint"`
	Value   string         `cbor:"3,keyasint,omitempty"`
}

// errRecord is a record that the vault authenticated and that we can't read: made by another version.
var errRecord = errors.New("client: a record of another version")

func parseRecord(b []byte, v any) error {
	if err := wire.Unmarshal(b, v); err != nil {
		return chat.Errorf(chat.CodeVaultNewer).Because(errors.Join(errRecord, err))
	}
	return nil
}

// Keys of the tables.

var selfKey = []byte("self")

func generationKey(g chat.Generation) []byte { return binary.BigEndian.AppendUint32(nil, uint32(g)) }

func parseGeneration(key []byte) chat.Generation {
	if len(key) != 4 {
		return 0
	}
	return chat.Generation(binary.BigEndian.Uint32(key))
}

func entryKey(r chat.RoomID, n chat.Seq) []byte {
	return binary.BigEndian.AppendUint64(r[:len(r):len(r)], uint64(n))
}

func outboxKey(r chat.RoomID, order uint64) []byte {
	return binary.BigEndian.AppendUint64(r[:len(r):len(r)], order)
}

func groupKey(r chat.RoomID, key string) []byte { return append(r[:len(r):len(r)], key...) }

func senderKey(r chat.RoomID, d chat.DeviceID) []byte {
	return append(r[:len(r):len(r)], d[:]...)
}

// roomRange bounds the keys of one room: from its first to before the next.
func roomRange(r chat.RoomID) (from, to []byte) {
	from = r[:]
	to = make([]byte, len(r))
	copy(to, r[:])
	for i := len(to) - 1; i >= 0; i-- {
		if to[i]++; to[i] != 0 {
			return from, to
		}
	}
	return from, nil
}

// splitKey takes the number from the end of an entry's or an outbox record's key.
func splitKey(key []byte) (r chat.RoomID, n uint64) {
	if len(key) != len(r)+8 {
		return r, 0
	}
	return chat.RoomID(key[:len(r)]), binary.BigEndian.Uint64(key[len(r):])
}
