package client

import (
	"errors"
	"slices"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/wire"
)

// plausible compares a state that we could go over to with our own, while we have one: whoever made a commit that we can't follow, or that broke a rule, also
// gives the state after it. It may only be what one of those who have committed since, or who signed it, could do by the room's rules.
// Whether the signer is somebody that we know, is looked at besides (private_proof.go).
func (e *engine) plausible(r *room, g *mls.Group, signer mls.LeafIndex) error {
	p := r.priv
	if p.g == nil || r.rec.Private.Unproven || e.unsure(r) {
		return nil
	}
	by, known, err := e.committers(r)
	if err != nil || !known {
		return err
	}
	by = append(by, leafOf(g.Leaf(signer)).Account)
	may := func(f func(chat.AccountID) bool) error {
		if slices.ContainsFunc(by, f) {
			return nil
		}
		return errRole
	}
	there := make(map[chat.DeviceID]bool)
	g.Members(func(_ mls.LeafIndex, leaf *mls.LeafNode) bool {
		there[leafOf(leaf).Device] = true
		return true
	})
	p.g.Members(func(_ mls.LeafIndex, leaf *mls.LeafNode) bool {
		if l := leafOf(leaf); !there[l.Device] && l.Device != e.id.device() {
			err = may(func(a chat.AccountID) bool { return p.permitsRemoval(a, l.Account) == nil })
		}
		return err == nil
	})
	was, _ := stateHash(p.g.Extensions())
	if now, ok := stateHash(g.Extensions()); err == nil && (!ok || now != was) {
		err = may(func(a chat.AccountID) bool { return ok && (p.state.role(a) != Plain || p.state.Direct) })
	}
	return err
}

var errOldState = errors.New("client: a state of the group from before we could read it last")

// floor is the least epoch of a state to go over to: whoever was in the group in an earlier one, and isn't any more, has what its secrets come from. A device
// whose group is gone still knows how far that was; one that has followed what it couldn't judge goes back at most to where it came in.
func (e *engine) floor(r *room) uint64 {
	rec := r.rec.Private
	switch {
	case rec.Rewound:
		return 0
	case r.priv.g != nil && !rec.Unproven:
		return rec.Epoch
	}
	return rec.KnownEpoch
}

// committers are those whose commits came after the last one that counted; false when one of them isn't known any more.
func (e *engine) committers(r *room) (by []chat.AccountID, known bool, err error) {
	known = true
	err = e.vault.View(func(v Reader) error {
		_, to := roomRange(r.id)
		return v.Scan(TableHistory, entryKey(r.id, r.rec.Private.Applied+1), to, false, func(_, value []byte) (bool, error) {
			var rec entryRecord
			if err := parseRecord(value, &rec); err != nil {
				return false, err
			}
			known = known && rec.Form != Removed
			if rec.Code == chat.CodeVoid {
				by = append(by, rec.Account)
			}
			return true, nil
		})
	})
	for _, f := range r.pending {
		for i := range f.Entries {
			entry := &f.Entries[i]
			if env, err := wire.ParsePrivateEnvelope(entry.Envelope); err == nil && entry.Kind == chat.Commit {
				by = append(by, env.Account)
			}
			known = known && !entry.Pruned
		}
	}
	return by, known, err
}
