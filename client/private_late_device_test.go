package client_test

import (
	"slices"
	"testing"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/wire"
)

// A device that comes after its person's key packages were taken, and before the commit that takes that person in, is called into the room.
func TestDeviceThatIsAsNewAsTheInvitation(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.found("team")
	var laptop *person
	alice.between(func(f wire.Frame) []wire.Frame {
		if p, ok := f.(*wire.Packages); ok && len(p.Packages) > 0 && laptop == nil {
			laptop = bob.second()
			if _, err := laptop.Private(w.ctx, "alice", "I'm new"); err != nil { // it has logged in, and found what there was
				t.Error(err)
			}
		}
		return []wire.Frame{f}
	})
	alice.invite("team", "bob")
	await(bob, func(e client.Invited) bool { return e.Room == "team" })
	await(laptop, func(e client.Invited) bool { return e.Room == "team" })
	laptop.say("team", "both are here")
	await(alice, text("both are here"))
	await(bob, text("both are here"))
}

// A device that was put out with its person comes in again with him, also when nobody had a key package of it, at once or at its next login; and not because somebody
// else is taken in.
func TestDeviceComesAgainWithItsPerson(t *testing.T) {
	for _, away := range []bool{false, true} {
		w := newWorld(t)
		alice, bob, carol := w.person("alice", nil), w.person("bob", nil), w.person("carol", nil)
		laptop := bob.second()
		alice.found("team")
		alice.invite("team", "bob")
		await(laptop, func(e client.Invited) bool { return e.Room == "team" })
		for _, words := range []string{"hello", "are you there?", "hello?"} { // it will count from 1 again
			laptop.say("team", words)
			await(alice, text(words))
		}
		if err := alice.Remove(w.ctx, "team", "bob"); err != nil {
			t.Fatal(err)
		}
		await[client.PutOut](laptop, nil)
		await[client.PutOut](bob, nil)
		alice.invite("team", "carol")
		await[client.Invited](carol, nil)
		status, err := laptop.Status(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if away {
			if err := laptop.Close(w.ctx); err != nil {
				t.Fatal(err)
			}
		}
		alice.between(func(f wire.Frame) []wire.Frame {
			if p, ok := f.(*wire.Packages); ok {
				p.Packages = slices.DeleteFunc(p.Packages, func(k wire.TakenPackage) bool { return k.Device == status.Device })
			}
			return []wire.Frame{f}
		})
		alice.invite("team", "bob")
		await(bob, func(e client.Invited) bool { return e.Room == "team" })
		if away {
			laptop.vault.(*client.Memory).Reopen()
			laptop = w.reopen(laptop.vault)
		}
		await(laptop, func(e client.Invited) bool { return e.Room == "team" })
		laptop.say("team", "and hello again")
		await(alice, text("and hello again"))
		await(bob, text("and hello again"))
	}
}

// What somebody wrote before he had read that another device is there, and what is stored after it came, reaches that device too: from the one of its person that could read it.
func TestMessageBetweenACommitAndItsReader(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	bob.say("team", "just me")
	await(alice, text("just me"))
	alice.say("team", "I see")
	await(bob, text("I see"))
	said := false
	alice.between(func(f wire.Frame) []wire.Frame {
		if x, ok := f.(*wire.Entries); ok && !said && slices.ContainsFunc(x.Entries, func(e wire.Entry) bool { return e.Kind == chat.Commit }) {
			said = true
			for _, words := range []string{"one", "two"} {
				if _, err := alice.Queue(w.ctx, "team", words); err != nil {
					t.Error(err)
				}
			}
		}
		return []wire.Frame{f}
	})
	laptop := bob.second()
	await[client.Invited](laptop, nil)
	await(bob, text("two"))
	for !slices.Contains(laptop.read("team"), "alice: two") {
		await[client.PastShared](laptop, nil)
	}
	if got := laptop.read("team"); !slices.Contains(got, "alice: one") {
		t.Errorf("the laptop reads %q", got)
	}
}

// A person's only device in a room is revoked by one that isn't there: whoever leads the room takes it out.
func TestRevokedByADeviceThatIsNotThere(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	laptop := bob.second()
	bob.between(func(f wire.Frame) []wire.Frame { // it never learns of the room
		switch f.(type) {
		case *wire.Invited, *wire.InvitationList:
			return nil
		}
		return []wire.Frame{f}
	})
	alice.found("team")
	alice.invite("team", "bob")
	await(laptop, func(e client.Invited) bool { return e.Room == "team" })
	laptop.say("team", "hello")
	await(alice, text("hello"))
	alice.say("team", "hello you")
	await(laptop, text("hello you"))
	if _, err := bob.RevokeDevice(w.ctx, laptop.status().Device.String()); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.Safety(w.ctx, "bob"); err != nil { // she asks who he is
		t.Fatal(err)
	}
	await[client.DeviceRevoked](alice, nil)
	for two := true; two; { // bob's first one has a leaf still, and may come in yet
		all, err := alice.Members(w.ctx, "team")
		if err != nil {
			t.Fatal(err)
		}
		two = slices.ContainsFunc(all, func(m client.MemberView) bool { return m.Devices > 1 })
	}
}
