package client_test

import (
	"context"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// What was acknowledged to somebody is read by whoever reads after that, even while it is still on its way to him; and nothing else has
// to happen for it.
func TestReadToTheHeadThatTheServerHas(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.join()
	bob.join()
	alice.send("here")
	await(bob, text("here"))

	var held []wire.Frame
	asked := false
	bob.between(func(f wire.Frame) []wire.Frame {
		switch f := f.(type) {
		case *wire.Entries:
			if asked {
				break
			}
			held = append(held, f)
			return nil
		case *wire.Presence: // nothing that could move him on
			return nil
		case *wire.Page: // the answer to the question where the head is: then what was on its way
			asked = true
			all := append([]wire.Frame{f}, held...)
			held = nil
			return all
		}
		return []wire.Frame{f}
	})
	alice.send("on its way")
	ctx, stop := context.WithTimeout(w.ctx, 10*time.Second)
	defer stop()
	var texts []string
	for m, err := range bob.Read(ctx, chat.Lobby, 0, false) {
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, m.Text)
	}
	if len(texts) != 2 || texts[1] != "on its way" {
		t.Fatalf("%q", texts)
	}
}
