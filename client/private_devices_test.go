package client_test

import (
	"slices"
	"testing"

	"huisclos/client"
)

// second is another device of the same person.
func (p *person) second() *person {
	p.w.t.Helper()
	f, err := p.w.find(p.phrase())
	if err != nil {
		p.w.t.Fatal(err)
	}
	return p.w.restored(f)
}

// A second device comes into the rooms that the account is in, writes and reads there like the first, and is taken along into new ones. When it is
// revoked, it is out of all of them.
func TestTwoDevices(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	bob.say("team", "before")
	if _, err := bob.Private(w.ctx, "alice", "psst"); err != nil {
		t.Fatal(err)
	}
	await(alice, text("psst"))

	laptop := alice.second()
	rooms := map[string]bool{}
	for len(rooms) < 2 {
		rooms[await[client.Invited](laptop, nil).Room] = true
	}
	if !rooms["team"] || !rooms["@bob"] {
		t.Errorf("the second device is in %v", rooms)
	}
	shown := await(bob, func(m client.Message) bool { return m.Room == "team" && len(m.NewDevices) > 0 })
	if !slices.Equal(shown.NewDevices, []string{"alice"}) || len(shown.Added) > 0 {
		t.Errorf("bob is shown %+v", shown)
	}
	laptop.say("team", "from the laptop")
	m := await(alice, text("from the laptop"))
	if !m.Mine || m.Sender != "alice" {
		t.Errorf("alice reads %+v", m)
	}
	bob.say("team", "to both")
	await(laptop, text("to both"))
	bob.say("@alice", "to both of you")
	await(laptop, text("to both of you"))
	laptop.say("@bob", "heard")
	await(bob, text("heard"))

	// Into a new room both are taken, by its maker and by who invites.
	bob.found("new")
	bob.invite("new", "alice")
	await(laptop, func(i client.Invited) bool { return i.Room == "new" })
	laptop.say("new", "here too")
	await(alice, text("here too"))
	laptop.found("mine")
	await(alice, func(i client.Invited) bool { return i.Room == "mine" })
	alice.say("mine", "found it")
	await(laptop, text("found it"))

	// Revoked: the other one puts it out everywhere.
	device, err := laptop.Status(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alice.RevokeDevice(w.ctx, device.Device.String()); err != nil {
		t.Fatal(err)
	}
	alice.say("team", "without the laptop")
	await(bob, text("without the laptop"))
	for _, room := range []string{"team", "@bob", "new", "mine"} {
		for tries := 0; !alice.oneDeviceEach(room); tries++ {
			if tries == 100 {
				t.Errorf("the revoked device is still in %s", room)
				break
			}
			alice.read(room) // the removals are on their way
		}
	}
}

func (p *person) oneDeviceEach(room string) bool {
	all, err := p.Members(p.w.ctx, room)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return !slices.ContainsFunc(all, func(m client.MemberView) bool { return m.Devices != 1 })
}

// A device that has come in from outside doesn't know who is an owner until a member tells it. A commit that comes before is followed all the same.
func TestNewDeviceBeforeItKnowsTheRoles(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol := w.person("alice", nil), w.person("bob", nil), w.person("carol", nil)
	alice.found("team")
	alice.invite("team", "bob")
	alice.invite("team", "carol")
	await[client.Invited](carol, nil)
	bob.say("team", "hello")
	await(alice, text("hello"))

	laptop := bob.second()
	await(alice, func(m client.Message) bool { return len(m.NewDevices) > 0 })
	if err := alice.Remove(w.ctx, "team", "carol"); err != nil { // sooner than anybody answers the laptop
		t.Fatal(err)
	}
	await[client.Invited](laptop, nil)
	alice.say("team", "without carol")
	await(laptop, text("without carol"))
	if got := laptop.members("team"); !slices.Equal(got, []string{"alice", "bob"}) {
		t.Errorf("the laptop sees %v", got)
	}
	laptop.say("team", "so I see")
	await(alice, text("so I see"))
	for m, err := range laptop.Read(w.ctx, "team", 0, false) {
		if err != nil || m.Form == client.Refused {
			t.Errorf("the laptop refuses %d of %s: %v %v", m.Seq, m.Sender, m.Err, err)
		}
	}
}
