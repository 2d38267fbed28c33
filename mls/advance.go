package mls

import (
	"maps"
	"slices"
)

// From one epoch to the next: what is kept of the old one, and for how long.

// advance makes e the group's epoch. use is that of the commit's own key, if it had one: what the key came from goes too (RFC 9420 §9.2).
func (g *Group) advance(n *next, e *epoch, use *keyUse, save Saver) error {
	var c Changes
	past, gone := g.agePast(&c, e, use)
	resumption := g.ageResumption(&c)
	for _, q := range g.proposals {
		c.remove(proposalKey(q.ref))
	}
	if g.pending != nil {
		c.remove(recordPending)
	}
	diffTrees(g.epoch.tree, e.tree, func(x nodeIndex, _, now *treeNode) { c.node(x, now) })
	c.secretTree(e)
	c.put(recordGroup, g.marshalHead(e, n.reinit))
	if err := g.save(save, c); err != nil {
		return err
	}
	if use != nil {
		g.epoch.messages.apply(use)
	}
	for _, r := range gone {
		r.forget()
	}
	g.past, g.resumption, g.proposals, g.pending, g.reinit = past, resumption, nil, nil, n.reinit
	g.epoch, g.index, g.origin = e, n.index.merge(), false
	return nil
}

// node writes or deletes a node of the tree.
func (c *Changes) node(x nodeIndex, n *treeNode) {
	if n == nil || n.publicKey() == nil {
		c.remove(treeKey(x))
		return
	}
	w := writer{b: make([]byte, 0, n.room())}
	if n.leaf != nil {
		n.leaf.encode(&w)
	} else {
		n.parent.encode(&w)
	}
	*c = append(*c, Change{treeKey(x), w.b})
}

// secretTree writes a new epoch's secret tree, which is its root.
func (c *Changes) secretTree(e *epoch) {
	root := rootOf(e.tree.height)
	c.put(secretKey(e.number, root), e.messages.nodes[root])
}

// agePast makes the current epoch a past one, and drops what is older than the limit. It returns the list to be, and what falls off it.
func (g *Group) agePast(c *Changes, e *epoch, use *keyUse) (past, gone []*reception) {
	now := g.epoch.reception // a copy
	now.changed = map[LeafIndex]*LeafNode{}
	diffTrees(g.epoch.tree, e.tree, func(x nodeIndex, before, _ *treeNode) {
		if x.isLeaf() {
			if now.changed[x.leaf()] = nil; before != nil {
				now.changed[x.leaf()] = before.leaf
			}
		}
	})
	past = append([]*reception{&now}, g.past...)
	limit := orDefault(g.cfg.PastEpochs, 5)
	keep := min(limit, len(past))
	past, gone = past[:keep:keep], past[keep:]
	if limit > 0 {
		c.put(pastKey(now.number), now.marshal())
		for i, l := range now.changed {
			var b []byte = []byte{}
			if l != nil {
				b = marshal(l)
			}
			c.put(pastLeafKey(now.number, i), b)
		}
		if use != nil {
			unfolded := keyUse{id: use.id, consumed: use.consumed, unfolded: use.unfolded, other: use.other}
			*c = append(*c, now.messages.changes(&unfolded, now.number)...)
		}
		now.messages.dropHandshakes(c, now.number) // only the current epoch takes proposals and commits
	}
	for _, r := range gone {
		r.remove(c, r != &now || limit > 0)
	}
	return past, gone
}

// remove deletes the records of an epoch. recorded says whether it has those of a past one.
func (r *reception) remove(c *Changes, recorded bool) {
	for _, k := range r.messages.records(r.number) {
		c.remove(k)
	}
	if !recorded {
		return
	}
	c.remove(pastKey(r.number))
	for i := range r.changed {
		c.remove(pastLeafKey(r.number, i))
	}
}

// forget wipes the keys of an epoch.
func (r *reception) forget() {
	wipe(r.senderData)
	for _, s := range r.messages.nodes {
		wipe(s)
	}
	for _, x := range r.messages.ratchets {
		wipe(x.secret)
		for _, k := range x.skipped {
			wipe(k.key, k.nonce)
		}
	}
}

// dropHandshakes deletes the handshake ratchets' records. In memory they go with the epoch.
func (t *secretTree) dropHandshakes(c *Changes, epoch uint64) {
	for id, r := range t.ratchets {
		if id.application {
			continue
		}
		c.remove(ratchetKey(epoch, id))
		for k := range r.skipped {
			c.remove(skippedKey(epoch, id, k))
		}
	}
}

// ageResumption keeps the current epoch's resumption key, and drops the oldest.
func (g *Group) ageResumption(c *Changes) map[uint64]Secret {
	limit := orDefault(g.cfg.ResumptionEpochs, 5)
	kept := maps.Clone(g.resumption)
	if kept == nil {
		kept = map[uint64]Secret{}
	}
	if limit > 0 {
		kept[g.epoch.number] = g.epoch.secrets.resumption
		c.put(resumptionKey(g.epoch.number), g.epoch.secrets.resumption)
	}
	epochs := slices.Sorted(maps.Keys(kept))
	for _, e := range epochs[:max(len(epochs)-limit, 0)] {
		delete(kept, e)
		c.remove(resumptionKey(e))
	}
	return kept
}

// Forget drops past epochs before the given one: messages from them can no longer be read. It is for those who keep past epochs for a
// time, not for a number.
func (g *Group) Forget(before uint64, save Saver) error {
	var c Changes
	at := slices.IndexFunc(g.past, func(r *reception) bool { return r.number < before })
	if at < 0 {
		return nil
	}
	for _, r := range g.past[at:] {
		r.remove(&c, true)
	}
	if err := g.save(save, c); err != nil {
		return err
	}
	for _, r := range g.past[at:] {
		r.forget()
	}
	g.past = g.past[:at:at]
	return nil
}

// leave ends the membership: the keys of the current epoch and of what comes are dropped; past epochs stay readable for late messages.
func (g *Group) leave(use *keyUse, save Saver) error {
	var c Changes
	if use != nil {
		c = g.epoch.messages.changes(use, g.epoch.number)
	}
	for _, q := range g.proposals {
		c.remove(proposalKey(q.ref))
	}
	if g.pending != nil {
		c.remove(recordPending)
	}
	g.removed = true
	c.put(recordGroup, g.marshalHead(g.epoch, g.reinit))
	if err := g.save(save, c); err != nil {
		g.removed = false
		return err
	}
	if use != nil {
		g.epoch.messages.apply(use)
	}
	g.proposals, g.pending = nil, nil
	return nil
}

// diffTrees calls f for each node whose content differs, with the node before and now; nil where a tree has no such node. Shared nodes are
// passed over, so it costs what changed.
func diffTrees(before, now ratchetTree, f func(x nodeIndex, before, now *treeNode)) {
	height := max(before.height, now.height)
	var walk func(a, b *treeNode, x nodeIndex)
	walk = func(a, b *treeNode, x nodeIndex) {
		if a == b {
			return
		}
		if a == nil || b == nil || a.leaf != b.leaf || a.parent != b.parent {
			if a != nil && a.publicKey() != nil || b != nil && b.publicKey() != nil {
				f(x, a, b)
			}
		}
		if x.isLeaf() {
			return
		}
		la, ra := childrenOf(a, before, x)
		lb, rb := childrenOf(b, now, x)
		walk(la, lb, x.left())
		walk(ra, rb, x.right())
	}
	walk(subtree(before, rootOf(height)), subtree(now, rootOf(height)), rootOf(height))
}

// subtree is the tree's root where x is its place, else nil.
func subtree(t ratchetTree, x nodeIndex) *treeNode {
	if x == t.rootIndex() {
		return t.root
	}
	return nil
}

// childrenOf are a node's children; above a tree's root, the tree itself is found again on the left.
func childrenOf(n *treeNode, t ratchetTree, x nodeIndex) (left, right *treeNode) {
	if n != nil {
		return n.left, n.right
	}
	return subtree(t, x.left()), nil
}
