package client

import (
	"bytes"
	"errors"
	"fmt"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/wire"
)

// inner is what a message of a private room has inside the encryption besides its content (PROTOCOL §5).
type inner struct {
	_        struct{} `cbor:",toarray"`
	Version  uint     // 1
	Counter  uint64   // of this device in this room, from 1
	Previous [32]byte // SHA-256 of this device's previous envelope in this room; zero for the first
	SeenSeq  chat.Seq
	SeenHash [32]byte
	Kind     innerKind
	Content  []byte
}

// innerKind says what the content of a message is.
type innerKind uint8

const (
	// innerMessage: a message to people, as package content has it.
	innerMessage innerKind = 0
	// innerState: a state of the room, which the next commit may put in force.
	innerState innerKind = 1
	// innerWantState: the sender lacks the state that is in force.
	innerWantState innerKind = 2
	// innerWantPast: the sender lacks messages that others have read (wantPast).
	innerWantPast innerKind = 3
	// innerPast: such messages (past).
	innerPast innerKind = 4
	// innerWantProof: the sender came back from outside and asks those who were in the group at an epoch to speak.
	innerWantProof innerKind = 5
	// innerProof does.
	innerProof innerKind = 6
	// innerWantPastOf: the sender asks one account for messages (wantPastOf).
	innerWantPastOf innerKind = 11
	// innerSilent: devices of which nothing came for long, and which the sender is about to remove.
	innerSilent innerKind = 10
	// innerReport: what has become of messages at the sender's, as package content has it.
	innerReport innerKind = 7
)

// readContent judges a message, or a proposal.
func (e *engine) readContent(r *room, n chat.Seq, env *wire.PrivateEnvelope, o *opened, v *verdict) {
	p := r.priv
	if errors.Is(o.err, mls.ErrOwnMessage) || env.Device == e.id.device() {
		e.ownContent(r, n, v)
		return
	}
	switch {
	case o.err == nil:
	case errors.Is(o.err, mls.ErrPastEpoch) && p.beforeUs(r, env):
		v.rec.Form = Silent // written before we came, and not for us
		if r.rec.Private.Back {
			v.rec.Form, v.rec.Code = Unreadable, chat.CodeMissed
		}
		if m := messageOf(env); r.rec.Private.External && m != nil && p.g.Epoch() <= m.Epoch()+lateEpochs { // by somebody who hadn't read yet that this device is there: our account was
			v.rec.Code = chat.CodeMissed
			e.missLate(r, n)
		}
		r.rec.Gap = max(r.rec.Gap, n)
		return
	case p.doubt && p.elsewhere(false, messageOf(env), o.err): // of the others' epoch; we come back at the head
		v.rec.Form, v.rec.Code = Unreadable, chat.CodeMissed
		r.rec.Gap = max(r.rec.Gap, n)
		return
	case errors.Is(o.err, mls.ErrPastEpoch) && !isProposal(env): // its sender sees that it came too late, and sends it again
		v.rec.Form = Silent
		r.rec.Gap = max(r.rec.Gap, n)
		return
	case errors.Is(o.err, mls.ErrPastEpoch) && isProposal(env): // a commit came before it; whoever made it proposes again
		v.rec.Form = Silent
		return
	default:
		e.refuseEntry(r, n, v, o.err)
		return
	}
	switch m := o.v.(type) {
	case *mls.ApplicationMessage:
		e.readMessage(r, n, env, m, v)
	case *mls.ProposalMessage:
		e.readProposal(r, n, env, m, v)
	default: // a commit that was sent as something else
		e.refuseEntry(r, n, v, errProtocol)
	}
}

// messageOf reads the message of an envelope; nil when it isn't one.
func messageOf(env *wire.PrivateEnvelope) *mls.Message {
	m, err := mls.ParseMessage(env.Message)
	if err != nil {
		return nil
	}
	return m
}

// isProposal tells whether an envelope claims to hold a proposal.
func isProposal(env *wire.PrivateEnvelope) bool {
	m := messageOf(env)
	return m != nil && m.ContentType() == mls.ContentProposal
}

// beforeUs tells whether a message is from an epoch before we came into the group.
func (p *private) beforeUs(r *room, env *wire.PrivateEnvelope) bool {
	m, err := mls.ParseMessage(env.Message)
	return err == nil && m.Epoch() < r.rec.Private.Epoch
}

// readMessage opens an application message, and takes it for good.
func (e *engine) readMessage(r *room, n chat.Seq, env *wire.PrivateEnvelope, m *mls.ApplicationMessage, v *verdict) {
	l := leafOf(m.Leaf())
	if !bytes.Equal(m.AuthenticatedData(), env.ID[:]) || l.Device != env.Device || l.Account != env.Account {
		e.refuseEntry(r, n, v, errOtherDevice)
		return
	}
	if !e.vetSender(r, m.Leaf(), v) {
		return
	}
	if late, err := e.outdated(r, m.Epoch(), env.Device); err != nil {
		e.fail(err)
		return
	} else if late { // it counts for nobody
		v.rec.Form = Silent
		r.rec.Gap = max(r.rec.Gap, n)
		return
	}
	save := e.saver(r)
	plain, err := m.Accept(func(_ []byte, c mls.Changes) error { return save(c) })
	if err != nil {
		e.fail(err)
		return
	}
	v.good = true
	e.heard(r, env.Device)
	var in inner
	if wire.UnmarshalStrict(plain, &in) != nil || in.Version != 1 {
		v.rec.Form = Unsupported
		return
	}
	v.env, v.service = in.envelope(r.id, env), env.Version == wire.ServiceEnvelope
	if in.Kind.proves() && m.Epoch() >= r.rec.Private.Epoch && e.knows(r, env.Device) {
		e.proven(r)
	}
	if in.Kind == innerState { // whatever its counter: all must agree on what was told
		if s, err := parseState(in.Content); err == nil {
			e.offered(r, m.Epoch(), s)
		}
	}
	if !e.checkInner(r, n, v) {
		return
	}
	e.readInner(r, n, &in, m.Epoch(), v)
}

// outdated tells whether a message of an earlier epoch is of a device that has been removed since; it may have come back.
func (e *engine) outdated(r *room, epoch uint64, d chat.DeviceID) (bool, error) {
	g := r.priv.g
	if epoch == g.Epoch() {
		return false, nil
	}
	s, err := e.sender(r, d)
	if err != nil || epoch < s.Since {
		return true, err
	}
	there := false
	g.Members(func(_ mls.LeafIndex, leaf *mls.LeafNode) bool {
		there = leafOf(leaf).Device == d
		return !there
	})
	return !there, nil
}

// refuseEntry refuses an entry that fails a check, and says so in the log of the developer.
func (e *engine) refuseEntry(r *room, n chat.Seq, v *verdict, err error) {
	e.cfg.Log.Warn("an entry fails its check", "room", r.rec.Name, "seq", n, "device", v.rec.Device, "err", err)
	v.refuse(chat.CodeAuth, err)
}

// envelope gives the inner header the form that the checks of PROTOCOL §5 know.
func (in *inner) envelope(room chat.RoomID, env *wire.PrivateEnvelope) *wire.Envelope {
	return &wire.Envelope{
		Version: 1, Room: room, Account: env.Account, Device: env.Device, ID: env.ID,
		Counter: in.Counter, Previous: in.Previous, SeenSeq: in.SeenSeq, SeenHash: in.SeenHash,
	}
}

// checkInner compares counter and seen. One member's word doesn't stop a private room for the others: a message that comes again is refused, one that says that
// others are missing or that its sender has seen another log is shown with that.
func (e *engine) checkInner(r *room, n chat.Seq, v *verdict) bool {
	s, err := e.sender(r, v.env.Device)
	if err != nil {
		e.fail(err)
		return false
	}
	if v.env.Counter <= s.Counter || v.env.Counter == 0 {
		e.refuseEntry(r, n, v, fmt.Errorf("%w: %d after %d at %d", errCounter, v.env.Counter, s.Counter, s.Seq))
		return false
	}
	log := e.forward(r)
	follows := true
	switch {
	case s.Counter > 0:
		follows = continues(s.Counter, s.Hash, v.env, r.rec.Gap > s.Seq)
	case s.Since > 0:
		follows = continues(0, [32]byte{}, v.env, r.rec.Gap > s.Seq)
	}
	saw, err := log.saw(n, v.env)
	if err == nil {
		err = log.note(n, v.env, v.rec.Envelope)
	}
	if err != nil {
		e.fail(err)
		return false
	}
	switch {
	case !saw:
		v.rec.Code, v.rec.Params = chat.CodeForked, map[string]string{"room": r.rec.Name, "name": e.people.name(v.env.Account)}
	case !follows:
		v.rec.Code, v.rec.Params = chat.CodeIncomplete, map[string]string{"name": e.people.name(v.env.Account)}
	}
	return true
}

// readInner takes what a verified message says.
func (e *engine) readInner(r *room, n chat.Seq, in *inner, epoch uint64, v *verdict) {
	p := r.priv
	switch in.Kind {
	case innerMessage:
		e.readText(r, in.Content, v)
	case innerState:
		v.rec.Form = Silent
		s, err := parseState(in.Content)
		if err != nil {
			v.refuse(chat.CodeAuth, err)
			return
		}
		if s.hash() == p.state.hash() { // one that is only offered answers nobody who asks for that in force
			p.stated = n
		}
		e.missingState(r, s, v.env.Account)
	case innerWantState:
		v.rec.Form = Silent
		if v.env.Account != e.id.account() || v.env.Device != e.id.device() {
			e.answerState(r)
		}
	case innerWantPast:
		v.rec.Form = Silent
		e.tellPast(r, v.env.ID, v.env.Account, v.env.Device, in.Content)
	case innerWantPastOf:
		v.rec.Form = Silent
		e.tellPastOf(r, v.env.ID, v.env.Account, v.env.Device, in.Content)
	case innerPast:
		v.rec.Form = Silent
		e.takePast(r, v, in.Content)
	case innerWantProof:
		v.rec.Form = Silent
		e.giveProof(r, v.seq, v.env.Device, in.Content)
	case innerSilent:
		v.rec.Form = Silent
		e.tellSilent(r, v.env.Account, epoch, in.Content)
	case innerProof:
		v.rec.Form = Silent
		p.proved(v.seq, v.env.Device)
	case innerReport:
		v.rec.Form = Silent
		e.takeReport(r, n, v, in.Content)
	default:
		v.rec.Form = Unsupported
	}
}

// maxOffers is how many states may be told in one epoch.
const maxOffers = 32

// readText reads a message to people.
func (e *engine) readText(r *room, body []byte, v *verdict) {
	p, rec := r.priv, r.rec.Private
	if rec.Unproven && !e.knows(r, v.env.Device) { // perhaps not of the room at all: who was there is asked for it later
		v.rec.Form, v.rec.Code = Unreadable, chat.CodeReturning
		e.miss(r, v.seq-1, v.seq)
		return
	}
	if e.people.revokedBefore(v.env.Account, v.env.Device, v.rec.Time) { // what it says of the room counts: of that all must think alike
		v.refuse(chat.CodeRevoked, errRevoked)
		return
	}
	if p.state.mutes(v.env.Account) {
		v.refuse(chat.CodeMuted, nil, "name", e.people.name(v.env.Account))
		return
	}
	v.takeContent(body)
	v.rec.limits.room = p.state.Expiry
	v.rec.Moderates = e.moderates(r, v.env.Account)
	e.slow(r, v)
}

// readProposal queues a proposal that the room's rules allow. Whoever commits next takes it along.
func (e *engine) readProposal(r *room, n chat.Seq, env *wire.PrivateEnvelope, m *mls.ProposalMessage, v *verdict) {
	p := r.priv
	q := m.Proposal()
	l := leafOf(p.g.Leaf(mls.LeafIndex(m.Sender().Index)))
	err := p.permits(l.Account, q.Proposal)
	switch {
	case !bytes.Equal(m.AuthenticatedData(), env.ID[:]), m.Sender().Type != mls.SenderMember || l.Device != env.Device || l.Account != env.Account:
		err = errOtherDevice
	case q.Proposal.Type != mls.ProposalRemove: // everything else is committed by whoever wants it
		err = errKind
	case len(p.g.Proposals()) >= maxProposals:
		err = errKind
	}
	if err != nil {
		e.refuseEntry(r, n, v, err)
		return
	}
	if !e.vetSender(r, p.g.Leaf(mls.LeafIndex(m.Sender().Index)), v) {
		return
	}
	if err := m.Accept(e.saver(r)); err != nil {
		e.fail(err)
		return
	}
	v.good = true
	e.heard(r, env.Device)
	v.rec.Form = Silent
	e.planCommit(r)
}

// maxProposals is how many proposals may wait in a room: a member who floods it with them gains nothing.
const maxProposals = 256
