package client

import (
	"maps"
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/wire"
)

// Several devices of one account: each has a leaf of its own. Who invites a person takes in all his devices that have key packages; one that
// had none, or that is new, comes in from outside, which members allow to devices of accounts that are in the group (PROTOCOL §6).

// findRooms asks, once the invitations are taken, which private rooms our account is in, and goes into those that this device doesn't know.
func (e *engine) findRooms() {
	e.ask(func(ref uint64) []byte { return wire.Encode(&wire.PrivateRooms{Ref: ref}) },
		func(f wire.Frame, _ *chat.Error) {
			list, ok := f.(*wire.RoomList)
			if !ok {
				return
			}
			for _, info := range list.Rooms {
				switch r := e.rooms[info.Room]; {
				case info.Kind != chat.PrivateRoom || info.Head == 0:
				case r == nil:
					e.comeInto(info.Room)
				case r.priv != nil && !r.active():
					e.comeAgain(r)
				}
			}
		})
}

// calledElsewhere tells whether we were called into a room by a Commit that had nothing for this device: it wasn't there yet when its maker took our key packages, or it had none.
func (e *engine) calledElsewhere() bool {
	missing := false
	for id := range e.calls {
		r := e.rooms[id]
		missing = missing || r == nil || r.priv != nil && !r.active()
	}
	clear(e.calls)
	return missing
}

// comeAgain goes into a room that this device was put out of, when its account was taken in again after that.
func (e *engine) comeAgain(r *room) {
	e.ask(func(ref uint64) []byte { return wire.Encode(&wire.Roster{Ref: ref, Room: r.id}) },
		func(f wire.Frame, _ *chat.Error) {
			list, ok := f.(*wire.RosterList)
			if !ok || e.rooms[r.id] != r || r.active() || r.rec.Private.Unsaid {
				return
			}
			if slices.ContainsFunc(list.Members, func(m wire.RosterMember) bool {
				return m.Account == e.id.account() && m.Removed == 0 && m.Added > r.rec.Seq
			}) {
				e.comeInto(r.id)
			}
		})
}

// comeInto goes into a room of which this device has nothing: its group by an external commit, its name and rules from another member. Of one that it left, or was put out of, it has the
// log so far, which must go on, and knows who was there: until one of them has signed or spoken in the group nothing of it is told there, since a server could call us into one of its own making.
func (e *engine) comeInto(id chat.RoomID) {
	r := newRoom(id, "")
	r.private()
	r.rec.Name = e.freeName("", chat.AccountID{}, false)
	if old := e.rooms[id]; old != nil && old.priv != nil {
		e.unsubscribe(old)
		e.leaveBehind(old, chat.Errorf(chat.CodeReturning, "room", old.rec.Name))
		e.forgetSenders(old)
		e.clearOffers(old)
		r.outbox, r.order = old.outbox, old.order
		if old.rec.Anchored {
			r.rec, r.recent = old.rec, old.recent
			r.rec.OwnCounter, r.rec.OwnHash, r.rec.AckedCounter, r.rec.AckedEnvelope = 0, [32]byte{}, 0, [32]byte{}
			r.rec.Barrier, r.rec.Gap = old.rec.Seq, old.rec.Seq
			was := old.rec.Private
			r.rec.Private = &privateRecord{
				Direct: was.Direct, Commit: was.Commit, LostAt: old.rec.Seq, Before: max(was.Before, old.rec.Seq),
				Known: was.Known, KnownEpoch: was.KnownEpoch, Linked: len(was.Known) > 0,
			}
		}
	}
	r.rec.Private.Lost, r.rec.Private.Nameless, r.rec.Joined = true, true, true
	r.fresh = true
	e.rooms[id] = r
	e.touch(r)
	e.subscribe(r)
}

// named gives a room that this device came into from outside the name that its state tells.
func (e *engine) named(r *room) {
	p, rec := r.priv, r.rec.Private
	if !rec.Nameless {
		return
	}
	rec.Nameless = false
	me := e.id.account()
	if p.state.Direct {
		for a := range p.devices {
			if a != me {
				rec.Direct = a
			}
		}
	}
	was := r.rec.Name
	r.rec.Name = ""
	r.rec.Name = e.freeName(p.state.Name, rec.Direct, p.state.Direct)
	e.touch(r)
	e.emit(Invited{Room: r.rec.Name, By: e.people.name(rec.Inviter), Direct: p.state.Direct, Members: len(p.devices), Was: was})
}

// has tells whether a device is in the group.
func (p *private) has(d chat.DeviceID) bool {
	found := false
	p.g.Members(func(_ mls.LeafIndex, leaf *mls.LeafNode) bool {
		found = leafOf(leaf).Device == d
		return !found
	})
	return found
}

// ownLeaves are the leaves of our account's other devices.
func (e *engine) ownLeaves(p *private) (all []chat.DeviceID) {
	p.g.Members(func(_ mls.LeafIndex, leaf *mls.LeafNode) bool {
		if l := leafOf(leaf); l.Account == e.id.account() && l.Device != e.id.device() {
			all = append(all, l.Device)
		}
		return true
	})
	return all
}

// putOutRevoked has devices of our account that it has revoked removed from a room: whoever revoked them may have been killed before he could.
// Those of others go too, where we may remove them: their person may have no device left there that could. For these we wait a while, since more than one of us may do it.
func (e *engine) putOutRevoked(r *room) {
	own, others := e.revokedLeaves(r)
	if len(own) > 0 {
		e.putOut(r, own)
	}
	if len(others) > 0 {
		e.afterwards(r, jitter(r.priv.g.Size())+revokedPatience, func() {
			if r.priv.g == nil || r.phase != live {
				return
			}
			if _, others := e.revokedLeaves(r); len(others) > 0 {
				e.putOut(r, others)
			}
		})
	}
}

// revokedPatience is how long a person's own devices have to take out one that was revoked.
const revokedPatience = 2 * time.Second

func (e *engine) putOut(r *room, devices []chat.DeviceID) {
	if !slices.ContainsFunc(r.priv.intents, func(in *intent) bool { return len(in.devices) > 0 }) {
		e.want(r, &intent{devices: devices})
	}
}

// revokedLeaves are the devices in a group that their accounts have revoked, and that we may remove.
func (e *engine) revokedLeaves(r *room) (own, others []chat.DeviceID) {
	p, me := r.priv, e.id.account()
	p.g.Members(func(_ mls.LeafIndex, leaf *mls.LeafNode) bool {
		l := leafOf(leaf)
		_, revoked := e.people.list(l.Account).Revoked(l.Device)
		switch {
		case !revoked || l.Device == e.id.device():
		case l.Account == me:
			own = append(own, l.Device)
		case p.permitsRemoval(me, l.Account) == nil && len(others) < maxSilent:
			others = append(others, l.Device)
		}
		return true
	})
	return own, others
}

// newDevices are the members to whom a change brings another device.
func (p *private) newDevices(m membership) []chat.AccountID {
	more := make(map[chat.AccountID]int)
	for _, a := range m.added {
		more[a]++
	}
	for _, a := range m.removed {
		more[a]--
	}
	for a, n := range more {
		if n <= 0 || p.devices[a] == 0 {
			delete(more, a)
		}
	}
	return slices.SortedFunc(maps.Keys(more), func(a, b chat.AccountID) int { return slices.Compare(a[:], b[:]) })
}

// countAnew begins our own counter anew: we have a leaf where we had none.
func (e *engine) countAnew(r *room) {
	me := e.id.device()
	r.rec.OwnCounter, r.rec.OwnHash = 0, [32]byte{}
	r.rec.AckedCounter, r.rec.AckedEnvelope = 0, [32]byte{}
	delete(r.senders, me)
	e.remove(TableSenders, senderKey(r.id, me))
}

// forgetOthers forgets how far the others had counted: while this device didn't follow they may have gone, come again, and begun anew.
func (e *engine) forgetOthers(r *room) {
	me := e.id.device()
	own, err := e.sender(r, me)
	if err != nil {
		e.fail(err)
		return
	}
	e.forgetSenders(r)
	clear(r.senders)
	if own.Counter > 0 {
		r.senders[me] = own
		e.put(TableSenders, senderKey(r.id, me), own)
	}
}
