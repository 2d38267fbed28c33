package client

import (
	"bytes"
	"errors"
	"slices"

	"huisclos/chat"
	"huisclos/content"
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
	// innerShare: messages from before, for those who couldn't read them.
	innerShare innerKind = 3
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
		r.rec.Gap = max(r.rec.Gap, n)
		return
	default:
		e.cfg.Log.Warn("an entry fails its check", "room", r.rec.Name, "seq", n, "device", env.Device, "err", o.err)
		v.refuse(chat.CodeAuth, o.err)
		return
	}
	switch m := o.v.(type) {
	case *mls.ApplicationMessage:
		e.readMessage(r, n, env, m, v)
	case *mls.ProposalMessage:
		e.readProposal(r, env, m, v)
	default: // a commit that was sent as something else
		v.refuse(chat.CodeAuth, errProtocol)
	}
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
		v.refuse(chat.CodeAuth, errOtherDevice)
		return
	}
	save := e.saver(r)
	plain, err := m.Accept(func(_ []byte, c mls.Changes) error { return save(c) })
	if err != nil {
		e.fail(err)
		return
	}
	v.good = true
	var in inner
	if wire.UnmarshalStrict(plain, &in) != nil || in.Version != 1 {
		v.rec.Form = Unsupported
		return
	}
	v.env = in.envelope(r.id, env)
	if !e.checkInner(r, n, v) {
		return
	}
	e.readInner(r, n, &in, m.Epoch(), v)
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
	if v.env.Counter <= s.Counter && s.Counter > 0 {
		v.refuse(chat.CodeAuth, errCounter)
		return false
	}
	log := e.forward(r)
	follows, err := log.follows(v.env)
	saw := true
	if err == nil {
		saw, err = log.saw(n, v.env)
	}
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
	case !follows && s.Seq > 0:
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
		v.rec.Form, p.stated = Silent, n
		s, err := parseState(in.Content)
		if err != nil {
			v.refuse(chat.CodeAuth, err)
			return
		}
		if epoch == p.g.Epoch() && len(p.offers) < maxOffers {
			p.offers[s.hash()] = s
		}
		e.missingState(r, s)
	case innerWantState:
		v.rec.Form = Silent
		if v.env.Account != e.id.account() || v.env.Device != e.id.device() {
			e.answerState(r)
		}
	default:
		v.rec.Form = Unsupported
	}
}

// maxOffers is how many states may be told in one epoch.
const maxOffers = 32

// readText reads a message to people.
func (e *engine) readText(r *room, body []byte, v *verdict) {
	p := r.priv
	if slices.Contains(p.state.Muted, v.env.Account) && p.state.role(v.env.Account) == Plain {
		v.refuse(chat.CodeMuted, nil, "name", e.people.name(v.env.Account))
		return
	}
	text, err := content.Text(body)
	if err != nil {
		v.rec.Form = Unsupported
		return
	}
	v.rec.Text = text
}

// readProposal queues a proposal that the room's rules allow. Whoever commits next takes it along.
func (e *engine) readProposal(r *room, env *wire.PrivateEnvelope, m *mls.ProposalMessage, v *verdict) {
	p := r.priv
	q := m.Proposal()
	l := leafOf(p.g.Leaf(mls.LeafIndex(m.Sender().Index)))
	err := p.permits(l.Account, q.Proposal)
	switch {
	case m.Sender().Type != mls.SenderMember || l.Device != env.Device || l.Account != env.Account:
		err = errOtherDevice
	case q.Proposal.Type != mls.ProposalRemove: // everything else is committed by whoever wants it
		err = errKind
	case len(p.g.Proposals()) >= maxProposals:
		err = errKind
	}
	if err != nil {
		v.refuse(chat.CodeAuth, err)
		return
	}
	if err := m.Accept(e.saver(r)); err != nil {
		e.fail(err)
		return
	}
	v.good = true
	v.rec.Form = Silent
	e.planCommit(r)
}

// maxProposals is how many proposals may wait in a room: a member who floods it with them gains nothing.
const maxProposals = 256
