package client_test

import (
	"slices"
	"sync/atomic"
	"testing"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/wire"
)

// A device that comes while the removal of its person doesn't count yet waits for the room in vain; it forgets that, and comes in when its person is invited again.
func TestDeviceThatWaitsForARoomItsPersonIsPutOutOf(t *testing.T) {
	w := newWorld(t)
	alice, others := w.talking("bob", "carol")
	bob, carol := others[0], others[1]
	alice.remove("team", "bob")
	await[client.PutOut](bob, nil)
	await(carol, func(m client.Message) bool { return slices.Contains(m.Removed, "bob") })
	laptop := bob.second()
	pending := func() bool {
		return slices.ContainsFunc(laptop.status().Rooms, func(r client.RoomView) bool { return r.Pending })
	}
	for !pending() { // it asks, and is told nothing
	}
	carol.say("team", "now he is out")
	for pending() {
	}
	alice.invite("team", "bob")
	await(bob, func(e client.Invited) bool { return e.Room == "team" })
	await(laptop, func(e client.Invited) bool { return e.Room == "team" })
	laptop.say("team", "back, all of me")
	for _, p := range []*person{alice, bob, carol} {
		await(p, text("back, all of me"))
	}
}

// Who was put out of a room before he had read that, and is invited again, reads it then.
func TestInvitedAgainBeforeTheRemovalWasRead(t *testing.T) {
	w := newWorld(t)
	alice, others := w.talking("bob", "carol")
	bob, carol := others[0], others[1]
	var slow atomic.Bool
	slow.Store(true)
	bob.between(func(f wire.Frame) []wire.Frame {
		if _, ok := f.(*wire.Entries); ok && slow.Load() {
			return nil
		}
		return []wire.Frame{f}
	})
	alice.remove("team", "bob")
	await(carol, func(m client.Message) bool { return slices.Contains(m.Removed, "bob") })
	carol.say("team", "bob is out")
	await[client.PutOut](bob, nil)
	slow.Store(false)
	alice.invite("team", "bob")
	await(bob, func(e client.Invited) bool { return e.Room == "team" })
	bob.say("team", "in again")
	await(alice, text("in again"))
	await(carol, text("in again"))
	if got := bob.members("team"); !slices.Equal(got, []string{"alice", "bob", "carol"}) {
		t.Errorf("bob sees %v", got)
	}
}

// The same, when the server still delivers: the removal comes while the Welcome waits for it.
func TestInvitedAgainWhileTheRemovalIsOnItsWay(t *testing.T) {
	w := newWorld(t)
	alice, others := w.talking("bob")
	bob := others[0]
	var slow atomic.Bool
	slow.Store(true)
	var held []wire.Frame
	bob.between(func(f wire.Frame) []wire.Frame {
		switch f.(type) {
		case *wire.Entries:
			if slow.Load() {
				held = append(held, f)
				return nil
			}
		case *wire.Page: // where the log ends, for the Welcome
			slow.Store(false)
			all := append([]wire.Frame{f}, held...)
			held = nil
			return all
		}
		return []wire.Frame{f}
	})
	alice.remove("team", "bob")
	alice.invite("team", "bob")
	await(bob, func(e client.Invited) bool { return e.Room == "team" })
	bob.say("team", "in again")
	await(alice, text("in again"))
}

// A Welcome that the server gives again, after one was put out of the room, is neither taken nor complained about; the next invitation is taken.
func TestOldWelcomeAgain(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.found("team")
	var old []wire.Invitation
	again := false
	bob.between(func(f wire.Frame) []wire.Frame {
		if list, ok := f.(*wire.InvitationList); ok {
			switch {
			case len(list.Invitations) > 0:
				old = list.Invitations
			case !again && old != nil:
				again = true
				list.Invitations = old
			}
		}
		return []wire.Frame{f}
	})
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	bob.say("team", "hello")
	await(alice, text("hello"))
	alice.remove("team", "bob")
	await[client.PutOut](bob, nil)
	again = false
	bob.cut()
	bob.online()
	alice.invite("team", "bob")
	for e := range bob.events {
		if r, ok := e.(client.InvitationRefused); ok {
			t.Fatalf("refused: %v", r.Err)
		}
		if _, ok := e.(client.Invited); ok {
			break
		}
	}
	bob.say("team", "again")
	await(alice, text("again"))
	if !again {
		t.Error("nothing came again")
	}
}

// A server that says that somebody who was put out is on the roster again gets nothing by it: the room stays as it was left, with all that was read.
func TestServerThatCallsSomebodyBack(t *testing.T) {
	w := newWorld(t)
	alice, others := w.talking("bob")
	bob := others[0]
	before := bob.read("team")
	var team wire.RoomInfo
	lied := false
	var asked atomic.Bool
	me := bob.status().Account
	bob.between(func(f wire.Frame) []wire.Frame {
		switch f := f.(type) {
		case *wire.Room:
			if f.Info.Kind == chat.PrivateRoom {
				team = f.Info
			}
		case *wire.RoomList:
			if !team.Room.IsZero() {
				lied = true
				f.Rooms = append(f.Rooms, team)
			}
		case *wire.Failure:
			if lied && !asked.Load() && f.Err().Code == chat.CodeNotMember {
				asked.Store(true)
				return []wire.Frame{&wire.RosterList{Type: wire.TypeRosterList, Ref: f.Ref, Room: team.Room, Members: []wire.RosterMember{{Account: me, Added: 1 << 39}}}}
			}
		}
		return []wire.Frame{f}
	})
	bob.cut()
	bob.online()
	if _, err := bob.Send(w.ctx, "team", "still here"); err != nil {
		t.Fatal(err)
	}
	alice.remove("team", "bob")
	await[client.PutOut](bob, nil)
	carol := w.person("carol", nil)
	alice.invite("team", "carol")
	await[client.Invited](carol, nil)
	carol.say("team", "he is out") // now that counts
	await(alice, text("he is out"))
	bob.cut()
	bob.online()
	for !asked.Load() {
		bob.status()
	}
	if _, err := bob.Send(w.ctx, "team", "am I in?"); err == nil {
		t.Error("bob writes")
	}
	if got := bob.read("team"); len(got) < len(before) || !slices.Equal(got[:len(before)], before) {
		t.Errorf("bob reads %q, and read %q", got, before)
	}
}

// Who is invited again by somebody who wasn't there before doesn't tell in that group what was read there before: it may be one that a server has made up to ask for it.
func TestInvitedAgainByAStranger(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol := w.person("alice", nil), w.person("bob", nil), w.person("carol", nil)
	alice.found("team")
	if err := alice.SetPast(w.ctx, "team", -1); err != nil {
		t.Fatal(err)
	}
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	bob.say("team", "hello")
	await(alice, text("hello"))
	alice.say("team", "a secret")
	await(bob, text("a secret"))
	alice.remove("team", "bob")
	await[client.PutOut](bob, nil)
	if err := alice.SetPast(w.ctx, "team", 0); err != nil { // so that carol isn't told
		t.Fatal(err)
	}
	alice.invite("team", "carol")
	await[client.Invited](carol, nil)
	if err := alice.SetRole(w.ctx, "team", "carol", client.RoleOwner); err != nil {
		t.Fatal(err)
	}
	carol.say("team", "hello")
	await(alice, text("hello"))
	if err := alice.Close(w.ctx); err != nil {
		t.Fatal(err)
	}
	if err := carol.SetPast(w.ctx, "team", -1); err != nil {
		t.Fatal(err)
	}
	carol.invite("team", "bob")
	await(bob, func(e client.Invited) bool { return e.By == "carol" })
	bob.say("team", "here again")
	await(carol, text("here again"))
	found, err := w.find(carol.phrase())
	if err != nil {
		t.Fatal(err)
	}
	if err := carol.Close(w.ctx); err != nil {
		t.Fatal(err)
	}
	laptop := w.restored(found) // it asks for all that there was, and nobody but bob can answer
	await[client.PastEnded](laptop, nil)
	for named := false; !named; {
		named = slices.ContainsFunc(laptop.status().Rooms, func(r client.RoomView) bool { return r.Name == "team" })
	}
	if got := laptop.read("team"); !slices.Contains(got, "bob: here again") || slices.Contains(got, "alice: a secret") {
		t.Errorf("told %q", got)
	}
	if got := bob.read("team"); !slices.Contains(got, "alice: a secret") {
		t.Errorf("bob has %q himself", got)
	}
}
