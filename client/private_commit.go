package client

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/wire"
)

// makeCommit makes an intent's commit, keeps it, and sends it.
func (e *engine) makeCommit(r *room, in *intent) error {
	p := r.priv
	s := &sent{in: in}
	options, err := e.commitOptions(r, in, s)
	if err != nil {
		return err
	}
	id := chat.NewMessageID(time.Now())
	options.AuthenticatedData = id[:]
	save := e.saver(r)
	e.stage.durable = true
	pending, err := p.g.Commit(options, func(_ *mls.Pending, c mls.Changes) error { return save(c) })
	if err != nil {
		if errors.Is(err, mls.ErrSave) {
			e.fail(err)
		}
		return asError(err)
	}
	s.frame = wire.Commit{Room: r.id, ID: id, Envelope: e.privateEnvelope(r, id, pending.Message())}
	if err := e.dress(s, pending, r.rec.Private.Unproven); err != nil {
		return errors.Join(err, pending.Drop(save))
	}
	p.sent = s
	r.rec.Private.Pending = s.record()
	e.touch(r)
	e.submit(r, s)
	return nil
}

// record is what of a commit must outlive the process.
func (s *sent) record() *pendingRecord {
	rec := &pendingRecord{Weak: s.change.weak, Gone: s.change.gone, Added: s.change.added, Removed: s.change.removed, Left: s.change.left, Devices: s.change.devices}
	if s.state != nil {
		rec.State = s.state.marshal()
	}
	return rec
}

// restore reads it back.
func (rec *pendingRecord) restore() *sent {
	s := new(sent)
	if rec == nil {
		return s
	}
	s.change = membership{added: rec.Added, removed: rec.Removed, left: rec.Left, devices: rec.Devices, weak: rec.Weak, gone: rec.Gone}
	if state, err := parseState(rec.State); err == nil {
		s.state = &state
	}
	return s
}

// beside is Config.Beside by default.
const beside = 64 << 10

// inside tells whether the tree goes into the Welcomes: as long as it is small with the newcomers in it, and not too often the same.
func (e *engine) inside(tree, newcomers int) bool {
	const leaf = 3 << 10 // bytes of one with its parent
	after := tree + newcomers*leaf
	return after <= e.cfg.Beside && after*newcomers <= 4*e.cfg.Beside
}

// commitOptions says what the commit of an intent does.
func (e *engine) commitOptions(r *room, in *intent, s *sent) (mls.CommitOptions, error) {
	p := r.priv
	me := e.id.account()
	o := mls.CommitOptions{WelcomeTree: e.inside(len(p.g.Tree()), len(in.packages)), WelcomeExternalPub: true}
	state := p.state
	for _, d := range slices.SortedFunc(maps.Keys(in.packages), compareDevices) {
		k := in.packages[d]
		if in.takes(p, k) {
			o.Proposals = append(o.Proposals, &mls.Proposal{Type: mls.ProposalAdd, Add: k})
			s.change.add(k)
		}
	}
	removes := e.removals(p, in, s)
	for _, x := range removes {
		if err := p.permitsRemoval(me, leafOf(p.g.Leaf(x.Remove)).Account); err != nil {
			return o, chat.Errorf(chat.CodeRole, "name", e.people.name(leafOf(p.g.Leaf(x.Remove)).Account)).Because(err)
		}
	}
	o.Proposals = append(o.Proposals, removes...)
	if in.offered != nil {
		state, s.state = *in.offered, in.offered
		o.Proposals = append(o.Proposals, &mls.Proposal{Type: mls.ProposalGroupContextExtensions, Extensions: stateExtensions(&state)})
	}
	for _, q := range o.Proposals {
		if err := p.permits(me, q); err != nil {
			return o, chat.Errorf(chat.CodeRole, "name", e.self.Name).Because(err)
		}
	}
	if len(o.Proposals) == 0 && (len(in.add) > 0 || len(in.remove) > 0 || len(in.devices) > 0 || in.own) {
		return o, errNothing
	}
	if wanted := len(in.add) == 0 && in.packages != nil; wanted && len(o.Proposals) == 0 {
		return o, errNothing // somebody else has added them
	}
	for _, q := range p.g.Proposals() { // they are committed by reference, but nobody commits his own leaving
		if q.Proposal.Type == mls.ProposalRemove && q.Proposal.Remove != p.g.Own() {
			s.change.remove(p.g, q)
		}
	}
	o.WelcomeExtensions = mls.Extensions{}.With(extensionRoom, state.marshal())
	return o, nil
}

// takes tells whether a key package that was taken is to be added to the group as it is.
func (in *intent) takes(p *private, k *mls.KeyPackage) bool {
	l := leafOf(k.Leaf)
	if !in.own {
		return slices.Contains(in.add, l.Account)
	}
	there := false
	p.g.Members(func(_ mls.LeafIndex, leaf *mls.LeafNode) bool {
		there = leafOf(leaf).Device == l.Device
		return !there
	})
	return !there
}

func compareDevices(a, b chat.DeviceID) int { return slices.Compare(a[:], b[:]) }

// removals finds the leaves that an intent removes, but for those whose removal was proposed already.
func (e *engine) removals(p *private, in *intent, s *sent) []*mls.Proposal {
	if len(in.remove) == 0 && len(in.devices) == 0 {
		return nil
	}
	proposed := make(map[mls.LeafIndex]bool)
	for _, q := range p.g.Proposals() {
		if q.Proposal.Type == mls.ProposalRemove {
			proposed[q.Proposal.Remove] = true
		}
	}
	var all []*mls.Proposal
	p.g.Members(func(i mls.LeafIndex, leaf *mls.LeafNode) bool {
		l := leafOf(leaf)
		if i != p.g.Own() && !proposed[i] && (slices.Contains(in.remove, l.Account) || slices.Contains(in.devices, l.Device)) {
			all = append(all, &mls.Proposal{Type: mls.ProposalRemove, Remove: i})
			s.change.removed, s.change.gone = append(s.change.removed, l.Account), append(s.change.gone, l.Device)
		}
		return true
	})
	return all
}

// dress adds what goes with a commit: Welcomes, and the state for those who come back from outside.
func (e *engine) dress(s *sent, pending *mls.Pending, unproven bool) error {
	var err error
	if unproven { // it adds nobody, and others must not come by our signature
		return nil
	}
	if s.frame.Info, err = pending.GroupInfo(false); err != nil {
		return err
	}
	if tree := pending.Tree(); len(s.change.added) > 0 || len(tree) <= e.cfg.Beside {
		s.frame.Tree = tree
	}
	w := pending.Welcome()
	if w == nil {
		return nil
	}
	refs := w.NewMembers()
	devices := make([]chat.DeviceID, 0, len(refs))
	for _, d := range slices.SortedFunc(maps.Keys(s.in.packages), compareDevices) {
		if slices.Contains(s.change.devices, d) {
			devices = append(devices, d)
		}
	}
	for i, ref := range refs { // both in the order of the Adds
		s.frame.Welcomes = append(s.frame.Welcomes, wire.DeviceWelcome{Device: devices[i], Welcome: w.For(ref).Message()})
	}
	return nil
}

// submit sends a commit against the newest entry of its kind, with the changes that make the roster what the group will be.
func (e *engine) submit(r *room, s *sent) {
	p := r.priv
	e.roster(r, func(list *wire.RosterList) {
		if p.sent != s || s.flying {
			return // another commit came first meanwhile
		}
		after := make(map[chat.AccountID]bool)
		counts := maps.Clone(p.devices)
		for _, a := range s.change.added {
			counts[a]++
		}
		for _, a := range s.change.removed {
			counts[a]--
		}
		for a, n := range counts {
			if n > 0 {
				after[a] = true
			}
		}
		s.frame.Add, s.frame.Remove = rosterChange(list.Members, after)
		state := &p.state
		if s.state != nil {
			state = s.state
		}
		s.frame.Rules = e.ruling(r, list, state)
		s.frame.Base = r.rec.Private.Commit
		s.flying, s.refused = true, false
		if size := commitSize(&s.frame); size > wire.MaxCommit {
			e.commitFailed(r, chat.Errorf(chat.CodeTooLarge, "limit", "4 MiB"))
			return
		}
		frame := s.frame
		e.stage.frames = append(e.stage.frames, wire.Encode(&frame))
	}, func(err *chat.Error) {
		if p.sent == s {
			e.commitFailed(r, err)
		}
	})
}

// commitSize is about how long the frame is.
func commitSize(f *wire.Commit) int {
	size := 1024 + 3*34*wire.MaxRuled*len(f.Rules) + len(f.Envelope) + len(f.Info) + len(f.Tree) + 34*(len(f.Add)+len(f.Remove))
	for i := range f.Welcomes {
		size += len(f.Welcomes[i].Welcome) + 64
	}
	return size
}

// roster asks for a room's roster; with the end of the session neither is called.
func (e *engine) roster(r *room, f func(*wire.RosterList), failed func(*chat.Error)) {
	e.ask(func(ref uint64) []byte { return wire.Encode(&wire.Roster{Ref: ref, Room: r.id}) },
		func(frame wire.Frame, err *chat.Error) {
			list, ok := frame.(*wire.RosterList)
			switch {
			case ok && list.Room == r.id:
				f(list)
			case e.session == nil:
			case err == nil:
				e.disconnected(chat.Errorf(chat.CodeFrame).Because(errProtocol))
			default:
				failed(err)
			}
		})
}

// rosterChange is what makes a roster the accounts of a group: somebody who was taken off without a commit of the group's own comes back with the next one.
func rosterChange(list []wire.RosterMember, group map[chat.AccountID]bool) (add, remove []chat.AccountID) {
	on := make(map[chat.AccountID]bool)
	for _, m := range list {
		if m.Removed == 0 {
			on[m.Account] = true
			if !group[m.Account] {
				remove = append(remove, m.Account)
			}
		}
	}
	for a := range group {
		if !on[a] {
			add = append(add, a)
		}
	}
	slices.SortFunc(add, func(a, b chat.AccountID) int { return slices.Compare(a[:], b[:]) })
	return add, remove
}

// resubmit sends our commit again after a void one has come first: the epoch is the same, only its base isn't.
func (e *engine) resubmit(r *room) {
	if s := r.priv.sent; s != nil && s.refused {
		s.flying = false
		e.submit(r, s)
	}
}

// commitRefused takes the server's answer that a commit wasn't stored. False when it isn't about a commit.
func (e *engine) commitRefused(f *wire.Failure) bool {
	for _, r := range e.rooms {
		p := r.priv
		if p == nil || p.sent == nil || p.sent.frame.ID != f.ID {
			if p != nil && p.coming != nil && r.rec.Private.ReturnID == f.ID {
				e.returnRefused(r, f.Err())
				return true
			}
			continue
		}
		err := f.Err()
		if err.Code != chat.CodeConflict {
			e.commitFailed(r, err)
			if err.Code == chat.CodeDiskFull || err.Code == chat.CodeStorage || err.Code == chat.CodeInternal || err.Code == chat.CodeRate {
				e.sendHold = time.Now().Add(storageHold)
				e.retry.Reset(storageHold)
			}
			return true
		}
		p.sent.refused = true
		if r.rec.Private.Commit > p.sent.frame.Base { // it was void, and is read already
			p.sent.flying = false
			e.submit(r, p.sent)
		}
		return true
	}
	return false
}

// commitFailed gives up our commit, and what it was for.
func (e *engine) commitFailed(r *room, err *chat.Error) {
	p := r.priv
	s := p.sent
	if s == nil {
		return
	}
	p.sent = nil
	if p.g != nil && p.g.Pending() != nil {
		if err := p.g.Pending().Drop(e.saver(r)); err != nil {
			e.fail(err)
			return
		}
	}
	p.drop(s.in)
	s.in.done(orNil(err))
	e.wake(r)
}

// ownCommit takes the group on: our commit is in the log.
func (e *engine) ownCommit(r *room, n chat.Seq, v *verdict) {
	p := r.priv
	pending := p.g.Pending()
	s := p.sent
	if s == nil { // it was sent before a restart
		s = r.rec.Private.Pending.restore()
	}
	if s.state != nil && !p.told(s.state) { // the others can't follow it
		e.voided(r, n, v, errUnshown)
		return
	}
	if err := pending.Accept(e.saver(r)); err != nil {
		e.fail(err)
		return
	}
	e.stage.durable = true
	if s.state != nil {
		v.rec.About = p.state.difference(s.state)
		e.takeState(r, *s.state)
	}
	r.rec.Private.Updated = time.Now().UnixMilli()
	e.committed(r, e.id.device())
	v.good = true
	e.advanced(r, n, v, s.change)
	if len(v.rec.Added) > 0 {
		e.givePastTo(r, n)
	}
	if s.in != nil {
		p.drop(s.in)
		s.in.done(nil)
	}
}

// takeState puts a state in force.
func (e *engine) takeState(r *room, s roomState) {
	p := r.priv
	before, now := p.state.rules(), s.rules()
	p.ruled = !before.Equal(&now)
	p.state = s
	r.rec.Private.State = s.marshal()
	e.touch(r)
	e.named(r)
	e.soon(func() { e.judge(r) })
	e.wake(r)
}

// randomBelow is a duration from 0 to below d.
func randomBelow(d time.Duration) time.Duration { return rand.N(d) } //nolint:gosec // no secret
