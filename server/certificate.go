package server

import (
	"crypto/tls"
	"sync/atomic"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/conn"
)

// certificates gives TLS its certificate: the one made from the identity, or one from files.
type certificates struct {
	chain, key string // paths; empty: made from the identity
	now        atomic.Pointer[tls.Certificate]
}

func newCertificates(id access.Identity, chain, key string) (*certificates, error) {
	c := &certificates{chain: chain, key: key}
	if chain == "" && key == "" {
		made, err := conn.SelfCertificate(id.Signer())
		if err != nil {
			return nil, err
		}
		c.now.Store(made)
		return c, nil
	}
	_, err := c.reload()
	return c, err
}

// reload reads the files again and reports whether there is another certificate. After an error the
// old one stays. CodeConfig (path, detail).
func (c *certificates) reload() (bool, error) {
	if c.chain == "" && c.key == "" {
		return false, nil
	}
	next, err := tls.LoadX509KeyPair(c.chain, c.key)
	if err != nil {
		return false, chat.Errorf(chat.CodeConfig, "path", c.chain, "detail", err.Error()).Because(err)
	}
	before := c.now.Swap(&next)
	return before == nil || !sameLeaf(before, &next), nil
}

func sameLeaf(a, b *tls.Certificate) bool {
	return string(a.Certificate[0]) == string(b.Certificate[0])
}

func (c *certificates) get() *tls.Certificate { return c.now.Load() }
