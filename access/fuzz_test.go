package access

import (
	"bytes"
	"testing"

	"huisclos/wire"
)

// Nothing but the one Auth that was made for this connection gets in.
func FuzzServerAuth(f *testing.F) {
	w := newWorld()
	c, s := w.client(), NewServer(w.config)
	raw, err := s.Hello(c.Hello(), exporter)
	if err != nil {
		f.Fatal(err)
	}
	if _, err := c.Challenge(raw, exporter); err != nil {
		f.Fatal(err)
	}
	auth := c.Auth(w.body, w.access, w.device.Key())
	f.Add(auth)
	f.Fuzz(func(t *testing.T, raw []byte) {
		s := *s
		if _, err := s.Auth(raw); err == nil && !bytes.Equal(raw, auth) {
			t.Fatal("it is believed")
		}
	})
}

// A hello is answered or refused, and the answer is one that its sender can check.
func FuzzServerHello(f *testing.F) {
	w := newWorld()
	f.Add(w.client().Hello())
	f.Fuzz(func(t *testing.T, raw []byte) {
		answer, err := NewServer(w.config).Hello(raw, exporter)
		if err != nil {
			return
		}
		c := w.client()
		c.hello = raw
		if _, err := c.Challenge(answer, exporter); err != nil {
			t.Fatal(err)
		}
	})
}

// No bytes make a client go on with a server that hasn't signed them for it.
func FuzzClientChallenge(f *testing.F) {
	w := newWorld()
	raw, err := NewServer(w.config).Hello(w.client().Hello(), exporter)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(wire.Encode(&wire.Bye{Code: "full"}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := w.client().Challenge(raw, exporter); err == nil {
			t.Fatal("it goes on")
		}
	})
}
