package mls

import (
	"bytes"
	"crypto/hmac"
	"crypto/hpke"
	"maps"
	"time"
)

// Processing a commit (RFC 9420 §12.4.2): all of it on a copy, which replaces the group's state only when it is accepted.

// StagedCommit is a commit of somebody else that was verified in full, confirmation tag included. The group is still in its old
// epoch; Accept takes it to the new one. Whoever has rules beyond the RFC's looks at Proposals and Leaf first.
type StagedCommit struct {
	header
	g     *Group
	n     *next
	epoch *epoch // nil when this member is removed
	path  *LeafNode
	use   *keyUse // of a PrivateMessage
}

// Proposals of the commit, in its order.
func (c *StagedCommit) Proposals() []QueuedProposal {
	list := make([]QueuedProposal, len(c.n.proposals))
	for i, q := range c.n.proposals {
		list[i] = q.public()
	}
	return list
}

// Committer is the leaf of who made it, in the new epoch.
func (c *StagedCommit) Committer() LeafIndex { return c.n.committer }

// External tells whether somebody joined by it (RFC 9420 §12.4.3.2).
func (c *StagedCommit) External() bool { return c.n.external }

// Path is the committer's new leaf; nil when the commit has no path.
func (c *StagedCommit) Path() *LeafNode { return c.path }

// Added are the leaves of the members that it adds, in the order of their Adds.
func (c *StagedCommit) Added() []LeafIndex { return append([]LeafIndex(nil), c.n.added...) }

// RemovesSelf tells whether it removes this member. Then its confirmation tag could not be checked: only the others have the key.
func (c *StagedCommit) RemovesSelf() bool { return c.epoch == nil }

// Authenticator of the new epoch (RFC 9420 §8.7); nil when this member is removed.
func (c *StagedCommit) Authenticator() []byte {
	if c.epoch == nil {
		return nil
	}
	return bytes.Clone(c.epoch.secrets.authenticator)
}

// ownPath is what a committer knows of his own path.
type ownPath struct {
	first     Secret // path_secret[0]
	leaf      hpke.PrivateKey
	signature *SignatureKey // of the leaf that the path brings
	template  *LeafNode     // the leaf of a newcomer, unsigned; nil: the leaf that is there, changed
}

// stage verifies a commit whose signature is verified, and works out the next epoch. own is set when the commit is one's own.
func (g *Group) stage(a *authenticatedContent, own *ownPath) (*StagedCommit, error) {
	content := a.content
	external := content.sender.Type == SenderNewMemberCommit
	list, err := g.resolveProposals(content.commit, content.sender)
	if err != nil {
		return nil, err
	}
	n, err := g.apply(list, LeafIndex(content.sender.Index), external, time.Time{})
	if err != nil {
		return nil, err
	}
	n.initKeys = nil
	staged := &StagedCommit{header: headerOf(content), g: g, n: n}
	path := content.commit.path
	if path == nil && n.pathRequired {
		return nil, invalid("12.4/path-required", "a commit without a path, whose proposals need one")
	}
	before, steps := n.tree, []pathStep(nil)
	if path != nil {
		staged.path = path.leaf
		if before, steps, err = n.receivePath(path); err != nil {
			return nil, err
		}
	}
	if err := n.checkTree(); err != nil {
		return nil, err
	}
	if n.selfRemoved {
		return staged, nil
	}
	private, signature := n.privateAfterProposals()
	commitSecret := g.s.zero()
	if path != nil {
		if own != nil {
			commitSecret, err = n.ownKeys(own, steps, private)
			signature = own.signature
		} else {
			commitSecret, err = g.s.openPath(before, steps, path.nodes, g.epoch.own, private, n.added, marshal(n.provisional()))
		}
		if err != nil {
			return nil, err
		}
	}
	init := g.epoch.secrets.init
	if external && own == nil {
		if init, err = g.s.receiveInit(g.epoch.secrets.external, n.externalInit); err != nil {
			return nil, err
		}
	}
	e, _, err := n.finish(a, g.epoch.own, private, signature, commitSecret, init)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(e.confirmationTag, a.confirmationTag) {
		return nil, invalid("6.1/confirmation-tag", "the confirmation tag is wrong: the committer is in another state")
	}
	staged.epoch = e
	return staged, nil
}

// resolveProposals finds what a commit refers to (RFC 9420 §12.4).
func (g *Group) resolveProposals(c *commit, sender Sender) ([]*queued, error) {
	list := make([]*queued, 0, len(c.proposals))
	seen := make(map[string]bool)
	for _, p := range c.proposals {
		if p.proposal != nil {
			list = append(list, &queued{proposal: p.proposal, sender: sender})
			continue
		}
		q := g.findProposal(p.ref)
		if q == nil {
			return nil, fail(ErrMissing, "12.4/unknown-proposal", "a commit refers to a proposal that isn't here")
		}
		if seen[string(p.ref)] {
			return nil, invalid("12.2/same-proposal", "a commit refers to one proposal twice")
		}
		seen[string(p.ref)] = true
		list = append(list, q)
	}
	return list, nil
}

func (g *Group) findProposal(ref []byte) *queued {
	for _, q := range g.proposals {
		if bytes.Equal(q.ref, ref) {
			return q
		}
	}
	return nil
}

// receivePath verifies an UpdatePath and puts it into the tree (RFC 9420 §12.4.2, §7.5). It returns the tree as it was, in which the
// recipients are found.
func (n *next) receivePath(path *updatePath) (before ratchetTree, steps []pathStep, err error) {
	s := n.g.s
	if path.leaf.Source != SourceCommit {
		return before, nil, invalid("7.3/source-commit", "the leaf of a path has source %d", path.leaf.Source)
	}
	if err := n.takePlace(path.leaf); err != nil {
		return before, nil, err
	}
	before, steps = n.tree, n.tree.filteredPath(n.committer)
	if err := before.checkPathShape(steps, path.nodes, n.added); err != nil {
		return before, nil, err
	}
	if n.index.hasEncryptionKey(path.leaf.EncryptionKey) {
		return before, nil, invalid("12.4.2/path-key-new", "the path's leaf has a key that is in the tree")
	}
	for _, node := range path.nodes {
		if _, err := s.checkHPKEKey(node.encryptionKey); err != nil {
			return before, nil, err
		}
		if n.index.hasEncryptionKey(node.encryptionKey) {
			return before, nil, invalid("12.4.2/path-key-new", "the path has a key that is in the tree")
		}
	}
	nodes := s.nodesOf(steps, func(i int) []byte { return path.nodes[i].encryptionKey })
	if !bytes.Equal(nodes.leafHash, path.leaf.parentHash) {
		return before, nil, invalid("7.9.2/path-parent-hash", "the path's leaf has another parent hash than its nodes make")
	}
	n.putPath(path.leaf, steps, nodes)
	return before, steps, nil
}

// takePlace verifies the path's leaf; in an external commit it finds its place first: the leftmost blank leaf (RFC 9420 §12.4.2).
func (n *next) takePlace(leaf *LeafNode) error {
	g := n.g
	if !n.external {
		return g.checkReplacement(leaf, n.committer, n.tree.leaf(n.committer))
	}
	if n.tree.root.members >= MaxMembers {
		return invalid("7.7/size", "a group of more than %d members", MaxMembers)
	}
	n.tree, n.committer = n.tree.place()
	if n.resynced != nil {
		return g.checkReplacement(leaf, n.committer, n.resynced)
	}
	if err := leaf.checkAlone(g.s); err != nil {
		return err
	}
	if err := leaf.verifySignature(g.s, g.epoch.groupID, n.committer); err != nil {
		return err
	}
	return g.cfg.validateMember(leaf)
}

// putPath changes tree and index.
func (n *next) putPath(leaf *LeafNode, steps []pathStep, nodes pathNodes) {
	n.blankPath(n.committer)
	if old := n.tree.leaf(n.committer); old != nil {
		n.index.leaf(old, -1)
	}
	n.index.leaf(leaf, 1)
	for _, p := range nodes.parents {
		n.index.parent(p, 1)
	}
	n.tree = n.tree.withPath(n.committer, leaf, steps, nodes.parents)
}

// privateAfterProposals are this member's keys that are still good after the proposals.
func (n *next) privateAfterProposals() (privateKeys, *SignatureKey) {
	e := n.g.epoch
	private, signature := maps.Clone(e.private), e.signature
	if q := n.ownUpdate; q != nil {
		private[e.own.node()] = q.encryption
		signature = q.signature
	}
	private.prune(n.tree)
	return private, signature
}

// ownKeys derives the keys of an own path again.
func (n *next) ownKeys(own *ownPath, steps []pathStep, private privateKeys) (commit Secret, err error) {
	p, err := n.g.s.derivePath(own.first, len(steps))
	if err != nil {
		return nil, err
	}
	private.adopt(n.committer, own, steps, p)
	return p.commit, nil
}

func (k privateKeys) adopt(i LeafIndex, own *ownPath, steps []pathStep, p *pathSecrets) {
	k[i.node()] = own.leaf
	for x, key := range p.keys {
		k[steps[x].index] = key
	}
}

// provisional is the group context that path secrets are encrypted under (RFC 9420 §12.4.1): the new one, with the old transcript.
func (n *next) provisional() *groupContext {
	old := n.g.epoch
	return &groupContext{suite: n.g.s.id, groupID: old.groupID, epoch: old.number + 1, treeHash: n.g.s.treeHash(n.tree),
		confirmedTranscriptHash: old.confirmedTranscriptHash, extensions: n.extensions}
}

// finish runs the key schedule (RFC 9420 §8) for a signed commit. The tag that it computes, the receiver compares and the sender sends.
func (n *next) finish(a *authenticatedContent, own LeafIndex, private privateKeys, signature *SignatureKey, commitSecret, init Secret) (*epoch, Secret, error) {
	s := n.g.s
	psk, err := n.pskSecret()
	if err != nil {
		return nil, nil, err
	}
	context := *n.provisional()
	context.confirmedTranscriptHash = s.confirmedHash(n.g.epoch.interim, a)
	encoded := marshal(&context)
	joiner := s.joinerSecret(init, commitSecret, encoded)
	e := newEpoch(s, context, encoded, n.tree, own, s.memberSecret(joiner, psk))
	e.private, e.signature = private, signature
	e.confirmationTag = s.mac(e.secrets.confirmation, context.confirmedTranscriptHash)
	e.interim = s.interimHash(context.confirmedTranscriptHash, e.confirmationTag)
	return e, joiner, nil
}

// newEpoch derives an epoch's secrets from the one that joiner and pre-shared keys make.
func newEpoch(s *suite, context groupContext, encoded []byte, tree ratchetTree, own LeafIndex, member Secret) *epoch {
	return newEpochFrom(s, context, encoded, tree, own, s.epochSecret(member, encoded))
}

func newEpochFrom(s *suite, context groupContext, encoded []byte, tree ratchetTree, own LeafIndex, epochSecret Secret) *epoch {
	secrets, encryption := s.epochSecrets(epochSecret)
	return &epoch{
		reception: reception{number: context.epoch, context: encoded, own: own, senderData: secrets.senderData,
			messages: newSecretTree(s, tree.height, encryption)},
		groupContext: context, tree: tree, secrets: secrets,
	}
}

// Accept takes the group to the epoch of the commit, once save has made it durable. A removed member's group is over then.
func (c *StagedCommit) Accept(save Saver) error {
	g := c.g
	if err := g.usable(); err != nil {
		return err
	}
	if c.header.epoch != g.epoch.number {
		return misuse("the group has left the epoch that this commit is for")
	}
	if tree := g.epoch.messages; c.use != nil && c.use.version != tree.version { // others were accepted since
		use, err := tree.use(c.use.id, c.use.generation, g.cfg.limits())
		if err != nil {
			return err
		}
		c.use = use
	}
	if c.epoch == nil {
		return g.leave(c.use, save)
	}
	return g.advance(c.n, c.epoch, c.use, save)
}
