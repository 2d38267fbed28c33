package client_test

import (
	"bytes"
	"slices"
	"testing"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/wire"
)

// onEntries changes frames of entries only.
func onEntries(change func(*wire.Entries) []wire.Frame) tamper {
	return func(f wire.Frame) []wire.Frame {
		if e, ok := f.(*wire.Entries); ok {
			return change(e)
		}
		return []wire.Frame{f}
	}
}

// What a server does to the log stops the room, says why, and shows nothing of it.
func TestServerThatChangesTheLog(t *testing.T) {
	for name, c := range map[string]struct {
		change func(e *wire.Entries) []wire.Frame
		want   chat.Code
	}{
		"another message in its place": {func(e *wire.Entries) []wire.Frame {
			for i := range e.Entries {
				e.Entries[i].Envelope = bytes.Clone(e.Entries[i].Envelope)
				e.Entries[i].Envelope[len(e.Entries[i].Envelope)-1] ^= 1
			}
			return []wire.Frame{e}
		}, chat.CodeForked},
		"another history before it": {func(e *wire.Entries) []wire.Frame { e.Before[0] ^= 1; return []wire.Frame{e} }, chat.CodeForked},
		"the place of another":      {func(e *wire.Entries) []wire.Frame { e.First++; return []wire.Frame{e} }, chat.CodeForked},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			alice, bob := w.person("alice", nil), w.person("bob", nil)
			alice.join()
			bob.join()
			alice.send("one")
			await(bob, text("one"))
			bob.between(onEntries(c.change))
			alice.send("two")
			if name != "another message in its place" {
				if e := await[client.RoomStopped](bob, nil); e.Err.Code != c.want {
					t.Errorf("%v", e.Err)
				}
				return
			}
			// Nobody vouches for the changed bytes yet: they are refused; the next true message shows the fork.
			m := await(bob, func(m client.Message) bool { return m.Seq == 2 })
			if m.Form != client.Refused || m.Text != "" {
				t.Errorf("%+v", m)
			}
			bob.between(nil)
			alice.send("three")
			if e := await[client.RoomStopped](bob, nil); e.Err.Code != c.want {
				t.Errorf("%v", e.Err)
			}
		})
	}
}

// A message that is withheld shows when the next one crosses it.
func TestServerThatWithholds(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.join()
	bob.join()
	alice.send("one")
	await(bob, text("one"))
	bob.between(onEntries(func(*wire.Entries) []wire.Frame { return nil }))
	alice.send("never told")
	bob.between(onEntries(func(e *wire.Entries) []wire.Frame { // pretend that it isn't there
		e.First--
		return []wire.Frame{e}
	}))
	alice.send("three")
	if e := await[client.RoomStopped](bob, nil); e.Err.Code != chat.CodeForked {
		t.Errorf("%v", e.Err)
	}
}

// A frame that comes twice is no news.
func TestServerThatRepeats(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.join()
	bob.join()
	bob.between(onEntries(func(e *wire.Entries) []wire.Frame { return []wire.Frame{e, e, e} }))
	alice.send("one")
	alice.send("two")
	await(bob, text("two"))
	if got := bob.history(); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("%v", got)
	}
}

// A name that the server relabels is refused, not shown.
func TestServerThatRelabelsPeople(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.join()
	bob.join()
	bob.between(func(f wire.Frame) []wire.Frame {
		if p, ok := f.(*wire.People); ok {
			for i := range p.People {
				p.People[i].Name = "carol"
			}
		}
		return []wire.Frame{f}
	})
	alice.send("who am I?")
	m := await(bob, func(m client.Message) bool { return m.Seq == 1 })
	if m.Form != client.Refused || m.Text != "" || m.Sender == "carol" {
		t.Errorf("%+v", m)
	}
}

// A server that has lost what it acknowledged is found out, and nothing is sent to it.
func TestServerThatWasRolledBack(t *testing.T) {
	w := newWorld(t)
	vault := client.NewMemory()
	alice := w.person("alice", vault)
	alice.join()
	alice.send("one")
	alice.send("two")
	w.stop()
	w.start() // the same identity, an empty store
	if e := await[client.RoomStopped](alice, nil); e.Err.Code != chat.CodeRolledBack {
		t.Errorf("%v", e.Err)
	}
	if _, err := alice.Send(w.ctx, chat.Lobby, "three"); chat.CodeOf(err) != chat.CodeRolledBack {
		t.Errorf("sent: %v", err)
	}
	// Her own decision lets it go on.
	if err := alice.Resume(w.ctx, chat.Lobby); err != nil {
		t.Fatal(err)
	}
	alice.send("four")
}

// The connection breaks while messages are on their way: each arrives once, in order.
func TestBrokenConnections(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	alice.join()
	var want []string
	for i := range 300 {
		s := string(rune('a'+i%26)) + string(rune('a'+i/26))
		want = append(want, s)
		if _, err := alice.Queue(w.ctx, chat.Lobby, s); err != nil {
			t.Fatal(err)
		}
		if i%50 == 25 {
			alice.cut()
		}
	}
	if err := alice.Flush(w.ctx); err != nil {
		t.Fatal(err)
	}
	bob := w.person("bob", nil)
	if got := bob.history(); !slices.Equal(got, want) {
		t.Errorf("%d messages of %d: %v", len(got), len(want), got)
	}
}

// Who was kicked is told so, and by whom it ended.
func TestKicked(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	alice.join()
	status, err := alice.Status(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.server.Kick(w.ctx, status.Account, "too loud", noAudit()); err != nil {
		t.Fatal(err)
	}
	if e := await[client.Ended](alice, nil); e.Err.Code != chat.CodeKicked || e.Err.Params["reason"] != "too loud" {
		t.Errorf("%v", e.Err)
	}
	if _, err := alice.Send(w.ctx, chat.Lobby, "x"); chat.CodeOf(err) != chat.CodeKicked {
		t.Errorf("%v", err)
	}
}
