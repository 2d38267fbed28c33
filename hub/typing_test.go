package hub_test

import (
	"bytes"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

func typing(room chat.RoomID, mark byte) []byte {
	return wire.Encode(&wire.Typing{Room: room, Body: bytes.Repeat([]byte{mark}, wire.TypingSize)})
}

// A sign of typing reaches those who are there now, is stored nowhere, and is taken from who is in the room alone, and not too often.
func TestTyping(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice, bob, carol := w.join("alice"), w.join("bob"), w.join("carol")
		alice.subscribe(0, 0)
		bob.subscribe(0, 0)
		for _, p := range []*person{alice, bob, carol} {
			take[wire.Frame](p)
		}
		alice.must(typing(w.lobby, 1))
		got := take[*wire.Typed](bob)
		if len(got) != 1 || got[0].Room != w.lobby || got[0].Body[0] != 1 {
			t.Errorf("bob gets %+v", got)
		}
		if n := len(take[wire.Frame](alice)) + len(take[wire.Frame](carol)); n != 0 {
			t.Errorf("the others get %d frames", n)
		}
		carol.must(typing(w.lobby, 2)) // isn't in the room
		carol.must(typing(chat.RoomID{1}, 2))
		for range 50 {
			alice.must(typing(w.lobby, 3))
		}
		if n := len(take[*wire.Typed](bob)); n != 5 { // six at once
			t.Errorf("bob gets %d more", n)
		}
		<-time.After(2 * time.Second)
		for range 50 {
			alice.must(typing(w.lobby, 4))
		}
		if n := len(take[*wire.Typed](bob)); n != 2 {
			t.Errorf("bob gets %d two seconds later", n)
		}
		bob.conn.mu.Lock()
		bob.conn.stuck, bob.conn.waiting = true, hub.LowWater
		bob.conn.mu.Unlock()
		<-time.After(2 * time.Second)
		alice.must(typing(w.lobby, 5))
		if n := len(take[*wire.Typed](bob)); n != 0 {
			t.Errorf("bob, who doesn't read, gets %d", n)
		}
		page := wire.Encode(&wire.Read{Ref: 9, Room: w.lobby, Limit: 10})
		bob.must(page)
		if pages := take[*wire.Page](bob); len(pages) != 1 || pages[0].Head != 0 {
			t.Errorf("the log has %+v", pages)
		}
	})
}

// In a private room only members tell, and only members hear.
func TestTypingInPrivate(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice, bob, carol := w.join("alice"), w.join("bob"), w.join("carol")
		d := w.den(alice)
		alice.acked(d.commit(alice, 0, func(c *wire.Commit) {
			c.Add = []chat.AccountID{bob.peer.Account, carol.peer.Account}
			c.Info = []byte{1}
		}))
		for _, p := range []*person{alice, bob} {
			p.must(wire.Encode(&wire.Subscribe{Ref: 1, Room: d.id}))
			take[wire.Frame](p)
		}
		bob.must(typing(d.id, 1))
		if got := take[*wire.Typed](alice); len(got) != 1 {
			t.Errorf("alice gets %+v", got)
		}
		alice.acked(d.commit(alice, 1, func(c *wire.Commit) { c.Remove = []chat.AccountID{bob.peer.Account}; c.Info = []byte{1} }))
		carol.acked(d.message(carol, 2, "he is gone")) // now it counts
		take[wire.Frame](alice)
		take[wire.Frame](bob)
		bob.must(typing(d.id, 2))
		alice.must(typing(d.id, 3))
		if got := append(take[*wire.Typed](alice), take[*wire.Typed](bob)...); len(got) != 0 {
			t.Errorf("signs to or from who isn't a member: %d", len(got))
		}
	})
}
