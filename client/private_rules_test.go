package client_test

import (
	"errors"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/wire"
)

// team is a room of alice's with others in it.
func (w *world) team(names ...string) (*person, []*person, chat.RoomID) {
	w.t.Helper()
	alice := w.person("alice", nil)
	alice.found("team")
	others := make([]*person, len(names))
	for i, name := range names {
		others[i] = w.person(name, nil)
		alice.invite("team", name)
		await[client.Invited](others[i], nil)
	}
	return alice, others, alice.roomID("team")
}

// talking is a room of alice and others in which all have spoken.
func (w *world) talking(names ...string) (alice *person, others []*person) {
	w.t.Helper()
	alice, others, _ = w.team(names...)
	for _, p := range others {
		p.say("team", "hello from "+p.name())
		await(alice, text("hello from "+p.name()))
	}
	alice.say("team", "hello all")
	for _, p := range others {
		await(p, text("hello all"))
	}
	return alice, others
}

// remove takes somebody out of a room.
func (p *person) remove(room, name string) {
	p.w.t.Helper()
	if err := p.Remove(p.w.ctx, room, name); err != nil {
		p.w.t.Fatal(err)
	}
}

func (p *person) roomView(name string) client.RoomView {
	p.w.t.Helper()
	s, err := p.Status(p.w.ctx)
	if err != nil {
		p.w.t.Fatal(err)
	}
	for _, r := range s.Rooms {
		if r.Name == name {
			return r
		}
	}
	p.w.t.Fatalf("no room %s", name)
	return client.RoomView{}
}

func (p *person) roomID(name string) chat.RoomID { return p.roomView(name).Room }

// rules are what the server has of a room's.
func (w *world) rules(room chat.RoomID) (now, noted wire.RoomRules) {
	w.t.Helper()
	now, noted, err := w.store.Rules(w.ctx, room)
	if err != nil {
		w.t.Fatal(err)
	}
	return now, noted
}

func account(p *person) chat.AccountID {
	p.w.t.Helper()
	s, err := p.Status(p.w.ctx)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return s.Account
}

// What members agree on, the server learns, as far as it can enforce it, once somebody else has gone on from it.
func TestTheServerIsToldTheRules(t *testing.T) {
	w := newWorld(t)
	alice, others, room := w.team("bob", "carol")
	bob, carol := others[0], others[1]
	if err := alice.Mute(w.ctx, "team", "carol", true); err != nil {
		t.Fatal(err)
	}
	if now, noted := w.rules(room); len(now.Muted) != 0 || len(noted.Muted) != 1 || noted.Muted[0] != account(carol) {
		t.Errorf("noted: %+v, %+v", now, noted)
	}
	await(bob, func(m client.Message) bool { return len(m.Changes) == 1 })
	bob.say("team", "seen")
	if now, _ := w.rules(room); len(now.Muted) != 1 {
		t.Errorf("confirmed: %+v", now)
	}
	if err := alice.SetSlow(w.ctx, "team", time.Hour); err != nil {
		t.Fatal(err)
	}
	await(bob, func(m client.Message) bool {
		return len(m.Changes) == 1 && m.Changes[0].About == client.AboutSlow && m.Changes[0].Value == "3600"
	})
	bob.say("team", "seen that too") // the first may go
	await(bob, text("seen that too"))
	if now, _ := w.rules(room); now.Slow != 3600 || len(now.Free) != 1 || now.Free[0] != account(alice) {
		t.Errorf("slow mode: %+v", now)
	}
	if _, err := bob.Queue(w.ctx, "team", "too soon"); err != nil {
		t.Fatal(err)
	}
	if e := await[client.Held](bob, nil); e.Queued != 1 || time.Until(e.Until) < 50*time.Minute || time.Until(e.Until) > time.Hour {
		t.Errorf("%+v", e)
	}
	if v := bob.roomView("team"); v.Slow != time.Hour || v.SlowUntil.IsZero() || v.Queued != 1 {
		t.Errorf("%+v", v)
	}
	// What isn't a text goes, and so does leaving: neither the queue nor the server keeps them back.
	react(bob, "team", "seen that too", "👍")
	await(alice, func(u client.Updated) bool { return len(u.Message.Reactions) == 1 })
	if err := bob.Leave(w.ctx, "team"); err != nil {
		t.Fatal(err)
	}
	await(alice, func(m client.Message) bool { return len(m.Left) == 1 })
	// The rules of a mute end at once, whoever confirms.
	if err := errors.Join(alice.Mute(w.ctx, "team", "carol", false), alice.SetSlow(w.ctx, "team", 0)); err != nil {
		t.Fatal(err)
	}
	if now, _ := w.rules(room); len(now.Muted) != 0 || now.Slow != 0 {
		t.Errorf("ended: %+v", now)
	}
	await(carol, func(m client.Message) bool {
		return len(m.Changes) == 1 && m.Changes[0].About == client.AboutSlow && m.Changes[0].Value == "0"
	})
	carol.say("team", "at last")
	await(alice, text("at last"))
}

// react puts an emoji at a message that somebody has read.
func react(p *person, room, said, emoji string) {
	p.w.t.Helper()
	all, err := p.Recent(p.w.ctx, room, 0, 20)
	if err != nil {
		p.w.t.Fatal(err)
	}
	for _, m := range all {
		if m.Text == said {
			if _, err := p.Post(p.w.ctx, room, client.Draft{What: client.Reacted, Text: emoji, Ref: m.ID}); err != nil {
				p.w.t.Fatal(err)
			}
			return
		}
	}
	p.w.t.Fatalf("no message %q", said)
}

// A text that comes too soon, by the times in the log, isn't shown to anybody, and everybody is told: also when it is the server that lies about the times.
func TestTooSoonByTheLog(t *testing.T) {
	w := newWorld(t)
	alice, others, _ := w.team("bob", "carol")
	bob, carol := others[0], others[1]
	if err := alice.SetSlow(w.ctx, "team", time.Second); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*person{bob, carol} {
		await(p, func(m client.Message) bool { return len(m.Changes) == 1 })
	}
	// Everything comes at the same moment, as the server tells it.
	same := time.Now().UnixMilli()
	lie := func(f wire.Frame) []wire.Frame {
		if e, ok := f.(*wire.Entries); ok {
			for i := range e.Entries {
				e.Entries[i].Time = same
			}
		}
		return []wire.Frame{f}
	}
	alice.between(lie)
	carol.between(lie)
	bob.say("team", "one")
	bob.say("team", "two") // his own program waits a second
	for _, p := range []*person{alice, carol} {
		await(p, text("one"))
		m := await(p, func(m client.Message) bool { return m.Sender == "bob" && m.Form != client.Text })
		if m.Err == nil || m.Err.Code != chat.CodeSlowMode || m.Text != "" {
			t.Errorf("%+v", m)
		}
	}
	await(bob, text("two")) // whom the server doesn't lie to
	alice.say("team", "and I")
	alice.say("team", "may write")
	await(carol, text("may write"))
}

// Who finds that the server has other rules than the room puts them right before he goes on.
func TestTheServersRulesArePutRight(t *testing.T) {
	w := newWorld(t)
	alice, others, room := w.team("bob", "carol")
	bob := others[0]
	if err := alice.Mute(w.ctx, "team", "carol", true); err != nil {
		t.Fatal(err)
	}
	await(bob, func(m client.Message) bool { return len(m.Changes) == 1 })
	bob.say("team", "seen")
	// Somebody tells the server, with a commit that is noise, that nobody is muted.
	w.noise(alice, room, wire.RoomRules{})
	await(bob, func(m client.Message) bool { return m.Err != nil && m.Err.Code == chat.CodeVoid })
	if now, _ := w.rules(room); len(now.Muted) != 0 {
		t.Fatalf("%+v", now)
	}
	before := bob.status().Session
	bob.cut()
	await(bob, func(o client.Online) bool { return o.Session > before })
	bob.say("team", "and on")
	if _, noted := w.rules(room); len(noted.Muted) != 1 {
		t.Errorf("%+v", noted)
	}
	// Rules that can't be put right keep nobody from writing.
	bob.between(func(f wire.Frame) []wire.Frame {
		if list, ok := f.(*wire.RosterList); ok {
			list.Noted = wire.RoomRules{Slow: 7}
		}
		return []wire.Frame{f}
	})
	before = bob.status().Session
	bob.cut()
	await(bob, func(o client.Online) bool { return o.Session > before })
	bob.say("team", "whatever the server says")
	await(alice, text("whatever the server says"))
}

// noise sends a commit that is none, with rules, over somebody's connection.
func (w *world) noise(p *person, room chat.RoomID, rules wire.RoomRules) {
	w.t.Helper()
	s := p.status()
	state, err := w.store.State(w.ctx, room)
	if err != nil {
		w.t.Fatal(err)
	}
	id := chat.NewMessageID(time.Now())
	env := wire.Marshal(&wire.PrivateEnvelope{Version: 2, Room: room, Account: s.Account, Device: s.Device, ID: id, Message: []byte("noise")})
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.link.Write(wire.Encode(&wire.Commit{Room: room, ID: id, Base: state.LastCommit, Envelope: env, Rules: []wire.RoomRules{rules}})); err != nil {
		w.t.Fatal(err)
	}
}
