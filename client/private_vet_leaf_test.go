package client

import (
	"errors"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/trust"
)

// A leaf that names somebody's device, which hasn't signed its key, is found among the members of a large room.
func TestVettingFindsALeafThatTheDeviceHasNotSigned(t *testing.T) {
	server := chat.Fingerprint{1}
	id, err := newIdentity(server, "bob")
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{self: selfRecord{Server: server}, people: newPeople(server)}
	e.people.add(id.account(), &personRecord{Name: "bob"})
	e.people.devices[id.device()] = &device{account: id.account(), cert: id.cert}
	cfg := &mls.Config{Validator: everybody{}, Now: time.Now, Suites: []mls.CipherSuite{suite}, Credentials: []mls.CredentialType{mls.CredentialBasic}}
	for name, c := range map[string]struct {
		server chat.Fingerprint
		other  bool
		want   error
	}{
		"right":            {server: server},
		"of another key":   {server: server, other: true, want: trust.ErrLeaf},
		"of another place": {server: chat.Fingerprint{2}, want: trust.ErrLeaf},
	} {
		key, err := cfg.NewSignatureKey(suite)
		if err != nil {
			t.Fatal(err)
		}
		signed := key
		if c.other {
			if signed, err = cfg.NewSignatureKey(suite); err != nil {
				t.Fatal(err)
			}
		}
		leaf := id.dev.SignLeaf(c.server, id.account(), 1, signed.Public())
		g, err := cfg.Create(suite, key, mls.BasicCredential(leaf.Marshal()), mls.GroupOptions{}, func(mls.Changes) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if err := e.vetLeaves([]*mls.LeafNode{g.Leaf(g.Own())}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err := e.vouchFor(g.Leaf(g.Own())); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
