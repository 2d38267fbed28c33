package client

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/wire"
)

// Reading a private room's log. Each entry is opened against the group as it is after the entry before, so they are read one by one. What
// has to be asked of the server first, who somebody is or whether others could follow a commit, is asked, and the entry is opened
// again: opening changes nothing.

// readFirst reads the first entry of a frame, if all is known that it takes. False: it waits, or the room has stopped.
func (e *engine) readFirst(r *room, f *wire.Entries) bool {
	entry, n := &f.Entries[0], f.First
	if old, known, err := e.knownHash(r, n-1); err == nil && known && old != f.Before { // before anything is asked because of it
		e.stopForked(r, n-1, errChain)
		return false
	}
	if n > r.rec.Seq && e.askFirst(r, n, entry) {
		return false
	}
	one := *f
	one.Entries = f.Entries[:1]
	e.readEntries(r, &one)
	if r.rec.StopCode != "" || e.ended || r.phase == idle || len(r.pending) == 0 || r.pending[0] != f {
		return false
	}
	f.Before = wire.Chain(f.Before, n, envelopeHash(entry))
	f.First++
	f.Entries = f.Entries[1:]
	r.bytes -= len(entry.Envelope)
	if len(f.Entries) == 0 {
		r.pending = r.pending[1:]
	}
	return true
}

// askFirst opens an entry and asks for what is missing to judge it. True: it asks, and the room goes on when the answer is here.
func (e *engine) askFirst(r *room, n chat.Seq, entry *wire.Entry) bool {
	p := r.priv
	p.opened = nil
	if e.askPeople(r, []wire.Entry{*entry}) {
		return true
	}
	if p.g == nil {
		return false
	}
	if entry.Kind == chat.Commit && r.rec.Private.Unvetted {
		return true // process comes again when all are verified
	}
	if entry.Pruned && entry.Kind == chat.Commit {
		return e.suspect(r, n, n, patient)
	}
	env, err := wire.ParsePrivateEnvelope(entry.Envelope)
	if entry.Pruned || err != nil {
		return false
	}
	clear(e.unknown)
	o := &opened{seq: n}
	m, err := mls.ParseMessage(env.Message)
	if err == nil {
		o.v, err = p.g.Open(m)
	}
	o.err = err
	p.opened = o
	if devices := e.unknownDevices(); errors.Is(err, mls.ErrRefused) && len(devices) > 0 {
		r.asking = true
		e.withDevices(devices, func() {
			r.asking = false
			e.process(r)
		})
		return true
	}
	switch {
	case e.ownPending(p, &env):
	case entry.Kind == chat.Commit && r.rec.Private.Branch: // it says which branch the log has
	case entry.Kind == chat.Commit && onlyHere(err):
		return e.suspect(r, n, n, patient)
	case entry.Kind == chat.Content && p.elsewhere(env.Device == e.id.device(), m, err):
		return e.suspect(r, n, 0, 0)
	}
	return false
}

// elsewhere tells whether a message may come from a group that has gone another way than ours.
func (p *private) elsewhere(own bool, m *mls.Message, err error) bool {
	if own || m == nil || err == nil {
		return false
	}
	return errors.Is(err, mls.ErrFutureEpoch) || m.Epoch() == p.g.Epoch() && (mls.CheckOf(err) == "6.3.1/content" || mls.CheckOf(err) == "6.3.2/sender-data")
}

// onlyHere tells whether a commit may have failed for this member alone: by a path secret that was encrypted wrongly to him, or
// because he is in another state than the others. A wrong confirmation tag is wrong for all: who opens the commit has its epoch's secrets, and who opens
// its path has what the tag comes from.
func onlyHere(err error) bool {
	switch mls.CheckOf(err) {
	case "5.1.3/open", "7.4/path-secret", "7.5/path-keys", "7.5/recipient":
		return true
	}
	return errors.Is(err, mls.ErrFutureEpoch) || errors.Is(err, mls.ErrOwnMessage)
}

// ownPending tells whether an entry is our own commit that waits.
func (e *engine) ownPending(p *private, env *wire.PrivateEnvelope) bool {
	return env.Device == e.id.device() && p.g.Pending() != nil && bytes.Equal(p.g.Pending().Message(), env.Message)
}

// checkPrivate is check for an entry of a private room.
func (e *engine) checkPrivate(r *room, n chat.Seq, entry *wire.Entry, v *verdict) {
	p, rec := r.priv, r.rec.Private
	if entry.Kind == chat.Commit {
		rec.Commit = n
		e.touch(r)
	}
	if entry.Pruned {
		v.rec.Form = Removed
		if len(entry.Envelope) != sha256.Size {
			v.refuse(chat.CodeEnvelope, nil)
		}
		r.rec.Gap = max(r.rec.Gap, n)
		return
	}
	env, err := wire.ParsePrivateEnvelope(entry.Envelope)
	if err != nil || env.Room != r.id {
		v.refuse(chat.CodeEnvelope, err)
		return
	}
	v.rec.Account, v.rec.Device, v.rec.ID = env.Account, env.Device, env.ID
	if refused, stop := e.people.vouch(env.Account, env.Device); stop != nil {
		v.stop = stop
		return
	} else if refused != nil {
		if p.g != nil && entry.Kind == chat.Commit {
			e.voided(r, n, v, refused)
		}
		v.refuse(refused.Code, refused, pairs(refused.Params)...)
		return
	}
	if p.g == nil {
		e.readWithout(r, n, entry, v)
		return
	}
	o := p.opened
	p.opened = nil
	if o == nil || o.seq != n {
		v.refuse(chat.CodeInternal, errProtocol)
		return
	}
	if entry.Kind == chat.Commit {
		e.readCommit(r, n, &env, o, v)
	} else {
		e.readContent(r, n, &env, o, v)
	}
}

// readWithout reads an entry while we aren't in the group: only our own way back into it counts.
func (e *engine) readWithout(r *room, n chat.Seq, entry *wire.Entry, v *verdict) {
	rec := r.rec.Private
	r.rec.Gap = n
	switch {
	case entry.Kind == chat.Commit && len(rec.Return) > 0 && bytes.Equal(rec.Return, v.rec.Envelope[:]):
		e.returned(r, n, v)
	case entry.Kind == chat.Commit:
		v.rec.Form = Silent
		if v.rec.ID == rec.ReturnID && !rec.ReturnID.IsZero() { // ours, and not as we sent it
			e.returnRefused(r, chat.Errorf(chat.CodeConflict))
		}
	case rec.Nameless || rec.Outside: // before this device came
		v.rec.Form, v.rec.Code = Silent, chat.CodeMissed
	default:
		v.rec.Form, v.rec.Code = Unreadable, chat.CodeMissed
	}
}

// identityStop is the error that stops a room when somebody isn't who he was; nil for any other.
func identityStop(err error) *chat.Error {
	var is *chat.Error
	if errors.As(err, &is) && is.Code == chat.CodeIdentityChange {
		return is
	}
	return nil
}

// readCommit judges a commit. One that breaks a rule is void: all members find so alike, and the epoch stays.
func (e *engine) readCommit(r *room, n chat.Seq, env *wire.PrivateEnvelope, o *opened, v *verdict) {
	p := r.priv
	if e.ownPending(p, env) {
		e.ownCommit(r, n, v)
		return
	}
	c, ok := o.v.(*mls.StagedCommit)
	err := o.err
	if err == nil && (!ok || !bytes.Equal(c.AuthenticatedData(), env.ID[:]) || env.Version == wire.ServiceEnvelope) {
		err = errProtocol
	}
	if err == nil {
		by := c.Path()
		if by == nil {
			by = p.g.Leaf(c.Committer())
		}
		if l := leafOf(by); l.Device != env.Device || l.Account != env.Account {
			err = errOtherDevice
		}
	}
	if err == nil {
		err = p.permitsCommit(c)
	}
	if stop := identityStop(err); stop != nil {
		v.stop = stop
		return
	}
	if err != nil {
		if r.rec.Private.Branch {
			e.leaveBranch(r, n, v)
			return
		}
		e.voided(r, n, v, err)
		return
	}
	change := p.changeOf(c)
	if c.RemovesSelf() {
		e.removed(r, v, change, env.Account)
		return
	}
	state, told := p.nextState(c)
	if p.lacksState() && p.rules(c) {
		r.rec.Private.Unjudged = n
	}
	if err := c.Accept(e.saver(r)); err != nil {
		e.fail(err)
		return
	}
	e.committed(r, env.Device)
	if told {
		v.rec.About = p.state.difference(&state)
		e.takeState(r, state)
	}
	e.advanced(r, n, v, change)
}

// voided notes a commit that doesn't count. The room's state, as the server has it, is put right by those who hold it.
func (e *engine) voided(r *room, n chat.Seq, v *verdict, err error) {
	e.cfg.Log.Warn("a commit is void", "room", r.rec.Name, "seq", n, "by", e.people.name(v.rec.Account), "err", err)
	v.refuse(chat.CodeVoid, err, "name", e.people.name(v.rec.Account))
	r.rec.Private.Voided = n
	e.touch(r)
	e.compareRules(r)
	if s := r.priv.sent; s != nil && s.frame.ID == v.rec.ID { // ours, and not as we sent it
		e.commitFailed(r, chat.Errorf(chat.CodeVoid, "name", e.self.Name))
	}
	e.resubmit(r)
	e.afterwards(r, jitter(r.priv.g.Size()), func() { e.rightState(r) })
}

// membership is who comes and goes by a commit.
type membership struct {
	added, removed []chat.AccountID // by device: an account may stand in both
	left           []chat.AccountID // those of removed who asked for it themselves
	devices        []chat.DeviceID  // those of added that had no leaf: they count their messages from 1
	weak           []chat.DeviceID  // those of devices that came by a last resort
	gone           []chat.DeviceID  // of removed, in the same order
	back           chat.AccountID   // who came back from outside
}

// changeOf reads it from a commit that isn't accepted yet.
func (p *private) changeOf(c *mls.StagedCommit) membership {
	var m membership
	for _, q := range c.Proposals() {
		switch q.Proposal.Type {
		case mls.ProposalAdd:
			m.add(q.Proposal.Add)
		case mls.ProposalRemove:
			m.remove(p.g, q)
		default:
		}
	}
	if c.External() {
		l := leafOf(c.Path())
		m.back = l.Account
		m.added = append(m.added, m.back)
		if !slices.Contains(m.gone, l.Device) { // no leaf of it was there: it counts from 1, like one that is invited
			m.devices = append(m.devices, l.Device)
		}
	}
	return m
}

// add counts a new leaf.
func (m *membership) add(k *mls.KeyPackage) {
	l := leafOf(k.Leaf)
	m.added, m.devices = append(m.added, l.Account), append(m.devices, l.Device)
	if k.LastResort() {
		m.weak = append(m.weak, l.Device)
	}
}

// remove counts the removal of a leaf.
func (m *membership) remove(g *mls.Group, q mls.QueuedProposal) {
	l := leafOf(g.Leaf(q.Proposal.Remove))
	a := l.Account
	m.removed, m.gone = append(m.removed, a), append(m.gone, l.Device)
	if q.Sender.Type == mls.SenderMember && leafOf(g.Leaf(mls.LeafIndex(q.Sender.Index))).Account == a {
		m.left = append(m.left, a)
	}
}

// count takes a change into the number of each member's devices, and tells who is new in the room and who is gone.
func (p *private) count(m membership) (came, went []chat.AccountID) {
	before := make(map[chat.AccountID]bool)
	for _, a := range append(slices.Clone(m.added), m.removed...) {
		if _, ok := before[a]; !ok {
			before[a] = p.devices[a] > 0
		}
	}
	for _, a := range m.added {
		p.devices[a]++
	}
	for _, a := range m.removed {
		if p.devices[a]--; p.devices[a] <= 0 {
			delete(p.devices, a)
		}
	}
	for a, was := range before {
		switch is := p.devices[a] > 0; {
		case is && !was:
			came = append(came, a)
		case was && !is:
			went = append(went, a)
		}
	}
	byBytes := func(a, b chat.AccountID) int { return slices.Compare(a[:], b[:]) }
	slices.SortFunc(came, byBytes)
	slices.SortFunc(went, byBytes)
	return came, went
}

// nextState is the state that a commit puts in force.
func (p *private) nextState(c *mls.StagedCommit) (roomState, bool) {
	for _, q := range c.Proposals() {
		if q.Proposal.Type == mls.ProposalGroupContextExtensions {
			hash, _ := stateHash(q.Proposal.Extensions)
			s, ok := p.offers[hash]
			return s, ok
		}
	}
	return roomState{}, false
}

// advanced is reached when the group is in the epoch of the commit at n.
func (e *engine) advanced(r *room, n chat.Seq, v *verdict, m membership) {
	p, rec := r.priv, r.rec.Private
	e.clearOffers(r)
	rec.Applied, rec.Voided, rec.Pending = n, 0, nil
	if rec.Branch {
		rec.Branch, rec.Regain = false, nil
	}
	for _, d := range m.devices {
		s := &senderRecord{Since: p.g.Epoch(), Seq: n, Heard: e.now().UnixMilli(), Weak: slices.Contains(m.weak, d)}
		r.senders[d] = s
		e.put(TableSenders, senderKey(r.id, d), s)
	}
	v.rec.Devices = p.newDevices(m)
	if slices.Contains(m.added, e.id.account()) { // perhaps one that was revoked on its way
		e.soon(func() {
			if p.g != nil && r.phase == live {
				e.putOutRevoked(r)
			}
		})
	}
	came, went := p.count(m)
	for _, a := range came {
		p.came[a] = n
	}
	v.rec.Form = Silent
	v.rec.Silent, v.rec.Sleeping = p.silenced(rec, v.rec.Account, m, went)
	rec.Silent = nil
	for i, d := range m.devices {
		if slices.Contains(m.weak, d) && !slices.Contains(v.rec.Weak, m.added[i]) {
			v.rec.Weak = append(v.rec.Weak, m.added[i])
		}
	}
	if len(came)+len(went)+len(v.rec.About)+len(v.rec.Devices)+len(v.rec.Sleeping) > 0 || !m.back.IsZero() {
		v.rec.Form, v.rec.Added, v.rec.Back = Changed, came, !m.back.IsZero() && len(v.rec.Devices) == 0
		for _, a := range went {
			switch {
			case slices.Contains(m.left, a):
				v.rec.Left = append(v.rec.Left, a)
			case !slices.Contains(v.rec.Silent, a):
				v.rec.Removed = append(v.rec.Removed, a)
			}
		}
	}
	if len(went) > 0 || p.ruled {
		rec.Confirm = n
	}
	p.ruled = false
	e.touch(r)
	p.sent = nil
	e.wake(r)
	if rec.Leaving {
		e.soon(func() { e.leaveAgain(r) })
	}
}

// wake has the room's waiting work looked at, once it is read up to the head.
func (e *engine) wake(r *room) {
	if r.phase != live {
		return
	}
	e.soon(func() {
		e.drive(r)
		e.pump(r)
		e.checkFlush()
	})
}

// removed ends our membership.
func (e *engine) removed(r *room, v *verdict, m membership, by chat.AccountID) {
	p := r.priv
	came, went := p.count(m)
	v.rec.Form, v.rec.Added, v.rec.Removed = Changed, came, went
	v.rec.Silent, v.rec.Sleeping = p.silenced(r.rec.Private, by, m, went)
	v.rec.Removed = slices.DeleteFunc(v.rec.Removed, func(a chat.AccountID) bool { return slices.Contains(v.rec.Silent, a) })
	silent := slices.Contains(v.rec.Silent, e.id.account())
	leaving := r.rec.Private.Leaving
	if slices.Contains(v.rec.Sleeping, e.id.account()) && !leaving { // our account is still a member: we come back
		if err := e.lost(r); err != nil {
			e.fail(err)
			return
		}
		e.emit(Returning{Room: r.rec.Name})
		e.soon(func() { e.unfollowed(r) })
		return
	}
	if leaving {
		v.rec.Form = Silent
	}
	e.gone(r)
	if leaving {
		e.leftRoom(r)
		return
	}
	e.emit(PutOut{Room: r.rec.Name, By: e.people.name(by), Silent: silent})
}

// gone forgets the group of a room that we aren't in any more. What was read stays.
func (e *engine) gone(r *room) {
	e.knowMembers(r)
	if err := e.forgetGroup(r); err != nil {
		e.fail(err)
		return
	}
	p := r.priv
	p.g, p.coming, p.sent, p.vetting = nil, nil, nil, nil
	r.rec.Joined = false
	r.rec.Private.Gone, r.rec.Private.Leaving, r.rec.Private.Lost, r.rec.Private.Return = true, false, false, nil
	e.stage.durable = true
	e.touch(r)
	gone := chat.Errorf(chat.CodeNotMember, "room", r.rec.Name)
	p.answerAll(gone)
	for _, o := range slices.Clone(r.outbox) {
		e.failed(r, o, gone)
	}
	e.soon(func() { e.unsubscribe(r); e.tellLive(r, gone); e.tellBehind(r, gone) })
}

// jitter spreads what several members would do at once: the more there are, the longer.
func jitter(size int) time.Duration {
	return 50*time.Millisecond + randomBelow(200*time.Millisecond+time.Duration(size)*20*time.Millisecond)
}
