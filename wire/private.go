package wire

import "huisclos/chat"

// The delivery service of private rooms: it keeps, orders and hands out what it can't open (PROTOCOL §6).

// PrivateEnvelope is one entry of a private room's log. Only what the server needs to route it stands outside the encryption: counter,
// previous and seen are inside.
type PrivateEnvelope struct {
	_       struct{} `cbor:",toarray"`
	Version uint     // 2; 3 for what isn't a new text to people (ServiceEnvelope)
	Room    chat.RoomID
	Account chat.AccountID
	Device  chat.DeviceID
	ID      chat.MessageID
	Message []byte // MLSMessage (RFC 9420 §6)
}

// ParsePrivateEnvelope reads one strictly. CodeEnvelope.
func ParsePrivateEnvelope(raw []byte) (PrivateEnvelope, error) {
	var e PrivateEnvelope
	if err := UnmarshalStrict(raw, &e); err != nil || e.Version != 2 && e.Version != ServiceEnvelope || e.Account.IsZero() || e.Device.IsZero() || e.ID.IsZero() || len(e.Message) == 0 {
		return PrivateEnvelope{}, chat.Errorf(chat.CodeEnvelope)
	}
	return e, nil
}

// KeyPackage is what a device publishes so that others can add it (RFC 9420 §10).
type KeyPackage struct {
	_    struct{} `cbor:",toarray"`
	Ref  []byte   // KeyPackageRef (RFC 9420 §5.2), at most 64 bytes
	Last bool     // the last resort: not used up
	Data []byte   // MLSMessage with the key package, at most MaxKeyPackage bytes
}

// Bounds of what the delivery service takes.
const (
	MaxKeyPackage    = 8 << 10 // bytes
	MaxKeyPackageRef = 64      // bytes
	MaxKeyPackages   = 100     // one-time key packages of a device
	MaxTake          = 64      // accounts of one TakePackages
	MaxCommit        = 4 << 20 // bytes of a Commit frame: envelope, Welcomes, GroupInfo and tree
	MaxRoster        = 5000    // accounts on the roster of a room
)

// PutPackages publishes key packages of the asking device, and replaces its last resort when one is among them. An empty list only asks. Answered by
// PackageState. CodeTooLarge beyond MaxKeyPackages, and then none is kept.
type PutPackages struct {
	_        struct{} `cbor:",toarray"`
	Type     Type
	Ref      uint64
	Packages []KeyPackage
}

// PackageState says how many one-time key packages of the asking device are left, and whether it has a last resort.
type PackageState struct {
	_       struct{} `cbor:",toarray"`
	Type    Type
	Ref     uint64
	OneTime uint32
	Last    bool
}

// TakePackages asks for one key package of each device of some accounts, at most 64 of them. A one-time one is gone then. Answered by Packages.
type TakePackages struct {
	_        struct{} `cbor:",toarray"`
	Type     Type
	Ref      uint64
	Accounts []chat.AccountID
}

// Packages answers TakePackages. A device without any is absent.
type Packages struct {
	_        struct{} `cbor:",toarray"`
	Type     Type
	Ref      uint64
	Packages []TakenPackage
}

// TakenPackage is one device's.
type TakenPackage struct {
	_       struct{} `cbor:",toarray"`
	Account chat.AccountID
	Device  chat.DeviceID
	Last    bool
	Data    []byte
}

// CreatePrivate makes a private room with the asking account alone on its roster. Room is random. Answered by Room. CodeRoomExists.
type CreatePrivate struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Ref  uint64
	Room chat.RoomID
}

// Commit submits a Commit with everything that goes with it: all of it is kept, or nothing. Answered like Send. CodeConflict when Base isn't the room's
// last Commit.
type Commit struct {
	_        struct{} `cbor:",toarray"`
	Type     Type
	Room     chat.RoomID
	ID       chat.MessageID
	Base     chat.Seq
	Envelope []byte           // a PrivateEnvelope
	Add      []chat.AccountID // to the roster
	Remove   []chat.AccountID // from it, once another account has gone on from this Commit
	Welcomes []DeviceWelcome
	Info     []byte      // MLSMessage with the GroupInfo after it; may be empty
	Tree     []byte      // ratchet_tree after it (RFC 9420 §12.4.3.3); may be empty
	Rules    []RoomRules // what the server is to enforce after it; empty: as it is, else one
}

// DeviceWelcome is for one new device (RFC 9420 §12.4.3.1).
type DeviceWelcome struct {
	_       struct{} `cbor:",toarray"`
	Device  chat.DeviceID
	Welcome []byte // MLSMessage
}

// Invited tells a device that a Welcome waits for it: ask for Invitations.
type Invited struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Room chat.RoomID
}

// Invitations asks for the Welcomes that wait for the asking device, oldest first. Answered by InvitationList.
type Invitations struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Ref  uint64
}

// InvitationList answers Invitations: as many as fit into a frame, at least one if there are any.
type InvitationList struct {
	_           struct{} `cbor:",toarray"`
	Type        Type
	Ref         uint64
	Invitations []Invitation
}

// Invitation is one Welcome.
type Invitation struct {
	_       struct{} `cbor:",toarray"`
	Room    chat.RoomID
	Seq     chat.Seq // of the Commit that added the device
	Hash    [32]byte // H_Seq
	Account chat.AccountID
	Device  chat.DeviceID // who made the Commit
	Time    int64         // ms since 1970
	Welcome []byte
}

// Welcomed says that an invitation was taken or refused: it isn't kept any longer. Answered by Done.
type Welcomed struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Ref  uint64
	Room chat.RoomID
	Seq  chat.Seq
}

// State asks for the newest GroupInfo and tree of a room. Answered by RoomState. When the server lacks them, it tells members by WantState and
// answers with what it has.
type State struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Ref  uint64
	Room chat.RoomID
}

// RoomState answers State: what stood after the Commit at Seq; 0 when there is none.
type RoomState struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Ref  uint64
	Room chat.RoomID
	Seq  chat.Seq
	Info []byte
	Tree []byte
}

// Expelled tells that the account isn't on a room's roster any more: what it had subscribed to there has ended.
type Expelled struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Room chat.RoomID
}

// WantState asks members for the state of a room, because somebody can't follow.
type WantState struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Room chat.RoomID
}

// PutState gives the state after the Commit at Seq, which must be the room's last one (CodeConflict). Answered by Done.
type PutState struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Ref  uint64
	Room chat.RoomID
	Seq  chat.Seq
	Info []byte
	Tree []byte
}

// PrivateRooms asks for the private rooms whose roster has the asking account. Answered by RoomList.
type PrivateRooms struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Ref  uint64
}

// Roster asks who is on a room's roster. Answered by RosterList.
type Roster struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Ref  uint64
	Room chat.RoomID
}

// RosterList answers Roster. Noted are the rules as they will be when all changes count that don't yet; the same as Rules when there are none.
type RosterList struct {
	_       struct{} `cbor:",toarray"`
	Type    Type
	Ref     uint64
	Room    chat.RoomID
	Members []RosterMember
	Rules   RoomRules
	Noted   RoomRules
}

// RosterMember is an account on a roster. Removed is the Commit that took it off, when nobody of another account has gone on from that Commit yet; else 0.
// Added is the Commit that put it on, or that took its last removal back; 0 for the room's maker and where that isn't known.
type RosterMember struct {
	_       struct{} `cbor:",toarray"`
	Account chat.AccountID
	Removed chat.Seq
	Added   chat.Seq
}
