package access

import (
	"bytes"
	"errors"
	"testing"

	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

// asked goes up to the client's Recover.
func (w *world) asked(t *testing.T, pin chat.Fingerprint) (*Client, *Server, []byte) {
	t.Helper()
	c, s := NewRecovery(pin, "client 1"), NewServer(w.config)
	raw, err := s.Hello(c.Hello(), exporter)
	if err != nil {
		t.Fatal(err)
	}
	hello, err := c.Challenge(raw, exporter)
	if err != nil || hello.Server != w.config.Identity.Public() {
		t.Fatal(hello, err)
	}
	return c, s, c.Recover(w.account)
}

func TestRecover(t *testing.T) {
	w := newWorld()
	for _, pin := range []chat.Fingerprint{{}, w.config.Identity.Fingerprint()} {
		c, s, raw := w.asked(t, pin)
		if !IsRecover(raw) {
			t.Error("it doesn't look like one")
		}
		if account, err := s.Recover(raw); err != nil || account != w.account.ID() {
			t.Errorf("%v, %v", account, err)
		}
		if _, err := s.Recover(raw); !errors.Is(err, chat.CodeFrame) {
			t.Errorf("twice: %v", err)
		}
		want := wire.Recovered{Person: wire.Person{Account: w.account.ID(), Name: "alice", Certificates: [][]byte{}}, Serial: 3, Sealed: []byte("sealed")}
		if got, err := c.Recovered(wire.Encode(&want)); err != nil || got.Serial != 3 || !bytes.Equal(got.Sealed, want.Sealed) {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := c.Recovered(wire.Encode(&want)); !errors.Is(err, chat.CodeInternal) {
			t.Errorf("twice: %v", err)
		}
	}
}

func TestRecoverIsRefused(t *testing.T) {
	w := newWorld()
	c, _, _ := w.asked(t, chat.Fingerprint{})
	if _, err := c.Recovered(wire.Encode(&wire.Bye{Code: chat.CodeNoAccount})); !errors.Is(err, chat.CodeNoAccount) {
		t.Errorf("%v", err)
	}
	for name, forge := range map[string]func(*wire.Recover){
		"another's account": func(r *wire.Recover) { r.Account = trust.NewAccount().ID() },
		"no signature":      func(r *wire.Recover) { r.Sig = [64]byte{} },
		"a login's label": func(r *wire.Recover) {
			tr := TR([64]byte{}, [64]byte{}, w.account.ID())
			r.Sig = w.account.Sign(LabelDevice, tr[:])
		},
	} {
		_, s, raw := w.asked(t, chat.Fingerprint{})
		f, _ := wire.Decode(raw)
		forge(f.(*wire.Recover)) //nolint:forcetypeassert // it is one
		if _, err := s.Recover(wire.Marshal(f)); !errors.Is(err, chat.CodeAuth) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.Recover(raw); !errors.Is(err, chat.CodeFrame) {
			t.Errorf("%s, then the right one: %v", name, err)
		}
	}
	_, s, _ := w.asked(t, chat.Fingerprint{})
	if _, err := s.Recover(wire.Encode(&wire.Auth{Body: []byte{}, SigAccess: []byte{}})); !errors.Is(err, chat.CodeFrame) || IsRecover(nil) {
		t.Errorf("a login: %v", err)
	}
}

// Mallory answers in the server's place and passes on what she hears: to the server it is of another connection, and of another server.
func TestRecoverIsNotRelayed(t *testing.T) {
	w := newWorld()
	_, honest, _ := w.asked(t, chat.Fingerprint{})
	mallory := newWorld()
	mallory.account = w.account
	_, _, raw := mallory.asked(t, chat.Fingerprint{})
	if _, err := honest.Recover(raw); !errors.Is(err, chat.CodeAuth) {
		t.Errorf("%v", err)
	}
	// Who knows which server it is to be doesn't even ask.
	c, s := NewRecovery(w.config.Identity.Fingerprint(), "client 1"), NewServer(mallory.config)
	challenge, err := s.Hello(c.Hello(), exporter)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Challenge(challenge, exporter); !errors.Is(err, chat.CodeIdentity) {
		t.Errorf("%v", err)
	}
	// One that hasn't the key of the server that it says it is.
	c = NewRecovery(chat.Fingerprint{}, "client 1")
	challenge, _ = NewServer(w.config).Hello(c.Hello(), exporter)
	if _, err := c.Challenge(challenge, bytes.Repeat([]byte{1}, ExporterSize)); !errors.Is(err, chat.CodeAuth) {
		t.Errorf("another connection: %v", err)
	}
}

// Only the one frame that was made for this connection is believed.
func FuzzServerRecover(f *testing.F) {
	w := newWorld()
	c, s := NewRecovery(chat.Fingerprint{}, "client 1"), NewServer(w.config)
	raw, err := s.Hello(c.Hello(), exporter)
	if err != nil {
		f.Fatal(err)
	}
	if _, err := c.Challenge(raw, exporter); err != nil {
		f.Fatal(err)
	}
	right := c.Recover(w.account)
	f.Add(right)
	f.Fuzz(func(t *testing.T, raw []byte) {
		s := *s
		if _, err := s.Recover(raw); err == nil && !bytes.Equal(raw, right) {
			t.Fatal("it is believed")
		}
	})
}
