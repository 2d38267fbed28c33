package access

import (
	"errors"
	"testing"

	"huisclos/chat"
	"huisclos/wire"
)

// A stranger learns whose server it is, if that proves it on this connection, and can't log in.
func TestStranger(t *testing.T) {
	w := newWorld()
	c, s := NewStranger("test"), NewServer(w.config)
	raw, err := s.Hello(c.Hello(), exporter)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := append([]byte{}, exporter...)
	elsewhere[0] ^= 1
	relayed := *c
	if _, err := relayed.Challenge(raw, elsewhere); !errors.Is(err, chat.CodeAuth) {
		t.Error("a challenge of another connection:", err)
	}
	hello, err := c.Challenge(raw, exporter)
	if err != nil || hello.Server != w.config.Identity.Public() {
		t.Fatal(hello.Server, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a stranger logs in")
		}
	}()
	c.Auth(wire.Body{}, nil, w.device.Key())
}

// A newcomer with a code is heard once, after the challenge, and in the place of a login.
func TestUseCode(t *testing.T) {
	w := newWorld()
	challenged := func() *Server {
		c, s := NewStranger("test"), NewServer(w.config)
		if _, err := s.Hello(c.Hello(), exporter); err != nil {
			t.Fatal(err)
		}
		return s
	}
	use := wire.Encode(&wire.UseCode{Number: 7, Message: []byte{1}})
	other := wire.Encode(&wire.CodeMessage{Number: 7, Message: []byte{1}})
	if !IsUseCode(use) || IsUseCode(other) || IsUseCode(use[:3]) || IsUseCode(nil) {
		t.Error("IsUseCode")
	}
	if _, err := NewServer(w.config).UseCode(use); !errors.Is(err, chat.CodeFrame) {
		t.Error("before the challenge:", err)
	}
	s := challenged()
	if f, err := s.UseCode(use); err != nil || f.Number != 7 {
		t.Error(f, err)
	}
	if _, err := s.UseCode(use); !errors.Is(err, chat.CodeFrame) {
		t.Error("twice:", err)
	}
	if _, err := s.Auth(use); !errors.Is(err, chat.CodeFrame) {
		t.Error("a login after it:", err)
	}
	for _, raw := range [][]byte{other, use[:3], nil} {
		if _, err := challenged().UseCode(raw); !errors.Is(err, chat.CodeFrame) {
			t.Errorf("%x: %v", raw, err)
		}
	}
}
