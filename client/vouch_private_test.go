package client_test

import (
	"slices"
	"testing"

	"huisclos/chat"
	"huisclos/client"
)

// A device that another one has let in is a member of private rooms as any other: it is taken in, who comes later believes its leaf, and it comes back by itself.
func TestLinkedDeviceInPrivateRooms(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	account := alice.keyless()
	phone := alice.linked()
	await(phone, func(i client.Invited) bool { return i.Room == "team" })
	shown := await(bob, func(m client.Message) bool { return m.Room == "team" && len(m.NewDevices) > 0 })
	if !slices.Equal(shown.NewDevices, []string{"alice"}) {
		t.Errorf("bob is shown %+v", shown)
	}
	phone.say("team", "from the phone")
	if m := await(bob, text("from the phone")); m.Sender != "alice" || m.Form != client.Text {
		t.Errorf("%+v", m)
	}
	await(alice, text("from the phone"))
	// It invites: the Welcome names its leaf, which the newcomer has never seen.
	carol := w.person("carol", nil)
	phone.invite("team", "carol")
	await(carol, func(i client.Invited) bool { return i.Room == "team" })
	phone.say("team", "welcome")
	if m := await(carol, text("welcome")); m.Sender != "alice" || m.Form != client.Text {
		t.Errorf("%+v", m)
	}
	carol.say("team", "thanks")
	await(phone, text("thanks"))
	// It loses the group and comes in from outside, by a commit that carries its leaf.
	dave := w.person("dave", nil)
	head := phone.head("team")
	phone.between(pruned(head + 1))
	bob.invite("team", "dave")
	await[client.Returned](phone, nil)
	phone.say("team", "back")
	for _, p := range []*person{alice, bob, carol} {
		if m := await(p, text("back")); m.Sender != "alice" || m.Form != client.Text {
			t.Errorf("%s: %+v", p.name(), m)
		}
	}
	await[client.Invited](dave, nil)
	dave.say("team", "hello")
	await(phone, text("hello"))
	// Revoked by the words, typed at the device without the key, it is out of the room.
	if _, err := alice.RevokeDeviceBy(w.ctx, phone.status().Device.String(), words(account)); err != nil {
		t.Fatal(err)
	}
	await[client.Ended](phone, nil)
	alice.say("team", "without the phone")
	await(bob, text("without the phone"))
	for tries := 0; !alice.oneDeviceEach("team"); tries++ {
		if tries == 100 {
			t.Fatal("the revoked device is still in the room")
		}
		alice.read("team") // the removal is on its way
	}
}

// head is how far somebody has read in a room.
func (p *person) head(room string) chat.Seq {
	p.w.t.Helper()
	for _, r := range p.status().Rooms {
		if r.Name == room {
			return r.Read
		}
	}
	p.w.t.Fatal("no room", room)
	return 0
}
