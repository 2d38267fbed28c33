package hub

import (
	"context"
	"time"

	"huisclos/chat"
	"huisclos/trust"
)

// Store keeps everything that must outlive a connection. store.SQLite is one; the
// conformance suite store/storetest says what each must do. Every method is one
// transaction and is durable when it returns; all may be called at the same time.
// Errors are *chat.Error: CodeDiskFull, CodeStorage, or those that a method names.
type Store interface {
	// Incarnation identifies this store's history: it is drawn when the store is made, and
	// anew when a backup is restored.
	Incarnation() [16]byte

	// Append is the one way into a log. In one transaction it checks each submission
	// in order, gives the good ones their sequence numbers and chain hashes, and
	// reports each: CodeRevoked, CodeBanned, CodeSuperseded (an older session generation),
	// CodeRoomUnknown, CodeSame, CodeConflict, and in private rooms what Change and CodeNotMember say. A known (device, ID) with the same bytes is
	// no error: the outcome repeats the first acknowledgement. An error of Append itself
	// means that nothing of the batch is stored.
	Append(ctx context.Context, batch []Submission) ([]Outcome, error)
	// Entries reads seq > after in order: at most limit of them, and no more than maxBytes of
	// envelopes unless the first alone is larger. before is H of the entry before the first.
	Entries(ctx context.Context, room chat.RoomID, after chat.Seq, limit, maxBytes int) (Page, error)

	Rooms(ctx context.Context) ([]Room, error)
	// CreateRoom returns CodeRoomExists with the existing room, and CodeRoomLimit beyond most rooms of its kind. The creator of a
	// private room is on its roster (CodeNoSuchPerson).
	CreateRoom(ctx context.Context, r NewRoom, most int) (Room, error)
	// Prune removes what a room's retention no longer keeps, and reports how much went. It never cuts
	// beyond the newest seen head that a remaining entry vouches for (PROTOCOL §5).
	Prune(ctx context.Context, room chat.RoomID, keep Retention, now time.Time) (Pruned, error)
	// SetRetention overrides the server's retention for one room.
	SetRetention(ctx context.Context, room chat.RoomID, keep Retention) error

	PrivateStore
	BackupStore
	RefillStore

	// Enrol makes the account and the device if they are new, takes the name, and opens the
	// device's first session. CodeNameTaken, CodeNameLookalike, CodeNameOther, CodeBanned (reason), CodeRevoked,
	// CodeKeyOld when the generation is not the current one, CodeConflict (version) when the list that is there isn't of the version e.List any more. A device that comes Unproven is taken for an account that is known already, and
	// as one that has proven nothing: CodeKeyNeeded for an unknown account, and where devices have to prove the current generation.
	Enrol(ctx context.Context, e Enrolment) (Login, error)
	// OpenSession begins a device's next session; its earlier ones can append no more. It alone need not survive a power cut,
	// which ends every session anyway.
	// proven is the generation whose access key signed this login, 0 when none did; it is recorded.
	// CodeKeyNeeded when the device is unknown or has yet to prove the current generation, CodeBanned (reason), CodeRevoked, CodeAuth when the account is not the device's,
	// CodeNameOther when the name is not the account's; a session that was open goes on then.
	OpenSession(ctx context.Context, account chat.AccountID, device chat.DeviceID, name string, proven chat.Generation, at time.Time) (Login, error)
	// EndSessions increments the session generation of all of an account's devices (a kick).
	EndSessions(ctx context.Context, account chat.AccountID, a Audit) error
	// People finds accounts by ID, device or exact name; unknown ones are absent.
	People(ctx context.Context, accounts []chat.AccountID, devices []chat.DeviceID, names []string) ([]Person, error)
	// AllPeople lists every account, by name.
	AllPeople(ctx context.Context) ([]Person, error)

	// Ban and Unban; CodeNotBanned. A ban ends all sessions of the account.
	Ban(ctx context.Context, account chat.AccountID, reason string, a Audit) error
	Unban(ctx context.Context, account chat.AccountID, a Audit) error
	Bans(ctx context.Context) ([]Ban, error)

	// Generations lists the shared key's generations, oldest first; none in a new store.
	Generations(ctx context.Context) ([]Generation, error)
	// Rotate begins a generation; its number must follow the last one (CodeConflict). With
	// prove, every session ends and each device must prove the new key once.
	Rotate(ctx context.Context, g Generation, prove bool, a Audit) error
	// PutLink stores the link of a generation if it has none yet.
	PutLink(ctx context.Context, g chat.Generation, link []byte) error
	// PutGrants stores K_g sealed to devices. Grant reads one; nil when there is none.
	PutGrants(ctx context.Context, g chat.Generation, grants map[chat.DeviceID][]byte, a Audit) error
	Grant(ctx context.Context, g chat.Generation, device chat.DeviceID) ([]byte, error)

	// AuditLog reads the audit rows with number > after.
	AuditLog(ctx context.Context, after uint64, limit int) ([]AuditRow, error)
	// Stats measures what is kept.
	Stats(ctx context.Context) (Stats, error)
	// Check verifies that the store can be read and written (the health check).
	Check(ctx context.Context) error
	Close() error
}

// Submission is one envelope on its way into a log.
type Submission struct {
	Room     chat.RoomID
	ID       chat.MessageID
	Account  chat.AccountID
	Device   chat.DeviceID
	Session  uint64 // the session generation that Login gave
	Kind     chat.EntryKind
	Base     chat.Seq // of a Commit, compared with the room's last_commit_seq; of content in a private room, the last Commit applied
	Seen     chat.Seq // the head that the sender vouches for
	Envelope []byte   // not changed by anyone
	At       time.Time
	Change   *Change // what goes with a Commit of a private room; nil: nothing
	Service  bool    // content of a private room that isn't a new text to people
}

// Outcome is what became of a Submission. Err is nil when it is durable.
type Outcome struct {
	Err       *chat.Error
	Seq       chat.Seq
	At        time.Time
	Hash      [32]byte         // H_Seq
	Duplicate bool             // it had been stored before
	Roster    bool             // it has changed the room's roster
	Left      []chat.AccountID // who isn't on the roster any more since this entry
}

// Entry is one place in a log as it is read back.
type Entry struct {
	Seq      chat.Seq
	At       time.Time
	Kind     chat.EntryKind
	Pruned   bool   // Envelope is the SHA-256 of what stood here
	Envelope []byte // not to be changed: shared
}

// Page is a run of consecutive entries.
type Page struct {
	Before  [32]byte // H of the entry before the first one
	Head    chat.Seq
	Entries []Entry
}

// Room is a room's row.
type Room struct {
	ID         chat.RoomID
	Name       string
	Kind       chat.RoomKind
	Floor      chat.Seq // the log begins after this one
	FloorHash  [32]byte
	Head       chat.Seq
	HeadHash   [32]byte
	LastCommit chat.Seq
	Bytes      int64 // of envelopes kept
	Created    time.Time
	Retention  *Retention // nil: the server's
}

// NewRoom is a room to be made. Start is H_0 (wire.ChainStart).
type NewRoom struct {
	ID      chat.RoomID
	Name    string
	Kind    chat.RoomKind
	Start   [32]byte
	Creator chat.AccountID // zero: the server
	Most    int            // rooms of the kind that the creator may have made; 0: no bound
	At      time.Time
}

// Retention bounds what a room keeps; 0 is "no bound".
type Retention struct {
	Age     time.Duration // of content
	Bytes   int64         // of envelopes in the room
	Commits time.Duration // of Commits, at least Age
}

// Pruned is what Prune removed.
type Pruned struct {
	Entries int
	Bytes   int64
}

// Enrolment is a newcomer, proven by the login.
type Enrolment struct {
	Account     chat.AccountID
	Device      chat.DeviceID
	Certificate []byte
	ListVersion uint64
	List        uint64   // version of the account's device list in which the hub has found the device; 0: it needn't be in one
	Name        string   // as shown
	Folded      string   // unique: trust.FoldName
	Skeleton    string   // unique: trust.Skeleton (UTS 39)
	NameSig     [64]byte // the account's signature
	Generation  chat.Generation
	Unproven    bool // the access key didn't sign: only the account vouches for the device
	At          time.Time
}

// Login is what a session needs to know of its device.
type Login struct {
	Session uint64
	Name    string
	Proven  chat.Generation // the newest generation that the device has proven
	New     bool            // it wasn't known before
}

// Person is an account with its devices.
type Person struct {
	Account  chat.AccountID
	Name     string
	NameSig  [64]byte
	Enrolled chat.Generation
	At       time.Time
	Banned   bool
	List     []byte // trust.DeviceList; empty: none yet
	Devices  []Device
}

// Proof is a device's certificate with what whoever checks it needs (trust.ParseProof).
func (p Person) Proof(d Device) []byte { return trust.JoinProof(d.Certificate, p.List) }

// Device is one device of a Person.
type Device struct {
	ID          chat.DeviceID
	Certificate []byte
	Session     uint64
	Proven      chat.Generation
	Revoked     bool
	LastLogin   time.Time
}

// Ban is a ban in force.
type Ban struct {
	Account chat.AccountID
	Name    string
	Reason  string
	By      string
	At      time.Time
}

// Generation is one generation of the shared key, as the server knows it.
type Generation struct {
	Number chat.Generation
	Access [32]byte // A_pub
	KeyID  [8]byte  // access.KeyID of A_pub, to tell keys apart in /key
	Link   []byte   // K_{g-1} sealed under K_g, made by whoever has both
	At     time.Time
	Prove  bool
}

// Audit says who does something and why; the row is written in the same transaction.
type Audit struct {
	Actor  string // "console", "socket", or an account
	Action string // "kick", "ban", …
	Detail string
	At     time.Time
}

// AuditRow is one stored Audit.
type AuditRow struct {
	Number uint64
	Audit
}

// Stats is what the store holds.
type Stats struct {
	Rooms, Entries, Accounts, Devices int64
	EnvelopeBytes, DiskBytes          int64
}
