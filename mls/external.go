package mls

import (
	"bytes"
	"crypto/hpke"
)

// Coming from outside: external commits (RFC 9420 §12.4.3.2) and external proposals (§12.1.8).

// ExternalOptions shape an external commit.
type ExternalOptions struct {
	// Tree is the ratchet tree, where the GroupInfo doesn't have it.
	Tree []byte
	// Resync removes an older leaf of this client: one for which this returns true. nil joins anew.
	Resync func(LeafIndex, *LeafNode) bool
	// PSKs are injected; their nonces are drawn.
	PSKs []PSKID
	// Leaf has the extensions of the new leaf.
	Leaf Extensions
	// AuthenticatedData goes with the commit.
	AuthenticatedData []byte
}

// JoinExternal enters a group by a commit of one's own, from a GroupInfo of its current epoch. It returns the group in the epoch
// that the commit begins, and the commit as an MLSMessage. The group counts when the delivery service took the commit; when it didn't,
// delete the records and try again with a newer GroupInfo. A group that this client has left behind may have the same ID: its
// records are replaced, so HasGroup isn't asked when Resync is set.
func (c *Config) JoinExternal(info *GroupInfo, key *SignatureKey, credential Credential, o ExternalOptions, save func(message []byte, c Changes) error) (*Group, []byte, error) {
	if info == nil || save == nil {
		return nil, nil, misuse("no GroupInfo or no function to save with")
	}
	s, err := c.suite(info.context.suite)
	if err != nil {
		return nil, nil, err
	}
	cfg := c
	if o.Resync != nil {
		without := *c
		without.HasGroup = nil
		cfg = &without
	}
	tree, index, err := cfg.verifyGroupInfo(s, info, o.Tree)
	if err != nil {
		return nil, nil, err
	}
	kemOutput, init, err := s.externalInit(info)
	if err != nil {
		return nil, nil, err
	}
	own, err := c.externalPath(s, key, credential, o.Leaf)
	if err != nil {
		return nil, nil, err
	}
	// The group as it is, seen by somebody who isn't in it.
	outside := &Group{cfg: c, s: s, index: index, epoch: &epoch{
		reception: reception{number: info.context.epoch, context: marshal(&info.context), own: LeafIndex(^uint32(0))}, groupContext: info.context, tree: tree,
		interim: s.interimHash(info.context.confirmedTranscriptHash, info.confirmationTag), secrets: epochSecrets{init: init}, private: privateKeys{}}}
	list := []*queued{{proposal: &Proposal{Type: ProposalExternalInit, externalInit: kemOutput}}}
	if o.Resync != nil {
		outside.Members(func(i LeafIndex, l *LeafNode) bool {
			if o.Resync(i, l) {
				list = append(list, &queued{proposal: &Proposal{Type: ProposalRemove, Remove: i}})
			}
			return len(list) == 1
		})
	}
	for _, id := range o.PSKs {
		list = append(list, &queued{proposal: s.complete(&Proposal{Type: ProposalPSK, PSK: id})})
	}
	n, err := outside.apply(list, 0, true, c.now())
	if err != nil {
		return nil, nil, err
	}
	n.tree, n.committer = n.tree.place()
	p := &Pending{g: outside, n: n, own: own}
	if _, _, err := p.build(Sender{Type: SenderNewMemberCommit}, CommitOptions{AuthenticatedData: o.AuthenticatedData}); err != nil {
		return nil, nil, err
	}
	message, _, err := outside.protect(p.content)
	if err != nil {
		return nil, nil, err
	}
	g, err := c.begin(s, p.epoch, n.index.merge(), func(changes Changes) error { return save(message, changes) })
	return g, message, err
}

// externalInit makes an init secret for the group of a GroupInfo (RFC 9420 §8.3).
func (s *suite) externalInit(info *GroupInfo) (kemOutput []byte, init Secret, err error) {
	data, ok := info.extensions.Get(ExtensionExternalPub)
	if !ok {
		return nil, nil, fail(ErrMissing, "12.4.3.2/external-pub", "the GroupInfo has no external key: nobody can join by it")
	}
	r := reader{b: data}
	public := r.opaque()
	if err := r.end(); err != nil {
		return nil, nil, err
	}
	return s.sendInit(public)
}

// externalPath draws what a newcomer's path comes from, with his leaf.
func (c *Config) externalPath(s *suite, key *SignatureKey, credential Credential, x Extensions) (*ownPath, error) {
	var encryption hpke.PrivateKey
	leaf, encryption, err := c.newLeaf(s, key, credential, x)
	if err != nil {
		return nil, err
	}
	leaf.Source = SourceCommit
	if err := c.validateMember(leaf); err != nil {
		return nil, err
	}
	return &ownPath{first: s.random(), leaf: encryption, signature: key, template: leaf}, nil
}

// ProposeExternal makes a proposal of an external sender (RFC 9420 §12.1.8.1), whose key stands at index in the group's
// external_senders.
func (c *Config) ProposeExternal(info *GroupInfo, index uint32, key *SignatureKey, p *Proposal) ([]byte, error) {
	if info == nil || p == nil || !p.Type.externalAllowed() {
		return nil, misuse("an external sender can't make this proposal")
	}
	if err := p.filled(); err != nil {
		return nil, err
	}
	return c.proposeOutside(info.context.suite, info.context.groupID, info.context.epoch, Sender{SenderExternal, index}, key, p)
}

// ProposeSelf asks a group to add the owner of a key package (RFC 9420 §12.1.8): he who signs it.
func (c *Config) ProposeSelf(info *GroupInfo, k *KeyPackageSecrets) ([]byte, error) {
	if info == nil || k == nil {
		return nil, misuse("no GroupInfo or no key package")
	}
	return c.proposeOutside(info.context.suite, info.context.groupID, info.context.epoch, Sender{Type: SenderNewMemberProposal}, k.signature,
		&Proposal{Type: ProposalAdd, Add: k.Package})
}

func (c *Config) proposeOutside(id CipherSuite, groupID []byte, epoch uint64, sender Sender, key *SignatureKey, p *Proposal) ([]byte, error) {
	s, err := c.suite(id)
	if err != nil {
		return nil, err
	}
	a := &authenticatedContent{format: WirePublicMessage, content: &framedContent{groupID: bytes.Clone(groupID), epoch: epoch, sender: sender,
		contentType: ContentProposal, proposal: s.complete(p)}}
	if err := a.sign(s, key, nil); err != nil {
		return nil, err
	}
	return marshal(&Message{Format: WirePublicMessage, public: &publicMessage{auth: *a}}), nil
}
