package client_test

import (
	"context"
	"testing"

	"huisclos/client"
)

// A code that was made in a private room brings whoever uses it onto the server and into the room in one step.
func TestCodeIntoARoom(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	alice.found("team")
	code, err := alice.OpenCode(w.ctx, "team", "fr", 0)
	if err != nil {
		t.Fatal(err)
	}
	a, err := w.redeem("bob", code.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	bob := &person{w: w, vault: client.NewMemory()}
	bob.Client, err = client.Open(client.Config{Vault: bob.vault, Address: w.address, Admission: a, Name: "bob", Software: "test", Packages: 4, Dial: bob.dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bob.Close(context.Background()) })
	if bob.events, err = bob.Events(w.ctx); err != nil {
		t.Fatal(err)
	}
	in := await[client.Invited](bob, nil)
	if in.Room != "team" || in.By != "alice" {
		t.Errorf("bob is told %+v", in)
	}
	bob.say("team", "in one step")
	await(alice, text("in one step"))
}
