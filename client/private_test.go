package client_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/wire"
)

func (p *person) found(room string) {
	p.w.t.Helper()
	if _, err := p.CreatePrivate(p.w.ctx, room); err != nil {
		p.w.t.Fatal(err)
	}
}

func (p *person) invite(room, name string) {
	p.w.t.Helper()
	if err := p.Invite(p.w.ctx, room, name); err != nil {
		p.w.t.Fatal(err)
	}
}

func (p *person) say(room, text string) {
	p.w.t.Helper()
	if _, err := p.Send(p.w.ctx, room, text); err != nil {
		p.w.t.Fatal(err)
	}
}

// read is what somebody reads in a room: "name: text", "name +added -removed", or the form of what isn't readable.
func (p *person) read(room string) (lines []string) {
	p.w.t.Helper()
	for m, err := range p.Read(p.w.ctx, room, 0, false) {
		if err != nil {
			p.w.t.Fatal(err)
		}
		lines = append(lines, line(m))
	}
	return lines
}

func line(m client.Message) string {
	switch m.Form {
	case client.Text:
		return m.Sender + ": " + m.Text
	case client.Changed:
		s := m.Sender
		for _, n := range m.Added {
			s += " +" + n
		}
		for _, n := range m.Removed {
			s += " -" + n
		}
		for _, n := range m.Left {
			s += " " + n + " left"
		}
		if m.Returned {
			s += " back"
		}
		return s
	}
	return fmt.Sprintf("%s (%d) %v", m.Sender, m.Form, m.Err)
}

func (p *person) wantRead(room string, want ...string) {
	p.w.t.Helper()
	if got := p.read(room); !slices.Equal(got, want) {
		p.w.t.Errorf("%s reads\n%s\nnot\n%s", p.name(), strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (p *person) name() string {
	s, err := p.Status(p.w.ctx)
	if err != nil {
		return err.Error()
	}
	return s.Name
}

// members are the names of those in a room, with their roles.
func (p *person) members(room string) (names []string) {
	p.w.t.Helper()
	all, err := p.Members(p.w.ctx, room)
	if err != nil {
		p.w.t.Fatal(err)
	}
	for _, m := range all {
		names = append(names, m.Name)
	}
	return names
}

func TestPrivateRoom(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol := w.person("alice", nil), w.person("bob", nil), w.person("carol", nil)
	alice.found("team")
	alice.invite("team", "bob")
	came := await[client.Invited](bob, nil)
	if came.Room != "team" || came.By != "alice" || came.Members != 2 || came.Direct {
		t.Errorf("bob was told %+v", came)
	}
	alice.say("team", "hello bob")
	await(bob, text("hello bob"))
	bob.say("team", "hello alice")
	await(alice, text("hello alice"))
	bob.invite("team", "carol") // every member may
	await[client.Invited](carol, nil)
	carol.say("team", "hello both")
	await(alice, text("hello both"))
	await(bob, text("hello both"))
	alice.wantRead("team", "alice +bob", "alice: hello bob", "bob: hello alice", "bob +carol", "carol: hello both")
	bob.wantRead("team", "alice +bob", "alice: hello bob", "bob: hello alice", "bob +carol", "carol: hello both")
	carol.wantRead("team", "bob +carol", "carol: hello both")
	for _, p := range []*person{alice, bob, carol} {
		if got := p.members("team"); !slices.Equal(got, []string{"alice", "bob", "carol"}) {
			t.Errorf("%s sees %v", p.name(), got)
		}
	}
}

func TestPrivateRemoveAndLeave(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol := w.person("alice", nil), w.person("bob", nil), w.person("carol", nil)
	alice.found("team")
	alice.invite("team", "bob")
	alice.invite("team", "carol")
	await[client.Invited](carol, nil)
	if err := bob.Remove(w.ctx, "team", "carol"); !errors.Is(err, chat.CodeRole) {
		t.Errorf("bob removes carol: %v", err)
	}
	if err := alice.Remove(w.ctx, "team", "bob"); err != nil {
		t.Fatal(err)
	}
	out := await[client.PutOut](bob, nil)
	if out.By != "alice" {
		t.Errorf("bob was told %+v", out)
	}
	if _, err := bob.Send(w.ctx, "team", "still here?"); !errors.Is(err, chat.CodeNotMember) {
		t.Errorf("bob sends: %v", err)
	}
	alice.say("team", "without bob")
	await(carol, text("without bob"))
	if err := carol.Leave(w.ctx, "team"); err != nil {
		t.Fatal(err)
	}
	await(alice, func(m client.Message) bool { return slices.Contains(m.Left, "carol") })
	if got := alice.members("team"); !slices.Equal(got, []string{"alice"}) {
		t.Errorf("alice sees %v", got)
	}
	alice.invite("team", "bob") // back again
	await[client.Invited](bob, nil)
	bob.say("team", "here I am")
	await(alice, text("here I am"))
}

func TestPrivateAfterRestarts(t *testing.T) {
	w := newWorld(t)
	vaults := map[string]*client.Memory{"alice": client.NewMemory(), "bob": client.NewMemory()}
	alice, bob := w.person("alice", vaults["alice"]), w.person("bob", vaults["bob"])
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	bob.say("team", "1")
	restart := func(p *person) *person {
		name, vault := p.name(), p.vault.(*client.Memory)
		if err := p.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		vault.Reopen()
		return w.person(name, vault)
	}
	bob = restart(bob)
	alice.say("team", "2")
	alice = restart(alice)
	bob.say("team", "3")
	alice.say("team", "4")
	want := []string{"alice +bob", "bob: 1", "alice: 2", "bob: 3", "alice: 4"}
	alice.wantRead("team", want...)
	bob.wantRead("team", want...)
}

func TestDirect(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	view, err := alice.Private(w.ctx, "bob", "psst")
	if err != nil {
		t.Fatal(err)
	}
	if view.Name != "@bob" || !view.Direct {
		t.Errorf("alice is in %+v", view)
	}
	await(bob, text("psst"))
	bob.say("@alice", "what?")
	await(alice, text("what?"))
	if _, err := bob.Private(w.ctx, "alice", "again"); err != nil {
		t.Fatal(err)
	}
	await(alice, text("again"))
	alice.wantRead("@bob", "alice +bob", "alice: psst", "bob: what?", "bob: again")
	if err := alice.Invite(w.ctx, "@bob", "alice"); !errors.Is(err, chat.CodeNotPrivate) {
		t.Errorf("alice invites into a conversation: %v", err)
	}
	if _, err := alice.Private(w.ctx, "nobody", "x"); !errors.Is(err, chat.CodeNoSuchPerson) {
		t.Errorf("to nobody: %v", err)
	}
}

// Everybody invites, writes and refreshes at once: one commit wins each time, and nobody is left behind.
func TestPrivateRaces(t *testing.T) {
	w := newWorld(t)
	names := []string{"ada", "ben", "cleo", "dan", "eve", "finn"}
	people := make([]*person, len(names))
	for i, n := range names {
		people[i] = w.person(n, nil)
	}
	people[0].found("team")
	for _, n := range names[1:3] {
		people[0].invite("team", n)
	}
	for _, p := range people[1:3] {
		await[client.Invited](p, nil)
	}
	var wg sync.WaitGroup
	for i, p := range people[:3] {
		wg.Go(func() {
			if err := p.Invite(w.ctx, "team", names[3+i]); err != nil {
				t.Error(p.name(), err)
			}
			for n := range 10 {
				if _, err := p.Send(w.ctx, "team", fmt.Sprint(names[i], n)); err != nil {
					t.Error(names[i], err)
				}
			}
		})
	}
	wg.Wait()
	for _, p := range people[3:] {
		await[client.Invited](p, nil)
	}
	first := people[0].read("team")
	if texts := slices.DeleteFunc(slices.Clone(first), func(s string) bool { return !strings.Contains(s, ": ") }); len(texts) != 30 {
		t.Errorf("%d messages: %q", len(texts), texts)
	}
	for i, p := range people {
		if got := p.members("team"); !slices.Equal(got, names) {
			t.Errorf("%s sees %v", names[i], got)
		}
		got := p.read("team")
		if i < 3 && !slices.Equal(got, first[len(first)-len(got):]) || !within(got, first) {
			t.Errorf("%s reads\n%s\nof\n%s", names[i], strings.Join(got, "\n"), strings.Join(first, "\n"))
		}
	}
}

// within tells whether some lines are among others, in their order: what was written for an epoch before somebody came is not for him, though it
// may stand after his coming in the log.
func within(some, all []string) bool {
	for _, s := range some {
		i := slices.Index(all, s)
		if i < 0 {
			return false
		}
		all = all[i+1:]
	}
	return true
}

func TestPrivateRoles(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol := w.person("alice", nil), w.person("bob", nil), w.person("carol", nil)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	began := time.Now()
	step := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Error(what, err)
		}
		t.Log(what, time.Since(began))
		began = time.Now()
	}
	if err := bob.SetTopic(w.ctx, "team", "mine"); !errors.Is(err, chat.CodeRole) {
		t.Errorf("bob sets the topic: %v", err)
	}
	step("topic", alice.SetTopic(w.ctx, "team", "ours"))
	step("role", alice.SetRole(w.ctx, "team", "bob", client.Moderator))
	step("invite", bob.Invite(w.ctx, "team", "carol"))
	await[client.Invited](carol, nil)
	step("mute", bob.Mute(w.ctx, "team", "carol", true))
	await(carol, func(m client.Message) bool { return len(m.Changes) == 1 && m.Changes[0].About == client.AboutMuted })
	_, err := carol.Send(w.ctx, "team", "hear me")
	if !errors.Is(err, chat.CodeMuted) {
		t.Errorf("carol, muted, says something: %v", err)
	}
	step("unmute", bob.Mute(w.ctx, "team", "carol", false))
	await(carol, func(m client.Message) bool { return len(m.Changes) == 1 && m.Changes[0].About == client.AboutUnmuted })
	_, err = carol.Send(w.ctx, "team", "and now?")
	step("say", err)
	await(alice, text("and now?"))
	if err := bob.SetRole(w.ctx, "team", "bob", client.RoleOwner); !errors.Is(err, chat.CodeRole) {
		t.Errorf("bob makes himself an owner: %v", err)
	}
	if err := alice.SetRole(w.ctx, "team", "alice", client.Plain); !errors.Is(err, chat.CodeSelf) {
		t.Errorf("the last owner resigns: %v", err)
	}
	step("ban", bob.Ban(w.ctx, "team", "carol", true))
	await[client.PutOut](carol, nil)
	if err := alice.Invite(w.ctx, "team", "carol"); !errors.Is(err, chat.CodeRole) {
		t.Errorf("alice invites whom bob has banned: %v", err)
	}
	step("unban", alice.Ban(w.ctx, "team", "carol", false))
	step("invite", bob.Invite(w.ctx, "team", "carol"))
}

// A server that names another inviter than the one who signed the Welcome is found out, and nobody is in a room by it.
func TestInvitationInAnothersName(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol := w.person("alice", nil), w.person("bob", nil), w.person("carol", nil)
	who, err := carol.Status(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	bob.between(func(f wire.Frame) []wire.Frame {
		if list, ok := f.(*wire.InvitationList); ok {
			for i := range list.Invitations {
				list.Invitations[i].Account, list.Invitations[i].Device = who.Account, who.Device
			}
		}
		return []wire.Frame{f}
	})
	alice.found("team")
	alice.invite("team", "bob")
	if e := await[client.InvitationRefused](bob, nil); e.By != "carol" {
		t.Errorf("bob is told %+v", e)
	}
	if _, err := bob.Members(w.ctx, "team"); err == nil {
		t.Error("bob is in it")
	}
}
