package access

import (
	"crypto/sha256"
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

// cacheKey covers every byte that identity looks at.
func cacheKey(b *wire.Body) [sha256.Size]byte {
	said := *b
	said.Intent, said.Generation, said.Role = 0, 0, ""
	return sha256.Sum256(wire.Marshal(&said))
}
