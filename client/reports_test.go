package client_test

import (
	"sync/atomic"
	"testing"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/wire"
)

func (p *person) headOf(room string) chat.Seq {
	p.w.t.Helper()
	s, err := p.Status(p.w.ctx)
	if err != nil {
		p.w.t.Fatal(err)
	}
	for _, r := range s.Rooms {
		if r.Name == room {
			return r.Read
		}
	}
	return 0
}

func (p *person) reports(on bool) {
	p.w.t.Helper()
	if err := p.SetReports(p.w.ctx, on); err != nil {
		p.w.t.Fatal(err)
	}
}

// Off unless it is switched on; then one report for many messages, to their author alone.
func TestReports(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob, carol := w.person("alice", nil), w.person("bob", nil), w.person("carol", nil)
	alice.found("team")
	alice.invite("team", "bob")
	alice.invite("team", "carol")
	await[client.Invited](bob, nil)
	await[client.Invited](carol, nil)
	bob.say("team", "ready") // both have new keys then
	carol.say("team", "ready too")
	alice.say("team", "before")
	last := await(bob, text("before"))
	before := alice.headOf("team")
	if err := bob.MarkRead(w.ctx, "team", last.Seq); err != nil {
		t.Fatal(err)
	}
	alice.reports(true)
	bob.reports(true)
	var first, second chat.MessageID
	first = alice.post("team", client.Draft{Text: "one"})
	second = alice.post("team", client.Draft{Text: "two"})
	got := await(alice, func(r client.ReportRead) bool { return r.ID == second })
	if got.Name != "bob" || got.Read || got.Room != "team" {
		t.Errorf("alice is told %+v", got)
	}
	two := await(bob, text("two"))
	if err := bob.MarkRead(w.ctx, "team", two.Seq); err != nil {
		t.Fatal(err)
	}
	await(alice, func(r client.ReportRead) bool { return r.ID == second && r.Read })
	m := alice.message("team", first)
	if len(m.Seen) != 1 || m.Seen[0].Name != "bob" || !m.Seen[0].Read {
		t.Errorf("the first one: %+v", m.Seen)
	}
	if len(alice.message("team", second).Seen) != 1 || len(carol.message("team", first).Seen) != 0 || len(bob.message("team", first).Seen) != 0 {
		t.Error("others keep what isn't theirs, or alice doesn't")
	}
	if n := alice.headOf("team") - before; n != 4 { // two messages, two reports, and nothing of what came before, whose time would have come
		t.Errorf("%d entries", n)
	}
	// What was there before isn't reported on, and marking again says nothing.
	if seen := alice.message("team", last.ID).Seen; len(seen) != 0 {
		t.Errorf("the message before: %+v", seen)
	}
	for _, m := range carol.read("team") {
		if m == "" {
			t.Error("a report shows")
		}
	}
}

// message is a message as it stands in somebody's history.
func (p *person) message(room string, id chat.MessageID) client.Message {
	p.w.t.Helper()
	all, err := p.Recent(p.w.ctx, room, 0, 100)
	if err != nil {
		p.w.t.Fatal(err)
	}
	for _, m := range all {
		if m.ID == id {
			return m
		}
	}
	p.w.t.Fatalf("%s hasn't the message", p.name())
	return client.Message{}
}

// Signs of typing reach who wants them and sends them; a server that repeats or moves them is heard once.
func TestTyping(t *testing.T) {
	for _, room := range []string{chat.Lobby, "team"} {
		t.Run(room, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			alice, bob, carol := w.person("alice", nil), w.person("bob", nil), w.person("carol", nil)
			if room == "team" {
				alice.found("team")
				alice.invite("team", "bob")
				alice.invite("team", "carol")
				await[client.Invited](bob, nil)
				await[client.Invited](carol, nil)
				bob.say("team", "ready")
				carol.say("team", "ready too")
				await(alice, text("ready too"))
				await(bob, text("ready too"))
			} else {
				for _, p := range []*person{alice, bob, carol} {
					p.join()
				}
				carol.send("ready too")
				await(alice, text("ready too"))
				bob.send("known")
				await(alice, text("known"))
				alice.send("known too")
				await(bob, text("known too"))
			}
			var relayed atomic.Int32
			twice := func(f wire.Frame) []wire.Frame {
				x, ok := f.(*wire.Typed)
				if !ok {
					return []wire.Frame{f}
				}
				relayed.Add(1)
				moved := &wire.Typed{Type: wire.TypeTyped, Room: chat.RoomID{9}, Body: x.Body}
				bad := &wire.Typed{Type: wire.TypeTyped, Room: x.Room, Body: append([]byte{x.Body[0] ^ 1}, x.Body[1:]...)}
				return []wire.Frame{moved, bad, f, f}
			}
			alice.between(twice)
			writes := func(p *person, on bool) {
				t.Helper()
				if err := p.Typing(w.ctx, room, on); err != nil {
					t.Fatal(err)
				}
			}
			writes(bob, true) // it is off
			for _, p := range []*person{alice, bob} {
				if err := p.SetTyping(w.ctx, true); err != nil {
					t.Fatal(err)
				}
			}
			writes(bob, false) // there was nothing to end
			writes(bob, true)
			writes(bob, true) // too soon
			writes(bob, false)
			bob.say(room, "said")
			var signs []client.Typing
			for {
				ev := <-alice.events
				if x, ok := ev.(client.Typing); ok {
					signs = append(signs, x)
				}
				if m, ok := ev.(client.Message); ok && m.Text == "said" {
					break
				}
			}
			if len(signs) != 2 || signs[0] != (client.Typing{Room: room, Name: "bob", On: true}) || signs[1].On {
				t.Errorf("alice sees %+v", signs)
			}
			if n := relayed.Load(); n != 2 {
				t.Errorf("%d signs reach alice", n)
			}
			if room == "team" { // who is muted isn't shown, whatever he does
				if err := alice.Mute(w.ctx, room, "bob", true); err != nil {
					t.Fatal(err)
				}
				await(bob, func(m client.Message) bool { return len(m.Changes) > 0 })
				writes(bob, true)
				alice.say(room, "go on")
				for {
					ev := <-alice.events
					if x, ok := ev.(client.Typing); ok {
						t.Errorf("alice sees %+v", x)
					}
					if m, ok := ev.(client.Message); ok && m.Text == "go on" {
						break
					}
				}
			}
			for { // carol sends none, and sees none
				ev := <-carol.events
				if x, ok := ev.(client.Typing); ok {
					t.Errorf("carol sees %+v", x)
				}
				if m, ok := ev.(client.Message); ok && m.Text == "said" {
					break
				}
			}
		})
	}
}
