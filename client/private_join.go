package client

import (
	"bytes"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/wire"
)

// Coming into private rooms: key packages that others take, and Welcomes.

// packageBatch is how many key packages are made in one turn.
const packageBatch = 25

// packageLife is how long a key package can be used; the last resort is renewed weekly.
const (
	packageLife    = 90 * 24 * time.Hour
	lastResortLife = 7 * 24 * time.Hour
)

// keptLast is how many last resorts can still be used: a Welcome may be on its way for one that was replaced.
const keptLast = 3

// publishEvery is how often a session looks whether key packages are needed, besides after each invitation.
const publishEvery = 6 * time.Hour

// keepPublished supplies the server with key packages of this device for as long as the session lasts.
func (e *engine) keepPublished() {
	session := e.session
	e.publish()
	time.AfterFunc(publishEvery, func() {
		e.c.later(func(e *engine) {
			if e.session == session && session != nil && !e.ended {
				e.keepPublished()
			}
		})
	})
}

// publish gives the server key packages, when it lacks some.
func (e *engine) publish() {
	if e.cfg.Packages <= 0 {
		return
	}
	e.putPackages(nil)
}

// putPackages sends some, learns what the server has then, and goes on until that is enough.
func (e *engine) putPackages(packages []wire.KeyPackage) {
	e.ask(func(ref uint64) []byte {
		return wire.Encode(&wire.PutPackages{Ref: ref, Packages: packages})
	}, func(f wire.Frame, err *chat.Error) {
		state, ok := f.(*wire.PackageState)
		if !ok {
			if err != nil && e.session != nil {
				e.cfg.Log.Warn("key packages can't be published", "err", err)
			}
			return
		}
		old := time.UnixMilli(e.self.LastResort).Add(lastResortLife)
		needsLast := !state.Last || e.self.LastResort == 0 || e.now().After(old)
		missing := e.cfg.Packages - int(state.OneTime)
		if missing <= e.cfg.Packages/4 && !needsLast || packages != nil && missing <= 0 {
			return
		}
		more, err2 := e.makePackages(min(missing, packageBatch), needsLast)
		if err2 != nil {
			e.fail(err2)
			return
		}
		e.putPackages(more)
	})
}

// makePackages makes key packages and keeps their secrets, durably, before anybody can use one.
func (e *engine) makePackages(n int, last bool) ([]wire.KeyPackage, error) {
	var all []wire.KeyPackage
	one := func(o mls.KeyPackageOptions) error {
		key, credential, err := e.newLeafKey()
		if err != nil {
			return err
		}
		k, err := e.mls.NewKeyPackage(suite, key, credential, o)
		if err != nil {
			return err
		}
		all = append(all, wire.KeyPackage{Ref: k.Ref(), Last: o.LastResort, Data: k.Message()})
		e.stage.set(TablePackages, k.Ref(), k.Marshal())
		return nil
	}
	for range n {
		if err := one(mls.KeyPackageOptions{Lifetime: packageLife}); err != nil {
			return nil, err
		}
	}
	if last {
		if err := one(mls.KeyPackageOptions{Lifetime: packageLife, LastResort: true}); err != nil {
			return nil, err
		}
		e.self.LastResort, e.selfDirty = e.now().UnixMilli(), true
		e.self.LastRefs = append(e.self.LastRefs, all[len(all)-1].Ref)
		for len(e.self.LastRefs) > keptLast { // a Welcome for an older one comes too late
			e.stage.set(TablePackages, e.self.LastRefs[0], nil)
			e.self.LastRefs = e.self.LastRefs[1:]
		}
	}
	e.stage.durable = true
	return all, nil
}

// dropPackages forgets the key packages that wait, so that new ones are made.
func (e *engine) dropPackages() {
	err := e.vault.View(func(v Reader) error {
		return v.Scan(TablePackages, nil, nil, false, func(key, _ []byte) (bool, error) {
			e.stage.set(TablePackages, key, nil)
			return true, nil
		})
	})
	if err != nil {
		e.fail(err)
	}
	e.self.LastResort, e.self.LastRefs, e.selfDirty = 0, nil, true
}

// askInvitations takes the Welcomes that wait for this device.
func (e *engine) askInvitations() {
	if e.inviting {
		e.moreInvited = true
		return
	}
	e.inviting = true
	e.ask(func(ref uint64) []byte { return wire.Encode(&wire.Invitations{Ref: ref}) },
		func(f wire.Frame, err *chat.Error) {
			list, ok := f.(*wire.InvitationList)
			if !ok && e.session != nil {
				e.inviting, e.moreInvited = false, false
				e.inSession(storageHold, e.askInvitations)
				return
			}
			if !ok || len(list.Invitations) == 0 {
				e.inviting = false
				if missing := e.calledElsewhere(); ok && (missing || !e.searched) {
					e.searched = true
					e.findRooms()
				}
				if ok && e.moreInvited {
					e.moreInvited = false
					e.askInvitations()
				}
				return
			}
			e.moreInvited = true
			e.accept(list.Invitations)
		})
}

// accept goes through Welcomes, one after the other, and asks for more.
func (e *engine) accept(list []wire.Invitation) {
	if len(list) == 0 {
		e.inviting, e.moreInvited = false, false
		e.askInvitations()
		return
	}
	inv := &list[0]
	next := func(refused error) {
		if refused != nil {
			e.cfg.Log.Warn("an invitation is refused", "room", inv.Room, "by", inv.Account, "err", refused)
			e.emit(InvitationRefused{By: e.people.name(inv.Account), Err: asError(refused)})
			delete(e.calls, inv.Room) // nor by another way
		}
		e.ask(func(ref uint64) []byte { return wire.Encode(&wire.Welcomed{Ref: ref, Room: inv.Room, Seq: inv.Seq}) },
			func(_ wire.Frame, err *chat.Error) {
				switch {
				case err == nil:
					e.accept(list[1:])
				case e.session != nil:
					e.inviting = false
					e.inSession(storageHold, e.askInvitations)
				}
			})
	}
	e.withDevices(e.strangers(inv.Device), func() { e.welcome(inv, next) })
}

// strangers are those of some devices whom we don't know.
func (e *engine) strangers(devices ...chat.DeviceID) []chat.DeviceID {
	return slices.DeleteFunc(devices, func(d chat.DeviceID) bool { return e.people.devices[d] != nil || e.people.ghosts[d] })
}

var (
	errNotForUs  = errors.New("client: a Welcome for a key package that isn't ours, or that was used")
	errOtherRoom = errors.New("client: a Welcome into another room than the server says")
	errInviter   = errors.New("client: a Welcome that isn't of the member who made the commit")
)

// welcome enters a group by a Welcome. next is called when that is decided.
func (e *engine) welcome(inv *wire.Invitation, next func(error)) {
	old := e.rooms[inv.Room]
	switch {
	case old != nil && old.priv == nil:
		next(errOtherRoom)
		return
	case old != nil && old.active() && old.rec.Private.Applied >= inv.Seq && !e.elsewhereThan(old, inv): // taken before the connection broke
		next(nil)
		return
	case old != nil && !old.active() && e.before(old, inv): // taken too, and ended since
		next(nil)
		return
	case old != nil && old.active() && old.priv.g != nil:
		e.welcomeBack(old, inv, next)
		return
	case old != nil && old.active() && old.rec.Private.Nameless: // this device was about to go in from outside
		if len(old.rec.Private.Return) > 0 {
			next(nil)
			return
		}
	case old != nil && old.active() && len(old.rec.Private.Return) > 0: // this device is on its way back
		next(nil)
		return
	case old != nil && old.active() && old.priv.devices[inv.Account] == 0: // who wasn't a member brings nobody back
		next(errStranger)
		return
	}
	m, err := mls.ParseMessage(inv.Welcome)
	if err != nil || m.Welcome() == nil {
		next(errNotForUs)
		return
	}
	k, ref, err := e.findPackage(m.Welcome())
	if err != nil {
		next(err)
		return
	}
	r := newRoom(inv.Room, "")
	if old != nil {
		r.rec.Name, r.outbox, r.order = old.rec.Name, old.outbox, old.order
	}
	e.join(m.Welcome(), k, nil, func(g *mls.Group, changes mls.Changes, err error) {
		if mls.CheckOf(err) == "12.4.3.3/tree" {
			e.welcomeFromState(inv, m.Welcome(), k, ref, next)
			return
		}
		if err == nil {
			err = e.checkWelcome(inv, g, r.private())
		}
		if err != nil || old != nil && old.active() && len(old.rec.Private.Return) > 0 { // on its way back meanwhile
			next(err)
			return
		}
		e.entered(r, old, inv, g, changes, k, ref)
		next(nil)
	})
}

// join enters a group by a Welcome. Whom we don't know is asked for, all at once, and the group counts when all of them are who they claim to be.
func (e *engine) join(w *mls.Welcome, k *mls.KeyPackageSecrets, tree []byte, then func(*mls.Group, mls.Changes, error)) {
	clear(e.unknown)
	var changes mls.Changes
	e.lenient = true
	g, err := e.mls.Join(w, k, mls.JoinOptions{Tree: tree}, func(c mls.Changes) error {
		changes = c
		return nil
	})
	e.lenient = false
	devices := e.unknownDevices()
	if err != nil || len(devices) == 0 {
		then(g, changes, err)
		return
	}
	asked := make(map[chat.DeviceID]bool, len(devices))
	for _, d := range devices {
		asked[d] = true
	}
	e.withDevices(devices, func() {
		var err error
		g.Members(func(_ mls.LeafIndex, leaf *mls.LeafNode) bool {
			if l := leafOf(leaf); asked[l.Device] { // its signature is right, or the group would have been refused
				refused, stop := e.people.vouch(l.Account, l.Device)
				err = orNil(firstError(stop, refused))
			}
			return err == nil
		})
		then(g, changes, err)
	})
}

// welcomeBack decides about a Welcome into a room that we are in: if the log says that we were removed, it is an invitation like others, else
// somebody wants to put another group in its place.
func (e *engine) welcomeBack(old *room, inv *wire.Invitation, next func(error)) {
	e.readmitted(old)
	e.whenHead(old, func(err error) {
		switch {
		case e.session == nil:
		case err != nil && old.active():
			e.inviting = false // the Welcome waits until the log can be read
		case old.active() && old.rec.Private.Applied < inv.Seq:
			e.cfg.Log.Warn("a Welcome into a room that we are in", "room", old.rec.Name, "at", inv.Seq, "applied", old.rec.Private.Applied,
				"commit", old.rec.Private.Commit, "read", old.rec.Seq, "leaving", old.rec.Private.Leaving, "doubt", old.priv.doubt)
			next(errStranger)
		default:
			e.welcome(inv, next)
		}
	})
}

// before tells whether a Welcome is of a commit that this device has read in the room already: the invitation was taken then, and its end wasn't confirmed to the server.
func (e *engine) before(r *room, inv *wire.Invitation) bool {
	hash, known, err := e.knownHash(r, inv.Seq)
	return err == nil && known && hash == inv.Hash
}

// findPackage finds the secrets that a Welcome is for.
func (e *engine) findPackage(w *mls.Welcome) (*mls.KeyPackageSecrets, []byte, error) {
	for _, ref := range w.NewMembers() {
		b, err := e.raw(TablePackages, ref)
		if err != nil {
			return nil, nil, err
		}
		if b == nil {
			continue
		}
		k, err := e.mls.LoadKeyPackage(b)
		return k, ref, err
	}
	return nil, nil, errNotForUs
}

// checkWelcome compares a group with what its Welcome and the server say of it.
func (e *engine) checkWelcome(inv *wire.Invitation, g *mls.Group, p *private) error {
	if !bytes.Equal(g.ID(), e.groupID(inv.Room)) {
		return errOtherRoom
	}
	by, x, ok := g.Welcomed()
	l := leafOf(g.Leaf(by))
	if !ok || l.Account != inv.Account || l.Device != inv.Device {
		return errInviter
	}
	data, _ := x.Get(extensionRoom)
	state, err := parseState(data)
	if err != nil {
		return err
	}
	if hash, ok := stateHash(g.Extensions()); !ok || hash != state.hash() {
		return errState
	}
	if state.Direct && accountsIn(g) != 2 {
		return errState // more than two aren't a conversation between two
	}
	p.state = state
	return nil
}

// entered keeps a group that we have come into.
func (e *engine) entered(r, old *room, inv *wire.Invitation, g *mls.Group, changes mls.Changes, k *mls.KeyPackageSecrets, ref []byte) {
	p := r.private()
	r.fresh = true
	if old != nil {
		if err := e.forgetGroup(old); err != nil {
			e.fail(err)
			return
		}
		e.unsubscribe(old)
		waits := chat.Errorf(chat.CodeReturning, "room", old.rec.Name) // for a room that is another one now
		e.leaveBehind(old, waits)
		e.dropRaw(old)
		e.forgetSenders(old)
		e.clearOffers(old)
		if was := old.rec.Private; !slices.Contains(was.Known, inv.Device) { // who wasn't there may have made up the group
			r.rec.Private.Before = max(was.Before, old.rec.Seq)
		}
	}
	if err := e.saver(r)(changes); err != nil {
		e.fail(err)
		return
	}
	weak := k.Package.LastResort()
	if !weak {
		e.stage.set(TablePackages, ref, nil)
	}
	e.stage.durable = true
	if p.state.Direct {
		r.rec.Private.Direct = otherThan(g, e.id.account())
	}
	r.rec.Private.State = p.state.marshal()
	r.rec.Private.Commit, r.rec.Private.Applied, r.rec.Private.Epoch = inv.Seq, inv.Seq, g.Epoch()
	r.rec.Private.Since = time.Now().UnixMilli()
	r.rec.Private.Came, r.rec.Private.Inviter = inv.Seq, inv.Account
	r.rec.Private.Confirm = inv.Seq // the roster is compared before the first message
	r.rec.Joined, r.rec.Anchored = true, true
	r.rec.Base, r.rec.BaseHash, r.rec.Seq, r.rec.Hash = inv.Seq, inv.Hash, inv.Seq, inv.Hash
	r.rec.Barrier, r.rec.Gap = inv.Seq, inv.Seq
	r.recent.add(inv.Seq, inv.Hash)
	e.rooms[r.id] = r
	e.follow(r, g)
	if weak {
		r.senders[e.id.device()] = &senderRecord{Weak: true}
		e.put(TableSenders, senderKey(r.id, e.id.device()), r.senders[e.id.device()])
	}
	if old == nil || old.rec.Name == "" || old.rec.Private != nil && old.rec.Private.Nameless {
		r.rec.Name = ""
		r.rec.Name = e.freeName(p.state.Name, r.rec.Private.Direct, p.state.Direct)
	}
	e.keep(r, inv.Seq, &entryRecord{
		Time: inv.Time, Form: Changed, Hash: inv.Hash, Account: inv.Account, Device: inv.Device, Added: []chat.AccountID{e.id.account()},
	})
	e.touch(r)
	e.publish()
	e.emit(Invited{Room: r.rec.Name, By: e.people.name(inv.Account), Direct: p.state.Direct, Members: len(p.devices), Weak: weak})
	e.subscribe(r)
}

// forgetSenders stages the deletion of a room's counters, of a time before.
func (e *engine) forgetSenders(r *room) {
	if err := e.clearRoom(TableSenders, r.id); err != nil {
		e.fail(err)
	}
}

// otherThan is the other account of a group of two.
func otherThan(g *mls.Group, me chat.AccountID) (other chat.AccountID) {
	g.Members(func(_ mls.LeafIndex, leaf *mls.LeafNode) bool {
		if a := leafOf(leaf).Account; a != me {
			other = a
		}
		return other.IsZero()
	})
	return other
}

// accountsIn counts the people in a group.
func accountsIn(g *mls.Group) int {
	accounts := make(map[chat.AccountID]bool)
	g.Members(func(_ mls.LeafIndex, leaf *mls.LeafNode) bool {
		accounts[leafOf(leaf).Account] = true
		return true
	})
	return len(accounts)
}

// newRoomID draws the ID of a private room.
func newRoomID() (r chat.RoomID) {
	_, _ = rand.Read(r[:]) // never fails
	return r
}
