package access

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"huisclos/wire"
)

// Cache remembers what was verified of people who log in: the two signatures of a certificate and the one of a name, which are
// the same at every login and cost more than the rest of it. Nothing is believed on its account that a connection
// has to prove: the device's signature, and the access key's, are over the transcript. It may be used by several goroutines.
type Cache struct {
	most int

	mu    sync.Mutex
	known map[[sha256.Size]byte]struct{}
}

// NewCache makes a cache of at most so many people.
func NewCache(most int) *Cache {
	return &Cache{most: most, known: make(map[[sha256.Size]byte]struct{})}
}

// has reports whether add was called with a body that says the same of the person.
func (c *Cache) has(key [sha256.Size]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.known[key]
	return ok
}

// add remembers; a full cache begins anew.
func (c *Cache) add(key [sha256.Size]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= c.most {
		clear(c.known)
	}
	c.known[key] = struct{}{}
}

// cacheKey covers every byte that identity looks at. The one part of an unknown length before the last says how long it is.
func cacheKey(b *wire.Body) (key [sha256.Size]byte) {
	h := sha256.New()
	h.Write(b.Account[:])
	h.Write(b.Device[:])
	h.Write(b.NameSig[:])
	var sizes [16]byte
	binary.BigEndian.PutUint64(sizes[:8], b.ListVersion)
	binary.BigEndian.PutUint64(sizes[8:], uint64(len(b.Name)))
	h.Write(sizes[:])
	h.Write([]byte(b.Name))
	h.Write(b.Certificate)
	h.Sum(key[:0])
	return key
}
