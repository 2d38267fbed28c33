package mls

import (
	"bytes"
	"crypto/hpke"
	"time"
)

// The list of proposals of a commit: valid or not (RFC 9420 §12.2), and what it does to the group (§12.3).

// next is the group's next state while it is worked out. The group isn't touched.
type next struct {
	g          *Group
	tree       ratchetTree
	index      *treeIndex // a layer over the group's
	extensions Extensions
	proposals  []*queued // in the commit's order

	external  bool      // the commit of somebody who isn't a member
	committer LeafIndex // of an external commit: known after the path's leaf has its place
	resynced  *LeafNode // the leaf that an external commit removes, if any

	added        []LeafIndex // ascending: each Add takes the next blank leaf to the right
	packages     []*KeyPackage
	initKeys     []hpke.PublicKey // theirs, for the Welcome; dropped as soon as they aren't needed, since those of ML-KEM take 8 KB each
	psks         []PSKID
	externalInit []byte
	reinit       *ReInit
	pathRequired bool

	changesExtensions bool
	selfRemoved       bool
	ownUpdate         *queued // an Update of this member's that the commit applies
}

// apply checks a list of proposals and applies it. now is the zero time for a commit that was received.
func (g *Group) apply(list []*queued, committer LeafIndex, external bool, now time.Time) (*next, error) {
	n := &next{g: g, tree: g.epoch.tree, index: g.index.layer(), extensions: g.epoch.extensions, proposals: list, external: external,
		committer: committer, pathRequired: len(list) == 0}
	if err := n.checkList(now); err != nil {
		return nil, err
	}
	// The order of RFC 9420 §12.3.
	steps := []struct {
		t ProposalType
		f func(*queued) error
	}{
		{ProposalGroupContextExtensions, n.applyExtensions}, {ProposalUpdate, n.applyUpdate}, {ProposalRemove, n.applyRemove},
		{ProposalAdd, n.applyAdd}, {ProposalPSK, n.applyPSK}, {ProposalExternalInit, n.applyExternalInit}, {ProposalReInit, n.applyReInit},
	}
	for _, step := range steps {
		for _, q := range list {
			if q.proposal.Type != step.t {
				continue
			}
			n.pathRequired = n.pathRequired || step.t.pathRequired()
			if err := step.f(q); err != nil {
				return nil, err
			}
		}
	}
	return n, nil
}

// checkList verifies what can be said of the list without applying it (RFC 9420 §12.2).
func (n *next) checkList(now time.Time) error {
	if n.external {
		if err := n.checkExternalList(); err != nil {
			return err
		}
	}
	count := map[ProposalType]int{}
	touched := map[LeafIndex]bool{}
	psks := map[string]bool{}
	var adds []*KeyPackage
	for _, q := range n.proposals {
		p := q.proposal
		if count[p.Type]++; count[p.Type] > 1 && p.Type == ProposalGroupContextExtensions {
			return invalid("12.2/two-extensions", "two lists of group context extensions")
		}
		switch p.Type {
		case ProposalUpdate, ProposalRemove:
			i := p.Remove
			if p.Type == ProposalUpdate {
				i = LeafIndex(q.sender.Index)
			}
			if touched[i] {
				return invalid("12.2/same-leaf", "two updates or removals of leaf %d", i)
			}
			touched[i] = true
		case ProposalPSK:
			if id := string(marshal(p.PSK)); psks[id] {
				return invalid("12.2/same-psk", "one pre-shared key twice")
			} else {
				psks[id] = true
			}
		case ProposalReInit:
			if len(n.proposals) > 1 {
				return invalid("12.2/reinit-alone", "a ReInit with other proposals")
			}
		case ProposalExternalInit:
			if !n.external {
				return invalid("12.2/external-init", "an ExternalInit in a member's commit")
			}
		}
		if p.Type == ProposalAdd {
			adds = append(adds, p.Add)
		} else if err := n.g.checkProposal(q, n.committer, n.external, now); err != nil {
			return err
		}
	}
	cfg := n.g.cfg
	n.initKeys = make([]hpke.PublicKey, len(adds))
	if err := inParallel(len(adds), func(i int) (err error) {
		n.initKeys[i], err = adds[i].check(n.g.s, now, cfg.maxLifetime())
		return err
	}); err != nil {
		return err
	}
	for _, k := range adds { // one after the other: the validator is the application's
		if err := cfg.validateMember(k.Leaf); err != nil {
			return err
		}
	}
	return nil
}

// checkExternalList: one ExternalInit, at most one Remove, pre-shared keys, nothing by reference (RFC 9420 §12.2, §12.4.3.2).
func (n *next) checkExternalList() error {
	inits, removes := 0, 0
	for _, q := range n.proposals {
		if q.ref != nil {
			return invalid("12.4.3.2/by-reference", "an external commit refers to a proposal")
		}
		switch q.proposal.Type {
		case ProposalExternalInit:
			inits++
		case ProposalRemove:
			removes++
		case ProposalPSK:
		default:
			return invalid("12.2/external-type", "an external commit with a proposal of type %d", q.proposal.Type)
		}
	}
	if inits != 1 {
		return invalid("12.2/one-external-init", "an external commit with %d ExternalInits", inits)
	}
	if removes > 1 {
		return invalid("12.2/external-removes", "an external commit that removes %d members", removes)
	}
	return nil
}

// checkProposal verifies one proposal in the state of this epoch (RFC 9420 §12.1). Whoever commits it verifies more.
func (g *Group) checkProposal(q *queued, committer LeafIndex, external bool, now time.Time) error {
	p, s := q.proposal, g.s
	switch p.Type {
	case ProposalAdd:
		if _, err := p.Add.check(s, now, g.cfg.maxLifetime()); err != nil {
			return err
		}
		return g.cfg.validateMember(p.Add.Leaf)
	case ProposalUpdate:
		i := LeafIndex(q.sender.Index) // a member's: nobody else's Update comes so far
		if i == committer && !external {
			return invalid("12.2/own-update", "the committer's own Update")
		}
		return g.checkUpdate(p.Update, i)
	case ProposalRemove:
		if g.epoch.tree.leaf(p.Remove) == nil {
			return invalid("12.1.3/blank", "nobody is at leaf %d", p.Remove)
		}
		if p.Remove == committer && !external {
			return invalid("12.2/own-remove", "the committer removes himself")
		}
	case ProposalPSK:
		return p.PSK.check(s, g.origin)
	case ProposalReInit:
		if p.ReInit.Version < MLS10 {
			return invalid("12.1.5/version", "a ReInit to an older version")
		}
		return p.ReInit.Extensions.check()
	case ProposalGroupContextExtensions:
		if err := p.Extensions.check(); err != nil {
			return err
		}
		if _, err := p.Extensions.RequiredCapabilities(); err != nil {
			return err
		}
		if _, err := p.Extensions.ExternalSenders(); err != nil {
			return err
		}
	}
	return nil
}

// check verifies a pre-shared key's name in a proposal (RFC 9420 §12.1.4). Creating a group out of another has rules of its own.
func (p PSKID) check(s *suite, origin bool) error {
	if p.isOrigin() && !origin {
		return invalid("12.1.4/usage", "a resumption key for another use in a proposal")
	}
	if len(p.nonce) != s.nh {
		return invalid("12.1.4/nonce", "a PSK nonce of %d bytes", len(p.nonce))
	}
	return nil
}

// checkUpdate verifies a member's leaf from an Update (RFC 9420 §12.1.2, §7.3).
func (g *Group) checkUpdate(l *LeafNode, i LeafIndex) error {
	if l.Source != SourceUpdate {
		return invalid("7.3/source-update", "the leaf of an Update has source %d", l.Source)
	}
	return g.checkReplacement(l, i, g.epoch.tree.leaf(i))
}

// checkReplacement verifies a leaf that is to take a member's place (RFC 9420 §7.3).
func (g *Group) checkReplacement(l *LeafNode, i LeafIndex, old *LeafNode) error {
	if old == nil {
		return invalid("6.1/sender-blank", "nobody is at leaf %d", i)
	}
	if bytes.Equal(l.EncryptionKey, old.EncryptionKey) {
		return invalid("7.3/same-key", "the new leaf of member %d has the old encryption key", i)
	}
	if err := l.checkAlone(g.s); err != nil {
		return err
	}
	if err := l.verifySignature(g.s, g.epoch.groupID, i); err != nil {
		return err
	}
	return g.cfg.validateSuccessor(old, l)
}

func (n *next) applyExtensions(q *queued) error {
	n.extensions, n.changesExtensions = q.proposal.Extensions, true
	old, _ := n.g.epoch.extensions.Get(ExtensionExternalSenders)
	if now, ok := n.extensions.Get(ExtensionExternalSenders); ok && !bytes.Equal(old, now) {
		return n.g.cfg.validateSenders(n.extensions)
	}
	return nil
}

// blankPath takes the parents above a leaf out of the index; they are about to become blank.
func (n *next) blankPath(i LeafIndex) {
	for _, step := range n.tree.directPath(i) {
		if step.node.parent != nil {
			n.index.parent(step.node.parent, -1)
		}
	}
}

func (n *next) applyUpdate(q *queued) error {
	i := LeafIndex(q.sender.Index)
	n.blankPath(i)
	n.index.leaf(n.tree.leaf(i), -1)
	n.index.leaf(q.proposal.Update, 1)
	n.tree = n.tree.update(i, q.proposal.Update)
	if i == n.g.epoch.own {
		n.ownUpdate = q
	}
	return nil
}

func (n *next) applyRemove(q *queued) error {
	i := q.proposal.Remove
	n.blankPath(i)
	n.index.leaf(n.tree.leaf(i), -1)
	if n.external {
		n.resynced = n.tree.leaf(i)
	}
	n.selfRemoved = n.selfRemoved || i == n.g.epoch.own
	n.tree = n.tree.remove(i)
	return nil
}

func (n *next) applyAdd(q *queued) error {
	if n.tree.root.members >= MaxMembers {
		return invalid("7.7/size", "a group of more than %d members", MaxMembers)
	}
	leaf := q.proposal.Add.Leaf
	var i LeafIndex
	n.tree, i = n.tree.add(leaf)
	n.index.leaf(leaf, 1)
	n.added = append(n.added, i)
	n.packages = append(n.packages, q.proposal.Add)
	return nil
}

func (n *next) applyPSK(q *queued) error {
	n.psks = append(n.psks, q.proposal.PSK)
	return nil
}

func (n *next) applyExternalInit(q *queued) error {
	n.externalInit = q.proposal.externalInit
	return nil
}

func (n *next) applyReInit(q *queued) error {
	n.reinit = q.proposal.ReInit
	return nil
}

// checkTree verifies the tree that the proposals and the path made (RFC 9420 §12.2, §7.3), as far as they touched it.
func (n *next) checkTree() error {
	if err := n.index.checkUnique(); err != nil {
		return err
	}
	if err := n.index.checkSupport(n.extensions); err != nil {
		return err
	}
	if !n.changesExtensions || n.selfRemoved {
		return nil
	}
	own := n.g.cfg.capabilities(n.g.s.id) // what this client has, not what its leaf says: there may be GREASE in it (RFC 9420 §13.5)
	return own.checkRequired(n.extensions)
}

// pskSecrets finds the pre-shared keys of the list.
func (n *next) pskSecret() (Secret, error) {
	if n.g.pendingPSK != nil {
		return n.g.pendingPSK, nil
	}
	keys := make([]Secret, len(n.psks))
	for i, id := range n.psks {
		k, err := n.g.findPSK(id)
		if err != nil {
			return nil, err
		}
		keys[i] = k
	}
	return n.g.s.pskSecret(n.psks, keys), nil
}

// findPSK finds a pre-shared key: this group's own resumption keys here, the others at the application's.
func (g *Group) findPSK(id PSKID) (Secret, error) {
	if id.Type == PSKResumption && bytes.Equal(id.GroupID, g.epoch.groupID) {
		if id.Epoch == g.epoch.number {
			return g.epoch.secrets.resumption, nil
		}
		if k, ok := g.resumption[id.Epoch]; ok {
			return k, nil
		}
		return nil, fail(ErrMissing, "12.4.2/psk-available", "the resumption key of epoch %d is gone", id.Epoch)
	}
	return g.cfg.findPSK(id)
}
