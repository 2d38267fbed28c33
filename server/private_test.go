package server_test

import (
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// A Commit may have megabytes where a message has not, over a real connection, and the state comes back whole.
func TestLargeCommit(t *testing.T) {
	w := newWhole(t, "")
	alice := newPerson("alice")
	c := w.mustLogin(alice, w.key)
	if c.hello.Limits.Commit != wire.MaxCommit {
		t.Fatalf("%+v", c.hello.Limits)
	}
	den := chat.RoomID{1, 2, 3}
	write := func(frame []byte) {
		t.Helper()
		if err := c.Write(frame); err != nil {
			t.Fatal(err)
		}
	}
	write(wire.Encode(&wire.CreatePrivate{Ref: 1, Room: den}))
	until[*wire.Room](t, c)
	env := wire.PrivateEnvelope{Version: 2, Room: den, Account: alice.account.ID(), Device: alice.device.ID(), ID: chat.NewMessageID(time.Now()), Message: make([]byte, 500_000)}
	tree := make([]byte, 3_000_000)
	write(wire.Encode(&wire.Commit{Room: den, ID: env.ID, Envelope: wire.Marshal(&env), Info: []byte{1}, Tree: tree}))
	if ack := until[*wire.Ack](t, c); ack.Seq != 1 {
		t.Fatalf("%+v", ack)
	}
	write(wire.Encode(&wire.Subscribe{Ref: 2, Room: den}))
	if e := until[*wire.Entries](t, c); len(e.Entries) != 1 || len(e.Entries[0].Envelope) < 500_000 {
		t.Errorf("%d entries", len(e.Entries))
	}
	write(wire.Encode(&wire.State{Ref: 3, Room: den}))
	if s := until[*wire.RoomState](t, c); len(s.Tree) != len(tree) || s.Seq != 1 {
		t.Errorf("%d bytes of a tree at %d", len(s.Tree), s.Seq)
	}
	packages := &wire.PutPackages{Ref: 4}
	for i := range wire.MaxKeyPackages {
		packages.Packages = append(packages.Packages, wire.KeyPackage{Ref: []byte{byte(i)}, Data: make([]byte, wire.MaxKeyPackage)})
	}
	write(wire.Encode(packages))
	if s := until[*wire.PackageState](t, c); s.OneTime != wire.MaxKeyPackages {
		t.Errorf("%+v", s)
	}
	// What isn't of that kind stays small.
	write(wire.Encode(&wire.Send{Room: den, ID: env.ID, Kind: chat.Content, Envelope: make([]byte, c.hello.Limits.Frame)}))
	if e, err := reason(c.Link); err != nil || e.Code != chat.CodeTooLarge {
		t.Fatal(e, err)
	}
}

func TestCommitBeyondItsLimit(t *testing.T) {
	w := newWhole(t, "")
	c := w.mustLogin(newPerson("alice"), w.key)
	if err := c.Write(wire.Encode(&wire.Commit{ID: chat.MessageID{1}, Info: []byte{1}, Tree: make([]byte, c.hello.Limits.Commit)})); err != nil {
		t.Log(err) // it may be refused before all is written
	}
	if e, err := reason(c.Link); err == nil && e.Code != chat.CodeTooLarge {
		t.Fatal(e, err)
	}
}
