package client_test

import (
	"sync/atomic"
	"testing"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/wire"
)

// older is a vault that was found to be an older copy of itself.
type older struct {
	*client.Memory
	settled bool
}

func (o *older) RolledBack() bool { return !o.settled }

func (o *older) Settled() error {
	o.settled = true
	return nil
}

// A device that has lost its group doesn't go back to before it could read it last, though it knows who signed that: a member who was removed since has
// what the secrets of that epoch come from.
func TestOldStateForWhoHasLostTheGroup(t *testing.T) {
	w := newWorld(t)
	memory := client.NewMemory()
	alice, bob := w.person("alice", nil), w.person("bob", memory)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	bob.say("team", "hello")
	await(alice, text("hello"))
	var room chat.RoomID
	status, err := bob.Status(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range status.Rooms {
		if r.Name == "team" {
			room = r.Room
		}
	}
	alice.say("team", "hello yourself")
	await(bob, text("hello yourself"))
	old, err := w.store.State(w.ctx, room)
	if err != nil || len(old.Tree) == 0 {
		t.Fatal(err)
	}
	if err := alice.SetTopic(w.ctx, "team", "later"); err != nil {
		t.Fatal(err)
	}
	await(bob, func(m client.Message) bool { return len(m.Changes) > 0 })
	if err := bob.Close(w.ctx); err != nil {
		t.Fatal(err)
	}

	memory.Reopen()
	asked := make(chan struct{}, 100)
	var lying atomic.Bool
	lying.Store(true)
	again := &person{w: w, vault: &older{Memory: memory}}
	again.between(func(f wire.Frame) []wire.Frame {
		if s, ok := f.(*wire.RoomState); ok && lying.Load() {
			s.Info, s.Tree = old.Info, old.Tree
			asked <- struct{}{}
		}
		return []wire.Frame{f}
	})
	again.open("bob")
	for range 3 { // he asks for another one
		select {
		case <-asked:
		case <-w.ctx.Done():
			t.Fatal("bob went where the state said")
		}
	}
	for m, err := range alice.Read(w.ctx, "team", 0, false) {
		if err != nil || m.Form == client.Refused {
			t.Errorf("alice reads %+v %v", m, err) // the commit by which bob went there
		}
	}
	lying.Store(false)
	await[client.Returned](again, nil)
	again.say("team", "back")
	await(alice, text("back"))
}
