package server_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"testing"
	"time"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/fanout"
	"huisclos/hub"
	"huisclos/server"
	"huisclos/store"
	"huisclos/wire"
)

// newWhole is a world with the real hub on a real store.
func newWhole(t testing.TB, dir string) *world {
	t.Helper()
	return newWholeOn(t, dir, func(db *store.SQLite) hub.Store { return db })
}

// newWholeOn is newWhole with something between server and store.
func newWholeOn(t testing.TB, dir string, between func(*store.SQLite) hub.Store) *world {
	t.Helper()
	open := store.Memory
	if dir != "" {
		open = func() (*store.SQLite, error) { return store.Open(dir, store.Options{}) }
	}
	db, err := open()
	if err != nil {
		t.Fatal(err)
	}
	id, err := server.LoadIdentity(dir)
	if err != nil {
		t.Fatal(err)
	}
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	w := &world{key: key}
	w.t, _ = t.(*testing.T)
	ctx := context.Background()
	w.server, err = server.New(ctx, server.Config{
		Identity: id, Store: between(db), Bus: fanout.NewLocal(), Settings: server.Settings{Limits: server.DefaultLimits()},
	})
	if err != nil {
		t.Fatal(err)
	}
	if w.server.Generation() == 0 {
		public := [32]byte(key.Public().(ed25519.PublicKey))
		g := hub.Generation{Number: 1, Access: public, KeyID: access.KeyID(public), At: time.Now()}
		if err := w.server.Rotate(ctx, g, false, hub.Audit{Actor: "test", Action: "rotate", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	a, err := w.server.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.address, w.pin = a.String(), w.server.Fingerprint()
	w.stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := w.server.Shutdown(ctx); err != nil {
			t.Error("shutdown:", err)
		}
		if err := db.Close(); err != nil {
			t.Error("store:", err)
		}
		w.stop = func() {}
	}
	t.Cleanup(func() { w.stop() })
	return w
}

// enter subscribes to the lobby.
func (c *connected) enter(t testing.TB) wire.RoomInfo {
	t.Helper()
	lobby := c.welcome.Rooms[0]
	if err := c.Write(wire.Encode(&wire.Subscribe{Ref: 1, Room: lobby.Room})); err != nil {
		t.Fatal(err)
	}
	return until[*wire.Room](t, c).Info
}

// post makes the frame of a message; to the server an envelope is opaque.
func (p *person) post(lobby chat.RoomID, counter uint64, text string) *wire.Send {
	env := wire.Envelope{
		Version: 1, Room: lobby, Generation: 1, Account: p.account.ID(), Device: p.device.ID(),
		ID: chat.NewMessageID(time.Now()), Counter: counter, Sealed: []byte(text),
	}
	return &wire.Send{Room: lobby, ID: env.ID, Kind: chat.Content, Envelope: wire.Marshal(&env)}
}

// until reads frames up to the next one of a kind.
func until[F wire.Frame](t testing.TB, c *connected) F {
	t.Helper()
	for {
		raw, err := c.Read()
		if err != nil {
			var want F
			t.Fatalf("waiting for a %T: %v", want, err)
		}
		f, err := wire.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		if f, ok := f.(F); ok {
			return f
		}
	}
}

func TestTwoPeopleTalk(t *testing.T) {
	w := newWhole(t, "")
	alice, bob := newPerson("alice"), newPerson("bob")
	a, b := w.mustLogin(alice, w.key), w.mustLogin(bob, w.key)
	lobby := a.enter(t)
	b.enter(t)
	for i := range 20 {
		m := alice.post(lobby.Room, uint64(i+1), fmt.Sprint("message ", i))
		if err := a.Write(wire.Encode(m)); err != nil {
			t.Fatal(err)
		}
		ack := until[*wire.Ack](t, a)
		got := until[*wire.Entries](t, b)
		if ack.ID != m.ID || ack.Seq != chat.Seq(i+1) || got.First != ack.Seq || string(got.Entries[0].Envelope) != string(m.Envelope) {
			t.Fatalf("message %d: %+v, %+v", i, ack, got)
		}
	}
	if list := w.server.Present(); len(list) != 2 || list[0].Name != "alice" || list[0].Rooms[0] != "lobby" || w.server.Online(lobby.Room) != 2 {
		t.Fatalf("%+v", list)
	}
}

func TestComingBackEndsTheOldConnection(t *testing.T) {
	w := newWhole(t, "")
	alice := newPerson("alice")
	first := w.mustLogin(alice, w.key)
	second := w.mustLogin(alice, nil)
	if e, err := reason(first.Link); err != nil || e.Code != chat.CodeSuperseded {
		t.Fatal(e, err)
	}
	second.enter(t)
	if _, err := w.login(newPerson("Alice"), w.key); chat.CodeOf(err) != chat.CodeNameTaken {
		t.Fatal(err)
	}
}

func TestKickAndBan(t *testing.T) {
	w := newWhole(t, "")
	ctx := context.Background()
	alice := newPerson("alice")
	c := w.mustLogin(alice, w.key)
	n, err := w.server.Kick(ctx, alice.account.ID(), "too loud", hub.Audit{Actor: "console", Action: "kick", At: time.Now()})
	if err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if e, err := reason(c.Link); err != nil || e.Code != chat.CodeKicked || e.Params["reason"] != "too loud" {
		t.Fatal(e, err)
	}
	c = w.mustLogin(alice, nil)
	if _, err := w.server.Ban(ctx, alice.account.ID(), "again", hub.Audit{Actor: "console", Action: "ban", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if e, err := reason(c.Link); err != nil || e.Code != chat.CodeBanned {
		t.Fatal(e, err)
	}
	var e *chat.Error
	if _, err := w.login(alice, nil); !errors.As(err, &e) || e.Code != chat.CodeBanned || e.Params["reason"] != "again" {
		t.Fatal(err)
	}
	if _, err := w.login(alice, w.key); chat.CodeOf(err) != chat.CodeBanned {
		t.Fatal("with the key:", err)
	}
}

func TestARestartKeepsIdentityAndMessages(t *testing.T) {
	dir := t.TempDir()
	w := newWhole(t, dir)
	alice := newPerson("alice")
	c := w.mustLogin(alice, w.key)
	lobby := c.enter(t)
	m := alice.post(lobby.Room, 1, "kept")
	if err := c.Write(wire.Encode(m)); err != nil {
		t.Fatal(err)
	}
	until[*wire.Ack](t, c)
	go func() { // hear the goodbye, and go
		_, _ = c.Read()
		_ = c.Close()
	}()
	w.stop()

	again := newWhole(t, dir)
	if again.pin != w.pin {
		t.Fatal("another identity")
	}
	c = again.mustLogin(alice, nil)
	if c.welcome.Rooms[0].Head != 1 || c.welcome.Session < 2 {
		t.Fatalf("%+v", c.welcome)
	}
	if err := c.Write(wire.Encode(&wire.Read{Ref: 5, Room: lobby.Room, Limit: 10})); err != nil {
		t.Fatal(err)
	}
	if page := until[*wire.Page](t, c); len(page.Entries) != 1 || string(page.Entries[0].Envelope) != string(m.Envelope) {
		t.Fatalf("%+v", page)
	}
}

func TestRotationForEveryone(t *testing.T) {
	w := newWhole(t, "")
	alice := newPerson("alice")
	c := w.mustLogin(alice, w.key)
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	g := hub.Generation{Number: 2, Access: [32]byte(pub), KeyID: access.KeyID([32]byte(pub)), At: time.Now()}
	if err := w.server.Rotate(context.Background(), g, true, hub.Audit{Actor: "console", Action: "rotate", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if r := until[*wire.Rotated](t, c); r.Generation != 2 {
		t.Fatal(r)
	}
	if _, err := w.login(alice, nil); chat.CodeOf(err) != chat.CodeKeyNeeded {
		t.Fatal("without the new key:", err)
	}
	if _, err := w.login(newPerson("bob"), w.key); chat.CodeOf(err) != chat.CodeKeyWrong {
		t.Fatal("with the old one:", err)
	}
	if c := w.mustLogin(alice, key); c.hello.Generation != 2 || !c.hello.Prove {
		t.Fatal(c.hello)
	}
}
