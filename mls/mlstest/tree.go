package mlstest

import (
	"math/bits"
	"slices"
)

// Tree is a ratchet tree (RFC 9420 §4) as an array of nodes from left to right: leaf i is node 2i. It has 2^(d+1) - 1 nodes.
type Tree struct{ Nodes []Node }

// Node is a leaf, a parent, or blank where both are nil.
type Node struct {
	Leaf   *LeafNode
	Parent *ParentNode
}

// ParentNode of RFC 9420 §7.1.
type ParentNode struct {
	Key        []byte
	ParentHash []byte
	Unmerged   []uint32
}

func (p *ParentNode) encode(w *Writer) {
	w.Opaque(p.Key)
	w.Opaque(p.ParentHash)
	w.Vector(func(w *Writer) {
		for _, i := range p.Unmerged {
			w.U32(i)
		}
	})
}

func level(x uint32) int { return bits.TrailingZeros32(^x) }

func left(x uint32) uint32  { return x ^ 1<<(level(x)-1) }
func right(x uint32) uint32 { return x ^ 3<<(level(x)-1) }

// covers tells whether leaf i is below node x.
func covers(x, i uint32) bool { return i>>level(x) == x>>(level(x)+1) }

func (t *Tree) root() uint32 { return uint32(len(t.Nodes) / 2) }

// Leaf of a member; nil when there is none.
func (t *Tree) Leaf(i uint32) *LeafNode {
	if uint64(i)*2 >= uint64(len(t.Nodes)) {
		return nil
	}
	return t.Nodes[2*i].Leaf
}

// Clone copies the tree with its nodes.
func (t *Tree) Clone() *Tree {
	c := &Tree{slices.Clone(t.Nodes)}
	for i, n := range c.Nodes {
		if n.Leaf != nil {
			c.Nodes[i].Leaf = n.Leaf.Clone()
		}
		if p := n.Parent; p != nil {
			c.Nodes[i].Parent = &ParentNode{p.Key, p.ParentHash, slices.Clone(p.Unmerged)}
		}
	}
	return c
}

// ancestors are the parents above leaf i, from the lowest to the root.
func (t *Tree) ancestors(i uint32) (list []uint32) {
	for x := t.root(); level(x) > 0; {
		list = append(list, x)
		if covers(left(x), i) {
			x = left(x)
		} else {
			x = right(x)
		}
	}
	slices.Reverse(list)
	return list
}

// Blank empties the parents above a leaf.
func (t *Tree) Blank(i uint32) {
	for _, x := range t.ancestors(i) {
		t.Nodes[x].Parent = nil
	}
}

// Remove blanks a member and what is above him, and truncates (RFC 9420 §12.1.3).
func (t *Tree) Remove(i uint32) {
	if t.Leaf(i) == nil {
		return
	}
	t.Blank(i)
	t.Nodes[2*i] = Node{}
	for len(t.Nodes) > 1 && !slices.ContainsFunc(t.Nodes[t.root()+1:], func(n Node) bool { return n.Leaf != nil }) {
		t.Nodes = t.Nodes[:t.root()]
	}
}

// place is the leftmost blank leaf; the tree grows when there is none.
func (t *Tree) place() uint32 {
	for i := 0; i < len(t.Nodes); i += 2 {
		if t.Nodes[i].Leaf == nil {
			return uint32(i / 2)
		}
	}
	n := len(t.Nodes) + 1
	t.Nodes = append(t.Nodes, make([]Node, n)...)
	return uint32(n / 2)
}

// Add puts a leaf into the leftmost blank place (RFC 9420 §12.1.1).
func (t *Tree) Add(l *LeafNode) uint32 {
	i := t.place()
	t.Nodes[2*i].Leaf = l
	for _, x := range t.ancestors(i) {
		if p := t.Nodes[x].Parent; p != nil {
			p.Unmerged = append(p.Unmerged, i)
			slices.Sort(p.Unmerged)
		}
	}
	return i
}

// Resolution of a node (RFC 9420 §4.1.1).
func (t *Tree) Resolution(x uint32) []uint32 {
	switch n := t.Nodes[x]; {
	case n.Leaf != nil:
		return []uint32{x}
	case n.Parent != nil:
		list := []uint32{x}
		for _, i := range n.Parent.Unmerged {
			list = append(list, 2*i)
		}
		return list
	case level(x) == 0:
		return nil
	}
	return append(t.Resolution(left(x)), t.Resolution(right(x))...)
}

// Step is a node of a filtered direct path, with its child on the copath.
type Step struct{ Node, Copath uint32 }

// Path is the filtered direct path of a leaf (RFC 9420 §4.1.2).
func (t *Tree) Path(i uint32) (steps []Step) {
	for _, x := range t.ancestors(i) {
		s := Step{x, left(x)}
		if covers(s.Copath, i) {
			s.Copath = right(x)
		}
		if len(t.Resolution(s.Copath)) > 0 {
			steps = append(steps, s)
		}
	}
	return steps
}

func (t *Tree) key(x uint32) []byte {
	switch n := t.Nodes[x]; {
	case n.Leaf != nil:
		return n.Leaf.EncryptionKey
	case n.Parent != nil:
		return n.Parent.Key
	}
	return nil
}

// Hash is the tree hash of a node (RFC 9420 §7.8), with some leaves left out (§7.9).
func (t *Tree) Hash(s *Suite, x uint32, without ...uint32) []byte {
	var w Writer
	if level(x) == 0 {
		l := t.Nodes[x].Leaf
		if slices.Contains(without, x/2) {
			l = nil
		}
		w.U8(1)
		w.U32(x / 2)
		if w.Optional(l != nil); l != nil {
			l.encode(&w)
		}
		return s.Hash(w.B)
	}
	w.U8(2)
	p := t.Nodes[x].Parent
	if w.Optional(p != nil); p != nil {
		kept := slices.DeleteFunc(slices.Clone(p.Unmerged), func(i uint32) bool { return slices.Contains(without, i) })
		(&ParentNode{p.Key, p.ParentHash, kept}).encode(&w)
	}
	w.Opaque(t.Hash(s, left(x), without...))
	w.Opaque(t.Hash(s, right(x), without...))
	return s.Hash(w.B)
}

// RootHash is the tree hash of all.
func (t *Tree) RootHash(s *Suite) []byte { return t.Hash(s, t.root()) }

// ParentHash is the parent hash of a node with a sibling (RFC 9420 §7.9).
func (t *Tree) ParentHash(s *Suite, x, sibling uint32) []byte {
	var w Writer
	p := t.Nodes[x].Parent
	w.Opaque(p.Key)
	w.Opaque(p.ParentHash)
	w.Opaque(t.Hash(s, sibling, p.Unmerged...))
	return s.Hash(w.B)
}

// Encode writes ratchet_tree (RFC 9420 §12.4.3.3) without blanks at the end.
func (t *Tree) Encode() []byte {
	nodes := t.Nodes
	for len(nodes) > 0 && nodes[len(nodes)-1] == (Node{}) {
		nodes = nodes[:len(nodes)-1]
	}
	return EncodeNodes(nodes)
}

// EncodeNodes writes any list of nodes as ratchet_tree.
func EncodeNodes(nodes []Node) []byte {
	var w Writer
	w.Vector(func(w *Writer) {
		for _, n := range nodes {
			switch {
			case n.Leaf != nil:
				w.U16(0x0101)
				n.Leaf.encode(w)
			case n.Parent != nil:
				w.U16(0x0102)
				n.Parent.encode(w)
			default:
				w.U8(0)
			}
		}
	})
	return w.B
}
