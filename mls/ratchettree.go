package mls

import (
	"slices"
)

// The ratchet tree (RFC 9420 §4 and §7). Its nodes don't change once they are made: a change copies the nodes from the root to
// the place, and shares the rest. So a copy of a tree costs nothing, a change costs the height, and a hash, once computed, stays.

// parentNode is ParentNode of RFC 9420 §7.1.
type parentNode struct {
	encryptionKey  []byte
	parentHash     []byte
	unmergedLeaves []uint32 // ascending
}

// room is about what the encoded parent takes.
func (p *parentNode) room() int {
	if p == nil {
		return 16
	}
	return 24 + len(p.encryptionKey) + len(p.parentHash) + 4*len(p.unmergedLeaves)
}

func (n *treeNode) room() int {
	switch {
	case n.leaf != nil:
		return n.leaf.room()
	case n.parent != nil:
		return n.parent.room()
	}
	return 1
}

func (p *parentNode) encode(w *writer) {
	w.opaque(p.encryptionKey)
	w.opaque(p.parentHash)
	writeU32s(w, p.unmergedLeaves)
}

func decodeParentNode(r *reader) *parentNode {
	p := &parentNode{encryptionKey: r.opaque(), parentHash: r.opaque(), unmergedLeaves: readU32s(r)}
	for i := 1; i < len(p.unmergedLeaves); i++ {
		if p.unmergedLeaves[i] <= p.unmergedLeaves[i-1] {
			r.fail("7.1/unmerged-sorted", "unmerged leaves aren't in ascending order")
			break
		}
	}
	return p
}

// treeNode is a node with all that is below it. A leaf has no children. Where both leaf and parent are nil, it is blank.
type treeNode struct {
	left, right *treeNode
	leaf        *LeafNode
	parent      *parentNode
	members     uint32 // leaves below that aren't blank
	hash        []byte // tree hash (RFC 9420 §7.8), nil until somebody asks
}

// ratchetTree is a full tree of 2^height leaves.
type ratchetTree struct {
	root   *treeNode
	height uint
}

// blankTree makes a tree of blank leaves.
func blankTree(height uint) *treeNode {
	if height == 0 {
		return &treeNode{}
	}
	return &treeNode{left: blankTree(height - 1), right: blankTree(height - 1)}
}

func (t ratchetTree) size() uint32 { return 1 << t.height }

func (t ratchetTree) rootIndex() nodeIndex { return rootOf(t.height) }

// node finds a node; nil outside of the tree.
func (t ratchetTree) node(x nodeIndex) *treeNode {
	n, at := t.root, t.rootIndex()
	if uint64(x) >= 2<<t.height-1 {
		return nil
	}
	for at != x {
		if x < at {
			n, at = n.left, at.left()
		} else {
			n, at = n.right, at.right()
		}
	}
	return n
}

// leaf finds a member; nil when the place is blank or outside of the tree.
func (t ratchetTree) leaf(i LeafIndex) *LeafNode {
	if uint64(i) >= 1<<t.height {
		return nil
	}
	return t.node(i.node()).leaf
}

// publicKey is the node's key; nil when it is blank.
func (n *treeNode) publicKey() []byte {
	switch {
	case n.leaf != nil:
		return n.leaf.EncryptionKey
	case n.parent != nil:
		return n.parent.encryptionKey
	}
	return nil
}

// rebuilt copies a parent with other content.
func rebuilt(left, right *treeNode, p *parentNode) *treeNode {
	return &treeNode{left: left, right: right, parent: p, members: left.members + right.members}
}

// set replaces leaf i, and passes each parent above it through f, from the root down.
func (t ratchetTree) set(i LeafIndex, leaf *LeafNode, f func(x nodeIndex, p *parentNode) *parentNode) ratchetTree {
	var walk func(n *treeNode, x nodeIndex) *treeNode
	walk = func(n *treeNode, x nodeIndex) *treeNode {
		if x.isLeaf() {
			c := &treeNode{leaf: leaf}
			if leaf != nil {
				c.members = 1
			}
			return c
		}
		p := f(x, n.parent)
		if i.node() < x {
			return rebuilt(walk(n.left, x.left()), n.right, p)
		}
		return rebuilt(n.left, walk(n.right, x.right()), p)
	}
	return ratchetTree{walk(t.root, t.rootIndex()), t.height}
}

func blank(nodeIndex, *parentNode) *parentNode { return nil }

// place finds the leftmost blank leaf, extending the tree when there is none (RFC 9420 §7.7, §12.1.1).
func (t ratchetTree) place() (ratchetTree, LeafIndex) {
	if t.root.members == t.size() {
		first := LeafIndex(t.size())
		return ratchetTree{rebuilt(t.root, blankTree(t.height), nil), t.height + 1}, first
	}
	n, i := t.root, LeafIndex(0)
	for k := t.height; k > 0; k-- {
		if n.left.members < 1<<(k-1) {
			n = n.left
		} else {
			n, i = n.right, i+1<<(k-1)
		}
	}
	return t, i
}

// add puts a member into the leftmost blank leaf, unmerged at each parent above (RFC 9420 §12.1.1).
func (t ratchetTree) add(leaf *LeafNode) (ratchetTree, LeafIndex) {
	t, i := t.place()
	return t.set(i, leaf, func(_ nodeIndex, p *parentNode) *parentNode {
		if p == nil {
			return nil
		}
		at, _ := slices.BinarySearch(p.unmergedLeaves, uint32(i))
		return &parentNode{p.encryptionKey, p.parentHash, slices.Insert(slices.Clip(slices.Clone(p.unmergedLeaves)), at, uint32(i))}
	}), i
}

// update replaces a member's leaf and blanks what is above it (RFC 9420 §12.1.2).
func (t ratchetTree) update(i LeafIndex, leaf *LeafNode) ratchetTree { return t.set(i, leaf, blank) }

// remove blanks a member and what is above it, and truncates (RFC 9420 §12.1.3, §7.7).
func (t ratchetTree) remove(i LeafIndex) ratchetTree {
	t = t.set(i, nil, blank)
	for t.height > 0 && t.root.right.members == 0 {
		t = ratchetTree{t.root.left, t.height - 1}
	}
	return t
}

// resolved is a node of a resolution.
type resolved struct {
	index nodeIndex
	node  *treeNode
}

// resolution lists the nodes that together cover the members below n (RFC 9420 §4.1.1).
func (t ratchetTree) resolution(n *treeNode, x nodeIndex) []resolved {
	return t.resolve(nil, n, x)
}

func (t ratchetTree) resolve(list []resolved, n *treeNode, x nodeIndex) []resolved {
	switch {
	case n.members == 0 && n.parent == nil:
		return list
	case n.leaf != nil:
		return append(list, resolved{x, n})
	case n.parent != nil:
		list = append(list, resolved{x, n})
		for _, i := range n.parent.unmergedLeaves {
			if leaf := t.node(LeafIndex(i).node()); leaf != nil {
				list = append(list, resolved{LeafIndex(i).node(), leaf})
			}
		}
		return list
	}
	list = t.resolve(list, n.left, x.left())
	return t.resolve(list, n.right, x.right())
}

// pathStep is a node on a leaf's direct path, with its child on the copath.
type pathStep struct {
	index       nodeIndex
	node        *treeNode
	copathIndex nodeIndex
	copath      *treeNode
	emptyCopath bool // nobody is below the copath child
}

// directPath lists the parents above a leaf, from the lowest to the root (RFC 9420 §4.1.2).
func (t ratchetTree) directPath(i LeafIndex) []pathStep {
	path := make([]pathStep, t.height)
	n, x := t.root, t.rootIndex()
	for k := int(t.height) - 1; k >= 0; k-- {
		s := pathStep{index: x, node: n}
		if i.node() < x {
			s.copath, s.copathIndex = n.right, x.right()
			n, x = n.left, x.left()
		} else {
			s.copath, s.copathIndex = n.left, x.left()
			n, x = n.right, x.right()
		}
		s.emptyCopath = s.copath.members == 0
		path[k] = s
	}
	return path
}

// filteredPath leaves out the steps whose copath child has an empty resolution (RFC 9420 §4.1.2).
func (t ratchetTree) filteredPath(i LeafIndex) []pathStep {
	return slices.DeleteFunc(t.directPath(i), func(s pathStep) bool { return s.emptyCopath })
}

// members calls f for each leaf that isn't blank, from left to right, until f returns false.
func (t ratchetTree) members(f func(LeafIndex, *LeafNode) bool) {
	var walk func(n *treeNode, x nodeIndex) bool
	walk = func(n *treeNode, x nodeIndex) bool {
		if n.members == 0 {
			return true
		}
		if x.isLeaf() {
			return f(x.leaf(), n.leaf)
		}
		return walk(n.left, x.left()) && walk(n.right, x.right())
	}
	walk(t.root, t.rootIndex())
}

// encode writes ratchet_tree (RFC 9420 §12.4.3.3): from left to right, without the blanks at the end.
func (t ratchetTree) encode(w *writer) {
	room := 8
	walkTree(t, func(_ nodeIndex, n *treeNode) { room += n.room() })
	w.b = slices.Grow(w.b, room)
	w.vector(func() {
		end := len(w.b)
		var walk func(n *treeNode, x nodeIndex)
		walk = func(n *treeNode, x nodeIndex) {
			if n.left != nil {
				walk(n.left, x.left())
			}
			switch {
			case n.leaf != nil:
				w.u16(1<<8 | 1) // present, a leaf
				n.leaf.encode(w)
			case n.parent != nil:
				w.u16(1<<8 | 2) // present, a parent
				n.parent.encode(w)
			default:
				w.u8(0)
			}
			if n.leaf != nil || n.parent != nil {
				end = len(w.b)
			}
			if n.right != nil {
				walk(n.right, x.right())
			}
		}
		walk(t.root, t.rootIndex())
		w.b = w.b[:end]
	})
}

// decodeRatchetTree reads ratchet_tree. What it gives has the right shape; whether it is valid, verifyTree says.
func decodeRatchetTree(r *reader) ratchetTree {
	var nodes []*treeNode
	r.each(func(r *reader) {
		n := &treeNode{}
		if r.optional() {
			switch t := r.u8(); t {
			case 1:
				n.leaf, n.members = decodeLeafNode(r), 1
			case 2:
				n.parent = decodeParentNode(r)
			default:
				r.fail("12.4.3.3/node-type", "node type %d", t)
			}
			if isLeaf := len(nodes)%2 == 0; r.err == nil && isLeaf != (n.leaf != nil) {
				r.fail("12.4.3.3/node-place", "node %d is of the wrong type", len(nodes))
			}
		}
		if nodes = append(nodes, n); len(nodes) >= 2*MaxMembers {
			r.fail("12.4.3.3/size", "a tree of more than %d leaves", MaxMembers)
		}
	})
	if r.err != nil {
		return ratchetTree{}
	}
	if len(nodes) == 0 || nodes[len(nodes)-1].publicKey() == nil {
		r.fail("12.4.3.3/last-blank", "the tree is empty, or its last node is blank")
		return ratchetTree{}
	}
	if len(nodes)%2 == 0 {
		r.fail("12.4.3.3/odd", "a tree of %d nodes: a parent without what is right of it", len(nodes))
		return ratchetTree{}
	}
	height := heightFor(uint32(len(nodes)/2 + 1))
	// Blank places on the right cost memory that the input didn't: at most as many as there are nodes in it.
	next := 0
	var build func(k uint) *treeNode
	build = func(k uint) *treeNode {
		take := func() *treeNode {
			if next < len(nodes) {
				next++
				return nodes[next-1]
			}
			return &treeNode{}
		}
		if k == 0 {
			return take()
		}
		left := build(k - 1)
		n := take()
		n.left, n.right = left, build(k-1)
		n.members = n.left.members + n.right.members
		return n
	}
	return ratchetTree{build(height), height}
}
