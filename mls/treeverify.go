package mls

import (
	"bytes"
	"slices"
	"time"
)

// verifyTree verifies a tree that came from somebody (RFC 9420 §12.4.3.1): its unmerged leaves, that no key stands twice, its parent
// hashes, and each leaf. That its hash is the group's, the caller compares. It returns the tree's index.
func (c *Config) verifyTree(s *suite, t ratchetTree, groupID []byte, context Extensions) (*treeIndex, error) {
	if err := checkUnmerged(t); err != nil {
		return nil, err
	}
	var x *treeIndex
	var parents error
	both(func() { parents = s.checkParentHashes(t) }, func() { x = indexTree(t, c.clientID) })
	if err := x.checkUnique(); err != nil {
		return nil, err
	}
	if err := x.checkSupport(context); err != nil {
		return nil, err
	}
	if parents != nil {
		return nil, parents
	}
	return x, c.verifyLeaves(s, t, groupID, context)
}

// verifyLeaves verifies each member's leaf (RFC 9420 §7.3). A lifetime that is over doesn't make a tree invalid: the member was added
// in time, and it is for the group to remove him.
func (c *Config) verifyLeaves(s *suite, t ratchetTree, groupID []byte, context Extensions) error {
	type member struct {
		index LeafIndex
		leaf  *LeafNode
	}
	var all []member
	t.members(func(i LeafIndex, l *LeafNode) bool {
		all = append(all, member{i, l})
		return true
	})
	err := inParallel(len(all), func(k int) error {
		m := all[k]
		if err := m.leaf.checkStored(s); err != nil {
			return err
		}
		if err := m.leaf.checkLifetime(time.Time{}, c.maxLifetime()); err != nil {
			return err
		}
		return m.leaf.verifySignature(s, groupID, m.index)
	})
	if err != nil {
		return err
	}
	for _, m := range all { // one after the other: the validator is the application's
		if err := c.validateMember(m.leaf); err != nil {
			return err
		}
	}
	return nil
}

// checkUnmerged verifies the lists of unmerged leaves (RFC 9420 §12.4.3.1).
func checkUnmerged(t ratchetTree) error {
	var err error
	walkTree(t, func(x nodeIndex, n *treeNode) {
		if n.parent == nil || err != nil {
			return
		}
		first, size := x.leaves()
		for _, i := range n.parent.unmergedLeaves {
			if i < first || i-first >= size {
				err = invalid("12.4.3.1/unmerged-descendant", "leaf %d isn't below node %d, where it is said to be unmerged", i, x)
				return
			}
			if err = checkUnmergedBelow(n, x, i); err != nil {
				return
			}
		}
	})
	return err
}

// checkUnmergedBelow goes down from n to leaf i, which must be there, and be in the list of every parent on the way.
func checkUnmergedBelow(n *treeNode, x nodeIndex, i uint32) error {
	for !x.isLeaf() {
		if LeafIndex(i).node() < x {
			n, x = n.left, x.left()
		} else {
			n, x = n.right, x.right()
		}
		if n.parent != nil {
			if _, found := slices.BinarySearch(n.parent.unmergedLeaves, i); !found {
				return invalid("12.4.3.1/unmerged-between", "leaf %d is unmerged above node %d, and not there", i, x)
			}
		}
	}
	if n.leaf == nil {
		return invalid("12.4.3.1/unmerged-blank", "the unmerged leaf %d is blank", i)
	}
	return nil
}

// checkParentHashes verifies that each parent was set by a member below it (RFC 9420 §7.9.2), top down: exactly one node below it
// names it by its hash. It needs the lists of unmerged leaves to be right.
func (s *suite) checkParentHashes(t ratchetTree) error {
	s.treeHash(t) // so that what runs side by side only reads
	var parents []resolved
	walkTree(t, func(x nodeIndex, n *treeNode) {
		if n.parent != nil {
			parents = append(parents, resolved{x, n})
		}
	})
	return inParallel(len(parents), func(k int) error {
		p := parents[k]
		valid := 0
		if s.parentHashFrom(t, p, p.node.left, p.index.left(), p.node.right, p.index.right()) {
			valid++
		}
		if s.parentHashFrom(t, p, p.node.right, p.index.right(), p.node.left, p.index.left()) {
			valid++
		}
		if valid != 1 {
			return invalid("7.9.2/parent-hash", "node %d was set by nobody below it", p.index)
		}
		return nil
	})
}

// parentHashFrom tells whether a node in the resolution of child c names P with sibling sib. The unmerged leaves of P below c and that
// node make up the resolution, so there is only one that it can be.
func (s *suite) parentHashFrom(t ratchetTree, p resolved, c *treeNode, cx nodeIndex, sib *treeNode, sx nodeIndex) bool {
	first, size := cx.leaves()
	unmerged := p.node.parent.unmergedLeaves
	lo, _ := slices.BinarySearch(unmerged, first)
	hi, _ := slices.BinarySearch(unmerged, first+size)
	unmerged = unmerged[lo:hi]
	var d *treeNode
	below := t.resolution(c, cx)
	if len(below) != len(unmerged)+1 {
		return false
	}
	for _, r := range below {
		if r.index.isLeaf() {
			if _, found := slices.BinarySearch(unmerged, uint32(r.index.leaf())); found {
				continue
			}
		}
		if d != nil {
			return false
		}
		d = r.node
	}
	if d == nil {
		return false
	}
	var claimed []byte
	if d.parent != nil {
		claimed = d.parent.parentHash
	} else if d.leaf.Source == SourceCommit {
		claimed = d.leaf.parentHash
	}
	return len(claimed) > 0 && bytes.Equal(claimed, s.parentHash(p.node.parent, s.originalHash(sib, sx, p.node.parent.unmergedLeaves)))
}
