package access_test

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

// TestCacheIsNoProof: that somebody was verified once helps nobody who can't sign now, and no byte of what
// was verified can be exchanged.
func TestCacheIsNoProof(t *testing.T) {
	identity := access.NewIdentity()
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	config := access.ServerConfig{Identity: identity, Generation: 1, Access: [32]byte(pub), Cache: access.NewCache(2)}
	exporter := bytes.Repeat([]byte{5}, access.ExporterSize)
	alice, device := trust.NewAccount(), trust.NewDevice()
	honest := wire.Body{
		Role: access.RoleMember, Account: alice.ID(), Device: device.ID(), Certificate: trust.Certify(alice, device, 1, 1).Marshal(),
		ListVersion: 1, Name: "alice", NameSig: alice.SignName(identity.Fingerprint(), "alice"), Intent: wire.IntentEnrol, Generation: 1,
	}
	login := func(b wire.Body, signer ed25519.PrivateKey) error {
		t.Helper()
		s, c := access.NewServer(config), access.NewClient(identity.Fingerprint(), "test")
		challenge, err := s.Hello(c.Hello(), exporter)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Challenge(challenge, exporter); err != nil {
			t.Fatal(err)
		}
		claim, err := s.Auth(c.Auth(b, key, signer))
		if err == nil && (claim.Certificate.Device != b.Device || claim.Body.Name != b.Name) {
			t.Fatalf("%+v", claim)
		}
		return err
	}
	for range 3 {
		if err := login(honest, device.Key()); err != nil {
			t.Fatal(err)
		}
	}
	other := trust.NewDevice()
	if err := login(honest, other.Key()); chat.CodeOf(err) != chat.CodeAuth {
		t.Error("signed by another device:", err)
	}
	for what, change := range map[string]func(*wire.Body){
		"name":      func(b *wire.Body) { b.Name = "alicia" },
		"signature": func(b *wire.Body) { b.NameSig[0] ^= 1 },
		"certificate": func(b *wire.Body) {
			b.Certificate = bytes.Clone(b.Certificate)
			b.Certificate[len(b.Certificate)-1] ^= 1
		},
		"account":      func(b *wire.Body) { b.Account = trust.NewAccount().ID() },
		"list version": func(b *wire.Body) { b.ListVersion = 2 },
	} {
		forged := honest
		change(&forged)
		for range 2 { // the first refusal mustn't be remembered as good
			if err := login(forged, device.Key()); chat.CodeOf(err) != chat.CodeAuth {
				t.Errorf("another %s: %v", what, err)
			}
		}
	}
	returning := honest
	returning.Intent = wire.IntentReturn
	if err := login(returning, device.Key()); err != nil {
		t.Error(err)
	}
}
