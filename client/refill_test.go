package client_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/store"
)

// newDiskWorld is a world whose server's data can be put back to an earlier state.
func newDiskWorld(t *testing.T, hold time.Duration) *world {
	w := newWorld(t)
	w.stop()
	w.dir, w.hold = t.TempDir(), hold
	w.start()
	return w
}

// backup copies the server's data; the server starts again.
func (w *world) backup() string {
	w.t.Helper()
	w.stop()
	dir := w.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(w.dir)); err != nil {
		w.t.Fatal(err)
	}
	w.start()
	return dir
}

// restore puts a copy back, as an operator does. Without the window nothing is given back.
func (w *world) restore(dir string, window time.Duration) {
	w.t.Helper()
	w.stop()
	w.dir = dir
	s, err := store.Open(dir, store.Options{Unsafe: true})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := s.Restored(w.ctx, time.Now(), time.Now().Add(window)); err != nil {
		w.t.Fatal(err)
	}
	w.store = s
	w.serve()
}

func (p *person) online() {
	p.w.t.Helper()
	await(p, func(e client.Online) bool { return !e.First })
}

// A key room gets back what the backup lacks, at the old places, and the person has nothing to decide.
func TestRefillOfAKeyRoom(t *testing.T) {
	w := newDiskWorld(t, time.Second)
	alice, bob, carol := w.person("alice", nil), w.person("bob", nil), w.person("carol", nil)
	for _, p := range []*person{alice, bob, carol} {
		p.join()
	}
	alice.send("one")
	await(carol, text("one"))
	carol.between(nil)
	kept := w.backup()
	for _, p := range []*person{alice, bob, carol} {
		p.online()
	}
	two := alice.send("two")
	three := bob.send("three")
	await(alice, text("three"))
	await(bob, text("three"))
	w.restore(kept, time.Hour)
	if e := await[client.Refilling](alice, func(e client.Refilling) bool { return e.Room == chat.Lobby }); e.Messages != 2 {
		t.Errorf("alice was told %+v", e)
	}
	if _, err := carol.Queue(w.ctx, chat.Lobby, "four"); err != nil { // while it is held
		t.Fatal(err)
	}
	await[client.Refilled](alice, nil)
	await(alice, text("four"))
	dave := w.person("dave", nil)
	if got := dave.history(); !slices.Equal(got, []string{"one", "two", "three", "four"}) {
		t.Errorf("dave reads %q", got)
	}
	var places []chat.Seq
	for m, err := range dave.Read(w.ctx, chat.Lobby, 0, false) {
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, m.Seq)
		if m.Seq == two.Seq && !m.Time.Equal(two.Time) || m.Seq == three.Seq && !m.Time.Equal(three.Time) {
			t.Errorf("%q has another time", m.Text)
		}
	}
	if !slices.Equal(places, []chat.Seq{1, 2, 3, 4}) {
		t.Errorf("at the places %v", places)
	}
	for _, p := range []*person{alice, bob, carol} {
		if got := p.history(); !slices.Equal(got, []string{"one", "two", "three", "four"}) {
			t.Errorf("%s reads %q", p.name(), got)
		}
	}
}

// A backup is put back, somebody who has seen nothing of the rest writes over it, and those who come late meet him again in one group. What was lost is shown as lost.
func TestForkAfterARestoredBackup(t *testing.T) {
	w := newDiskWorld(t, time.Second)
	vaults := map[string]*client.Memory{}
	open := func(name string) *person {
		if vaults[name] == nil {
			vaults[name] = client.NewMemory()
		} else {
			vaults[name].Reopen()
		}
		return w.person(name, vaults[name])
	}
	leave := func(p *person) { _ = p.Close(w.ctx) }
	alice, bob, carol, dave := open("alice"), open("bob"), open("carol"), open("dave")
	alice.found("team")
	alice.invite("team", "bob")
	alice.invite("team", "carol")
	await[client.Invited](carol, nil)
	carol.say("team", "all here")
	await(bob, text("all here"))
	bob.say("team", "yes")
	await(carol, text("yes"))
	leave(carol)
	kept := w.backup()
	for _, p := range []*person{alice, bob, dave} {
		p.online()
	}
	bob.invite("team", "dave")
	await[client.Invited](dave, nil)
	dave.say("team", "hello from dave")
	await(bob, text("hello from dave"))
	await(alice, text("hello from dave"))
	alice.say("team", "welcome")
	await(dave, text("welcome"))
	await(bob, text("welcome"))
	leave(alice)
	leave(bob)
	leave(dave)
	w.restore(kept, -time.Second)
	carol = open("carol")
	carol.say("team", "where is everybody?")
	erin := w.person("erin", nil)
	carol.invite("team", "erin") // a commit where the lost one stood
	await[client.Invited](erin, nil)
	var here []*person
	for _, name := range []string{"alice", "bob", "dave"} {
		p := open(name)
		here = append(here, p)
		if name == "dave" {
			continue
		}
		e := await[client.RoomStopped](p, nil)
		if e.Err.Code != chat.CodeRolledBack {
			t.Errorf("%s: %v", name, e.Err)
		}
		if err := p.Resume(w.ctx, "team"); err != nil {
			t.Fatal(err)
		}
		lost := await[client.MessagesLost](p, nil)
		if lost.Total != 2 || lost.Messages[0].Text != "hello from dave" || lost.Messages[1].Text != "welcome" || lost.Messages[1].Mine != (name == "alice") {
			t.Errorf("%s has lost %+v", name, lost)
		}
		await[client.Returned](p, nil)
	}
	alice, bob, dave = here[0], here[1], here[2]
	await(dave, func(e client.RoomStopped) bool { return e.Room == "team" })
	if err := dave.Resume(w.ctx, "team"); err != nil {
		t.Fatal(err)
	}
	dave.say("team", "in again")
	for _, p := range []*person{alice, bob, carol} {
		await(p, text("in again"))
	}
	for _, p := range []*person{alice, bob, carol, dave, erin} {
		p.say("team", "from "+p.name())
		for _, o := range []*person{alice, bob, carol, dave, erin} {
			if o != p {
				await(o, text("from "+p.name()))
			}
		}
		if got := p.members("team"); !slices.Equal(got, []string{"alice", "bob", "carol", "dave", "erin"}) {
			t.Errorf("%s sees %v", p.name(), got)
		}
	}
	for _, p := range []*person{alice, bob, carol, dave, erin} {
		lines := p.read("team")
		for _, l := range lines { // what the others said to each other's programs while one was out stays missed
			if strings.Contains(l, "(4)") || strings.Contains(l, "(2)") && (p != bob || !strings.HasPrefix(l, "alice (2)")) {
				t.Errorf("%s reads %q", p.name(), l)
			}
		}
		if has := slices.Contains(lines, "carol: where is everybody?"); has != (p != dave && p != erin) {
			t.Errorf("%s reads\n%s", p.name(), strings.Join(lines, "\n"))
		}
	}
}
