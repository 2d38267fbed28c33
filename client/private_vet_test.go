package client_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/wire"
)

// large is somebody to whom each room is a large one: its tree never fits into a Welcome.
func (w *world) large(name string) *person {
	p := &person{w: w, beside: 1}
	p.open(name)
	return p
}

// largeRoom is one of two, who have met.
func (w *world) largeRoom() (alice, bob *person) {
	w.t.Helper()
	alice, bob = w.large("alice"), w.large("bob")
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	bob.say("team", "I am bob")
	await(alice, text("I am bob"))
	return alice, bob
}

// Into a large room one comes before it is known who is in it.
func TestLargeRoomOfStrangers(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.largeRoom()
	carol := w.large("carol")
	alice.invite("team", "carol")
	if e := await[client.Invited](carol, nil); e.By != "alice" || e.Members != 3 {
		t.Errorf("%+v", e)
	}
	await(bob, func(m client.Message) bool { return slices.Contains(m.Added, "carol") })
	bob.say("team", "hello carol")
	await(carol, text("hello carol"))
	carol.say("team", "hello bob")
	await(bob, text("hello bob"))
	for _, p := range []*person{alice, bob, carol} {
		if got := p.members("team"); !slices.Equal(got, []string{"alice", "bob", "carol"}) {
			t.Errorf("%s sees %v", p.name(), got)
		}
	}
}

// Somebody for whom nobody vouches is in a large room: it is left.
func TestLargeRoomWithAGhost(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.largeRoom()
	ghost := bob.status().Account
	carol := &person{w: w, beside: 1} // who hasn't met bob in the lobby either
	carol.between(func(f wire.Frame) []wire.Frame {
		if p, ok := f.(*wire.People); ok {
			p.People = slices.DeleteFunc(p.People, func(x wire.Person) bool { return x.Account == ghost })
		}
		return []wire.Frame{f}
	})
	carol.open("carol")
	go func() { _ = alice.Invite(w.ctx, "team", "carol") }()
	if e := await[client.InvitationRefused](carol, nil); e.By != "alice" || e.Err == nil {
		t.Errorf("%+v", e)
	}
	if _, err := carol.Send(w.ctx, "team", "anybody?"); chat.CodeOf(err) != chat.CodeNotMember {
		t.Errorf("carol writes: %v", err)
	}
	alice.say("team", "hello carol")
	await(bob, text("hello carol"))
	if got := carol.read("team"); slices.ContainsFunc(got, func(s string) bool { return s == "alice: hello carol" }) {
		t.Errorf("carol reads %q", got)
	}
}

// A device that stops before it knows who is in a large room goes on with that when it starts again.
func TestLargeRoomAfterAStop(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.largeRoom()
	stranger := bob.status().Account
	memory := client.NewMemory()
	carol := &person{w: w, vault: memory, beside: 1}
	carol.between(func(f wire.Frame) []wire.Frame {
		if p, ok := f.(*wire.People); ok && slices.ContainsFunc(p.People, func(x wire.Person) bool { return x.Account == stranger }) {
			return nil // the answer never comes
		}
		return []wire.Frame{f}
	})
	carol.open("carol")
	go func() { _ = alice.Invite(w.ctx, "team", "carol") }()
	await[client.Invited](carol, nil)
	if _, err := carol.Members(w.ctx, "team"); chat.CodeOf(err) != chat.CodeVerifying {
		t.Errorf("carol is shown members: %v", err)
	}
	if err := carol.Close(w.ctx); err != nil {
		t.Fatal(err)
	}
	memory.Reopen()
	again := &person{w: w, vault: memory, beside: 1}
	again.open("carol")
	again.say("team", "here now")
	await(bob, text("here now"))
	if got := again.members("team"); !slices.Equal(got, []string{"alice", "bob", "carol"}) {
		t.Errorf("carol sees %v", got)
	}
}

// While it isn't known yet who is in a large room one writes there, and reads those who are known; what others did to the group waits, and nobody is shown as a member.
func TestLargeRoomBeforeItIsVetted(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.largeRoom()
	dave := w.person("dave", nil)
	carol := &person{w: w, beside: 1, renewing: 1} // the room is so large to her that she writes before she has new keys
	stranger := bob.status().Account
	var known atomic.Bool
	var held []wire.Frame
	carol.between(func(f wire.Frame) []wire.Frame {
		if p, ok := f.(*wire.People); ok && slices.ContainsFunc(p.People, func(x wire.Person) bool { return x.Account == stranger }) {
			held = append(held, f)
			return nil
		}
		all := []wire.Frame{f}
		if known.Load() {
			all, held = append(held, f), nil
		}
		return all
	})
	carol.open("carol")
	alice.invite("team", "carol")
	await[client.Invited](carol, nil)
	carol.say("team", "who is here?")
	await(bob, text("who is here?"))
	alice.say("team", "bob is")
	await(carol, text("bob is"))
	if _, err := carol.Members(w.ctx, "team"); chat.CodeOf(err) != chat.CodeVerifying {
		t.Errorf("carol is shown members: %v", err)
	}
	alice.invite("team", "dave")
	await[client.Invited](dave, nil)
	alice.say("team", "and dave")
	await(dave, text("and dave"))
	carol.say("team", "who else?")
	await(alice, text("who else?"))
	for more := true; more; {
		select {
		case e := <-carol.events:
			if m, ok := e.(client.Message); ok && slices.Contains(m.Added, "dave") {
				t.Errorf("carol follows a commit: %+v", m)
			}
		default:
			more = false
		}
	}
	known.Store(true)
	alice.say("team", "that's all")
	await(carol, text("and dave"))
	await(carol, text("that's all"))
	if got := carol.members("team"); !slices.Equal(got, []string{"alice", "bob", "carol", "dave"}) {
		t.Errorf("carol sees %v", got)
	}
}

// What somebody writes whom the server can't name isn't shown, also when it comes before the others are verified.
func TestLargeRoomWithATalkingGhost(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.largeRoom()
	ghost := bob.status().Account
	carol := &person{w: w, beside: 1} // who hasn't met bob in the lobby either
	carol.between(func(f wire.Frame) []wire.Frame {
		switch f := f.(type) {
		case *wire.Invited:
			bob.say("team", "hello carol")
		case *wire.People:
			f.People = slices.DeleteFunc(f.People, func(x wire.Person) bool { return x.Account == ghost })
		}
		return []wire.Frame{f}
	})
	carol.open("carol")
	go func() { _ = alice.Invite(w.ctx, "team", "carol") }()
	await[client.InvitationRefused](carol, nil)
	if got := carol.read("team"); slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "hello carol") }) {
		t.Errorf("carol reads %q", got)
	}
}
