package mls

import (
	"bytes"
	"fmt"
	"reflect"
)

// What Load looks at before it believes a record: enough that none makes it, or the group later, fail otherwise than with an error.

// maxHeight of a tree of MaxMembers.
const maxHeight = 17

// scan reads a record's name, which has one form.
func scan(name, format string, into ...any) error {
	n, err := fmt.Sscanf(name, format, into...)
	if err == nil && n == len(into) {
		values := make([]any, n)
		for i, p := range into {
			values[i] = reflect.ValueOf(p).Elem().Interface()
		}
		if fmt.Sprintf(format, values...) == name {
			return nil
		}
	}
	return malformed("", "a record named %q", name)
}

// checkSecrets verifies that secrets have the length of the suite's.
func (s *suite) checkSecrets(secrets ...Secret) error {
	for _, x := range secrets {
		if len(x) != s.nh {
			return malformed("", "a secret of %d bytes", len(x))
		}
	}
	return nil
}

// checkHeight verifies that a tree is as high as its last leaf wants (RFC 9420 §7.7), before anything is built of that size.
func checkHeight(height uint, leaves map[nodeIndex]*LeafNode) error {
	last := LeafIndex(0)
	for x := range leaves {
		last = max(last, x.leaf())
	}
	if last >= MaxMembers || heightFor(uint32(last)+1) != height {
		return malformed("", "a tree of height %d, whose last leaf is %d", height, last)
	}
	return nil
}

// checkOwnLeaf verifies that this member is in the tree, with the keys that are here.
func (g *Group) checkOwnLeaf() error {
	e := g.epoch
	leaf, key := e.tree.leaf(e.own), e.private[e.own.node()]
	if leaf == nil || key == nil || !bytes.Equal(leaf.SignatureKey, e.signature.public) || !bytes.Equal(leaf.EncryptionKey, key.PublicKey().Bytes()) {
		return malformed("", "the keys aren't those of leaf %d", e.own)
	}
	return nil
}
