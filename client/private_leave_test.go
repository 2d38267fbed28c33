package client_test

import (
	"slices"
	"testing"

	"huisclos/client"
	"huisclos/wire"
)

// A commit that was made before its maker had read that somebody leaves doesn't keep that one in the room.
func TestLeaveRacesWithACommit(t *testing.T) {
	w := newWorld(t)
	alice, carol, dave := w.person("alice", nil), w.person("carol", nil), w.person("dave", nil)
	alice.found("team")
	alice.invite("team", "carol")
	await[client.Invited](carol, nil)
	carol.say("team", "hello")
	await(alice, text("hello"))
	alice.say("team", "hello yourself")
	await(carol, text("hello yourself"))

	alice.found("other")
	alice.invite("other", "dave") // so that she knows him
	alice.between(func(f wire.Frame) []wire.Frame {
		if _, ok := f.(*wire.Packages); ok { // alice's commit is made at once now
			if err := carol.Leave(w.ctx, "team"); err != nil {
				t.Error(err)
			}
			await[client.Left](carol, nil)
		}
		return []wire.Frame{f}
	})
	alice.invite("team", "dave")
	await(alice, func(m client.Message) bool { return slices.Contains(m.Left, "carol") })
	if got := alice.members("team"); !slices.Equal(got, []string{"alice", "dave"}) {
		t.Errorf("alice sees %v", got)
	}
	alice.say("team", "without carol")
	await(dave, text("without carol"))
	if lines := carol.read("team"); slices.ContainsFunc(lines, func(l string) bool { return l == "alice: without carol" }) {
		t.Errorf("carol reads on: %q", lines)
	}
}

// Who leaves takes his other devices along, one too that wasn't there when he said so.
func TestLeaveTakesAllDevicesAlong(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	laptop := bob.second()
	await[client.Invited](laptop, nil)
	laptop.say("team", "two of us")
	await(alice, text("two of us"))
	if err := bob.Leave(w.ctx, "team"); err != nil {
		t.Fatal(err)
	}
	await[client.PutOut](laptop, nil)
	await(alice, func(m client.Message) bool { return slices.Contains(m.Left, "bob") })
	if got := alice.members("team"); !slices.Equal(got, []string{"alice"}) {
		t.Errorf("alice sees %v", got)
	}
}

// Who leaves and takes somebody along who leaves too, by a commit of his own, is in the room until others have taken him out, and then out of it.
func TestWhoLeavesCommitsAnothersLeaving(t *testing.T) {
	w := newWorld(t)
	alice, others := w.talking("bob", "carol")
	bob, carol := others[0], others[1]
	if err := alice.Close(w.ctx); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*person{carol, bob} { // nobody but bob is there to take carol out
		if err := p.Leave(w.ctx, "team"); err != nil {
			t.Fatal(err)
		}
		await[client.Left](p, nil)
		if p == carol {
			if err := p.Close(w.ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	await(bob, func(m client.Message) bool { return slices.Contains(m.Left, "carol") })
	alice.vault.(*client.Memory).Reopen()
	alice = w.person("alice", alice.vault)
	await(alice, func(m client.Message) bool { return slices.Contains(m.Left, "bob") })
	if got := alice.members("team"); !slices.Equal(got, []string{"alice"}) {
		t.Errorf("alice sees %v", got)
	}
}
