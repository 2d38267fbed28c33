package mls

import (
	"crypto/sha256"
	"maps"
	"slices"
)

// treeIndex answers what concerns all members at once without asking each of them: which keys are in the tree (RFC 9420 §7.3,
// §12.4.2), what everybody supports, which credential types are in use (§7.3, §13). A layer over a base holds the differences of a commit
// until they count; the base isn't touched.
type treeIndex struct {
	base     *treeIndex
	keys     map[uniqueKey]int // how many nodes have it
	counts   map[feature]int   // how many members support or use it
	members  int               // of this layer: a difference where there is a base
	clientID func(*LeafNode) []byte
}

// uniqueKey is something of which a tree has one.
type uniqueKey struct {
	kind   byte
	digest [sha256.Size]byte
}

const (
	encryptionKind = 'e' // an encryption key
	signatureKind  = 's' // a signature key
	clientKind     = 'i' // what the validator says a client is
)

func unique(kind byte, key []byte) uniqueKey { return uniqueKey{kind, sha256.Sum256(key)} }

// feature is a code point in one of the lists of capabilities, or a credential type in use.
type feature struct {
	list  byte
	point uint16
}

const (
	supportsExtension  = 'x'
	supportsProposal   = 'p'
	supportsCredential = 'c'
	usesCredential     = 'u'
)

func newTreeIndex(clientID func(*LeafNode) []byte) *treeIndex {
	return &treeIndex{keys: map[uniqueKey]int{}, counts: map[feature]int{}, clientID: clientID}
}

// layer begins one over x.
func (x *treeIndex) layer() *treeIndex {
	y := newTreeIndex(x.clientID)
	y.base = x
	return y
}

func (x *treeIndex) keyCount(d uniqueKey) int {
	if x == nil {
		return 0
	}
	return x.keys[d] + x.base.keyCount(d)
}

func (x *treeIndex) count(f feature) int {
	if x == nil {
		return 0
	}
	return x.counts[f] + x.base.count(f)
}

func (x *treeIndex) size() int {
	if x == nil {
		return 0
	}
	return x.members + x.base.size()
}

// hasEncryptionKey tells whether a node has this key.
func (x *treeIndex) hasEncryptionKey(key []byte) bool {
	return x.keyCount(unique(encryptionKind, key)) > 0
}

// features of a leaf, each once.
func (l *LeafNode) features() []feature {
	c := &l.Capabilities
	list := make([]feature, 0, len(c.Extensions)+len(c.Proposals)+len(c.Credentials)+1)
	for _, t := range c.Extensions {
		list = append(list, feature{supportsExtension, uint16(t)})
	}
	for _, t := range c.Proposals {
		list = append(list, feature{supportsProposal, uint16(t)})
	}
	for _, t := range c.Credentials {
		list = append(list, feature{supportsCredential, uint16(t)})
	}
	list = append(list, feature{usesCredential, uint16(l.Credential.Type)})
	if len(list) < 2 {
		return list
	}
	slices.SortFunc(list, func(a, b feature) int {
		return (int(a.list)<<16 | int(a.point)) - (int(b.list)<<16 | int(b.point))
	})
	return slices.Compact(list)
}

// leaf adds (n = 1) or takes away (n = -1) a member.
func (x *treeIndex) leaf(l *LeafNode, n int) {
	x.keys[unique(encryptionKind, l.EncryptionKey)] += n
	x.keys[unique(signatureKind, l.SignatureKey)] += n
	if id := x.clientID(l); id != nil {
		x.keys[unique(clientKind, id)] += n
	}
	for _, f := range l.features() {
		x.counts[f] += n
	}
	x.members += n
}

// parent adds or takes away a parent.
func (x *treeIndex) parent(p *parentNode, n int) {
	x.keys[unique(encryptionKind, p.encryptionKey)] += n
}

// merge makes the differences of a layer part of its base.
func (x *treeIndex) merge() *treeIndex {
	b := x.base
	for k, n := range x.keys {
		if b.keys[k] += n; b.keys[k] == 0 {
			delete(b.keys, k)
		}
	}
	for f, n := range x.counts {
		if b.counts[f] += n; b.counts[f] == 0 {
			delete(b.counts, f)
		}
	}
	b.members += x.members
	return b
}

// indexTree makes the index of a whole tree.
func indexTree(t ratchetTree, clientID func(*LeafNode) []byte) *treeIndex {
	x := newTreeIndex(clientID)
	walkTree(t, func(_ nodeIndex, n *treeNode) {
		if n.leaf != nil {
			x.leaf(n.leaf, 1)
		} else if n.parent != nil {
			x.parent(n.parent, 1)
		}
	})
	return x
}

// walkTree calls f for each node, from left to right.
func walkTree(t ratchetTree, f func(nodeIndex, *treeNode)) {
	var walk func(n *treeNode, x nodeIndex)
	walk = func(n *treeNode, x nodeIndex) {
		if n.left != nil {
			walk(n.left, x.left())
		}
		f(x, n)
		if n.right != nil {
			walk(n.right, x.right())
		}
	}
	walk(t.root, t.rootIndex())
}

// checkUnique refuses a key that two nodes have (RFC 9420 §7.3, §12.4.3.1), and a client that two members are (§12.2), among those that
// this layer touched.
func (x *treeIndex) checkUnique() error {
	twice := map[byte]bool{}
	for k := range x.keys {
		if x.keyCount(k) > 1 {
			twice[k.kind] = true
		}
	}
	switch {
	case twice[encryptionKind]:
		return invalid("7.3/encryption-key-unique", "an encryption key stands at two places of the tree")
	case twice[signatureKind]:
		return invalid("7.3/signature-key-unique", "two members have one signature key")
	case twice[clientKind]:
		return invalid("12.2/same-client", "one client would be two members")
	}
	return nil
}

// checkSupport verifies that all members support the credential types in use (RFC 9420 §7.3) and the group's extensions and
// requirements (§11.1, §13.4).
func (x *treeIndex) checkSupport(context Extensions) error {
	all := x.size()
	used := map[uint16]bool{}
	for layer := x; layer != nil; layer = layer.base {
		for f := range maps.Keys(layer.counts) {
			if f.list == usesCredential && !used[f.point] && x.count(f) > 0 {
				used[f.point] = true
			}
		}
	}
	for t := range used {
		if x.count(feature{supportsCredential, t}) != all {
			return invalid("7.3/credential-supported", "not every member supports credential type %d, which one has", t)
		}
	}
	for _, e := range context {
		if !e.Type.isDefault() && x.count(feature{supportsExtension, uint16(e.Type)}) != all {
			return invalid("13.4/context-extension", "not every member supports the group's extension %d", e.Type)
		}
	}
	q, err := context.RequiredCapabilities()
	if err != nil || q == nil {
		return err
	}
	for _, t := range q.Extensions {
		if !t.isDefault() && x.count(feature{supportsExtension, uint16(t)}) != all {
			return invalid("7.3/required", "not every member supports the required extension %d", t)
		}
	}
	for _, t := range q.Proposals {
		if !t.isDefault() && x.count(feature{supportsProposal, uint16(t)}) != all {
			return invalid("7.3/required", "not every member supports the required proposal %d", t)
		}
	}
	for _, t := range q.Credentials {
		if x.count(feature{supportsCredential, uint16(t)}) != all {
			return invalid("7.3/required", "not every member supports the required credential type %d", t)
		}
	}
	return nil
}
