package client

import (
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/wire"
)

// Silent devices: one that has sent nothing in a room for 60 days is taken out of it by a member whom the rules let, since a key that nobody renews stays in the group for ever. What counts
// is when this device read something of it, by its own clock, while it followed the room itself: a server that lies about times gets nobody put out, and
// one that was away for long puts nobody out before it has been there for two weeks again. Devices that are used renew their keys by themselves, so only those go that aren't.
// It is told before (kind 10), so that everybody sees why, and so that a device whose account still is a member comes back by itself when it wakes.

const (
	dormantAfter = 60 * 24 * time.Hour
	watchFor     = 14 * 24 * time.Hour // how long we must have followed the room ourselves, without
	watchGap     = 7 * 24 * time.Hour  // being away for longer than this
	heardEvery   = time.Hour           // how exactly that is kept
	maxSilent    = 256                 // devices of which it is told at once, and in one epoch
)

// silentRecord is a device of which a member has told in this epoch that it is silent.
type silentRecord struct {
	By     chat.AccountID `cbor:"70,keyasint"`
	Device chat.DeviceID  `cbor:"71,keyasint"`
}

// now is our clock.
func (e *engine) now() time.Time {
	if e.cfg.Now != nil {
		return e.cfg.Now()
	}
	return time.Now()
}

// heard notes that something came of a device, which nobody else can have sent.
func (e *engine) heard(r *room, d chat.DeviceID) {
	s, err := e.sender(r, d)
	if err != nil {
		e.fail(err)
		return
	}
	if now := e.now().UnixMilli(); now-s.Heard > heardEvery.Milliseconds() || s.Heard > now {
		s.Heard = now
		e.put(TableSenders, senderKey(r.id, d), s)
	}
}

// committed is heard for who has made a commit that counts: the keys of an invitation are gone with it.
func (e *engine) committed(r *room, d chat.DeviceID) {
	e.heard(r, d)
	if s, err := e.sender(r, d); err == nil && s.Weak {
		s.Weak = false
		e.put(TableSenders, senderKey(r.id, d), s)
	}
}

// watch notes that we follow a room, and has silent devices removed.
func (e *engine) watch(r *room) {
	p, rec := r.priv, r.rec.Private
	if p.g == nil || r.phase != live || rec.Unproven {
		return
	}
	now := e.now().UnixMilli()
	if away := now - rec.Seen; rec.Watched == 0 || away > watchGap.Milliseconds() || away < 0 || rec.Watched > now {
		rec.Watched = now
	}
	if now != rec.Seen {
		rec.Seen = now
		e.touch(r)
	}
	if len(e.silent(r)) == 0 || slices.ContainsFunc(p.intents, func(in *intent) bool { return in.silent }) {
		return
	}
	e.afterwards(r, jitter(p.g.Size()), func() {
		if silent := e.silent(r); len(silent) > 0 {
			e.want(r, &intent{devices: silent, silent: true})
		}
	})
}

// silent are the devices that are to be removed: silent for long, as far as we have seen, and of somebody whom we may remove. Of a device of which nothing is noted that begins now.
func (e *engine) silent(r *room) (all []chat.DeviceID) {
	p, rec := r.priv, r.rec.Private
	if p.g == nil {
		return nil
	}
	now := e.now().UnixMilli()
	p.g.Members(func(i mls.LeafIndex, leaf *mls.LeafNode) bool {
		l := leafOf(leaf)
		if i == p.g.Own() {
			return true
		}
		s, err := e.sender(r, l.Device)
		if err != nil {
			e.fail(err)
			return false
		}
		switch {
		case s.Heard == 0 || s.Heard > now:
			s.Heard = now
			e.put(TableSenders, senderKey(r.id, l.Device), s)
		case now-s.Heard >= dormantAfter.Milliseconds() && now-rec.Watched >= watchFor.Milliseconds() && len(all) < maxSilent && p.permitsRemoval(e.id.account(), l.Account) == nil:
			all = append(all, l.Device)
		}
		return true
	})
	return all
}

// prepareSilent tells of silent devices before they are removed; false while that isn't read.
func (e *engine) prepareSilent(r *room, in *intent) (bool, error) {
	p := r.priv
	still := e.silent(r)
	in.devices = slices.DeleteFunc(in.devices, func(d chat.DeviceID) bool { return !slices.Contains(still, d) })
	if len(in.devices) == 0 {
		return false, errNothing
	}
	told := true
	for _, d := range in.devices {
		told = told && r.rec.Private.toldSilent(e.id.account(), d)
	}
	if told {
		return true, nil
	}
	if in.toldIn != p.g.Epoch()+1 {
		in.toldIn = p.g.Epoch() + 1
		e.enqueueInner(r, innerSilent, wire.Marshal(in.devices))
		e.soon(func() { e.pump(r) })
	}
	return false, nil
}

// tellSilent takes what an account says of silent devices, in the epoch that there is.
func (e *engine) tellSilent(r *room, by chat.AccountID, epoch uint64, body []byte) {
	rec := r.rec.Private
	var devices []chat.DeviceID
	if epoch != r.priv.g.Epoch() || wire.UnmarshalStrict(body, &devices) != nil || len(devices) > maxSilent {
		return
	}
	for _, d := range devices {
		if !rec.toldSilent(by, d) && len(rec.Silent) < maxSilent {
			rec.Silent = append(rec.Silent, silentRecord{By: by, Device: d})
		}
	}
	e.touch(r)
}

// toldSilent tells whether an account has said of a device that it is silent.
func (rec *privateRecord) toldSilent(by chat.AccountID, d chat.DeviceID) bool {
	return slices.Contains(rec.Silent, silentRecord{By: by, Device: d})
}

// silenced sorts out, of those whom a commit takes out, who went because all their devices that it removes were told silent by who made it; and, of those who stay, whose devices did.
func (p *private) silenced(rec *privateRecord, by chat.AccountID, m membership, went []chat.AccountID) (silent, devices []chat.AccountID) {
	all := make(map[chat.AccountID]bool)
	for i, d := range m.gone {
		a := m.removed[i]
		was, seen := all[a]
		all[a] = (was || !seen) && rec.toldSilent(by, d)
	}
	for a, is := range all {
		switch {
		case !is:
		case slices.Contains(went, a):
			silent = append(silent, a)
		case p.devices[a] > 0:
			devices = append(devices, a)
		}
	}
	byBytes := func(a, b chat.AccountID) int { return slices.Compare(a[:], b[:]) }
	slices.SortFunc(silent, byBytes)
	slices.SortFunc(devices, byBytes)
	return silent, devices
}

// weakMembers are the accounts that have a device whose keys are still those of a last resort, as far as we have seen it come.
func (e *engine) weakMembers(r *room) map[chat.AccountID]bool {
	weak := make(map[chat.AccountID]bool)
	r.priv.g.Members(func(_ mls.LeafIndex, leaf *mls.LeafNode) bool {
		l := leafOf(leaf)
		if s, err := e.sender(r, l.Device); err == nil && s.Weak {
			weak[l.Account] = true
		}
		return true
	})
	return weak
}
