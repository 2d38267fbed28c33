package mls

import (
	"bytes"
	"testing"
)

// What no message reaches, because something before it refuses, holds all the same.
func TestGuards(t *testing.T) {
	for what, b := range map[string][]byte{"half a leaf index": {3, 0, 0, 0}, "half a code point": {1, 0}} {
		r := reader{b: b}
		if what == "half a leaf index" {
			readU32s(&r)
		} else {
			readU16s[CipherSuite](&r)
		}
		if err := r.end(); CheckOf(err) != "2.1/truncated" {
			t.Errorf("%s: %v", what, err)
		}
	}
	everySuite(t, func(t *testing.T, id CipherSuite) {
		s := suiteFor(id, MLKEM768X25519AES256SHA384Ed25519)
		good := must(s.kem.GenerateKey())(t).PublicKey().Bytes()
		zero := make([]byte, len(good))
		for what, key := range map[string][]byte{"no key": nil, "a short key": good[1:], "zeros": zero, "ones": bytes.Repeat([]byte{0xff}, len(good))} {
			if what == "ones" && (id == X25519AES128SHA256Ed25519 || id == X25519ChaCha20SHA256Ed25519) {
				continue // X25519 takes any other 32 bytes
			}
			if _, err := s.encryptWithLabel(key, "test", nil, []byte("text")); CheckOf(err) != "5.1.1/hpke-key" && what != "zeros" || err == nil {
				t.Errorf("encrypted to %s: %v", what, err)
			}
			if _, _, err := s.sendInit(key); err == nil {
				t.Errorf("an init secret for %s", what)
			}
		}
	})
}

// A group begins with what its creator supports; and without pre-shared keys here there are none.
func TestCreateWithinCapabilities(t *testing.T) {
	c := newClient(t, X25519AES128SHA256Ed25519, "alice")
	for _, x := range []struct {
		extension Extension
		check     string
	}{
		{Extension{0xF0F0, nil}, "13.4/context-extension"},
		{(&RequiredCapabilities{Extensions: []ExtensionType{0xF0F0}}).Extension(), "7.3/required"},
		{(&RequiredCapabilities{Proposals: []ProposalType{0xF0F0}}).Extension(), "7.3/required"},
		{(&RequiredCapabilities{Credentials: []CredentialType{0xF0F0}}).Extension(), "7.3/required"},
	} {
		if _, err := c.cfg.Create(c.suite, c.key, c.credential(), GroupOptions{Extensions: Extensions{x.extension}}, c.save); CheckOf(err) != x.check {
			t.Errorf("%d: %v, want %s", x.extension.Type, err, x.check)
		}
	}
	c.create(GroupOptions{})
	p := &Proposal{Type: ProposalPSK, PSK: PSKID{Type: PSKExternal, ID: []byte("x")}}
	if _, err := c.g.Commit(CommitOptions{Proposals: []*Proposal{p}}, c.savePending); CheckOf(err) != "12.4.2/psk-available" {
		t.Error(err)
	}
}
