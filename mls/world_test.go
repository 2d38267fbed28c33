package mls

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"
)

// client is somebody with a disk: what save was given is all that a restart has.
type client struct {
	t      *testing.T
	name   string
	cfg    *Config
	suite  CipherSuite
	key    *SignatureKey
	disk   map[string][]byte
	broken error // what save says
	g      *Group
}

// names is a validator for whom the identity of a basic credential is the client.
type names struct{ anybody }

func (names) ClientID(l *LeafNode) []byte { return l.Credential.Identity }

func (names) ValidateSuccessor(old, new *LeafNode) error {
	if !bytes.Equal(old.Credential.Identity, new.Credential.Identity) {
		return errors.New("another name")
	}
	return nil
}

// epoch0 is when the tests happen.
var testTime = time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)

func newClient(t *testing.T, id CipherSuite, name string) *client {
	c := &client{t: t, name: name, suite: id, disk: map[string][]byte{}, cfg: &Config{Validator: names{}, Now: func() time.Time { return testTime }}}
	c.key = must(c.cfg.NewSignatureKey(id))(t)
	return c
}

func (c *client) save(changes Changes) error {
	if c.broken != nil {
		return c.broken
	}
	for _, x := range changes {
		if x.Value == nil {
			delete(c.disk, x.Key)
		} else {
			c.disk[x.Key] = x.Value
		}
	}
	return nil
}

func (c *client) saveMessage(_ []byte, changes Changes) error { return c.save(changes) }

func (c *client) savePending(_ *Pending, changes Changes) error { return c.save(changes) }

func (c *client) credential() Credential { return BasicCredential([]byte(c.name)) }

func (c *client) keyPackage(o KeyPackageOptions) *KeyPackageSecrets {
	c.t.Helper()
	return must(c.cfg.NewKeyPackage(c.suite, c.key, c.credential(), o))(c.t)
}

func (c *client) create(o GroupOptions) {
	c.t.Helper()
	c.g = must(c.cfg.Create(c.suite, c.key, c.credential(), o, c.save))(c.t)
}

// restart forgets everything but the disk.
func (c *client) restart() {
	c.t.Helper()
	c.g = must(c.cfg.Load(maps.Clone(c.disk)))(c.t)
}

// commit makes a commit and accepts it at once: nobody was faster.
func (c *client) commit(o CommitOptions) *Pending {
	c.t.Helper()
	p := must(c.g.Commit(o, c.savePending))(c.t)
	if err := p.Accept(c.save); err != nil {
		c.t.Fatal(err)
	}
	return p
}

// receive opens a message and accepts it; it returns a plaintext, if it was one.
func (c *client) receive(b []byte) ([]byte, error) {
	c.t.Helper()
	m, err := ParseMessage(b)
	if err != nil {
		return nil, err
	}
	v, err := c.g.Open(m)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case *ApplicationMessage:
		return v.Accept(c.saveMessage)
	case *ProposalMessage:
		return nil, v.Accept(c.save)
	case *StagedCommit:
		return nil, v.Accept(c.save)
	}
	panic("something else")
}

func (c *client) mustReceive(b []byte) []byte {
	c.t.Helper()
	p, err := c.receive(b)
	if err != nil {
		c.t.Fatalf("%s: %v", c.name, err)
	}
	return p
}

func (c *client) send(text string) []byte {
	c.t.Helper()
	return must(c.g.Protect([]byte(text), nil, c.saveMessage))(c.t)
}

// add makes the members of others, in one commit with the Welcome beside the tree.
func (c *client) add(others ...*client) *Pending {
	c.t.Helper()
	var o CommitOptions
	packages := map[*client]*KeyPackageSecrets{}
	for _, x := range others {
		packages[x] = x.keyPackage(KeyPackageOptions{})
		o.Proposals = append(o.Proposals, &Proposal{Type: ProposalAdd, Add: packages[x].Package})
	}
	p := c.commit(o)
	for _, x := range others {
		w := must(ParseMessage(p.Welcome().For(packages[x].Ref()).Message()))(c.t).Welcome()
		x.disk = map[string][]byte{}
		x.g = must(x.cfg.Join(w, packages[x], JoinOptions{Tree: p.Tree()}, x.save))(c.t)
	}
	return p
}

// agree fails unless all are in one epoch of one group, in memory and on disk.
func agree(t *testing.T, all ...*client) {
	t.Helper()
	for _, c := range all {
		same(t, c.name+"'s authenticator", c.g.Authenticator(), all[0].g.Authenticator())
		same(t, c.name+"'s tree", c.g.Tree(), all[0].g.Tree())
		again := must(c.cfg.Load(maps.Clone(c.disk)))(t)
		same(t, c.name+"'s authenticator on disk", again.Authenticator(), all[0].g.Authenticator())
		same(t, c.name+"'s tree on disk", again.Tree(), all[0].g.Tree())
		if len(again.index.keys) != len(c.g.index.keys) || fmt.Sprint(again.index.counts) != fmt.Sprint(c.g.index.counts) || again.index.members != c.g.index.members {
			t.Fatalf("%s's index isn't that of the tree", c.name)
		}
	}
	for _, c := range all {
		m := c.send("hello from " + c.name)
		for _, x := range all {
			if x != c {
				same(t, "text", x.mustReceive(m), []byte("hello from "+c.name))
			}
		}
	}
}

// everySuite runs f with each suite.
func everySuite(t *testing.T, f func(t *testing.T, id CipherSuite)) {
	for _, id := range []CipherSuite{X25519AES128SHA256Ed25519, P256AES128SHA256P256, X25519ChaCha20SHA256Ed25519, P521AES256SHA512P521, P384AES256SHA384P384,
		MLKEM768X25519AES256SHA384Ed25519} {
		t.Run(id.String(), func(t *testing.T) {
			t.Parallel()
			f(t, id)
		})
	}
}

func is(err error, class Class) bool { return errors.Is(err, class) }
