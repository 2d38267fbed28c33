package mls

import (
	"bytes"
	"testing"
)

// The densest lists that there are: elements of one, two or three bytes each, which become structures. What that costs stays in bounds,
// whether the list is taken in the end or not.
func TestDenseListsAreBounded(t *testing.T) {
	const n = 100_000
	list := func(element ...byte) []byte {
		var w writer
		w.opaque(bytes.Repeat(element, n))
		return w.b
	}
	for name, c := range map[string]struct {
		bytes  []byte
		decode func(*reader)
	}{
		"blank nodes":       {list(0), func(r *reader) { decodeRatchetTree(r) }},
		"references":        {list(2, 0), func(r *reader) { decodeCommit(r) }},
		"removals":          {list(1, 0, 3, 0, 0, 0, 1), func(r *reader) { decodeCommit(r) }},
		"keys of a Welcome": {append([]byte{0, 1}, list(0, 0, 0)...), func(r *reader) { decodeWelcome(r) }},
		"pre-shared keys":   {append([]byte{0, 0}, list(1, 0, 0)...), func(r *reader) { decodeGroupSecrets(r) }},
		"certificates":      {append([]byte{0, 2}, list(0)...), func(r *reader) { decodeCredential(r) }},
		"extensions":        {list(0, 1, 0), func(r *reader) { decodeExtensions(r) }},
		"external senders": {list(0, 0, 1, 0), func(r *reader) {
			readList(r, func(r *reader) ExternalSender { return ExternalSender{r.opaque(), decodeCredential(r)} })
		}},
		"nodes of a path": {list(0, 0), func(r *reader) {
			readList(r, func(r *reader) updatePathNode { return updatePathNode{r.opaque(), readList(r, decodeHPKECiphertext)} })
		}},
		"secrets of a path":    {list(0, 0), func(r *reader) { readList(r, decodeHPKECiphertext) }},
		"a length and no more": {[]byte{0xbf, 0xff, 0xff, 0xff}, func(r *reader) { decodeCommit(r) }},
	} {
		t.Run(name, func(t *testing.T) {
			bounded(t, len(c.bytes), func() { c.decode(&reader{b: c.bytes}) })
		})
	}
}
