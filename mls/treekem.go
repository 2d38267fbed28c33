package mls

import (
	"bytes"
	"crypto/hpke"
	"slices"
)

// TreeKEM: the committer gives each node on his path a fresh key, and tells each subtree beside it the secrets from there up
// (RFC 9420 §7.4 to §7.6).

// privateKeys are the private keys that a member knows: of his leaf and of parents above it.
type privateKeys map[nodeIndex]hpke.PrivateKey

// pathSecrets are the secrets of a filtered direct path, from some node to the root.
type pathSecrets struct {
	secrets []Secret // RFC 9420 §7.4
	keys    []hpke.PrivateKey
	commit  Secret // the commit secret, one step above the root's (§12.4.1)
}

// derivePath derives n path secrets from the first, and their key pairs.
func (s *suite) derivePath(first Secret, n int) (*pathSecrets, error) {
	p := &pathSecrets{secrets: make([]Secret, n), keys: make([]hpke.PrivateKey, n)}
	next := first
	for i := range n {
		p.secrets[i] = next
		next = s.deriveSecret(next, "path")
	}
	p.commit = next
	return p, inParallel(n, func(i int) (err error) {
		p.keys[i], err = s.deriveKeyPair(s.deriveSecret(p.secrets[i], "node"))
		return err
	})
}

// pathNodes are the parents of a new path, each with the parent hash over the ones above it (RFC 9420 §7.9).
type pathNodes struct {
	parents  []*parentNode
	leafHash []byte // the parent hash that the committer's leaf must have
}

// nodesOf makes the parents for a filtered direct path. The copath's tree hashes are those of the tree that the path is put into.
func (s *suite) nodesOf(steps []pathStep, public func(i int) []byte) pathNodes {
	p := pathNodes{parents: make([]*parentNode, len(steps)), leafHash: []byte{}}
	for i := len(steps) - 1; i >= 0; i-- {
		p.parents[i] = &parentNode{encryptionKey: public(i), parentHash: p.leafHash}
		p.leafHash = s.parentHash(p.parents[i], s.hashTree(steps[i].copath, steps[i].copathIndex))
	}
	return p
}

// withPath puts a committer's leaf and path into the tree; what is on his direct path and not in it becomes blank (RFC 9420 §7.5).
func (t ratchetTree) withPath(i LeafIndex, leaf *LeafNode, steps []pathStep, parents []*parentNode) ratchetTree {
	return t.set(i, leaf, func(x nodeIndex, _ *parentNode) *parentNode {
		for k, s := range steps {
			if s.index == x {
				return parents[k]
			}
		}
		return nil
	})
}

// recipients is the resolution of a step's copath child without the members that the same commit adds (RFC 9420 §7.5).
func (t ratchetTree) recipients(s pathStep, added []LeafIndex) []resolved {
	list := t.resolution(s.copath, s.copathIndex)
	if len(added) == 0 {
		return list
	}
	return slices.DeleteFunc(list, func(r resolved) bool {
		if !r.index.isLeaf() {
			return false
		}
		_, found := slices.BinarySearch(added, r.index.leaf())
		return found
	})
}

// sealPath encrypts each path secret to those who are to know it (RFC 9420 §7.6). added is ascending.
func (s *suite) sealPath(t ratchetTree, steps []pathStep, parents []*parentNode, p *pathSecrets, added []LeafIndex, context []byte) ([]updatePathNode, error) {
	type job struct {
		step, place int
		to          []byte
	}
	var jobs []job
	nodes := make([]updatePathNode, len(steps))
	for i, step := range steps {
		to := t.recipients(step, added)
		nodes[i] = updatePathNode{encryptionKey: parents[i].encryptionKey, secrets: make([]hpkeCiphertext, len(to))}
		for k, r := range to {
			jobs = append(jobs, job{i, k, r.node.publicKey()})
		}
	}
	return nodes, inParallel(len(jobs), func(k int) (err error) {
		j := jobs[k]
		nodes[j.step].secrets[j.place], err = s.encryptWithLabel(j.to, "UpdatePathNode", context, p.secrets[j.step])
		return err
	})
}

// checkPathShape verifies that a path has a node for each step, and in it a ciphertext for each recipient (RFC 9420 §7.6).
func (t ratchetTree) checkPathShape(steps []pathStep, nodes []updatePathNode, added []LeafIndex) error {
	if len(nodes) != len(steps) {
		return invalid("7.6/path-length", "a path of %d nodes, where %d are wanted", len(nodes), len(steps))
	}
	for i, step := range steps {
		if n := len(t.recipients(step, added)); n != len(nodes[i].secrets) {
			return invalid("7.6/ciphertexts", "%d ciphertexts for node %d, where %d are wanted", len(nodes[i].secrets), step.index, n)
		}
	}
	return nil
}

// openPath decrypts the path secret that is for this member, and derives from it the keys up to the root, which must be those of
// the path (RFC 9420 §7.5). It adds the new private keys to keys.
func (s *suite) openPath(t ratchetTree, steps []pathStep, nodes []updatePathNode, own LeafIndex, keys privateKeys, added []LeafIndex, context []byte) (commit Secret, err error) {
	at := slices.IndexFunc(steps, func(p pathStep) bool { return p.copathIndex.covers(own) })
	if at < 0 {
		return nil, invalid("7.5/recipient", "the path passes this member by")
	}
	to := t.recipients(steps[at], added)
	mine := slices.IndexFunc(to, func(r resolved) bool { return keys[r.index] != nil })
	if mine < 0 {
		return nil, invalid("7.5/recipient", "no key of this member is among the recipients")
	}
	secret, err := s.decryptWithLabel(keys[to[mine].index], "UpdatePathNode", context, nodes[at].secrets[mine])
	if err != nil {
		return nil, err
	}
	if len(secret) != s.nh {
		return nil, invalid("7.4/path-secret", "a path secret of %d bytes", len(secret))
	}
	p, err := s.derivePath(secret, len(steps)-at)
	if err != nil {
		return nil, err
	}
	for i, k := range p.keys {
		if !bytes.Equal(k.PublicKey().Bytes(), nodes[at+i].encryptionKey) {
			return nil, invalid("7.5/path-keys", "the key of node %d doesn't come from the path secret", steps[at+i].index)
		}
		keys[steps[at+i].index] = k
	}
	return p.commit, nil
}

// prune drops the private keys of nodes that are gone or blank.
func (k privateKeys) prune(t ratchetTree) {
	for x := range k {
		if n := t.node(x); n == nil || n.publicKey() == nil {
			delete(k, x)
		}
	}
}
