package mls

import (
	"maps"
	"slices"
)

// The secret tree of an epoch (RFC 9420 §9): from one encryption secret a ratchet for each member and kind of message, unfolded as
// members speak. What was used, and what it came from, is deleted.

// ratchetID names a sender's ratchet.
type ratchetID struct {
	leaf        LeafIndex
	application bool // else handshake
}

// ratchet is a sender ratchet (RFC 9420 §9.1) that stands before a generation, with the keys of generations that were passed over.
type ratchet struct {
	generation uint32
	secret     Secret // nil when the last generation is used up
	skipped    map[uint32]messageKey
}

// messageKey opens or seals one message.
type messageKey struct{ key, nonce Secret }

// secretTree holds what has not been used.
type secretTree struct {
	s        *suite
	height   uint
	nodes    map[nodeIndex]Secret // no node is below another
	ratchets map[ratchetID]*ratchet
	version  uint64 // counts applied steps
}

func newSecretTree(s *suite, height uint, encryption Secret) *secretTree {
	return &secretTree{s: s, height: height, nodes: map[nodeIndex]Secret{rootOf(height): encryption}, ratchets: map[ratchetID]*ratchet{}}
}

// ratchetLimits bound what a sender's word can make a receiver do.
type ratchetLimits struct {
	forward uint32 // generations ahead of the last one used
	skipped int    // keys kept for messages that come late
}

// keyUse is the use of one key, computed and not yet happened: what it changes in the tree.
type keyUse struct {
	messageKey
	id         ratchetID
	generation uint32
	version    uint64 // of the tree that it was computed from

	unfolded map[nodeIndex]Secret // new nodes, when the leaf is used for the first time
	consumed []nodeIndex
	other    *ratchet // the leaf's other ratchet, then
	head     *ratchet // the ratchet after it; nil when the key was a skipped one
	passed   map[uint32]messageKey
	dropped  []uint32 // skipped keys that are deleted
}

// use computes the use of a generation, or of the next one. Nothing changes before apply.
func (t *secretTree) use(id ratchetID, generation uint32, limits ratchetLimits) (*keyUse, error) {
	u := &keyUse{id: id, generation: generation, version: t.version}
	r := t.ratchets[id]
	if r == nil {
		var err error
		if r, err = t.unfold(id, u); err != nil {
			return nil, err
		}
	}
	if generation < r.generation || r.secret == nil {
		k, ok := r.skipped[generation]
		if !ok {
			return nil, fail(ErrReplay, "9.1/used", "generation %d of leaf %d was used, or dropped", generation, id.leaf)
		}
		u.messageKey, u.dropped = k, []uint32{generation}
		return u, nil
	}
	if generation-r.generation > limits.forward {
		return nil, fail(ErrTooFar, "9.1/forward", "generation %d of leaf %d, after %d", generation, id.leaf, r.generation)
	}
	t.advance(u, r, limits)
	return u, nil
}

// next computes the use of the next generation, for sending.
func (t *secretTree) next(id ratchetID) (*keyUse, error) {
	u := &keyUse{id: id, version: t.version}
	r := t.ratchets[id]
	if r == nil {
		var err error
		if r, err = t.unfold(id, u); err != nil {
			return nil, err
		}
	}
	if r.secret == nil {
		return nil, misuse("all generations of this epoch are used up")
	}
	u.generation = r.generation
	t.advance(u, r, ratchetLimits{})
	return u, nil
}

// advance ratchets from r to after u.generation, and keeps the keys on the way.
func (t *secretTree) advance(u *keyUse, r *ratchet, limits ratchetLimits) {
	secret := r.secret
	for g := r.generation; ; g++ {
		k := messageKey{key: t.s.deriveTreeSecret(secret, "key", g, t.s.nk), nonce: t.s.deriveTreeSecret(secret, "nonce", g, t.s.nn)}
		secret = t.s.deriveTreeSecret(secret, "secret", g, t.s.nh)
		if g == u.generation {
			u.messageKey = k
			break
		}
		if u.generation-g <= uint32(limits.skipped) {
			if u.passed == nil {
				u.passed = map[uint32]messageKey{}
			}
			u.passed[g] = k
		}
	}
	u.head = &ratchet{generation: u.generation + 1, secret: secret}
	if u.generation == ^uint32(0) {
		u.head = &ratchet{generation: u.generation} // there is none after it
	}
	if extra := len(r.skipped) + len(u.passed) - limits.skipped; extra > 0 && len(r.skipped) > 0 {
		oldest := slices.Sorted(maps.Keys(r.skipped))
		u.dropped = oldest[:min(extra, len(oldest))]
	}
}

// unfold derives a leaf's two ratchets from the nearest node above it.
func (t *secretTree) unfold(id ratchetID, u *keyUse) (*ratchet, error) {
	if uint64(id.leaf) >= 1<<t.height {
		return nil, malformed("", "leaf %d isn't in the tree", id.leaf)
	}
	node := id.leaf.node()
	var secret Secret
	for x := node; ; x = x.parent() {
		if secret = t.nodes[x]; secret != nil {
			u.consumed = append(u.consumed, x)
			u.unfolded = map[nodeIndex]Secret{}
			for x != node {
				left, right := t.s.expandWithLabel(secret, "tree", []byte("left"), t.s.nh), t.s.expandWithLabel(secret, "tree", []byte("right"), t.s.nh)
				if node < x {
					u.unfolded[x.right()], secret, x = right, left, x.left()
				} else {
					u.unfolded[x.left()], secret, x = left, right, x.right()
				}
			}
			break
		}
		if x == rootOf(t.height) {
			return nil, fail(ErrReplay, "", "the secrets of leaf %d are gone", id.leaf)
		}
	}
	handshake := &ratchet{secret: t.s.expandWithLabel(secret, "handshake", nil, t.s.nh)}
	application := &ratchet{secret: t.s.expandWithLabel(secret, "application", nil, t.s.nh)}
	if id.application {
		u.other = handshake
		return application, nil
	}
	u.other = application
	return handshake, nil
}

// changes are what the use of a key changes on disk.
func (t *secretTree) changes(u *keyUse, epoch uint64) Changes {
	var c Changes
	for _, x := range u.consumed {
		c.remove(secretKey(epoch, x))
	}
	for x, secret := range u.unfolded {
		c.put(secretKey(epoch, x), secret)
	}
	if u.other != nil {
		id := ratchetID{u.id.leaf, !u.id.application}
		c.put(ratchetKey(epoch, id), u.other.marshalHead())
	}
	if u.head != nil {
		c.put(ratchetKey(epoch, u.id), u.head.marshalHead())
	}
	for g, k := range u.passed {
		c.put(skippedKey(epoch, u.id, g), k.marshal())
	}
	for _, g := range u.dropped {
		c.remove(skippedKey(epoch, u.id, g))
	}
	return c
}

// apply deletes what was used and what it came from (RFC 9420 §9.2).
func (t *secretTree) apply(u *keyUse) {
	t.version++
	for _, x := range u.consumed {
		wipe(t.nodes[x])
		delete(t.nodes, x)
	}
	maps.Copy(t.nodes, u.unfolded)
	if u.other != nil {
		t.ratchets[ratchetID{u.id.leaf, !u.id.application}] = u.other
	}
	r := t.ratchets[u.id]
	if u.head != nil {
		if r != nil {
			u.head.skipped = r.skipped
			wipe(r.secret)
		}
		r = u.head
		t.ratchets[u.id] = r
	}
	if len(u.passed) > 0 && r.skipped == nil {
		r.skipped = map[uint32]messageKey{}
	}
	maps.Copy(r.skipped, u.passed)
	for _, g := range u.dropped {
		delete(r.skipped, g)
	}
}

// marshalHead writes a ratchet without its skipped keys, which have records of their own.
func (r *ratchet) marshalHead() []byte {
	w := writer{b: make([]byte, 0, 8+len(r.secret))}
	w.u32(r.generation)
	w.opaque(r.secret)
	return w.b
}

func (k messageKey) marshal() []byte {
	var w writer
	w.opaque(k.key)
	w.opaque(k.nonce)
	return w.b
}

// senderDataKey is the key and the nonce for SenderData (RFC 9420 §6.3.2).
func (s *suite) senderDataKey(secret Secret, ciphertext []byte) messageKey {
	sample := ciphertext[:min(len(ciphertext), s.nh)]
	return messageKey{key: s.expandWithLabel(secret, "key", sample, s.nk), nonce: s.expandWithLabel(secret, "nonce", sample, s.nn)}
}
