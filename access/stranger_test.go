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
