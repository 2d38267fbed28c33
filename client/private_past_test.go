package client_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/wire"
)

// Newcomers are given what the room's policy says, on the word of who invites them.
func TestPastForNewcomers(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol := w.person("alice", nil), w.person("bob", nil), w.person("carol", nil)
	alice.found("team")
	for i := range 5 {
		alice.say("team", fmt.Sprint("old ", i))
	}
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	bob.say("team", "what was said?")
	bob.wantRead("team", "alice +bob", "bob: what was said?") // a new room gives nothing
	if err := alice.SetPast(w.ctx, "team", -1); err != nil {
		t.Fatal(err)
	}
	alice.invite("team", "carol")
	got := await[client.PastShared](carol, nil)
	if got.Messages != 6 || got.By != "alice" || got.More {
		t.Errorf("carol is told %+v", got)
	}
	all, err := carol.Recent(w.ctx, "team", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, m := range all {
		lines = append(lines, line(m)+" ("+m.SharedBy+")")
	}
	want := []string{
		"alice: old 0 (alice)", "alice: old 1 (alice)", "alice: old 2 (alice)", "alice: old 3 (alice)", "alice: old 4 (alice)",
		"bob: what was said? (alice)", "alice +carol ()",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("carol reads %q", lines)
	}
}

// A second device is told what the first one has read, however much that is.
func TestPastForASecondDevice(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	const many = 700
	for i := range many {
		if _, err := bob.Queue(w.ctx, "team", fmt.Sprint("message ", i)); err != nil {
			t.Fatal(err)
		}
	}
	await(alice, text(fmt.Sprint("message ", many-1)))
	laptop := alice.second()
	named, told := false, false // in whatever order
	for !named || !told {
		switch ev := (<-laptop.events).(type) {
		case client.Invited:
			named = true
		case client.PastShared:
			told = !ev.More
		case nil, client.Ended:
			t.Fatal("the laptop has ended")
		}
	}
	texts := slices.DeleteFunc(laptop.read("team"), func(s string) bool { return s[:5] != "bob: " })
	if len(texts) != many || texts[0] != "bob: message 0" || texts[many-1] != fmt.Sprint("bob: message ", many-1) {
		t.Errorf("the laptop reads %d, from %q to %q", len(texts), texts[0], texts[len(texts)-1])
	}
}

// pruned has a server say that it no longer has some commit: who needs it can't follow.
func pruned(first chat.Seq) tamper {
	return func(f wire.Frame) []wire.Frame {
		e, ok := f.(*wire.Entries)
		if !ok {
			return []wire.Frame{f}
		}
		for i := range e.Entries {
			if x := &e.Entries[i]; x.Kind == chat.Commit && e.First+chat.Seq(i) >= first && !x.Pruned {
				hash := sha256.Sum256(x.Envelope)
				x.Pruned, x.Envelope = true, hash[:]
				first = 1 << 60 // one is enough
			}
		}
		return []wire.Frame{f}
	}
}

// Who can't follow comes back by himself, is told what he has missed, and goes on.
func TestComingBackIntoARoom(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol := w.person("alice", nil), w.person("bob", nil), w.person("carol", nil)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	bob.say("team", "one")
	await(alice, text("one"))
	bob.between(pruned(4))
	alice.invite("team", "carol") // bob can't read this commit
	alice.say("team", "two")
	await[client.Returned](bob, nil)
	bob.say("team", "back")
	await(alice, text("back"))
	await[client.Invited](carol, nil)
	carol.say("team", "hello")
	await(bob, text("hello"))
	texts := bob.read("team")
	if !slices.Contains(texts, "alice: two") {
		await[client.PastShared](bob, nil)
		texts = bob.read("team")
	}
	for _, want := range []string{"bob: one", "alice: two", "bob: back", "carol: hello"} {
		if !slices.Contains(texts, want) {
			t.Errorf("bob reads %q", texts)
		}
	}
	for _, p := range []*person{alice, bob, carol} {
		if got := p.members("team"); !slices.Equal(got, []string{"alice", "bob", "carol"}) {
			t.Errorf("%s sees %v", p.name(), got)
		}
	}
}

// Another member tells a new device only what its account could read: nothing from before it came.
func TestPastIsNotForStrangers(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.found("team")
	alice.say("team", "before bob")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	alice.say("team", "with bob")
	await(bob, text("with bob"))
	found, err := w.find(bob.phrase())
	if err != nil {
		t.Fatal(err)
	}
	if err := bob.Close(w.ctx); err != nil { // so alice is the one who tells
		t.Fatal(err)
	}
	laptop := w.restored(found)
	named, told := false, false
	for !named || !told {
		switch ev := (<-laptop.events).(type) {
		case client.Invited:
			named = true
		case client.PastShared:
			told = true
		case nil, client.Ended:
			t.Fatalf("the laptop has ended: %v", ev)
		}
	}
	texts := laptop.read("team")
	if !slices.Contains(texts, "alice: with bob") || slices.Contains(texts, "alice: before bob") {
		t.Errorf("the laptop reads %q", texts)
	}
}

// Who was put out and invited again while a device couldn't follow counts his messages anew; that device doesn't take them for repeated ones.
func TestCounterBegunAnewMeanwhile(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol := w.person("alice", nil), w.person("bob", nil), w.person("carol", nil)
	alice.found("team")
	alice.invite("team", "bob")
	alice.invite("team", "carol")
	await[client.Invited](carol, nil)
	for i := range 5 {
		carol.say("team", fmt.Sprint("carol ", i))
	}
	await(bob, text("carol 4"))
	bob.between(pruned(8))
	if err := alice.Remove(w.ctx, "team", "carol"); err != nil {
		t.Fatal(err)
	}
	await[client.PutOut](carol, nil)
	alice.invite("team", "carol")
	await[client.Invited](carol, nil)
	await[client.Returned](bob, nil)
	bob.say("team", "back")
	await(carol, text("back"))
	carol.say("team", "and I again")
	if m := await(bob, func(m client.Message) bool { return m.Sender == "carol" }); m.Text != "and I again" || m.Err != nil {
		t.Errorf("bob reads %+v", m)
	}
}
