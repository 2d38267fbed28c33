package mls

import (
	"bytes"
	"crypto/hmac"
	"time"
)

// Receiving (RFC 9420 §6.2, §6.3): from a message that claims to something that is verified. Nothing changes before its Accept.

// Verified is an *ApplicationMessage, a *ProposalMessage or a *StagedCommit.
type Verified interface {
	// Sender who signed it.
	Sender() Sender
	// Epoch that it was sent in.
	Epoch() uint64
	// AuthenticatedData that came with it.
	AuthenticatedData() []byte
}

// header is what all verified messages have.
type header struct {
	sender            Sender
	epoch             uint64
	authenticatedData []byte
}

func headerOf(c *framedContent) header { return header{c.sender, c.epoch, c.authenticatedData} }

// Sender who signed it.
func (h header) Sender() Sender { return h.sender }

// Epoch that it was sent in.
func (h header) Epoch() uint64 { return h.epoch }

// AuthenticatedData that came with it.
func (h header) AuthenticatedData() []byte { return bytes.Clone(h.authenticatedData) }

// ApplicationMessage is application data that was decrypted and verified. Its plaintext comes from Accept, which deletes the key.
type ApplicationMessage struct {
	header
	g          *Group
	r          *reception
	use        *keyUse
	data       []byte
	leaf       *LeafNode
	generation uint32
}

// Leaf of the sender in the epoch that it was sent in. It must not be changed.
func (m *ApplicationMessage) Leaf() *LeafNode { return m.leaf }

// Generation of the sender's ratchet: consecutive in what one member sends in an epoch.
func (m *ApplicationMessage) Generation() uint32 { return m.generation }

// Accept deletes the message's key, makes that durable together with what save does with the plaintext, and returns the plaintext. A
// message is accepted once: the second time, here or after a restart, is ErrReplay.
func (m *ApplicationMessage) Accept(save func(plaintext []byte, c Changes) error) ([]byte, error) {
	if save == nil {
		return nil, misuse("no function to save with")
	}
	tree := m.r.messages
	if _, err := m.g.receptionFor(m.r.number); err != nil { // the epoch was dropped since
		return nil, err
	}
	if m.use.version != tree.version { // others were accepted since
		use, err := tree.use(m.use.id, m.use.generation, m.g.cfg.limits())
		if err != nil {
			return nil, err
		}
		m.use = use
	}
	if err := m.g.saveUse(tree, m.use, m.r.number, nil, func(c Changes) error { return save(m.data, c) }); err != nil {
		return nil, err
	}
	return m.data, nil
}

// saveUse saves the use of a key, and what more says, and applies it when that worked.
func (g *Group) saveUse(t *secretTree, use *keyUse, epoch uint64, more Changes, save func(Changes) error) error {
	if err := g.save(save, append(t.changes(use, epoch), more...)); err != nil {
		return err
	}
	t.apply(use)
	return nil
}

// ProposalMessage is a proposal that was verified. Accept queues it for the next commit; whoever has rules of his own looks first.
type ProposalMessage struct {
	header
	g   *Group
	q   *queued
	use *keyUse // of a PrivateMessage
}

// Proposal that was made. It must not be changed.
func (m *ProposalMessage) Proposal() QueuedProposal { return m.q.public() }

// Accept queues the proposal.
func (m *ProposalMessage) Accept(save Saver) error {
	g := m.g
	if err := g.usable(); err != nil {
		return err
	}
	if m.header.epoch != g.epoch.number {
		return misuse("the group has left the epoch of this proposal")
	}
	if g.findProposal(m.q.ref) != nil {
		return fail(ErrReplay, "", "the proposal is queued already")
	}
	m.q.order = g.nextOrder()
	var c Changes
	c.put(proposalKey(m.q.ref), m.q.marshal())
	var err error
	if m.use == nil {
		err = g.save(save, c)
	} else {
		tree := g.epoch.messages
		if m.use.version != tree.version {
			if m.use, err = tree.use(m.use.id, m.use.generation, g.cfg.limits()); err != nil {
				return err
			}
		}
		err = g.saveUse(tree, m.use, g.epoch.number, c, save)
	}
	if err != nil {
		return err
	}
	g.proposals = append(g.proposals, m.q)
	return nil
}

// Open verifies a public or private message of this group. It changes nothing; Accept of what it returns does. ErrPastEpoch,
// ErrFutureEpoch, ErrReplay, ErrTooFar and ErrOwnMessage tell why a message can't be read now; ErrInvalid and ErrMalformed that it
// never can.
func (g *Group) Open(m *Message) (Verified, error) {
	if m == nil || m.public == nil && m.private == nil {
		return nil, misuse("a message of wire format that no group opens")
	}
	if !bytes.Equal(m.GroupID(), g.epoch.groupID) {
		return nil, invalid("6/group-id", "a message of another group")
	}
	if m.Epoch() > g.epoch.number {
		return nil, fail(ErrFutureEpoch, "12.4.2/epoch", "epoch %d; the group is in %d", m.Epoch(), g.epoch.number)
	}
	if m.private != nil {
		return g.openPrivate(m.private)
	}
	return g.openPublic(m.public)
}

// receptionFor finds what opens messages of an epoch.
func (g *Group) receptionFor(number uint64) (*reception, error) {
	if number == g.epoch.number {
		return &g.epoch.reception, nil
	}
	for _, r := range g.past {
		if r.number == number {
			return r, nil
		}
	}
	return nil, fail(ErrPastEpoch, "12.4.2/epoch", "the keys of epoch %d are gone; the group is in %d", number, g.epoch.number)
}

// leafIn finds a member as he was in an epoch.
func (g *Group) leafIn(r *reception, i LeafIndex) *LeafNode {
	for k := len(g.past) - 1; k >= 0; k-- { // the oldest first
		if p := g.past[k]; p.number >= r.number {
			if l, ok := p.changed[i]; ok {
				return l
			}
		}
	}
	return g.epoch.tree.leaf(i)
}

func (g *Group) openPrivate(p *privateMessage) (Verified, error) {
	if p.contentType != ContentApplication && p.epoch != g.epoch.number {
		return nil, fail(ErrPastEpoch, "12.4.2/epoch", "a proposal or commit of epoch %d; the group is in %d", p.epoch, g.epoch.number)
	}
	r, err := g.receptionFor(p.epoch)
	if err != nil {
		return nil, err
	}
	a, use, err := r.decrypt(g.s, p, g.cfg.limits(), func(i LeafIndex) bool { return g.leafIn(r, i) != nil })
	if err != nil {
		return nil, err
	}
	leaf := g.leafIn(r, LeafIndex(a.content.sender.Index))
	if err := a.verify(g.s, leaf.SignatureKey, a.toBeSigned(r.context)); err != nil {
		return nil, err
	}
	if p.contentType == ContentApplication {
		return &ApplicationMessage{header: headerOf(a.content), g: g, r: r, use: use, data: a.content.application, leaf: leaf, generation: use.generation}, nil
	}
	return g.openHandshake(a, use)
}

// decrypt opens a PrivateMessage (RFC 9420 §6.3). member says whether a leaf isn't blank.
func (r *reception) decrypt(s *suite, p *privateMessage, limits ratchetLimits, member func(LeafIndex) bool) (*authenticatedContent, *keyUse, error) {
	k := s.senderDataKey(r.senderData, p.ciphertext)
	data, err := s.aeadFor(k.key).Open(nil, k.nonce, p.encryptedSenderData, p.senderDataAAD())
	if err != nil {
		return nil, nil, invalid("6.3.2/sender-data", "the sender data doesn't open")
	}
	d := reader{b: data}
	sender, generation := LeafIndex(d.u32()), d.u32()
	guard := [4]byte{}
	copy(guard[:], d.take(4))
	if err := d.end(); err != nil {
		return nil, nil, err
	}
	if !member(sender) {
		return nil, nil, invalid("6.3.2/blank-sender", "nobody is at leaf %d", sender)
	}
	if sender == r.own {
		return nil, nil, fail(ErrOwnMessage, "", "a message of this member itself")
	}
	use, err := r.messages.use(ratchetID{sender, p.contentType == ContentApplication}, generation, limits)
	if err != nil {
		return nil, nil, err
	}
	plaintext, err := s.aeadFor(use.key).Open(nil, guarded(use.nonce, guard), p.ciphertext, p.contentAAD())
	if err != nil {
		return nil, nil, invalid("6.3.1/content", "the content doesn't open")
	}
	a, err := readPrivateContent(p, Sender{SenderMember, uint32(sender)}, plaintext)
	return a, use, err
}

// readPrivateContent reads PrivateMessageContent (RFC 9420 §6.3.1); what is left after it is padding, and must be zeros.
func readPrivateContent(p *privateMessage, sender Sender, plaintext []byte) (*authenticatedContent, error) {
	c := &framedContent{groupID: p.groupID, epoch: p.epoch, sender: sender, authenticatedData: p.authenticatedData, contentType: p.contentType}
	r := reader{b: plaintext}
	c.decodeBody(&r)
	a := &authenticatedContent{format: WirePrivateMessage, content: c}
	a.decodeAuth(&r)
	if r.err != nil {
		return nil, r.err
	}
	for _, b := range r.b {
		if b != 0 {
			return nil, malformed("6.3.1/padding", "padding that isn't zero")
		}
	}
	return a, nil
}

// openPublic verifies a PublicMessage (RFC 9420 §6.2).
func (g *Group) openPublic(p *publicMessage) (Verified, error) {
	a := &p.auth
	c := a.content
	if c.contentType == ContentApplication {
		return nil, invalid("6/application-public", "application data in a PublicMessage")
	}
	if c.epoch != g.epoch.number {
		return nil, fail(ErrPastEpoch, "12.4.2/epoch", "a proposal or commit of epoch %d; the group is in %d", c.epoch, g.epoch.number)
	}
	tbs := a.toBeSigned(g.epoch.context)
	if c.sender.Type == SenderMember {
		if !hmac.Equal(p.membershipTag, a.membershipTagOf(g.s, g.epoch.secrets.membership, tbs)) {
			return nil, invalid("6.2/membership-tag", "the membership tag is wrong")
		}
		if LeafIndex(c.sender.Index) == g.epoch.own {
			return nil, fail(ErrOwnMessage, "", "a message of this member itself")
		}
	}
	key, err := g.signatureKeyOf(c)
	if err != nil {
		return nil, err
	}
	if err := a.verify(g.s, key, tbs); err != nil {
		return nil, err
	}
	return g.openHandshake(a, nil)
}

// signatureKeyOf finds the key that must have signed a public message (RFC 9420 §6.1).
func (g *Group) signatureKeyOf(c *framedContent) ([]byte, error) {
	switch c.sender.Type {
	case SenderMember:
		leaf := g.epoch.tree.leaf(LeafIndex(c.sender.Index))
		if leaf == nil {
			return nil, invalid("6.1/sender-blank", "nobody is at leaf %d", c.sender.Index)
		}
		return leaf.SignatureKey, nil
	case SenderExternal:
		senders, err := g.epoch.extensions.ExternalSenders()
		if err != nil {
			return nil, err
		}
		if uint64(c.sender.Index) >= uint64(len(senders)) {
			return nil, invalid("6.1/external-sender", "there is no external sender %d", c.sender.Index)
		}
		if c.contentType != ContentProposal {
			return nil, invalid("6.1/external-content", "an external sender may only propose")
		}
		if !c.proposal.Type.externalAllowed() {
			return nil, malformed("12.1.8/external-type", "an external sender may not make a proposal of type %d", c.proposal.Type)
		}
		return senders[c.sender.Index].SignatureKey, nil
	case SenderNewMemberCommit:
		if c.contentType != ContentCommit {
			return nil, invalid("6.1/new-member-content", "a new member's commit is something else")
		}
		if c.commit.path == nil {
			return nil, invalid("12.4.3.2/path", "an external commit without a path")
		}
		return c.commit.path.leaf.SignatureKey, nil
	default: // SenderNewMemberProposal: the decoder takes no other
		if c.contentType != ContentProposal || c.proposal.Type != ProposalAdd {
			return nil, invalid("6.1/new-member-content", "a new member may propose only to be added")
		}
		return c.proposal.Add.Leaf.SignatureKey, nil
	}
}

// openHandshake verifies what a proposal or commit, whose signature is verified, says.
func (g *Group) openHandshake(a *authenticatedContent, use *keyUse) (Verified, error) {
	if err := g.writable(); err != nil {
		return nil, err
	}
	if a.content.contentType == ContentCommit {
		c, err := g.stage(a, nil)
		if err != nil {
			return nil, err
		}
		c.use = use
		return c, nil
	}
	q := &queued{proposal: a.content.proposal, sender: a.content.sender, content: a, ref: a.ref(g.s)}
	nobody := LeafIndex(^uint32(0)) // who will commit it isn't known
	if q.proposal.Type == ProposalExternalInit {
		return nil, invalid("12.1.6/context", "an ExternalInit outside of an external commit")
	}
	// Whether a key package's lifetime is over is for who commits it: others must be able to follow, even if they read it later.
	if err := g.checkProposal(q, nobody, false, time.Time{}); err != nil {
		return nil, err
	}
	return &ProposalMessage{header: headerOf(a.content), g: g, q: q, use: use}, nil
}
