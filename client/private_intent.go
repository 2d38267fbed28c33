package client

import (
	"errors"
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/wire"
)

// Committing: what somebody wants of a room is an intent. It becomes a commit against the newest epoch, and again against the next one when another
// member's commit comes first, until it is read in the log or isn't possible any more.

// intent is what is wanted of a group. The zero one only refreshes our own keys, and takes along what others have proposed.
type intent struct {
	add      []chat.AccountID
	remove   []chat.AccountID
	devices  []chat.DeviceID // to be removed: of our own account, or silent
	silent   bool            // devices are silent: it is told before
	own      bool            // our own other devices are to be added, as far as they have key packages
	state    func(now roomState) (roomState, error)
	packages map[chat.DeviceID]*mls.KeyPackage // taken for add; used once, whatever the epoch
	tries    int                               // to get packages
	offered  *roomState                        // told to the others in the epoch toldIn
	toldIn   uint64
	answer   func(error) // nil: nobody waits
}

func (in *intent) done(err error) {
	if in != nil && in.answer != nil {
		in.answer(err)
		in.answer = nil
	}
}

// sent is a commit of ours on its way. It is the group's pending one.
type sent struct {
	in      *intent
	frame   wire.Commit
	change  membership
	state   *roomState
	flying  bool // the server has it and hasn't answered yet
	refused bool // the server had another commit that we haven't read yet
}

// want queues an intent.
func (e *engine) want(r *room, in *intent) {
	r.priv.intents = append(r.priv.intents, in)
	e.drive(r)
}

// answerAll gives up what is wanted of a room.
func (p *private) answerAll(err *chat.Error) {
	intents := p.intents
	p.intents, p.busy = nil, false
	for _, in := range intents {
		in.done(orNil(err))
	}
}

// drive goes on with what is wanted, when nothing is under way.
func (e *engine) drive(r *room) {
	p := r.priv
	if p == nil || p.g == nil || r.phase != live || e.session == nil || e.ended || p.busy || p.sent != nil || r.rec.StopCode != "" || r.refill.held() || e.unsure(r) || r.rec.Private.Unproven && !p.own() {
		return
	}
	if old := p.g.Pending(); old != nil { // of an earlier session, and not in the log: it never will be
		if err := old.Drop(e.saver(r)); err != nil {
			e.fail(err)
			return
		}
	}
	for len(p.intents) > 0 {
		in := p.intents[0]
		ready, err := e.prepare(r, in)
		if err == nil && !ready {
			return
		}
		if err == nil {
			err = e.makeCommit(r, in)
		}
		if err == nil {
			return
		}
		if errors.Is(err, errNothing) {
			err = nil
		}
		if p.g == nil || e.ended {
			return
		}
		p.drop(in)
		in.done(err)
		e.soon(func() { e.pump(r) }) // a message may have waited for it
	}
}

// own tells whether what is wanted next is only our own keys, or what others have proposed: that may be done in a group that isn't proven yet.
func (p *private) own() bool {
	if len(p.intents) == 0 {
		return true
	}
	in := p.intents[0]
	return len(in.add) == 0 && len(in.remove) == 0 && len(in.devices) == 0 && in.state == nil && !in.own
}

// errNothing: what was wanted is so already.
var errNothing = errors.New("client: nothing to commit")

func (p *private) drop(in *intent) {
	p.intents = slices.DeleteFunc(p.intents, func(x *intent) bool { return x == in })
}

// prepare gets what an intent needs before it can be committed; false while it waits for that.
func (e *engine) prepare(r *room, in *intent) (bool, error) {
	p := r.priv
	in.add = slices.DeleteFunc(in.add, func(a chat.AccountID) bool { return p.devices[a] > 0 })
	if len(in.add) > 0 && in.packages == nil {
		for _, a := range in.add {
			if slices.Contains(p.state.Banned, a) {
				return false, chat.Errorf(chat.CodeRole, "name", e.people.name(a)).Because(errBanned)
			}
		}
		e.takePackages(r, in)
		return false, nil
	}
	if in.own && in.packages == nil {
		e.takePackages(r, in)
		return false, nil
	}
	if in.silent {
		return e.prepareSilent(r, in)
	}
	if in.state == nil {
		return true, nil
	}
	next, err := in.state(p.state)
	if err != nil {
		return false, err
	}
	if next.Number = p.state.Number + 1; in.offered != nil && in.offered.Number == next.Number {
		next.Salt = in.offered.Salt // told already, perhaps
	} else {
		next = next.salted()
	}
	if !next.valid() {
		return false, chat.Errorf(chat.CodeTooLarge, "limit", "1000")
	}
	in.offered = &next
	if _, told := p.offers[next.hash()]; told {
		return true, nil
	}
	if in.toldIn != p.g.Epoch()+1 {
		in.toldIn = p.g.Epoch() + 1
		e.enqueueInner(r, innerState, next.marshal())
		e.soon(func() { e.pump(r) })
	}
	return false, nil
}

// Key packages of somebody who has none are asked for again a few times.
const (
	packageTries = 5
	packageWait  = 300 * time.Millisecond
)

// takePackages asks for key packages of the accounts to be added.
func (e *engine) takePackages(r *room, in *intent) {
	p := r.priv
	p.busy = true
	fail := func(err *chat.Error) {
		p.busy = false
		if e.session == nil {
			return // it is tried again in the next session
		}
		p.drop(in)
		in.done(orNil(err))
		e.wake(r) // a message may have waited for it
	}
	accounts := in.add[:min(len(in.add), wire.MaxTake)]
	if in.own {
		accounts = []chat.AccountID{e.id.account()}
	}
	e.ask(func(ref uint64) []byte {
		return wire.Encode(&wire.TakePackages{Ref: ref, Accounts: accounts})
	}, func(f wire.Frame, err *chat.Error) {
		taken, ok := f.(*wire.Packages)
		if !ok {
			fail(err)
			return
		}
		var unknown []chat.DeviceID
		for _, t := range taken.Packages {
			if e.people.devices[t.Device] == nil && !e.people.ghosts[t.Device] {
				unknown = append(unknown, t.Device)
			}
		}
		e.withDevices(unknown, func() {
			packages, err := e.checkPackages(accounts, taken.Packages)
			switch {
			case err != nil && in.own: // we have no other device that could be added
				fail(nil)
				return
			case err != nil && err.Code == chat.CodeNoPackage && in.tries < packageTries:
				in.tries++ // somebody who has just come is still making them
				e.afterwards(r, packageWait, func() {
					p.busy = false
					e.drive(r)
				})
				return
			case err != nil:
				fail(err)
				return
			}
			p.busy = false
			in.packages = packages
			e.drive(r)
		})
	})
}

// checkPackages verifies that the key packages are of the devices of the people who are wanted: a server that puts in one of its own is found out here.
func (e *engine) checkPackages(accounts []chat.AccountID, taken []wire.TakenPackage) (map[chat.DeviceID]*mls.KeyPackage, *chat.Error) {
	packages := make(map[chat.DeviceID]*mls.KeyPackage)
	has := make(map[chat.AccountID]bool)
	for _, t := range taken {
		m, err := mls.ParseMessage(t.Data)
		if err != nil || m.KeyPackage() == nil || m.KeyPackage().Suite != suite {
			continue
		}
		k := m.KeyPackage()
		l := leafOf(k.Leaf)
		if !slices.Contains(accounts, t.Account) || l.Account != t.Account || l.Device != t.Device {
			return nil, chat.Errorf(chat.CodeIdentityChange, "name", e.people.name(t.Account)).Because(errOtherDevice)
		}
		if _, revoked := e.people.list(t.Account).Revoked(t.Device); revoked {
			continue
		}
		if err := (members{e}).ValidateMember(k.Leaf); err != nil {
			return nil, chat.Errorf(chat.CodeIdentityChange, "name", e.people.name(t.Account)).Because(err)
		}
		packages[t.Device], has[t.Account] = k, true
	}
	for _, a := range accounts {
		if !has[a] {
			return nil, chat.Errorf(chat.CodeNoPackage, "name", e.people.name(a))
		}
	}
	return packages, nil
}
