package client_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/store"
	"huisclos/wire"
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
	for _, p := range []*person{dave, bob, alice} { // what she hasn't read herself is still in her outbox, and isn't lost
		await(p, text("welcome"))
	}
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
	if _, err := dave.Queue(w.ctx, "team", "in again"); err != nil { // whichever way he comes in
		t.Fatal(err)
	}
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

// A server that only says that it was restored gains nothing: it is told, and what it lacks stops the room.
func TestServerThatOnlySaysItWasRestored(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	alice.join()
	alice.send("one")
	alice.between(func(f wire.Frame) []wire.Frame {
		switch f := f.(type) {
		case *wire.Welcome:
			return []wire.Frame{f, &wire.Restored{Type: wire.TypeRestored, At: 1, Until: time.Now().Add(time.Hour).UnixMilli()}}
		case *wire.Room:
			return []wire.Frame{&wire.Refill{Type: wire.TypeRefill, Room: f.Info.Room, Phase: wire.RefillHeld}, f}
		}
		return []wire.Frame{f}
	})
	w.anew()
	await[client.ServerRestored](alice, nil)
	if e := await[client.Refilling](alice, nil); e.Messages != 1 {
		t.Errorf("%+v", e)
	}
	if e := await[client.RoomStopped](alice, nil); e.Err.Code != chat.CodeRolledBack {
		t.Errorf("%v", e.Err)
	}
	if _, err := alice.Send(w.ctx, chat.Lobby, "two"); chat.CodeOf(err) != chat.CodeRolledBack {
		t.Errorf("sent: %v", err)
	}
}

// A backup that has something else than what was read isn't refilled: the room stops.
func TestRestoredWithSomethingElse(t *testing.T) {
	w := newDiskWorld(t, time.Second)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.join()
	bob.join()
	alice.send("one")
	kept := w.backup()
	alice.online()
	bob.online()
	alice.send("two")
	await(bob, text("two"))
	alice.between(func(f wire.Frame) []wire.Frame {
		if e, ok := f.(*wire.Room); ok && e.Info.Head == 1 {
			e.Info.HeadHash[0] ^= 1
		}
		return []wire.Frame{f}
	})
	w.restore(kept, time.Hour)
	if e := await[client.RoomStopped](alice, nil); e.Err.Code != chat.CodeRolledBack {
		t.Errorf("%v", e.Err)
	}
	await[client.Refilled](bob, nil)
}

// What has come back is held to what was read: another message at its place stops the room.
func TestRefilledWithSomethingElse(t *testing.T) {
	w := newDiskWorld(t, time.Second)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.join()
	bob.join()
	kept := w.backup()
	alice.online()
	bob.online()
	alice.send("one")
	await(bob, text("one"))
	alice.between(func(f wire.Frame) []wire.Frame {
		if e, ok := f.(*wire.Room); ok && e.Info.Head == 1 {
			e.Info.HeadHash[0] ^= 1
		}
		return []wire.Frame{f}
	})
	w.restore(kept, time.Hour)
	if e := await[client.RoomStopped](alice, nil); e.Err.Code != chat.CodeRolledBack {
		t.Errorf("%v", e.Err)
	}
}

// A message that was acknowledged, and that its sender hasn't read in the log yet, comes back too.
func TestRefillOfWhatWasOnlyAcknowledged(t *testing.T) {
	w := newDiskWorld(t, time.Second)
	alice := w.person("alice", nil)
	alice.join()
	alice.send("one")
	kept := w.backup()
	alice.online()
	alice.history()
	alice.between(onEntries(func(*wire.Entries) []wire.Frame { return nil }))
	two := alice.send("two")
	alice.between(nil)
	w.restore(kept, time.Hour)
	await[client.Refilled](alice, nil)
	bob := w.person("bob", nil)
	if got := bob.history(); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("bob reads %q", got)
	}
	for m, err := range alice.Read(w.ctx, chat.Lobby, 1, false) {
		if err != nil || m.Seq != two.Seq || m.ID != two.ID || !m.Time.Equal(two.Time) {
			t.Errorf("alice reads %+v, %v", m, err)
		}
	}
}

// More than fits into one claim, and into one piece, comes back as well.
func TestRefillOfALot(t *testing.T) {
	const n = 1300
	w := newDiskWorld(t, time.Second)
	alice := w.person("alice", nil)
	alice.join()
	kept := w.backup()
	alice.online()
	var want []string
	for i := range n {
		want = append(want, strings.Repeat("x", 300)+fmt.Sprint(i))
		if _, err := alice.Queue(w.ctx, chat.Lobby, want[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := alice.Flush(w.ctx); err != nil {
		t.Fatal(err)
	}
	w.restore(kept, time.Hour)
	if e := await[client.Refilled](alice, nil); e.Messages != n {
		t.Errorf("%+v", e)
	}
	if got := w.reader("bob", nil, n).history(); !slices.Equal(got, want) {
		t.Errorf("%d messages of %d", len(got), n)
	}
}

// What is kept as it came is bounded, and the newest of it.
func TestRawIsBounded(t *testing.T) {
	w := newWorld(t)
	vault := client.NewMemory()
	w.raw = 8 << 10
	alice := w.person("alice", vault)
	alice.join()
	for range 100 {
		alice.send("a message")
	}
	alice.history()
	if err := alice.Close(w.ctx); err != nil {
		t.Fatal(err)
	}
	vault.Reopen()
	size, seqs := 0, []uint64{}
	err := vault.View(func(r client.Reader) error {
		return r.Scan(client.TableRaw, nil, nil, false, func(key, value []byte) (bool, error) {
			size += len(value) - 9
			seqs = append(seqs, binary.BigEndian.Uint64(key[16:]))
			return true, nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if size > 8<<10 || size < 6<<10 || seqs[len(seqs)-1] != 100 || seqs[0] != 101-uint64(len(seqs)) {
		t.Errorf("%d bytes, of the entries %v", size, seqs)
	}
}

// Whom a lost commit had put out is in the group again that the server's log has: he is put out once more, before anything is said there.
func TestLostRemovalIsMadeAgain(t *testing.T) {
	w := newDiskWorld(t, time.Second)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	vault := client.NewMemory()
	carol := w.person("carol", vault)
	alice.found("team")
	alice.invite("team", "bob")
	alice.invite("team", "carol")
	await[client.Invited](bob, nil)
	await[client.Invited](carol, nil)
	for _, p := range []*person{alice, bob, carol} {
		p.say("team", "I am "+p.name())
	}
	await(carol, text("I am bob"))
	await(alice, text("I am carol"))
	_ = carol.Close(w.ctx)
	kept := w.backup()
	alice.online()
	bob.online()
	if err := alice.Remove(w.ctx, "team", "bob"); err != nil {
		t.Fatal(err)
	}
	await[client.PutOut](bob, nil)
	w.restore(kept, -time.Second)
	await(alice, func(e client.RoomStopped) bool { return e.Room == "team" })
	vault.Reopen()
	carol = w.person("carol", vault)
	erin := w.person("erin", nil)
	carol.invite("team", "erin")
	await[client.Invited](erin, nil)
	if err := alice.Resume(w.ctx, "team"); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.Queue(w.ctx, "team", "not for bob"); err != nil {
		t.Fatal(err)
	}
	if e := await[client.Readmitted](alice, nil); !slices.Equal(e.Names, []string{"bob"}) {
		t.Errorf("%+v", e)
	}
	removed := false
	for !removed {
		m := await[client.Message](carol, nil)
		if m.Text == "not for bob" {
			t.Fatal("said while bob was there")
		}
		removed = slices.Contains(m.Removed, "bob")
	}
	await(carol, text("not for bob"))
	await(erin, text("not for bob"))
	for _, p := range []*person{alice, carol, erin} {
		if got := p.members("team"); !slices.Equal(got, []string{"alice", "carol", "erin"}) {
			t.Errorf("%s sees %v", p.name(), got)
		}
	}
}
