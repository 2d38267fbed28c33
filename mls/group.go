package mls

import (
	"bytes"
	"crypto/hpke"
	"slices"
)

// Group is this client's membership in a group. One goroutine owns it.
type Group struct {
	cfg *Config
	s   *suite

	epoch      *epoch
	index      *treeIndex
	past       []*reception // latest first
	resumption map[uint64]Secret
	proposals  []*queued // received or sent in this epoch, in this order
	pending    *Pending
	removed    bool
	origin     bool // it is being made out of another: its first commit may say so (RFC 9420 §12.1.4)
	reinit     *ReInit

	pendingPSK Secret     // while a pending commit is worked out again: what its pre-shared keys made
	welcomed   *GroupInfo // by which this member joined, in this process

	// backlog are changes of a sending that could not be saved: its key counts as used, since nobody knows what the saver did.
	backlog Changes
}

// reception is what it takes to read the messages of an epoch.
type reception struct {
	number     uint64
	context    []byte // GroupContext, encoded
	own        LeafIndex
	senderData Secret
	messages   *secretTree
	changed    map[LeafIndex]*LeafNode // of a past epoch: leaves as they were, where the next epoch has others; nil for a blank one
}

// epoch is the state of a group in one epoch. It doesn't change, but for the secret tree.
type epoch struct {
	reception
	groupContext
	tree            ratchetTree
	interim         []byte // transcript hash (RFC 9420 §8.2)
	confirmationTag []byte
	secrets         epochSecrets
	private         privateKeys
	signature       *SignatureKey
}

// queued is a proposal that may be committed by reference (RFC 9420 §12.4).
type queued struct {
	proposal *Proposal
	sender   Sender
	ref      []byte
	content  *authenticatedContent
	order    uint32 // of their coming
	// Of an own Update: what its leaf needs when somebody commits it.
	encryption hpke.PrivateKey
	signature  *SignatureKey
}

// ID of the group.
func (g *Group) ID() []byte { return bytes.Clone(g.epoch.groupID) }

// Suite of the group.
func (g *Group) Suite() CipherSuite { return g.s.id }

// Epoch number.
func (g *Group) Epoch() uint64 { return g.epoch.number }

// Authenticator is the epoch authenticator (RFC 9420 §8.7): members who compare it know that they are in one and the same group.
func (g *Group) Authenticator() []byte { return bytes.Clone(g.epoch.secrets.authenticator) }

// Extensions of the group context.
func (g *Group) Extensions() Extensions { return slices.Clone(g.epoch.extensions) }

// TreeHash and ConfirmedTranscriptHash are those of the group context (RFC 9420 §8.1).
func (g *Group) TreeHash() []byte { return bytes.Clone(g.epoch.treeHash) }

// ConfirmedTranscriptHash is the running hash over all commits (RFC 9420 §8.2).
func (g *Group) ConfirmedTranscriptHash() []byte { return bytes.Clone(g.epoch.confirmedTranscriptHash) }

// Own is this member's leaf index in the current epoch.
func (g *Group) Own() LeafIndex { return g.epoch.own }

// Size is the number of members.
func (g *Group) Size() int { return int(g.epoch.tree.root.members) }

// Leaf of a member; nil when the place is blank. It must not be changed.
func (g *Group) Leaf(i LeafIndex) *LeafNode { return g.epoch.tree.leaf(i) }

// Members calls f for each member, from the lowest index, until it returns false. The leaves must not be changed.
func (g *Group) Members(f func(LeafIndex, *LeafNode) bool) { g.epoch.tree.members(f) }

// Tree is the ratchet tree in the form of RFC 9420 §12.4.3.3, for newcomers whose Welcome or GroupInfo doesn't have it.
func (g *Group) Tree() []byte { return marshal(g.epoch.tree) }

// Welcomed tells who let this member in, in the epoch of the Welcome, and what CommitOptions.WelcomeExtensions he sent along. It is known
// after Join, and not after Load.
func (g *Group) Welcomed() (by LeafIndex, x Extensions, ok bool) {
	if g.welcomed == nil {
		return 0, nil, false
	}
	return g.welcomed.signer, g.welcomed.extensions, true
}

// Removed tells whether this member was removed: the group says nothing more to it, and it can say nothing more.
func (g *Group) Removed() bool { return g.removed }

// ReInitialized is what the group was closed in favour of (RFC 9420 §11.2), or nil.
func (g *Group) ReInitialized() *ReInit { return g.reinit }

// Export is MLS-Exporter (RFC 9420 §8.5): a secret of the epoch for another use, of at most 255 hashes.
func (g *Group) Export(label string, context []byte, length int) (Secret, error) {
	if err := g.usable(); err != nil {
		return nil, err
	}
	if length < 1 || length > 255*g.s.nh {
		return nil, misuse("an exported secret of %d bytes", length)
	}
	return g.s.export(g.epoch.secrets.exporter, label, context, length), nil
}

// QueuedProposal is a proposal that waits for a commit.
type QueuedProposal struct {
	Proposal *Proposal
	Sender   Sender
	Ref      []byte
}

// nextOrder is the place of a proposal that comes now.
func (g *Group) nextOrder() uint32 {
	if len(g.proposals) == 0 {
		return 0
	}
	return g.proposals[len(g.proposals)-1].order + 1
}

// Proposals that wait for a commit, in the order in which they came.
func (g *Group) Proposals() []QueuedProposal {
	list := make([]QueuedProposal, len(g.proposals))
	for i, q := range g.proposals {
		list[i] = q.public()
	}
	return list
}

func (q *queued) public() QueuedProposal {
	return QueuedProposal{q.proposal, q.sender, bytes.Clone(q.ref)}
}

// Pending is the commit of one's own that waits for the delivery service's word, or nil.
func (g *Group) Pending() *Pending { return g.pending }

// usable refuses to go on when the group is over for this member.
func (g *Group) usable() error {
	if g.removed {
		return fail(ErrRemoved, "", "this member was removed")
	}
	return nil
}

// writable refuses to send when the group is over (RFC 9420 §12.4.2).
func (g *Group) writable() error {
	if g.reinit != nil {
		return fail(ErrMisuse, "12.4.2/reinitialized", "the group was closed in favour of another")
	}
	return g.usable()
}

// save hands changes to the caller. What an earlier sending could not save goes first.
func (g *Group) save(save func(Changes) error, c Changes) error {
	all := append(slices.Clone(g.backlog), c...)
	if save == nil {
		return misuse("no function to save with")
	}
	if err := save(all); err != nil {
		return &Error{Class: ErrSave, Cause: err}
	}
	g.backlog = nil
	return nil
}

// saveSending is save for an operation that used up a key of one's own: whatever the saver did, the key is never used again. What else
// the operation would have recorded never happened: nobody is to find it on the disk later.
func (g *Group) saveSending(save func(Changes) error, key, more Changes) error {
	err := g.save(save, append(slices.Clip(key), more...))
	if err != nil {
		g.backlog = append(g.backlog, key...)
		for _, x := range more {
			g.backlog.remove(x.Key)
		}
	}
	return err
}

// groupInfo describes an epoch to newcomers (RFC 9420 §12.4.3), signed by this member.
func (e *epoch) groupInfo(c *Config, s *suite, withTree, withExternalPub bool, more ...Extension) (*GroupInfo, error) {
	info := &GroupInfo{context: e.groupContext, confirmationTag: e.confirmationTag, signer: e.own, extensions: slices.Clone(more)}
	if withTree {
		info.extensions = append(info.extensions, Extension{ExtensionRatchetTree, marshal(e.tree)})
	}
	if withExternalPub {
		k, err := s.externalKey(e.secrets.external)
		if err != nil {
			return nil, err
		}
		var w writer
		w.opaque(k.PublicKey().Bytes())
		info.extensions = append(info.extensions, Extension{ExtensionExternalPub, w.b})
	}
	if c.Grease {
		info.extensions = info.extensions.With(ExtensionType(grease()), []byte{})
	}
	var err error
	info.signature, err = s.signWithLabel(e.signature, "GroupInfoTBS", info.toBeSigned())
	return info, err
}

// GroupInfo is an MLSMessage by which others can join with an external commit, in this epoch (RFC 9420 §12.4.3.2). Without the tree they
// need Tree beside it.
func (g *Group) GroupInfo(withTree bool) ([]byte, error) {
	if err := g.writable(); err != nil {
		return nil, err
	}
	info, err := g.epoch.groupInfo(g.cfg, g.s, withTree, true)
	if err != nil {
		return nil, err
	}
	return marshal(&Message{Format: WireGroupInfo, groupInfo: info}), nil
}
