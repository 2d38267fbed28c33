package mls

import (
	"bytes"
	"crypto/rand"
	"slices"
)

// CommitOptions say what a commit does.
type CommitOptions struct {
	// Proposals are committed by value. A pre-shared key's nonce is drawn.
	Proposals []*Proposal
	// LeaveQueued leaves the proposals that wait (Group.Proposals) out; else those that fit are committed by reference
	// (RFC 9420 §12.4).
	LeaveQueued bool
	// NoPath leaves the path out where the proposals allow it. Then the commit heals nobody's keys, and is smaller.
	NoPath bool
	// Leaf changes this member's leaf; it needs a path.
	Leaf LeafChange
	// AuthenticatedData goes with the commit, readable by whoever passes it on.
	AuthenticatedData []byte
	// WelcomeTree puts the tree into the Welcome's GroupInfo; else newcomers need Group.Tree beside it.
	WelcomeTree bool
	// WelcomeExternalPub puts the external key into it, so that newcomers can let others join by external commits.
	WelcomeExternalPub bool
	// WelcomeExtensions go into it too, for newcomers only (Group.Welcomed).
	WelcomeExtensions Extensions
}

// LeafChange replaces parts of a leaf. The zero value changes only the encryption key.
type LeafChange struct {
	SignatureKey *SignatureKey
	Credential   *Credential
	// Extensions replace the leaf's when SetExtensions is true.
	Extensions    Extensions
	SetExtensions bool
}

// Pending is a commit of one's own that waits for the delivery service: it was sent, and counts when it came first. One can be
// pending in a group.
type Pending struct {
	g       *Group
	content *authenticatedContent
	own     *ownPath // nil without a path
	psk     Secret   // what its pre-shared keys made; nil without any
	message []byte
	welcome *Welcome
	n       *next
	epoch   *epoch
}

// Message is the commit as an MLSMessage, for the members.
func (p *Pending) Message() []byte { return bytes.Clone(p.message) }

// Welcome for the members that it adds; nil when there are none. Send it when the commit was accepted, not before.
func (p *Pending) Welcome() *Welcome { return p.welcome }

// Tree is the ratchet tree after the commit, for newcomers whose Welcome doesn't have it.
func (p *Pending) Tree() []byte { return marshal(p.epoch.tree) }

// GroupInfo is an MLSMessage by which others can join with an external commit once this commit is accepted (RFC 9420 §12.4.3.2).
func (p *Pending) GroupInfo(withTree bool) ([]byte, error) {
	info, err := p.epoch.groupInfo(p.g.cfg, p.g.s, withTree, true)
	if err != nil {
		return nil, err
	}
	return marshal(&Message{Format: WireGroupInfo, groupInfo: info}), nil
}

// Authenticator of the epoch that the commit begins (RFC 9420 §8.7).
func (p *Pending) Authenticator() []byte { return bytes.Clone(p.epoch.secrets.authenticator) }

// Added are the leaves of the members that it adds, in the order of their Adds.
func (p *Pending) Added() []LeafIndex { return slices.Clone(p.n.added) }

// Commit makes a commit and keeps it as the Pending one (RFC 9420 §12.4.1). save makes it durable, with whatever of it the caller
// wants to keep, before it is returned. The group stays in its epoch until Accept.
func (g *Group) Commit(o CommitOptions, save func(*Pending, Changes) error) (*Pending, error) {
	if err := g.writable(); err != nil {
		return nil, err
	}
	if g.pending != nil {
		return nil, misuse("a commit is pending: accept it or drop it first")
	}
	if save == nil {
		return nil, misuse("no function to save with")
	}
	me := Sender{SenderMember, uint32(g.epoch.own)}
	own := make([]*queued, len(o.Proposals))
	for i, p := range o.Proposals {
		if err := p.filled(); err != nil {
			return nil, err
		}
		own[i] = &queued{proposal: g.s.complete(p), sender: me}
	}
	n, err := g.applyOwn(own, o)
	if err != nil {
		return nil, err
	}
	p := &Pending{g: g, n: n}
	if n.pathRequired || !o.NoPath {
		if p.own, err = g.newOwnPath(o.Leaf); err != nil {
			return nil, err
		}
	} else if o.Leaf.SignatureKey != nil || o.Leaf.Credential != nil || o.Leaf.SetExtensions {
		return nil, misuse("a change of the leaf needs a path")
	}
	joiner, secrets, err := p.build(me, o)
	if err != nil {
		return nil, err
	}
	if len(n.added) > 0 {
		if p.welcome, err = p.makeWelcome(joiner, secrets, o); err != nil {
			return nil, err
		}
	}
	message, key, err := g.protect(p.content)
	if err != nil {
		return nil, err
	}
	p.message = message
	var more Changes
	if len(n.psks) > 0 {
		if p.psk, err = n.pskSecret(); err != nil {
			return nil, err
		}
	}
	more = append(more, Change{recordPending, p.marshal()})
	if err := g.saveSending(func(c Changes) error { return save(p, c) }, key, more); err != nil {
		return nil, err
	}
	g.pending = p
	return p, nil
}

// complete draws the nonce of a pre-shared key (RFC 9420 §8.4), on a copy.
func (s *suite) complete(p *Proposal) *Proposal {
	if p.Type != ProposalPSK {
		return p
	}
	q := *p
	q.PSK.nonce = s.random()
	return &q
}

// random draws Nh bytes.
func (s *suite) random() []byte {
	b := make([]byte, s.nh)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return b
}

// applyOwn applies what this member proposes by value together with the proposals that wait. Where these can't be had together, as when two
// add one client, those that fit are taken in the order of their coming.
func (g *Group) applyOwn(own []*queued, o CommitOptions) (*next, error) {
	now := g.cfg.now()
	try := func(list []*queued) (*next, error) {
		n, err := g.apply(append(slices.Clip(list), own...), g.epoch.own, false, now)
		if err == nil {
			err = n.checkTree()
		}
		return n, err
	}
	var list []*queued
	if !o.LeaveQueued {
		list = g.committable(o.Proposals)
	}
	n, err := try(list)
	if err == nil || len(list) == 0 {
		return n, err
	}
	if n, err = try(nil); err != nil {
		return nil, err // it isn't for them
	}
	var some []*queued
	for _, q := range list {
		if with, err := try(append(slices.Clip(some), q)); err == nil {
			n, some = with, append(some, q)
		}
	}
	return n, nil
}

// committable chooses among the queued proposals those that make a valid list with the ones by value (RFC 9420 §12.2): a Remove before
// an Update of the same leaf, the latest Update, no ReInit beside others, nothing that is invalid by itself or of this member itself.
func (g *Group) committable(byValue []*Proposal) []*queued {
	taken := map[LeafIndex]bool{}
	extensions := false
	for _, p := range byValue {
		if p.Type == ProposalRemove {
			taken[p.Remove] = true
		}
		extensions = extensions || p.Type == ProposalGroupContextExtensions
	}
	removed := func(i LeafIndex) bool {
		return slices.ContainsFunc(g.proposals, func(q *queued) bool {
			return q.proposal.Type == ProposalRemove && q.proposal.Remove == i
		})
	}
	var list []*queued
	for _, q := range slices.Backward(g.proposals) { // the latest first
		p := q.proposal
		if g.checkProposal(q, g.epoch.own, false, g.cfg.now()) != nil {
			continue
		}
		switch p.Type {
		case ProposalUpdate:
			if i := LeafIndex(q.sender.Index); taken[i] || removed(i) {
				continue
			} else {
				taken[i] = true
			}
		case ProposalRemove:
			if taken[p.Remove] {
				continue
			}
			taken[p.Remove] = true
		case ProposalGroupContextExtensions:
			if extensions {
				continue
			}
			extensions = true
		case ProposalReInit:
			if len(g.proposals) > 1 || len(byValue) > 0 {
				continue
			}
		case ProposalPSK:
			if _, err := g.findPSK(p.PSK); err != nil {
				continue
			}
		}
		list = append(list, q)
	}
	slices.Reverse(list)
	return list
}

// newOwnPath draws what a path comes from.
func (g *Group) newOwnPath(change LeafChange) (*ownPath, error) {
	k, err := g.s.kem.GenerateKey()
	if err != nil {
		return nil, misuse("%v", err)
	}
	own := &ownPath{first: g.s.random(), leaf: k, signature: g.epoch.signature}
	if change.SignatureKey != nil {
		own.signature = change.SignatureKey
	}
	if own.signature == nil || own.signature.scheme != g.s.sig {
		return nil, misuse("the signature key isn't one of %s", g.s.name)
	}
	return own, nil
}

// changed makes the next leaf out of the old one, unsigned.
func (l *LeafNode) changed(source LeafNodeSource, own *ownPath, change LeafChange) *LeafNode {
	out := &LeafNode{EncryptionKey: own.leaf.PublicKey().Bytes(), SignatureKey: own.signature.public, Credential: l.Credential,
		Capabilities: l.Capabilities, Source: source, Extensions: l.Extensions}
	if change.Credential != nil {
		out.Credential = *change.Credential
	}
	if change.SetExtensions {
		out.Extensions = change.Extensions
	}
	return out
}

// build puts the path into the tree, signs the commit and runs the key schedule. It returns the joiner secret, and the path's secrets with
// their steps for those who are added.
func (p *Pending) build(me Sender, o CommitOptions) (joiner Secret, placed *placedPath, err error) {
	n, g, s := p.n, p.n.g, p.n.g.s
	c := &commit{}
	for _, q := range n.proposals {
		if q.ref != nil {
			c.proposals = append(c.proposals, proposalOrRef{ref: q.ref})
		} else {
			c.proposals = append(c.proposals, proposalOrRef{proposal: q.proposal})
		}
	}
	private, signature := n.privateAfterProposals()
	commitSecret := s.zero()
	if p.own != nil {
		if placed, err = n.createPath(p.own, o.Leaf); err != nil {
			return nil, nil, err
		}
		c.path, commitSecret = placed.path, placed.secrets.commit
		private.adopt(n.committer, p.own, placed.steps, placed.secrets)
		signature = p.own.signature
	}
	if err := n.checkTree(); err != nil {
		return nil, nil, err
	}
	if placed != nil {
		if placed.path.nodes, err = s.sealPath(placed.before, placed.steps, placed.nodes.parents, placed.secrets, n.added, marshal(n.provisional())); err != nil {
			return nil, nil, err
		}
	}
	p.content = &authenticatedContent{format: WirePrivateMessage, content: &framedContent{groupID: g.epoch.groupID, epoch: g.epoch.number,
		sender: me, authenticatedData: o.AuthenticatedData, contentType: ContentCommit, commit: c}}
	signer := g.epoch.signature
	if n.external {
		signer = p.own.signature
	}
	if n.external || g.cfg.PublicHandshake {
		p.content.format = WirePublicMessage
	}
	if err := p.content.sign(s, signer, g.epoch.context); err != nil {
		return nil, nil, err
	}
	p.epoch, joiner, err = n.finish(p.content, n.committer, private, signature, commitSecret, g.epoch.secrets.init)
	if err != nil {
		return nil, nil, err
	}
	p.content.confirmationTag = p.epoch.confirmationTag
	return joiner, placed, nil
}

// placedPath is a path of one's own in its tree.
type placedPath struct {
	path    *updatePath
	before  ratchetTree
	steps   []pathStep
	nodes   pathNodes
	secrets *pathSecrets
}

// createPath makes the path of this member and puts it into the tree (RFC 9420 §7.5).
func (n *next) createPath(own *ownPath, change LeafChange) (*placedPath, error) {
	s := n.g.s
	p := &placedPath{before: n.tree, steps: n.tree.filteredPath(n.committer)}
	var err error
	if p.secrets, err = s.derivePath(own.first, len(p.steps)); err != nil {
		return nil, err
	}
	p.nodes = s.nodesOf(p.steps, func(i int) []byte { return p.secrets.keys[i].PublicKey().Bytes() })
	old := n.tree.leaf(n.committer)
	leaf := own.template
	if leaf == nil {
		leaf = old.changed(SourceCommit, own, change)
	}
	leaf.parentHash = p.nodes.leafHash
	if err := leaf.sign(s, own.signature, n.g.epoch.groupID, n.committer); err != nil {
		return nil, err
	}
	if err := leaf.checkAlone(s); err != nil {
		return nil, err
	}
	n.putPath(leaf, p.steps, p.nodes)
	p.path = &updatePath{leaf: leaf}
	return p, nil
}

// makeWelcome encrypts the group's secrets to each newcomer (RFC 9420 §12.4.3.1).
func (p *Pending) makeWelcome(joiner Secret, placed *placedPath, o CommitOptions) (*Welcome, error) {
	n, s := p.n, p.n.g.s
	info, err := p.epoch.groupInfo(n.g.cfg, s, o.WelcomeTree, o.WelcomeExternalPub, o.WelcomeExtensions...)
	if err != nil {
		return nil, err
	}
	psk, err := n.pskSecret()
	if err != nil {
		return nil, err
	}
	key, nonce := s.welcomeKey(s.welcomeSecret(s.memberSecret(joiner, psk)))
	w := &Welcome{suite: s.id, secrets: make([]encryptedGroupSecrets, len(n.added))}
	w.encryptedGroupInfo = s.aeadFor(key).Seal(nil, nonce, marshal(info), nil)
	context, initKeys := w.encryptedGroupInfo, n.initKeys
	n.initKeys = nil
	return w, inParallel(len(n.added), func(k int) (err error) {
		secrets := groupSecrets{joiner: joiner, psks: n.psks}
		if placed != nil {
			at := slices.IndexFunc(placed.steps, func(step pathStep) bool { return step.copathIndex.covers(n.added[k]) })
			secrets.pathSecret = placed.secrets.secrets[at]
		}
		w.secrets[k].newMember = n.packages[k].ref(s)
		w.secrets[k].secrets, err = s.encryptTo(initKeys[k], "Welcome", context, marshal(&secrets))
		return err
	})
}

// Accept takes the group to the epoch of this commit: the delivery service put it first.
func (p *Pending) Accept(save Saver) error {
	if p.g.pending != p {
		return misuse("the commit is no longer pending")
	}
	return p.g.advance(p.n, p.epoch, nil, save)
}

// Drop forgets the commit: another one came first, or the delivery service refused it. It must not be dropped when it may still be
// delivered, since the others would follow it.
func (p *Pending) Drop(save Saver) error {
	if p.g.pending != p {
		return misuse("the commit is no longer pending")
	}
	var c Changes
	c.remove(recordPending)
	if err := p.g.save(save, c); err != nil {
		return err
	}
	p.g.pending = nil
	return nil
}
