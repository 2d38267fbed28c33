package mls

import (
	"bytes"
	"errors"
	"testing"
)

// What is read has one form: writing it gives the same bytes. Real messages are the seeds.

func FuzzMessage(f *testing.F) {
	seeds(f, append(within(f, false).messages, within(f, true).messages...)...)
	f.Fuzz(func(t *testing.T, b []byte) {
		var m *Message
		var err error
		bounded(t, len(b), func() { m, err = ParseMessage(b) })
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) {
				t.Fatalf("an error of no class for bytes: %v", err)
			}
			return
		}
		if !bytes.Equal(m.Bytes(), b) {
			t.Fatalf("two forms: %x, %x", m.Bytes(), b)
		}
	})
}

func FuzzRatchetTree(f *testing.F) {
	seeds(f, within(f, false).trees...)
	f.Fuzz(func(t *testing.T, b []byte) {
		r := reader{b: bytes.Clone(b)}
		var tree ratchetTree
		bounded(t, len(b), func() { tree = decodeRatchetTree(&r) })
		if r.end() != nil {
			return
		}
		if !bytes.Equal(marshal(tree), b) {
			t.Fatalf("two forms: %x, %x", marshal(tree), b)
		}
		c := &Config{Validator: anybody{}}
		s := suiteFor(X25519AES128SHA256Ed25519, 0)
		if _, err := c.verifyTree(s, tree, []byte("fuzz"), nil); err != nil && CheckOf(err) == "" {
			t.Fatalf("an error of no check: %v", err)
		}
	})
}

func FuzzGroupSecrets(f *testing.F) {
	nonce := bytes.Repeat([]byte{1}, 32)
	seeds(f, marshal(&groupSecrets{joiner: nonce}), marshal(&groupSecrets{joiner: nonce, pathSecret: nonce,
		psks: []PSKID{{Type: PSKExternal, ID: []byte("x"), nonce: nonce}, {Type: PSKResumption, Usage: UsageBranch, GroupID: []byte("g"), Epoch: 1, nonce: nonce}}}))
	twice(f, decodeGroupSecrets)
}

func FuzzCommit(f *testing.F) {
	m, err := ParseMessage(within(f, true).commit)
	if err != nil {
		f.Fatal(err)
	}
	seeds(f, marshal(m.public.auth.content.commit))
	twice(f, decodeCommit)
}

// Whatever comes: an error of a known class or something verified, and the group is as it was and works.
func FuzzOpen(f *testing.F) {
	s, p := within(f, false), within(f, true)
	seeds(f, append(append(s.messages, p.messages...), s.valid, p.commit)...)
	f.Fuzz(func(t *testing.T, b []byte) {
		s.try(t, b)
		p.try(t, b)
	})
}
