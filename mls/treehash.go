package mls

import "slices"

// Tree hashes (RFC 9420 §7.8) and parent hashes (§7.9).

// hashTree computes the tree hash of a node, where it isn't known yet. Large trees are shared among the cores.
func (s *suite) hashTree(n *treeNode, x nodeIndex) []byte {
	if n.hash != nil {
		return n.hash
	}
	if !x.isLeaf() {
		if x.level() >= parallelLevel && n.left.hash == nil && n.right.hash == nil {
			both(func() { s.hashTree(n.left, x.left()) }, func() { s.hashTree(n.right, x.right()) })
		}
		n.hash = s.hashParent(n.parent, s.hashTree(n.left, x.left()), s.hashTree(n.right, x.right()))
		return n.hash
	}
	n.hash = s.hashLeaf(x.leaf(), n.leaf)
	return n.hash
}

// parallelLevel is from where on the halves of a tree are hashed side by side: below, a goroutine costs more than it gains.
const parallelLevel = 6

func (s *suite) treeHash(t ratchetTree) []byte { return s.hashTree(t.root, t.rootIndex()) }

func (s *suite) hashLeaf(i LeafIndex, leaf *LeafNode) []byte {
	w := writer{b: make([]byte, 0, leaf.room())} // TreeHashInput with LeafNodeHashInput
	w.u8(1)
	w.u32(uint32(i))
	w.optional(leaf != nil)
	if leaf != nil {
		leaf.encode(&w)
	}
	return s.digest(w.b)
}

func (s *suite) hashParent(p *parentNode, left, right []byte) []byte {
	w := writer{b: make([]byte, 0, p.room()+len(left)+len(right))} // TreeHashInput with ParentNodeHashInput
	w.u8(2)
	w.optional(p != nil)
	if p != nil {
		p.encode(&w)
	}
	w.opaque(left)
	w.opaque(right)
	return s.digest(w.b)
}

// parentHash is the hash over ParentHashInput (RFC 9420 §7.9) of P, with the tree hash that the sibling had when P was set.
func (s *suite) parentHash(p *parentNode, originalSibling []byte) []byte {
	w := writer{b: make([]byte, 0, p.room()+len(originalSibling))}
	w.opaque(p.encryptionKey)
	w.opaque(p.parentHash)
	w.opaque(originalSibling)
	return s.digest(w.b)
}

// originalHash is the tree hash of a node without some leaves: they count as blank, and are in no list of unmerged leaves (RFC 9420
// §7.9). Where none of them is below, it is the tree hash.
func (s *suite) originalHash(n *treeNode, x nodeIndex, without []uint32) []byte {
	first, size := x.leaves()
	lo, _ := slices.BinarySearch(without, first)
	hi, _ := slices.BinarySearch(without, first+size)
	if lo == hi {
		return s.hashTree(n, x)
	}
	if x.isLeaf() {
		return s.hashLeaf(x.leaf(), nil)
	}
	p := n.parent
	if p != nil && len(p.unmergedLeaves) > 0 {
		kept := slices.DeleteFunc(slices.Clone(p.unmergedLeaves), func(i uint32) bool {
			_, found := slices.BinarySearch(without, i)
			return found
		})
		p = &parentNode{p.encryptionKey, p.parentHash, kept}
	}
	return s.hashParent(p, s.originalHash(n.left, x.left(), without), s.originalHash(n.right, x.right(), without))
}
