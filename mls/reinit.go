package mls

import (
	"bytes"
	"slices"
)

// One group out of another: reinitialisation (RFC 9420 §11.2) and branching (§11.3). Both prove the old membership by its resumption
// key, and both end in a first commit that adds everybody, by a Welcome.

// isOrigin tells whether a pre-shared key says that a group comes out of another.
func (p PSKID) isOrigin() bool { return p.Type == PSKResumption && p.Usage != UsageApplication }

// originKey is the resumption key of the group that a Welcome continues.
func (g *Group) originKey(id PSKID) (Secret, error) {
	if g == nil {
		return nil, fail(ErrMissing, "12.4.2/psk-available", "the Welcome continues a group that wasn't named")
	}
	if !bytes.Equal(id.GroupID, g.epoch.groupID) {
		return nil, invalid("11.2/origin", "the Welcome continues another group")
	}
	return g.findPSK(id)
}

// checkOrigin verifies a new group beside the one that it comes from (RFC 9420 §11.2, §11.3, §12.4.3.1).
func checkOrigin(psks []PSKID, info *GroupInfo, tree ratchetTree, from *Group) error {
	at := slices.IndexFunc(psks, PSKID.isOrigin)
	if at < 0 {
		if from != nil && from.reinit != nil && bytes.Equal(from.reinit.GroupID, info.context.groupID) {
			return invalid("11.2/psk", "the group that the ReInit announced, without the old group's resumption key")
		}
		return nil
	}
	id := psks[at]
	if info.context.epoch != 1 {
		return invalid("12.4.3.1/origin-epoch", "a group that continues another begins in epoch 1, not %d", info.context.epoch)
	}
	old := clientsOf(from.epoch.tree, from.cfg)
	now := clientsOf(tree, from.cfg)
	if id.Usage == UsageBranch {
		if info.context.suite != from.s.id {
			return invalid("11.3/suite", "a branch of another cipher suite")
		}
		for c := range now {
			if !old[c] {
				return invalid("11.3/members", "a branch with somebody who wasn't in the group")
			}
		}
		return nil
	}
	r := from.reinit
	if r == nil || id.Epoch != from.epoch.number {
		return invalid("11.2/reinit", "the old group's last commit wasn't a ReInit")
	}
	if !bytes.Equal(r.GroupID, info.context.groupID) || r.Suite != info.context.suite || r.Version != MLS10 ||
		!bytes.Equal(marshal(r.Extensions), marshal(info.context.extensions)) {
		return invalid("11.2/parameters", "the new group isn't the one that the ReInit announced")
	}
	for c := range old {
		if !now[c] {
			return invalid("11.2/members", "a member of the old group isn't in the new one")
		}
	}
	return nil
}

// clientsOf are the members as the application tells them apart, else by their credentials: signature keys may change with the suite.
func clientsOf(t ratchetTree, c *Config) map[string]bool {
	all := map[string]bool{}
	t.members(func(_ LeafIndex, l *LeafNode) bool {
		if id := c.clientID(l); id != nil {
			all["client "+string(id)] = true
		} else {
			all["credential "+string(marshal(l.Credential))] = true
		}
		return true
	})
	return all
}

// Continue makes the group that a ReInit announced (RFC 9420 §11.2), with key packages of all the other members; the Pending commit has
// their Welcome. key is one of the new suite. Accept it at once: nobody else is in the new group yet. save gets the new group's records.
func (g *Group) Continue(key *SignatureKey, credential Credential, members []*KeyPackage, o CommitOptions, save func(*Pending, Changes) error) (*Group, *Pending, error) {
	if g.reinit == nil {
		return nil, nil, misuse("the group wasn't closed by a ReInit")
	}
	if g.reinit.Version != MLS10 {
		return nil, nil, fail(ErrUnsupported, "11.2/version", "protocol version %d", g.reinit.Version)
	}
	return g.continueAs(g.reinit.Suite, g.reinit.GroupID, g.reinit.Extensions, UsageReInit, key, credential, members, o, save)
}

// Branch makes a group of some of this group's members, with the same parameters (RFC 9420 §11.3).
func (g *Group) Branch(groupID []byte, x Extensions, key *SignatureKey, credential Credential, members []*KeyPackage, o CommitOptions, save func(*Pending, Changes) error) (*Group, *Pending, error) {
	if err := g.usable(); err != nil {
		return nil, nil, err
	}
	return g.continueAs(g.s.id, groupID, x, UsageBranch, key, credential, members, o, save)
}

func (g *Group) continueAs(id CipherSuite, groupID []byte, x Extensions, usage PSKUsage, key *SignatureKey, credential Credential, members []*KeyPackage, o CommitOptions, save func(*Pending, Changes) error) (*Group, *Pending, error) {
	var all Changes
	cfg := *g.cfg
	psk := g.epoch.secrets.resumption
	cfg.PSK = func(id PSKID) (Secret, error) {
		if id.isOrigin() && bytes.Equal(id.GroupID, g.epoch.groupID) && id.Epoch == g.epoch.number {
			return psk, nil
		}
		return g.cfg.findPSK(id)
	}
	fresh, err := cfg.Create(id, key, credential, GroupOptions{ID: groupID, Extensions: x}, func(c Changes) error {
		all = append(all, c...)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	origin := &Proposal{Type: ProposalPSK, PSK: PSKID{Type: PSKResumption, Usage: usage, GroupID: bytes.Clone(g.epoch.groupID), Epoch: g.epoch.number}}
	o.Proposals = append([]*Proposal{origin}, o.Proposals...)
	for _, k := range members {
		o.Proposals = append(o.Proposals, &Proposal{Type: ProposalAdd, Add: k})
	}
	fresh.origin = true
	all.put(recordGroup, fresh.marshalHead(fresh.epoch, nil))
	var wrong error
	p, err := fresh.Commit(o, func(p *Pending, c Changes) error {
		if wrong = checkOrigin(p.n.psks, &GroupInfo{context: p.epoch.groupContext}, p.epoch.tree, g); wrong != nil {
			return wrong
		}
		return save(p, append(all, c...))
	})
	if wrong != nil {
		return nil, nil, wrong
	}
	if err != nil {
		return nil, nil, err
	}
	return fresh, p, nil
}
