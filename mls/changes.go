package mls

import (
	"bytes"
	"fmt"
)

// Change writes or deletes a record of a group's state.
type Change struct {
	Key   string // printable, of at most 64 bytes, unique in a group
	Value []byte // nil: the record is deleted. It holds secrets: seal it.
}

// Changes are what an operation changes in a group's state. They belong together: all or none of them, in this order.
type Changes []Change

func (c *Changes) put(key string, value []byte) {
	*c = append(*c, Change{key, bytes.Clone(value)}) // what was passed may be wiped later
}

func (c *Changes) remove(key string) { *c = append(*c, Change{Key: key}) }

// Saver makes changes durable before it returns nil. It is called while an operation runs and must not use the group. When it returns
// an error, the operation fails with ErrSave.
type Saver func(Changes) error

// The records of a group.
const (
	recordGroup   = "group"   // the current epoch but for its tree
	recordPending = "pending" // a commit of one's own that isn't accepted yet
)

func treeKey(x nodeIndex) string { return fmt.Sprintf("tree/%08x", uint32(x)) }

func proposalKey(ref []byte) string { return fmt.Sprintf("proposal/%x", ref[:min(len(ref), 24)]) }

func pastKey(epoch uint64) string { return fmt.Sprintf("past/%016x", epoch) }

// pastLeafKey is of a leaf that the epoch still had and the next one no longer has.
func pastLeafKey(epoch uint64, i LeafIndex) string {
	return fmt.Sprintf("pastleaf/%016x/%08x", epoch, uint32(i))
}

func resumptionKey(epoch uint64) string { return fmt.Sprintf("resumption/%016x", epoch) }

func secretKey(epoch uint64, x nodeIndex) string {
	return fmt.Sprintf("secret/%016x/%08x", epoch, uint32(x))
}

func ratchetKey(epoch uint64, id ratchetID) string {
	return fmt.Sprintf("ratchet/%016x/%08x%c", epoch, uint32(id.leaf), id.letter())
}

func skippedKey(epoch uint64, id ratchetID, generation uint32) string {
	return fmt.Sprintf("skipped/%016x/%08x%c/%08x", epoch, uint32(id.leaf), id.letter(), generation)
}

func (id ratchetID) letter() byte {
	if id.application {
		return 'a'
	}
	return 'h'
}

// records of a secret tree, for deleting all of it.
func (t *secretTree) records(epoch uint64) (keys []string) {
	for x := range t.nodes {
		keys = append(keys, secretKey(epoch, x))
	}
	for id, r := range t.ratchets {
		keys = append(keys, ratchetKey(epoch, id))
		for g := range r.skipped {
			keys = append(keys, skippedKey(epoch, id, g))
		}
	}
	return keys
}
