package client_test

import (
	"testing"

	"huisclos/client"
	"huisclos/wire"
)

// What is wanted of a room while the roster is being compared for a message isn't forgotten.
func TestInvitingWhileTheRosterIsCompared(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol, dave := w.person("alice", nil), w.person("bob", nil), w.person("carol", nil), w.person("dave", nil)
	alice.found("team")
	alice.found("other")
	alice.invite("other", "dave") // so that she knows him
	for _, p := range []*person{bob, carol} {
		alice.invite("team", p.name())
		await[client.Invited](p, nil)
	}
	if err := alice.Remove(w.ctx, "team", "bob"); err != nil {
		t.Fatal(err)
	}
	var held []wire.Frame
	compared, asked := false, make(chan struct{})
	alice.between(func(f wire.Frame) []wire.Frame {
		switch f.(type) {
		case *wire.RosterList:
			if !compared {
				compared = true
				held = append(held, f)
				close(asked)
				return nil
			}
		case *wire.Page: // the answer to where the log ends, which an invitation asks for
			all := append([]wire.Frame{f}, held...)
			held = nil
			return all
		}
		return []wire.Frame{f}
	})
	if _, err := alice.Queue(w.ctx, "team", "bob is out"); err != nil {
		t.Fatal(err)
	}
	<-asked
	alice.invite("team", "dave")
	await(dave, func(e client.Invited) bool { return e.Room == "team" })
	await(carol, text("bob is out"))
}
