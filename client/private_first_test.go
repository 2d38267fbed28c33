package client_test

import (
	"testing"

	"huisclos/client"
)

// A newcomer's first deed is a change of the room's state: it waits for his own keys, and the state that he tells for both.
func TestANewcomersFirstChange(t *testing.T) {
	w := newWorld(t)
	alice, others, _ := w.team("bob")
	if err := alice.SetRole(w.ctx, "team", "bob", client.Moderator); err != nil {
		t.Fatal(err)
	}
	await(others[0], func(m client.Message) bool { return len(m.Changes) == 1 })
	if err := others[0].SetTopic(w.ctx, "team", "mine now"); err != nil {
		t.Fatal(err)
	}
	await(alice, func(m client.Message) bool { return len(m.Changes) == 1 && m.Changes[0].Value == "mine now" })
}
