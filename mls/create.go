package mls

import "bytes"

// Creating a group (RFC 9420 §11).

// GroupOptions shape a new group.
type GroupOptions struct {
	// ID of the group; nil draws one of the suite's hash length.
	ID []byte
	// Extensions of the group context. Every member must support them.
	Extensions Extensions
	// Leaf has the extensions of the creator's leaf.
	Leaf Extensions
}

// Create makes a group of one member (RFC 9420 §11). Others come by a Commit with Adds.
func (c *Config) Create(id CipherSuite, key *SignatureKey, credential Credential, o GroupOptions, save Saver) (*Group, error) {
	s, err := c.suite(id)
	if err != nil {
		return nil, err
	}
	leaf, encryption, err := c.newLeaf(s, key, credential, o.Leaf)
	if err != nil {
		return nil, err
	}
	// A leaf that isn't from a key package would name the group; this one has the form of a key package's, without a time limit of use.
	leaf.Source = SourceKeyPackage
	now := c.now()
	start := uint64(max(now.Unix()-3600, 0))
	leaf.Lifetime = Lifetime{start, start + uint64(defaultLifetime.Seconds())}
	if err := leaf.sign(s, key, nil, 0); err != nil {
		return nil, err
	}
	groupID := bytes.Clone(o.ID)
	if groupID == nil {
		groupID = s.random()
	}
	if err := checkSize("a group ID", len(groupID)); err != nil {
		return nil, err
	}
	return c.create(s, leaf, privateKeys{LeafIndex(0).node(): encryption}, key, groupID, o.Extensions, save)
}

// create makes the group of a leaf.
func (c *Config) create(s *suite, leaf *LeafNode, private privateKeys, key *SignatureKey, groupID []byte, x Extensions, save Saver) (*Group, error) {
	if c.HasGroup != nil && c.HasGroup(groupID) {
		return nil, invalid("12.4.3/group-id", "there is a group of this ID")
	}
	if err := leaf.checkAlone(s); err != nil {
		return nil, err
	}
	if err := c.validateMember(leaf); err != nil {
		return nil, err
	}
	if err := leaf.Capabilities.checkRequired(x); err != nil {
		return nil, err
	}
	if err := x.check(); err != nil {
		return nil, err
	}
	if err := c.validateSenders(x); err != nil {
		return nil, err
	}
	tree := ratchetTree{&treeNode{leaf: leaf, members: 1}, 0}
	context := groupContext{suite: s.id, groupID: groupID, treeHash: s.treeHash(tree), confirmedTranscriptHash: []byte{}, extensions: x}
	e := newEpochFrom(s, context, marshal(&context), tree, 0, s.random())
	e.private, e.signature = private, key
	e.confirmationTag = s.mac(e.secrets.confirmation, context.confirmedTranscriptHash)
	e.interim = s.interimHash(context.confirmedTranscriptHash, e.confirmationTag)
	return c.begin(s, e, indexTree(tree, c.clientID), save)
}

// begin saves a group that is new here; x is the index of its tree.
func (c *Config) begin(s *suite, e *epoch, x *treeIndex, save Saver) (*Group, error) {
	g := &Group{cfg: c, s: s, epoch: e, index: x, resumption: map[uint64]Secret{}}
	if err := g.save(save, g.all()); err != nil {
		return nil, err
	}
	return g, nil
}
