package wire

import (
	"crypto/sha256"
	"encoding/binary"

	"huisclos/chat"
)

// After a restored backup (docs/protocol.md, section 22): members give back what the server has lost.

// Bounds of what goes with it.
const (
	MaxMarks = 1024      // of one Claim
	MaxGive  = 256 << 10 // bytes of envelopes in one Give, unless the first alone is larger
	maxGiven = 1024      // entries of one Give
	maxClaim = 64 << 10  // bytes of a Claim
	markText = "huisclos/1 refill"
)

// Restored tells after the login that this server works on a backup that was put back, while members may give back what it lacks.
type Restored struct {
	_     struct{} `cbor:",toarray"`
	Type  Type
	At    int64 // of the newest entry in the backup, ms since 1970; 0: it has none
	Until int64 // until then
}

// Claim says what a member has read of a room beyond the server's head: the marks of the entries after After, whose H is Before. Answered by Refill.
// CodeConflict when After and Before aren't the server's head, CodeRefillOver when nothing is taken for the room any more, CodeRate.
type Claim struct {
	_      struct{} `cbor:",toarray"`
	Type   Type
	Ref    uint64
	Room   chat.RoomID
	After  chat.Seq
	Before [32]byte
	Marks  [][32]byte // at most MaxMarks, at least one
	Head   chat.Seq   // the newest entry that the member has
}

// Mark is what members compare of entry n: its H, with what the chain doesn't hold, the server's time in ms since 1970 and the kind.
func Mark(hash [32]byte, time int64, kind chat.EntryKind) [32]byte {
	h := sha256.New()
	h.Write([]byte(markText))
	h.Write(hash[:])
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(time))) //nolint:gosec // two's complement
	h.Write([]byte{byte(kind)})
	return [32]byte(h.Sum(nil))
}

// RefillPhase says how far the refilling of a room is.
type RefillPhase uint8

const (
	// RefillHeld: members are waited for, or give back. Nothing else is stored in the room meanwhile.
	RefillHeld RefillPhase = 1
	// RefillOpen: what was claimed is back, or nothing was. The room is used as always; until somebody has, more is still taken.
	RefillOpen RefillPhase = 2
	// RefillOver: nothing is taken any more.
	RefillOver RefillPhase = 3
)

// Refill says how far the refilling of a room is: the answer to Claim; with Ref 0 it is pushed, before the answer to Subscribe and when something changes.
type Refill struct {
	_        struct{} `cbor:",toarray"`
	Type     Type
	Ref      uint64
	Room     chat.RoomID
	Phase    RefillPhase
	Head     chat.Seq // the server's now
	Claimed  chat.Seq // the greatest that somebody has claimed; 0: nobody has
	Conflict chat.Seq // the first entry of which members claim different ones; 0: none
}

// WantEntries asks a member that has claimed them for entries: those after After, up to Upto.
type WantEntries struct {
	_     struct{} `cbor:",toarray"`
	Type  Type
	Room  chat.RoomID
	After chat.Seq
	Upto  chat.Seq
}

// Give gives back entries: First, First+1, … Answered by Done. CodeConflict when others are wanted, or they aren't what was claimed.
type Give struct {
	_       struct{} `cbor:",toarray"`
	Type    Type
	Ref     uint64
	Room    chat.RoomID
	First   chat.Seq
	Entries []Entry
}

func (f *Claim) fits() bool {
	return len(f.Marks) > 0 && len(f.Marks) <= MaxMarks && f.Head-f.After >= chat.Seq(len(f.Marks)) && f.Head > f.After
}

func (f *Refill) fits() bool { return f.Phase >= RefillHeld && f.Phase <= RefillOver }

func (f *WantEntries) fits() bool { return f.Upto > f.After }

func (f *Give) fits() bool { return f.First > 0 && len(f.Entries) > 0 && len(f.Entries) <= maxGiven }

func (*Restored) kind() Type    { return TypeRestored }
func (*Claim) kind() Type       { return TypeClaim }
func (*Refill) kind() Type      { return TypeRefill }
func (*WantEntries) kind() Type { return TypeWantEntries }
func (*Give) kind() Type        { return TypeGive }

func (f *Restored) setType()    { f.Type = TypeRestored }
func (f *Claim) setType()       { f.Type = TypeClaim }
func (f *Refill) setType()      { f.Type = TypeRefill }
func (f *WantEntries) setType() { f.Type = TypeWantEntries }
func (f *Give) setType()        { f.Type = TypeGive }

func emptyRefill(t Type) Frame {
	switch t {
	case TypeRestored:
		return new(Restored)
	case TypeClaim:
		return new(Claim)
	case TypeRefill:
		return new(Refill)
	case TypeWantEntries:
		return new(WantEntries)
	case TypeGive:
		return new(Give)
	}
	return nil
}
