package client

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/wire"
)

// Sending in private rooms: a message waits unencrypted in the outbox, sealed by the vault, until it can go; then it is encrypted in the epoch that there is.

// Kinds of what waits in an outbox besides the kinds of inner messages.
const outboxLeave innerKind = 255 // a proposal to remove ourselves

// enqueueInner puts something that isn't a person's message at the end of the outbox.
func (e *engine) enqueueInner(r *room, kind innerKind, body []byte) *outgoing {
	r.order++
	o := &outgoing{order: r.order, told: true, rec: outboxRecord{ID: chat.NewMessageID(time.Now()), Kind: kind, Content: body}}
	r.outbox = append(r.outbox, o)
	e.put(TableOutbox, outboxKey(r.id, o.order), &o.rec)
	if kind != outboxLeave {
		e.ahead(r)
	}
	e.touch(r)
	return o
}

// ahead puts the last of the outbox before everything that isn't sealed: what people write may have to wait for just this.
func (e *engine) ahead(r *room) {
	first := slices.IndexFunc(r.outbox, func(o *outgoing) bool { return !o.sealed() })
	rest := r.outbox[first:]
	if len(rest) < 2 {
		return
	}
	orders := make([]uint64, len(rest))
	for i, o := range rest {
		orders[i] = o.order
	}
	last := rest[len(rest)-1]
	copy(rest[1:], rest[:len(rest)-1])
	rest[0] = last
	for i, o := range rest {
		o.order = orders[i]
		e.put(TableOutbox, outboxKey(r.id, o.order), &o.rec)
	}
}

// maxUpdated is the size up to which a member refreshes his keys before his first message: above, that costs more than it gives.
const maxUpdated = 100

// cadence is how often own keys are refreshed: daily, weekly in a large room (PROTOCOL §6).
func (p *private) cadence() time.Duration {
	if p.g.Size() > maxUpdated {
		return 7 * 24 * time.Hour
	}
	return 24 * time.Hour
}

// mustCommit tells whether a commit has to come before the next message: others' proposals wait, or our keys are still those of the
// invitation.
func (e *engine) mustCommit(r *room) bool {
	p := r.priv
	return p.proposed() || r.rec.Private.Updated == 0 && p.g.Size() > 1 && p.g.Size() <= e.cfg.Renewing
}

// proposed tells whether something waits to be committed that we can commit: nobody can remove himself.
func (p *private) proposed() bool {
	own := p.g.Own()
	return slices.ContainsFunc(p.g.Proposals(), func(q mls.QueuedProposal) bool {
		return q.Proposal.Type != mls.ProposalRemove || q.Proposal.Remove != own
	})
}

// commitFirst wants a commit of what waits, once; before another state of the room, whose telling may wait for it.
func (e *engine) commitFirst(r *room) {
	p := r.priv
	if p.sent == nil && (len(p.intents) == 0 || p.intents[0].state != nil || p.intents[0].silent || r.rec.Private.Unproven && !p.own()) { // what is wanted waits for its telling, or for a proof, which waits for this
		p.intents = slices.Insert(p.intents, 0, new(intent))
	}
	e.soon(func() { e.drive(r) })
}

// planCommit has what others proposed committed after a while, by whoever comes first.
func (e *engine) planCommit(r *room) {
	p := r.priv
	epoch := p.g.Epoch() + 1
	if p.early == epoch {
		return
	}
	p.early = epoch
	e.afterwards(r, jitter(p.g.Size()), func() {
		p.early = 0
		if p.g != nil && p.proposed() {
			e.commitFirst(r)
		}
	})
}

// refresh wants our keys renewed when it is time, and looks again later.
func (e *engine) refresh(r *room) {
	p := r.priv
	if p.g == nil || r.phase != live {
		return
	}
	e.watch(r)
	due := time.UnixMilli(max(r.rec.Private.Updated, r.rec.Private.Since)).Add(p.cadence())
	if time.Now().After(due) && p.g.Size() > 1 {
		e.commitFirst(r)
	}
	e.afterwards(r, time.Hour+randomBelow(time.Hour), func() { e.refresh(r) })
}

// protect stages one message of a private room. False when nothing can be sent now.
func (e *engine) protect(r *room, o *outgoing) bool {
	p := r.priv
	if p.g == nil {
		return false
	}
	if o.rec.Kind == outboxLeave {
		return e.proposeLeaving(r, o)
	}
	if (o.rec.Kind == innerMessage || o.rec.Kind == innerReport) && (r.rec.Private.Unproven || r.rec.Private.Nameless || r.rec.Private.Unjudged > 0 || p.purging > 0) {
		return false // nothing is said to a group that may not be the room's
	}
	if o.rec.Kind == innerMessage && p.state.mutes(e.id.account()) {
		e.failed(r, o, chat.Errorf(chat.CodeMuted, "name", e.self.Name))
		return true
	}
	if o.isText() && e.held(r, o) {
		return false
	}
	if e.mustCommit(r) && (!e.unsure(r) || r.rec.Private.Unvetted) {
		e.commitFirst(r) // which waits itself for the members to be verified
		return false
	}
	if !e.confirmed(r) {
		return false
	}
	in := inner{Version: 1, Counter: r.rec.OwnCounter + 1, Previous: r.rec.OwnHash, SeenSeq: r.rec.Seq, SeenHash: r.rec.Hash, Kind: o.rec.Kind, Content: o.rec.Content}
	if in.SeenSeq == 0 {
		in.SeenHash = [32]byte{}
	}
	if in.Kind == innerMessage {
		body, err := o.body()
		if err != nil {
			e.failed(r, o, asError(err))
			return true
		}
		in.Content = body
	}
	save := e.saver(r)
	message, err := p.g.Protect(wire.Marshal(&in), o.rec.ID[:], func(_ []byte, c mls.Changes) error { return save(c) })
	if err != nil {
		e.failed(r, o, asError(err))
		return true
	}
	raw := e.contentEnvelope(r, o, message)
	in.Content = nil
	o.rec.Inner = wire.Marshal(&in)
	e.sendSealed(r, o, raw)
	return true
}

// contentEnvelope is the envelope of a message or a proposal.
func (e *engine) contentEnvelope(r *room, o *outgoing, message []byte) []byte {
	if e.marked(r, o) {
		return e.envelopeOf(r, o.rec.ID, message, wire.ServiceEnvelope)
	}
	return e.privateEnvelope(r, o.rec.ID, message)
}

// sendSealed keeps what was sealed and sends it.
func (e *engine) sendSealed(r *room, o *outgoing, raw []byte) {
	o.rec.Envelope, o.session = raw, e.session
	if err := o.parse(); err != nil {
		e.fail(err)
		return
	}
	r.rec.OwnCounter, r.rec.OwnHash = o.env.Counter, wire.HashEnvelope(raw)
	e.put(TableOutbox, outboxKey(r.id, o.order), &o.rec)
	e.touch(r)
	e.stage.durable = true
	e.stage.frames = append(e.stage.frames,
		wire.Encode(&wire.Send{Room: r.id, ID: o.rec.ID, Kind: chat.Content, Base: r.rec.Private.Confirmed, Envelope: raw}))
}

// proposeLeaving stages the proposal that removes us. Somebody else commits it. Our account's other devices go first: once we are out, nobody would
// put them out.
func (e *engine) proposeLeaving(r *room, o *outgoing) bool {
	p := r.priv
	if others := e.ownLeaves(p); len(others) > 0 {
		if !slices.ContainsFunc(p.intents, func(in *intent) bool { return len(in.devices) > 0 }) {
			e.soon(func() { e.want(r, &intent{devices: others}) })
		}
		return false
	}
	save := e.saver(r)
	message, err := p.g.Propose(&mls.Proposal{Type: mls.ProposalRemove, Remove: p.g.Own()}, o.rec.ID[:],
		func(_ []byte, c mls.Changes) error { return save(c) })
	if err != nil {
		e.failed(r, o, asError(err))
		return true
	}
	in := inner{Version: 1, Counter: r.rec.OwnCounter, Previous: r.rec.OwnHash}
	o.rec.Inner = wire.Marshal(&in)
	raw := e.contentEnvelope(r, o, message)
	before := r.rec.OwnHash
	e.sendSealed(r, o, raw)
	r.rec.OwnHash = before // a proposal has no counter
	return true
}

// confirmed tells whether the base of our next message is settled. A message confirms the removals of the commits up to its base: whom the
// roster takes off must be out of the group too, else the next commit puts them back.
func (e *engine) confirmed(r *room) bool {
	p, rec := r.priv, r.rec.Private
	if rec.Confirm <= rec.Confirmed && !p.compare {
		return true
	}
	if p.busy || p.sent != nil {
		return false
	}
	p.busy = true
	epoch := p.g.Epoch()
	e.roster(r, func(list *wire.RosterList) {
		p.busy = false
		if p.g == nil || p.g.Epoch() != epoch {
			e.wake(r)
			return
		}
		group := make(map[chat.AccountID]bool)
		for a := range p.devices {
			group[a] = true
		}
		add, _ := rosterChange(list.Members, group)
		if wrong := len(add) > 0 || e.misruled(r, list); wrong && !e.unsure(r) {
			e.commitFirst(r)
			return
		} else if wrong { // the next commit of somebody else puts it right
			e.afterwards(r, time.Second, func() { e.wake(r) })
			return
		}
		p.compare = false
		rec.Confirm = max(rec.Confirm, rec.Applied) // what the roster and the rules were compared with
		rec.Confirmed = rec.Confirm
		e.touch(r)
		e.wake(r) // what was wanted meanwhile too
	}, func(*chat.Error) {
		p.busy = false
		e.afterwards(r, time.Second, func() { e.wake(r) })
	})
	return false
}

// ownContent takes a message of ours out of the log: nobody can open his own, so its text is still in the outbox.
func (e *engine) ownContent(r *room, n chat.Seq, v *verdict) {
	o := r.find(v.rec.ID)
	if o == nil || !o.sealed() || wire.HashEnvelope(o.rec.Envelope) != v.rec.Envelope || v.rec.Device != e.id.device() {
		e.refuseEntry(r, n, v, fmt.Errorf("%w: not known as ours, who are at %d", errOtherDevice, r.rec.OwnCounter)) // nothing proves that it is
		return
	}
	p := r.priv
	v.good = true
	epoch := uint64(0)
	if env, err := wire.ParsePrivateEnvelope(o.rec.Envelope); err == nil {
		if m, err := mls.ParseMessage(env.Message); err == nil {
			epoch = m.Epoch()
		}
	}
	if o.rec.Kind == outboxLeave {
		v.rec.Form = Silent
		e.forget(r, o)
		if epoch == p.g.Epoch() {
			e.leftRoom(r)
			return
		}
		e.enqueueInner(r, outboxLeave, nil) // a commit came before it
		e.wake(r)
		return
	}
	v.env = o.env
	v.rec.Form = Silent
	if o.rec.Kind == innerMessage {
		v.rec.Form = Text
		body, err := o.body()
		if err != nil {
			e.fail(err)
			return
		}
		v.takeContent(body)
		v.rec.limits.room = p.state.Expiry
		v.rec.Moderates = e.moderates(r, e.id.account())
		if p.state.mutes(e.id.account()) {
			v.refuse(chat.CodeMuted, nil, "name", e.self.Name)
		} else {
			e.slow(r, v)
		}
	}
	if !e.checkInner(r, n, v) {
		return
	}
	if o.rec.Kind == innerWantPastOf { // so that another's answer doesn't count
		var want wantPastOf
		if wire.UnmarshalStrict(o.rec.Content, &want) == nil {
			p.pastFor[v.rec.ID] = want.Of
		}
	}
	if o.rec.Kind == innerWantPast || o.rec.Kind == innerWantPastOf {
		r.rec.Private.Asked = v.rec.ID
		e.touch(r)
	}
	if o.rec.Kind == innerSilent {
		e.tellSilent(r, e.id.account(), epoch, o.rec.Content)
		e.wake(r)
	}
	if o.rec.Kind == innerState {
		if s, err := parseState(o.rec.Content); err == nil {
			e.offered(r, epoch, s)
			for _, in := range p.intents { // told too late for the epoch: it is told again
				if epoch != p.g.Epoch() {
					in.toldIn = 0
				}
			}
			e.wake(r)
		}
	}
	if epoch+pastEpochs < p.g.Epoch() { // too late: the others have no key any more
		v.rec.Form, v.rec.Text, v.rec.Mentions = Silent, "", nil
		again := e.enqueue(r, o.rec.Text, o.rec.Once, nil)
		again.rec.Kind, again.rec.Content, again.rec.What, again.rec.Due, again.told = o.rec.Kind, o.rec.Content, o.rec.What, o.rec.Due, o.told
		e.put(TableOutbox, outboxKey(r.id, again.order), &again.rec)
	}
}

// missingState takes a state of the room that fits the group, where ours doesn't.
func (e *engine) missingState(r *room, s roomState, by chat.AccountID) {
	hash, ok := stateHash(r.priv.g.Extensions())
	if s.Direct && accountsIn(r.priv.g) > 2 {
		return // more than two aren't a conversation between two
	}
	if ok && hash == s.hash() && hash != r.priv.state.hash() {
		if r.rec.Private.Nameless {
			r.rec.Private.Inviter = by
		}
		e.takeState(r, s)
	}
}

// lacksState tells whether our state of the room isn't the one in force.
func (p *private) lacksState() bool {
	hash, ok := stateHash(p.g.Extensions())
	return ok && hash != p.state.hash()
}

// answerState tells somebody who came back the state in force, unless another member is quicker.
func (e *engine) answerState(r *room) {
	p := r.priv
	seq := r.rec.Seq
	e.afterwards(r, jitter(p.g.Size()), func() {
		if p.g == nil || r.rec.Private.Unproven || e.unsure(r) || p.stated > seq {
			return
		}
		e.enqueueInner(r, innerState, p.state.marshal())
		e.pump(r)
	})
}

// leftRoom tells that we have left: the others have what removes us. Until one of them commits it we follow the group, silently: a commit that
// was under way drops the proposal, and then it is made again.
func (e *engine) leftRoom(r *room) {
	if rec := r.rec.Private; !rec.Left {
		rec.Left = true
		e.touch(r)
		e.emit(Left{Room: r.rec.Name})
	}
}

// leaveAgain sees to it in a new epoch that we get out.
func (e *engine) leaveAgain(r *room) {
	p := r.priv
	if p.g == nil || !r.rec.Private.Leaving || e.session == nil || r.phase != live {
		return
	}
	if p.g.Size() == 1 {
		e.leaveAlone(r)
		e.gone(r)
		e.leftRoom(r)
		return
	}
	if !slices.ContainsFunc(r.outbox, func(o *outgoing) bool { return o.rec.Kind == outboxLeave }) && !p.leaves() {
		e.enqueueInner(r, outboxLeave, nil)
		e.pump(r)
	}
}

// leaves tells whether our own removal waits for a commit in this epoch.
func (p *private) leaves() bool {
	own := p.g.Own()
	return slices.ContainsFunc(p.g.Proposals(), func(q mls.QueuedProposal) bool {
		return q.Proposal.Type == mls.ProposalRemove && q.Proposal.Remove == own
	})
}

// leavePrivate leaves a private room.
func (e *engine) leavePrivate(r *room, answer func(error)) {
	p := r.priv
	if p.g == nil || p.g.Size() == 1 {
		if p.g != nil && e.session != nil {
			e.leaveAlone(r)
		}
		r.rec.Private.Unsaid = p.g == nil
		e.gone(r)
		e.emit(Left{Room: r.rec.Name})
		answer(nil)
		return
	}
	r.rec.Private.Leaving = true
	r.rec.Joined = false
	if !slices.ContainsFunc(r.outbox, func(o *outgoing) bool { return o.rec.Kind == outboxLeave }) {
		e.enqueueInner(r, outboxLeave, nil)
	}
	e.touch(r)
	e.pump(r)
	answer(nil)
}

// leaveAlone takes the last member off the roster, so that the server can let go of the room.
func (e *engine) leaveAlone(r *room) {
	p := r.priv
	if p.sent != nil || p.g.Pending() != nil {
		return
	}
	save := e.saver(r)
	id := chat.NewMessageID(time.Now())
	pending, err := p.g.Commit(mls.CommitOptions{AuthenticatedData: bytes.Clone(id[:])}, func(_ *mls.Pending, c mls.Changes) error { return save(c) })
	if err != nil {
		return
	}
	frame := &wire.Commit{Room: r.id, ID: id, Base: r.rec.Private.Commit, Envelope: e.privateEnvelope(r, id, pending.Message()), Remove: []chat.AccountID{e.id.account()}}
	e.stage.frames = append(e.stage.frames, wire.Encode(frame))
}
