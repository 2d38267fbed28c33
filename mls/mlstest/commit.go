package mlstest

import (
	"slices"

	"huisclos/mls"
)

// Plan is a commit to forge. The zero value makes a right, empty commit with a path, as a PrivateMessage.
type Plan struct {
	// Proposals in the commit's order. They are applied as far as that is possible, in the order of RFC 9420 §12.3.
	Proposals []Item
	NoPath    bool
	// External makes it the commit of somebody who isn't a member (RFC 9420 §12.4.3.2), with this leaf, signed by Wrap.Signer. It gets an
	// ExternalInit in front of the proposals, unless NoInit is set.
	External *LeafNode
	NoInit   bool

	// Leaf runs before the path's leaf is signed, with parent hash and all; SignedLeaf after it.
	Leaf, SignedLeaf func(*LeafNode)
	// LeafSigner signs the path's leaf; nil: as the message.
	LeafSigner *Signer
	// NodeKey replaces the public key of a path's node, before its parent hash is computed.
	NodeKey func(step int, key []byte) []byte
	// Secret replaces what is encrypted to a step's recipients.
	Secret func(step int, secret []byte) []byte
	// Path runs over the finished path, Commit over the commit; both before the signature.
	Path   func(*UpdatePath)
	Commit func(*Commit)
	// Tagged runs at the end, over signature and confirmation tag.
	Tagged func(*Authenticated)
	// Wrap says how it is sent; its Content and Signed hooks run before the tag is computed.
	Wrap
}

// Made is a forged commit.
type Made struct {
	Message []byte
	Content *Authenticated
	// Next is the forger in the epoch that the commit begins, if it is accepted. After an external commit it is the newcomer.
	Next   *Forger
	Joiner []byte
	PSKs   []PSK
	Added  []uint32
	Adds   []*KeyPackage

	steps   []Step
	secrets [][]byte
	init    []byte
}

// Commit forges a commit.
func (f *Forger) Commit(p Plan) *Made {
	m := &Made{init: f.Secrets.Init, Next: &Forger{Suite: f.Suite, Own: f.Own, Signer: f.Signer, Private: map[uint32][]byte{}, nodes: map[uint32][]byte{},
		heads: map[ratchet]head{}}}
	n := m.Next
	n.Context, n.Tree = f.Context, f.Tree.Clone()
	n.Context.Epoch++
	c := f.content(mls.ContentCommit)
	if p.External != nil {
		p.Public = true
		c.Sender = mls.Sender{Type: mls.SenderNewMemberCommit}
		if n.Signer = p.Signer; !p.NoInit {
			enc, init := f.Suite.SendInit(f.ExternalKey())
			m.init = init
			p.Proposals = append(Values(&Proposal{Type: mls.ProposalExternalInit, KEMOutput: enc}), p.Proposals...)
		}
	}
	m.apply(p.Proposals)
	if p.External != nil {
		n.Own = n.Tree.place()
	}
	c.Commit = &Commit{Proposals: p.Proposals}
	commitSecret := make([]byte, f.Suite.Nh)
	if !p.NoPath {
		c.Commit.Path, commitSecret = m.path(f, p)
	}
	n.Context.TreeHash = n.Tree.RootHash(f.Suite)
	if p.Commit != nil {
		p.Commit(c.Commit)
	}
	m.Content = f.sign(c, p.Wrap)
	m.finish(f, commitSecret)
	m.Content.ConfirmationTag = n.ConfirmationTag
	if p.Tagged != nil {
		p.Tagged(m.Content)
	}
	m.Message = f.wrap(m.Content, p.Wrap)
	return m
}

// apply changes the next tree and context by the proposals.
func (m *Made) apply(list []Item) {
	n := m.Next
	each := func(t mls.ProposalType, f func(Item)) {
		for _, i := range list {
			if i.Proposal != nil && i.Type == t {
				f(i)
			}
		}
	}
	each(mls.ProposalGroupContextExtensions, func(i Item) { n.Context.Extensions = i.Extensions })
	each(mls.ProposalUpdate, func(i Item) {
		if n.Tree.Leaf(i.Sender) != nil {
			n.Tree.Blank(i.Sender)
			n.Tree.Nodes[2*i.Sender].Leaf = i.Update
		}
	})
	each(mls.ProposalRemove, func(i Item) { n.Tree.Remove(i.Remove) })
	each(mls.ProposalAdd, func(i Item) {
		m.Added = append(m.Added, n.Tree.Add(i.Add.Leaf))
		m.Adds = append(m.Adds, i.Add)
	})
	each(mls.ProposalPSK, func(i Item) { m.PSKs = append(m.PSKs, i.PSK) })
}

// path makes the committer's path and puts it into the next tree (RFC 9420 §7.4 to §7.6).
func (m *Made) path(f *Forger, p Plan) (*UpdatePath, []byte) {
	s, n := f.Suite, m.Next
	leaf := p.External
	if leaf == nil {
		leaf = f.Leaf()
	}
	leaf = leaf.Clone()
	var private []byte
	private, leaf.EncryptionKey = s.NewKey()
	leaf.Source = mls.SourceCommit
	before := n.Tree.Clone()
	m.steps = before.Path(n.Own)
	secret := Random(s.Nh)
	n.Tree.Blank(n.Own)
	for i, step := range m.steps {
		m.secrets = append(m.secrets, secret)
		nodePrivate, public := s.DeriveKey(s.Derive(secret, "node"))
		if n.Private[step.Node] = nodePrivate; p.NodeKey != nil {
			public = p.NodeKey(i, public)
		}
		n.Tree.Nodes[step.Node].Parent = &ParentNode{Key: public}
		secret = s.Derive(secret, "path")
	}
	for i := len(m.steps) - 1; i >= 0; i-- {
		hash := n.Tree.ParentHash(s, m.steps[i].Node, m.steps[i].Copath)
		if leaf.ParentHash = hash; i > 0 {
			n.Tree.Nodes[m.steps[i-1].Node].Parent.ParentHash = hash
		}
	}
	m.signLeaf(f, p, leaf)
	n.Private[2*n.Own] = private
	n.Tree.Nodes[2*n.Own].Leaf = leaf
	provisional := n.Context
	provisional.TreeHash = n.Tree.RootHash(s)
	path := &UpdatePath{Leaf: leaf}
	for i, step := range m.steps {
		node := PathNode{Key: n.Tree.Nodes[step.Node].Parent.Key}
		text := m.secrets[i]
		if p.Secret != nil {
			text = p.Secret(i, text)
		}
		for _, x := range before.Resolution(step.Copath) {
			if x%2 == 1 || !slices.Contains(m.Added, x/2) {
				node.Secrets = append(node.Secrets, s.Seal(before.key(x), "UpdatePathNode", encoded(&provisional), text))
			}
		}
		path.Nodes = append(path.Nodes, node)
	}
	if p.Path != nil {
		p.Path(path)
	}
	return path, secret
}

func (m *Made) signLeaf(f *Forger, p Plan, leaf *LeafNode) {
	if p.Leaf != nil {
		p.Leaf(leaf)
	}
	signer := f.Signer
	if p.Signer != nil {
		signer = p.Signer
	}
	if p.LeafSigner != nil {
		signer = p.LeafSigner
	}
	leaf.Sign(signer, f.Context.GroupID, m.Next.Own)
	if p.SignedLeaf != nil {
		p.SignedLeaf(leaf)
	}
}

// finish runs the key schedule (RFC 9420 §8).
func (m *Made) finish(f *Forger, commitSecret []byte) {
	s, n, a := f.Suite, m.Next, m.Content
	var w Writer
	w.U16(uint16(a.Format))
	a.Content.encode(&w)
	w.Opaque(a.Signature)
	n.Context.TranscriptHash = s.Hash(f.Interim, w.B)
	m.Joiner = s.Expand(s.extract(m.init, commitSecret), "joiner", encoded(&n.Context), s.Nh)
	n.begin(m.member())
}

func (m *Made) member() []byte { return m.Next.Suite.extract(m.Joiner, m.Next.Suite.pskSecret(m.PSKs)) }

// begin derives an epoch from the secret that joiner and pre-shared keys make.
func (f *Forger) begin(member []byte) {
	s := f.Suite
	epoch := s.Expand(member, "epoch", encoded(&f.Context), s.Nh)
	for i, secret := range f.Secrets.list() {
		*secret = s.Derive(epoch, secretLabels[i])
	}
	f.nodes = map[uint32][]byte{f.Tree.root(): s.Derive(epoch, "encryption")}
	f.ConfirmationTag = s.MAC(f.Secrets.Confirmation, f.Context.TranscriptHash)
	var w Writer
	w.Opaque(f.ConfirmationTag)
	f.Interim = s.Hash(f.Context.TranscriptHash, w.B)
}
