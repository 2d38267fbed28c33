package wire

import (
	"slices"

	"huisclos/chat"
)

// ServiceEnvelope is the version of a PrivateEnvelope whose message isn't a new text to people. Its sender says so where a rule of the room holds his texts back, so that the
// server can tell what that rule is about; readers refuse a new text in it.
const ServiceEnvelope = 3

// RoomRules are what the server can enforce of a private room's rules without knowing who has which role. Accounts are in ascending order, none twice, none zero.
type RoomRules struct {
	_      struct{}         `cbor:",toarray"`
	Slow   uint32           // seconds between two texts of one account; 0: none
	Free   []chat.AccountID // those whom Slow doesn't bind
	Muted  []chat.AccountID // what they write to people is refused
	Banned []chat.AccountID // nobody invites them
}

// The bounds of RoomRules.
const (
	MaxSlow  = 3600 // seconds
	MaxRuled = 1000 // accounts in each list
)

// Equal compares them.
func (r *RoomRules) Equal(o *RoomRules) bool {
	return r.Slow == o.Slow && slices.Equal(r.Free, o.Free) && slices.Equal(r.Muted, o.Muted) && slices.Equal(r.Banned, o.Banned)
}

// Size is what they take in a frame, bytes, at most.
func (r *RoomRules) Size() int { return 20 + sizeKey*(len(r.Free)+len(r.Muted)+len(r.Banned)) }

// fits reports whether they are within their bounds, and in order.
func (r *RoomRules) fits() bool {
	if r.Slow > MaxSlow {
		return false
	}
	for _, list := range [...][]chat.AccountID{r.Free, r.Muted, r.Banned} {
		if len(list) > MaxRuled {
			return false
		}
		var before chat.AccountID // zero is before all
		for _, a := range list {
			if slices.Compare(before[:], a[:]) >= 0 {
				return false
			}
			before = a
		}
	}
	return true
}

func (f *RosterList) fits() bool { return f.Rules.fits() && f.Noted.fits() }
