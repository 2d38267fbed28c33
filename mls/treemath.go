package mls

import "math/bits"

// Indices of nodes in a full binary tree written from left to right (RFC 9420 §4.1.1 and Appendix C): leaf i is node 2i, a node of
// level k has k low bits set.

// LeafIndex is a member's place in the tree (RFC 9420 §4.1.1): valid for an epoch.
type LeafIndex uint32

// nodeIndex is the place of a leaf or a parent.
type nodeIndex uint32

// MaxMembers is the largest group. It bounds what a tree of blank nodes, a byte each on the wire, can cost in memory.
const MaxMembers = 1 << 17

func (i LeafIndex) node() nodeIndex { return nodeIndex(i) * 2 }

// level of a node: 0 for a leaf.
func (x nodeIndex) level() uint { return uint(bits.TrailingZeros32(^uint32(x))) }

func (x nodeIndex) isLeaf() bool { return x&1 == 0 }

func (x nodeIndex) leaf() LeafIndex { return LeafIndex(x / 2) }

// left and right are the children of a parent.
func (x nodeIndex) left() nodeIndex  { return x ^ (1 << (x.level() - 1)) }
func (x nodeIndex) right() nodeIndex { return x ^ (3 << (x.level() - 1)) }

// parent of a node, which exists up to the root.
func (x nodeIndex) parent() nodeIndex {
	k := x.level()
	b := (x >> (k + 1)) & 1
	return (x | 1<<k) ^ b<<(k+1)
}

func (x nodeIndex) sibling() nodeIndex {
	if p := x.parent(); x < p {
		return p.right()
	} else {
		return p.left()
	}
}

// rootOf is the root of a tree of 2^height leaves.
func rootOf(height uint) nodeIndex { return 1<<height - 1 }

// leaves is the range of leaves below x: the first of them, and how many.
func (x nodeIndex) leaves() (first, n uint32) {
	k := x.level()
	return uint32(uint64(x) >> (k + 1) << k), 1 << k
}

// covers tells whether leaf i is below node x.
func (x nodeIndex) covers(i LeafIndex) bool {
	k := x.level()
	return uint64(i)>>k == uint64(x)>>(k+1)
}

// heightFor is the smallest height of a tree that holds so many leaves.
func heightFor(leaves uint32) uint {
	if leaves <= 1 {
		return 0
	}
	return uint(bits.Len32(leaves - 1))
}
