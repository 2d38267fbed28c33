package hub

import (
	"context"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// PrivateStore is the part of Store that is the delivery service of private rooms (PROTOCOL §6): it keeps, orders and hands out what it can't open.
//
// Append takes part in it. In a private room the sender's account must be on the roster (CodeNotMember, room), and Base of content may
// not be greater than the room's last Commit (CodeEnvelope). A message that is known repeats its outcome even to somebody who isn't on the
// roster any more. With a Commit goes its Change, in the same transaction, or nothing of both:
//
//   - Add counts at once. It also takes back a removal that doesn't count yet, but not that of the sender's own account.
//
//   - Remove counts later, when an entry with Base at or after this Commit comes from an account that isn't the remover's and isn't waiting for its own
//     removal. Add and Base of one Commit count in this order, and before its Remove. One's own account goes at once. Who isn't on the roster is no error.
//
//   - Each Welcome waits for its device, the newest MaxWelcomes for a device in a room. A revoked device's is dropped.
//
//   - Info, when it isn't empty, becomes the room's state with Tree.
//
//   - Rules are compared with those that there are, entry by entry (Rules below).
//
// Rules: what loosens one for somebody counts at once, and takes back a restriction that doesn't count yet, unless it is the sender whom it binds: who is muted doesn't lift his own
// mute, and only who is free of it the slow mode. What restricts, and what the sender loosens for himself, counts when an entry with Base at or after its Commit comes from
// another account than its sender's, on the roster, which waits neither for its own removal nor for a mute or a ban of its own; nobody confirms the end of his own being free. In one entry what it loosens counts first, then what its Base confirms; what it restricts
// waits. An account that isn't here is no error.
//
// By the rules as they are after what an entry confirms, content that isn't Service is CodeMuted (name) from a muted account, and CodeSlowMode (name, wait in seconds) from
// one that isn't free and whose text before in that room is less than Slow ago. A Commit with a Welcome for an account that comes onto the roster and is banned is CodeRole (name).
//
// CodeNoSuchPerson (name) for an account or a device that isn't here, CodeEnvelope for a Welcome whose device is of an account that isn't on the roster
// then, CodeTooLarge (limit) for a roster of more than wire.MaxRoster. Repeating a Commit repeats its outcome, and changes nothing.
type PrivateStore interface {
	// PutPackages publishes key packages of a device; one whose Ref it has already is left as it is. A last resort takes the place of the one before. CodeTooLarge
	// (limit) beyond wire.MaxKeyPackages one-time ones, and then none is kept; CodeRevoked.
	PutPackages(ctx context.Context, device chat.DeviceID, packages []wire.KeyPackage) (PackageCount, error)
	// PackageState counts the key packages of a device.
	PackageState(ctx context.Context, device chat.DeviceID) (PackageCount, error)
	// TakePackages takes one key package of each device of the accounts, but not of the one who asks: the oldest one-time one, which nobody gets again, else
	// the last resort. Revoked devices, banned accounts and unknown ones give none. CodeTooLarge (limit) when it would be more than
	// maxBytes, and then none is taken.
	TakePackages(ctx context.Context, asker chat.DeviceID, accounts []chat.AccountID, maxBytes int) ([]wire.TakenPackage, error)

	// Roster lists who is on a private room's roster. CodeRoomUnknown, also of a key room.
	Roster(ctx context.Context, room chat.RoomID) ([]wire.RosterMember, error)
	// Rules reads what of a private room's rules counts, and what they will be when all of them count. CodeRoomUnknown.
	Rules(ctx context.Context, room chat.RoomID) (now, noted wire.RoomRules, err error)
	// PrivateRooms lists the rooms whose roster has an account.
	PrivateRooms(ctx context.Context, account chat.AccountID) ([]Room, error)

	// Invitations lists the Welcomes that wait for a device, oldest first: no more than maxBytes unless the first alone is larger.
	Invitations(ctx context.Context, device chat.DeviceID, maxBytes int) ([]wire.Invitation, error)
	// Welcomed removes one; it is no error when there is none.
	Welcomed(ctx context.Context, device chat.DeviceID, room chat.RoomID, seq chat.Seq) error

	// State reads the newest state of a private room, empty when there is none. CodeRoomUnknown.
	State(ctx context.Context, room chat.RoomID) (State, error)
	// PutState replaces it. CodeRoomUnknown, CodeNotMember (room), CodeConflict when Seq isn't the room's last Commit.
	PutState(ctx context.Context, room chat.RoomID, account chat.AccountID, s State) error

	// SweepPrivate removes a slice of what nobody needs any more: Welcomes older than WelcomeLife, and rooms whose roster
	// has been empty for EmptyLife, with their logs.
	SweepPrivate(ctx context.Context, now time.Time) (Swept, error)
}

// The bounds of what waits for somebody who doesn't come.
const (
	WelcomeLife = 60 * 24 * time.Hour
	EmptyLife   = 24 * time.Hour
	MaxWelcomes = 8 // of a device in a room
)

// Change is what goes with a Commit.
type Change struct {
	Add, Remove []chat.AccountID
	Welcomes    []wire.DeviceWelcome
	Info, Tree  []byte
	Rules       *wire.RoomRules // nil: as they are
}

// size is what it takes in memory, roughly.
func (c *Change) size() int {
	if c == nil {
		return 0
	}
	n := len(c.Info) + len(c.Tree) + 32*(len(c.Add)+len(c.Remove))
	if c.Rules != nil {
		n += c.Rules.Size()
	}
	for _, w := range c.Welcomes {
		n += len(w.Welcome) + 64
	}
	return n
}

// PackageCount counts a device's key packages.
type PackageCount struct {
	OneTime int
	Last    bool
}

// State is what stood after the Commit at Seq, and LastCommit the room's.
type State struct {
	Seq, LastCommit chat.Seq
	Info, Tree      []byte
}

// Whole reports whether somebody who can't follow can come back by it.
func (s *State) Whole() bool { return s.Seq == s.LastCommit && len(s.Info) > 0 && len(s.Tree) > 0 }

// Swept is what SweepPrivate removed.
type Swept struct {
	Rooms []chat.RoomID // that are gone now
	More  bool          // call again
}
