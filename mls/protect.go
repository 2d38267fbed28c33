package mls

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"slices"
)

// Sending (RFC 9420 §6.2, §6.3).

// Protect encrypts application data for the group's members (RFC 9420 §6.3). authenticatedData goes with it, readable by whoever passes
// it on. save gets the MLSMessage with the changes that must be durable before anybody sees it. A group in which proposals wait
// commits first (§12.4).
func (g *Group) Protect(data, authenticatedData []byte, save func(message []byte, c Changes) error) ([]byte, error) {
	if err := g.writable(); err != nil {
		return nil, err
	}
	if len(g.proposals) > 0 {
		return nil, fail(ErrMisuse, "12.4/commit-first", "proposals wait: commit before sending")
	}
	if err := checkSize("a message", len(data)+len(authenticatedData)); err != nil {
		return nil, err
	}
	content := &framedContent{groupID: g.epoch.groupID, epoch: g.epoch.number, sender: Sender{SenderMember, uint32(g.epoch.own)},
		authenticatedData: authenticatedData, contentType: ContentApplication, application: data}
	return g.send(&authenticatedContent{format: WirePrivateMessage, content: content}, nil, save)
}

// send signs, encrypts and saves a message; more says what else changes.
func (g *Group) send(a *authenticatedContent, more func(*Changes), save func([]byte, Changes) error) ([]byte, error) {
	if save == nil {
		return nil, misuse("no function to save with")
	}
	if err := a.sign(g.s, g.epoch.signature, g.epoch.context); err != nil {
		return nil, err
	}
	message, key, err := g.protect(a)
	if err != nil {
		return nil, err
	}
	var changes Changes
	if more != nil {
		more(&changes)
	}
	if err := g.saveSending(func(c Changes) error { return save(message, c) }, key, changes); err != nil {
		return nil, err
	}
	return message, nil
}

// protect turns signed content into a message of its wire format, and uses up a key for it.
func (g *Group) protect(a *authenticatedContent) ([]byte, Changes, error) {
	if a.format == WirePublicMessage {
		p := &publicMessage{auth: *a}
		if a.content.sender.Type == SenderMember {
			p.membershipTag = a.membershipTagOf(g.s, g.epoch.secrets.membership, a.toBeSigned(g.epoch.context))
		}
		return marshal(&Message{Format: WirePublicMessage, public: p}), nil, nil
	}
	use, err := g.epoch.messages.next(ratchetID{g.epoch.own, a.content.contentType == ContentApplication})
	if err != nil {
		return nil, nil, err
	}
	p := g.epoch.reception.encrypt(g.s, a, use, g.cfg.padded)
	changes := g.epoch.messages.changes(use, g.epoch.number)
	g.epoch.messages.apply(use) // before anything is saved: a key that was used once is never used again
	return marshal(&Message{Format: WirePrivateMessage, private: p}), changes, nil
}

// encrypt makes a PrivateMessage (RFC 9420 §6.3.1, §6.3.2).
func (r *reception) encrypt(s *suite, a *authenticatedContent, use *keyUse, padded func(int) int) *privateMessage {
	c := a.content
	p := &privateMessage{groupID: c.groupID, epoch: c.epoch, contentType: c.contentType, authenticatedData: c.authenticatedData}
	var guard [4]byte
	_, _ = rand.Read(guard[:]) // never fails: crypto/rand ends the program instead

	w := writer{b: make([]byte, 0, len(c.application)+256)} // PrivateMessageContent
	c.encodeBody(&w)
	a.encodeAuth(&w)
	w.b = append(w.b, make([]byte, padded(len(w.b))-len(w.b))...)
	p.ciphertext = s.aeadFor(use.key).Seal(w.b[:0], guarded(use.nonce, guard), w.b, p.contentAAD()) // in place

	var d writer // SenderData
	d.u32(c.sender.Index)
	d.u32(use.generation)
	d.raw(guard[:])
	k := s.senderDataKey(r.senderData, p.ciphertext)
	p.encryptedSenderData = s.aeadFor(k.key).Seal(nil, k.nonce, d.b, p.senderDataAAD())
	return p
}

// guarded is the nonce with the reuse guard (RFC 9420 §6.3.1).
func guarded(nonce Secret, guard [4]byte) []byte {
	out := append([]byte(nil), nonce...)
	subtle.XORBytes(out, out, guard[:])
	return out
}

// contentAAD is PrivateContentAAD, senderDataAAD is SenderDataAAD.
func (p *privateMessage) contentAAD() []byte {
	w := writer{b: make([]byte, 0, 32+len(p.groupID)+len(p.authenticatedData))}
	p.encodeHead(&w)
	w.opaque(p.authenticatedData)
	return w.b
}

func (p *privateMessage) senderDataAAD() []byte {
	w := writer{b: make([]byte, 0, 16+len(p.groupID))}
	p.encodeHead(&w)
	return w.b
}

// Propose sends a proposal (RFC 9420 §12.1), and queues it for a commit of whoever commits next. An Update is made by ProposeUpdate.
func (g *Group) Propose(p *Proposal, authenticatedData []byte, save func(message []byte, c Changes) error) ([]byte, error) {
	if err := p.filled(); err != nil {
		return nil, err
	}
	if p.Type == ProposalUpdate || p.Type == ProposalExternalInit {
		return nil, misuse("this proposal can't be made so")
	}
	return g.propose(&queued{proposal: g.s.complete(p)}, authenticatedData, save)
}

// ProposeUpdate asks others to commit a new leaf of this member (RFC 9420 §12.1.2): fresh keys without the cost of a path.
func (g *Group) ProposeUpdate(change LeafChange, authenticatedData []byte, save func(message []byte, c Changes) error) ([]byte, error) {
	own, err := g.newOwnPath(change)
	if err != nil {
		return nil, err
	}
	leaf := g.epoch.tree.leaf(g.epoch.own).changed(SourceUpdate, own, change)
	if err := leaf.sign(g.s, own.signature, g.epoch.groupID, g.epoch.own); err != nil {
		return nil, err
	}
	return g.propose(&queued{proposal: &Proposal{Type: ProposalUpdate, Update: leaf}, encryption: own.leaf, signature: own.signature},
		authenticatedData, save)
}

func (g *Group) propose(q *queued, authenticatedData []byte, save func([]byte, Changes) error) ([]byte, error) {
	if err := g.writable(); err != nil {
		return nil, err
	}
	q.sender = Sender{SenderMember, uint32(g.epoch.own)}
	nobody := LeafIndex(^uint32(0)) // whoever commits it: not this member, as far as the rules go
	if err := g.checkProposal(q, nobody, false, g.cfg.now()); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(g.proposals, func(x *queued) bool {
		return x.sender == q.sender && bytes.Equal(x.content.content.authenticatedData, authenticatedData) && bytes.Equal(marshal(x.proposal), marshal(q.proposal))
	}) {
		return nil, misuse("the same proposal waits already") // it would have the same reference
	}
	format := WirePrivateMessage
	if g.cfg.PublicHandshake {
		format = WirePublicMessage
	}
	q.content = &authenticatedContent{format: format, content: &framedContent{groupID: g.epoch.groupID, epoch: g.epoch.number, sender: q.sender,
		authenticatedData: authenticatedData, contentType: ContentProposal, proposal: q.proposal}}
	q.order = g.nextOrder()
	message, err := g.send(q.content, func(c *Changes) {
		q.ref = q.content.ref(g.s)
		c.put(proposalKey(q.ref), q.marshal())
	}, save)
	if err != nil {
		return nil, err
	}
	g.proposals = append(g.proposals, q)
	return message, nil
}
