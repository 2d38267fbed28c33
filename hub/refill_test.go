package hub_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"huisclos/chat"
	"huisclos/fanout"
	"huisclos/hub"
	"huisclos/wire"
)

// pass lets time go by, and what happens then be done.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// restart ends the hub and begins another on the same store; restored: a backup was put back.
func (w *world) restart(restored bool) {
	w.t.Helper()
	ctx := context.Background()
	if err := w.hub.Close(ctx); err != nil {
		w.t.Fatal(err)
	}
	pass(time.Second)
	if restored {
		if err := w.store.Restored(ctx, time.Now(), time.Now().Add(hub.RefillLife)); err != nil {
			w.t.Fatal(err)
		}
	}
	w.bus = fanout.NewLocal()
	var err error
	w.hub, err = hub.New(ctx, hub.Config{Server: server, Store: w.store, Bus: w.bus, Limits: hub.Limits{Message: 64 << 10, Rooms: 10, Page: 100}})
	if err != nil {
		w.t.Fatal(err)
	}
}

// tail is what members have read beyond the backup.
type tail struct {
	after   chat.Seq
	before  [32]byte
	entries []wire.Entry
	marks   [][32]byte
}

// lost makes n entries that somebody could have read in the lobby after its head.
func (w *world) lost(p *person, n int) *tail {
	w.t.Helper()
	room := w.row()
	l := &tail{after: room.Head, before: room.HeadHash}
	hash := room.HeadHash
	for i := range n {
		p.counter++
		envelope := wire.Marshal(&wire.Envelope{
			Version: 1, Room: w.lobby, Generation: 1, Account: p.peer.Account, Device: p.peer.Device, ID: chat.NewMessageID(time.Now()), Counter: p.counter, Sealed: make([]byte, 100),
		})
		at := time.Now().UnixMilli()
		hash = wire.Chain(hash, l.after+chat.Seq(i)+1, wire.HashEnvelope(envelope))
		l.entries = append(l.entries, wire.Entry{Time: at, Kind: chat.Content, Envelope: envelope})
		l.marks = append(l.marks, wire.Mark(hash, at, chat.Content))
	}
	return l
}

func (w *world) row() hub.Room {
	w.t.Helper()
	rooms, err := w.store.Rooms(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range rooms {
		if r.ID == w.lobby {
			return r
		}
	}
	return hub.Room{}
}

// claim says that somebody has the first n of a tail, and returns the code of the refusal.
func (p *person) claim(l *tail, n int) chat.Code {
	p.w.t.Helper()
	p.must(wire.Encode(&wire.Claim{Ref: 7, Room: p.w.lobby, After: l.after, Before: l.before, Marks: l.marks[:n], Head: l.after + chat.Seq(n)}))
	for _, f := range take[*wire.Failure](p) {
		return f.Code
	}
	return ""
}

func (p *person) give(l *tail, first, n int) chat.Code {
	p.w.t.Helper()
	p.must(wire.Encode(&wire.Give{Ref: 8, Room: p.w.lobby, First: l.after + chat.Seq(first), Entries: l.entries[first-1 : first-1+n]}))
	for _, f := range take[*wire.Failure](p) {
		return f.Code
	}
	return ""
}

// phase is the last that somebody was told.
func (p *person) phase() wire.RefillPhase {
	var last wire.RefillPhase
	for _, f := range take[*wire.Refill](p) {
		last = f.Phase
	}
	return last
}

const hold = hub.DefaultRefillHold // as long as in a server that says nothing of it

// restoredWorld has three members who were there before the backup, and one message in it.
func restoredWorld(t *testing.T, f func(w *world, alice, bob, carol *person)) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice, bob, carol := w.join("alice"), w.join("bob"), w.join("carol")
		alice.send(1)
		take[*wire.Ack](alice)
		w.restart(true)
		alice, bob, carol = alice.again(), bob.again(), carol.again()
		if told := take[*wire.Restored](alice); len(told) != 1 || told[0].At == 0 || told[0].Until <= told[0].At {
			t.Errorf("at the login: %+v", told)
		}
		for _, p := range []*person{alice, bob, carol} {
			p.subscribe(1, 0)
		}
		if got := alice.phase(); got != wire.RefillHeld {
			t.Errorf("at the beginning it is %d", got)
		}
		f(w, alice, bob, carol)
	})
}

// While members are waited for nothing is stored; when nobody has more, the room is used again, and takes back until somebody has written.
func TestRefillOfNothing(t *testing.T) {
	restoredWorld(t, func(w *world, alice, bob, carol *person) {
		alice.send(1)
		if got := take[*wire.Failure](alice); len(got) != 1 || got[0].Code != chat.CodeRefilling {
			t.Fatalf("sent while it waits: %+v", got)
		}
		pass(hold + time.Second)
		if got := alice.phase(); got != wire.RefillOpen {
			t.Fatalf("after the wait it is %d", got)
		}
		l := w.lost(bob, 1)
		if code := bob.claim(l, 1); code != "" {
			t.Errorf("a claim before anybody has written: %s", code)
		}
		alice.send(1)
		if got := take[*wire.Failure](alice); len(got) != 1 || got[0].Code != chat.CodeRefilling {
			t.Errorf("sent after a claim: %+v", got)
		}
		pass(hold + time.Second)
		if got := take[*wire.WantEntries](bob); len(got) != 1 {
			t.Fatalf("asked for %+v", got)
		}
		if code := bob.give(l, 1, 1); code != "" {
			t.Errorf("given: %s", code)
		}
		pass(hold)
		carol.send(1)
		if got := take[*wire.Ack](carol); len(got) != 1 || got[0].Seq != 3 {
			t.Errorf("sent when it is over: %+v", got)
		}
		if got := bob.phase(); got != wire.RefillOver {
			t.Errorf("then it is %d", got)
		}
		if code := bob.claim(w.lost(bob, 1), 1); code != chat.CodeRefillOver {
			t.Errorf("a claim after that: %q", code)
		}
	})
}

// What two accounts claim is taken soon, entry by entry as it was; who reads the room gets it.
func TestRefillOfTwo(t *testing.T) {
	restoredWorld(t, func(w *world, alice, bob, carol *person) {
		l := w.lost(carol, 3)
		if code := alice.claim(l, 3); code != "" {
			t.Fatal(code)
		}
		if code := alice.give(l, 1, 3); code != chat.CodeConflict {
			t.Errorf("given before it was asked for: %q", code)
		}
		if code := bob.claim(l, 2); code != "" {
			t.Fatal(code)
		}
		pass(hold/4 + time.Second)
		want := take[*wire.WantEntries](alice)
		giver, other := alice, bob
		if len(want) == 0 {
			want, giver, other = take[*wire.WantEntries](bob), bob, alice
		}
		if len(want) != 1 || want[0].After != 1 || want[0].Upto != 3 {
			t.Fatalf("asked for %+v", want)
		}
		if code := other.give(l, 1, 2); code != chat.CodeConflict {
			t.Errorf("given by another: %q", code)
		}
		take[*wire.Entries](carol)
		if code := giver.give(l, 1, 1); code != "" {
			t.Errorf("the first: %s", code)
		}
		if code := giver.give(l, 2, 1); code != "" {
			t.Errorf("the second: %s", code)
		}
		if got := carol.seqs(); len(got) != 2 || got[0] != 2 {
			t.Errorf("carol reads %v", got)
		}
		if row := w.row(); row.Head != 3 {
			t.Errorf("the head is %d", row.Head)
		}
		// The third is alice's alone: it comes back when nobody has contradicted for long enough.
		pass(hold - hold/4)
		if got := take[*wire.WantEntries](alice); len(got) != 1 || got[0].After != 3 || got[0].Upto != 4 {
			t.Fatalf("asked for %+v", got)
		}
		if code := alice.give(l, 3, 1); code != "" {
			t.Errorf("the third: %s", code)
		}
		pass(hold)
		if got := alice.phase(); got != wire.RefillOpen {
			t.Errorf("at the end it is %d", got)
		}
		if page, err := w.store.Entries(context.Background(), w.lobby, 0, 10, 1<<20); err != nil || len(page.Entries) != 4 || page.Entries[2].At.UnixMilli() != l.entries[1].Time {
			t.Errorf("%+v, %v", page, err)
		}
	})
}

// One who lies is outvoted; his claim and the admin's log say so, and what he gives isn't taken.
func TestRefillAgainstALiar(t *testing.T) {
	restoredWorld(t, func(w *world, alice, bob, carol *person) {
		truth, lie := w.lost(carol, 2), w.lost(carol, 5)
		carol.claim(lie, 5)
		alice.claim(truth, 2)
		bob.claim(truth, 2)
		pass(hold/4 + time.Second)
		giver := alice
		if len(take[*wire.WantEntries](alice)) == 0 {
			giver = bob
		}
		if code := giver.give(&tail{after: 1, entries: lie.entries}, 1, 2); code != chat.CodeConflict {
			t.Errorf("other entries than were claimed: %q", code)
		}
		// The one who gave something else isn't asked again: the other one is.
		other := alice
		if giver == alice {
			other = bob
		}
		if got := take[*wire.WantEntries](other); len(got) != 1 {
			t.Fatalf("the other one is asked for %+v", got)
		}
		if code := other.give(truth, 1, 2); code != "" {
			t.Errorf("the truth: %s", code)
		}
		refused, conflict := false, chat.Seq(0)
		for _, f := range take[*wire.Refill](carol) {
			refused, conflict = refused || f.Phase == wire.RefillOver, f.Conflict
		}
		if !refused || conflict != 2 {
			t.Errorf("carol was told refused %v, conflict %d", refused, conflict)
		}
		rows, err := w.store.AuditLog(context.Background(), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		if last := rows[len(rows)-1]; last.Action != "refill conflict" || last.Detail != "#lobby 2" {
			t.Errorf("the audit log ends with %+v", last)
		}
	})
}

// Word against word nothing is taken, and the room isn't held for ever.
func TestRefillOfTwoTruths(t *testing.T) {
	restoredWorld(t, func(w *world, alice, bob, carol *person) {
		alice.claim(w.lost(alice, 2), 2)
		bob.claim(w.lost(bob, 2), 2)
		pass(hold + hold/2)
		for _, p := range []*person{alice, bob} {
			if got := take[*wire.WantEntries](p); len(got) != 0 {
				t.Errorf("asked for %+v", got)
			}
		}
		carol.send(1)
		if got := take[*wire.Ack](carol); len(got) != 1 || got[0].Seq != 2 {
			t.Errorf("sent afterwards: %+v", got)
		}
	})
}

// A newcomer confirms nobody: whoever has the key can make as many accounts as he likes.
func TestRefillOfNewcomers(t *testing.T) {
	restoredWorld(t, func(w *world, alice, bob, carol *person) {
		l := w.lost(carol, 2)
		for _, name := range []string{"dave", "erin", "frank"} {
			p := w.join(name)
			p.subscribe(1, 0)
			p.claim(l, 2)
			pass(hold / 3)
			if got := take[*wire.WantEntries](p); len(got) != 0 && name != "frank" {
				t.Errorf("%s is asked for %+v", name, got)
			}
		}
		truth := w.lost(alice, 1)
		if code := alice.claim(truth, 1); code != "" {
			t.Error(code)
		}
		pass(hold)
		if got := take[*wire.WantEntries](alice); len(got) != 1 {
			t.Errorf("alice is asked for %+v", got)
		}
	})
}

// Who is asked and says nothing is passed over, and doesn't hold the room for ever.
func TestRefillOfASilentMember(t *testing.T) {
	restoredWorld(t, func(w *world, alice, bob, carol *person) {
		l := w.lost(carol, 1)
		alice.claim(l, 1)
		pass(hold + 5*time.Second)
		if got := take[*wire.WantEntries](alice); len(got) != 1 {
			t.Fatalf("asked for %+v", got)
		}
		pass(hold)
		if got := alice.phase(); got != wire.RefillOver {
			t.Errorf("alice was told %d", got)
		}
		carol.send(1)
		if got := take[*wire.Ack](carol); len(got) != 1 {
			t.Errorf("the room is still held: %+v", got)
		}
	})
}

// The server stops in the middle: the next one goes on from there.
func TestRefillAfterACrash(t *testing.T) {
	restoredWorld(t, func(w *world, alice, bob, carol *person) {
		l := w.lost(carol, 2)
		alice.claim(l, 2)
		bob.claim(l, 2)
		pass(hold/4 + time.Second)
		giver := alice
		if len(take[*wire.WantEntries](alice)) == 0 {
			giver = bob
		}
		if code := giver.give(l, 1, 1); code != "" {
			t.Fatal(code)
		}
		w.restart(false)
		alice = alice.again()
		alice.subscribe(3, 0)
		if got := alice.phase(); got != wire.RefillHeld {
			t.Errorf("after the crash it is %d", got)
		}
		row := w.row()
		rest := &tail{after: row.Head, before: row.HeadHash, entries: l.entries[1:], marks: l.marks[1:]}
		if code := alice.claim(rest, 1); row.Head != 2 || code != "" {
			t.Fatalf("from %d on: %s", row.Head, code)
		}
		pass(hold + time.Second)
		if code := alice.give(rest, 1, 1); code != "" {
			t.Error(code)
		}
	})
}

// The admin ends it, and so does its time.
func TestEndOfRefill(t *testing.T) {
	restoredWorld(t, func(w *world, alice, bob, carol *person) {
		if s := w.hub.RefillState(); s.Held != 1 || s.Until.IsZero() {
			t.Errorf("%+v", s)
		}
		if was, err := w.hub.EndRefill(context.Background(), hub.Audit{Action: "refill end", At: time.Now()}); !was || err != nil {
			t.Errorf("ended: %v, %v", was, err)
		}
		alice.send(1)
		if got := take[*wire.Ack](alice); len(got) != 1 {
			t.Errorf("sent afterwards: %+v", got)
		}
		if was, err := w.hub.EndRefill(context.Background(), hub.Audit{At: time.Now()}); was || err != nil {
			t.Errorf("ended twice: %v, %v", was, err)
		}
		if got := take[*wire.Restored](bob.again()); len(got) != 0 {
			t.Errorf("told at the login: %+v", got)
		}
	})
	restoredWorld(t, func(w *world, alice, bob, carol *person) {
		pass(hub.RefillLife + 2*time.Minute)
		if s := w.hub.RefillState(); !s.Until.IsZero() {
			t.Errorf("after its time: %+v", s)
		}
	})
}

// Nobody gives back to a room that he may not read, nor anything that doesn't belong there.
func TestRefillRefusals(t *testing.T) {
	restoredWorld(t, func(w *world, alice, bob, carol *person) {
		l := w.lost(alice, 2)
		alice.must(wire.Encode(&wire.Claim{Ref: 3, Room: chat.RoomID{9}, After: 1, Before: l.before, Marks: l.marks, Head: 3}))
		alice.must(wire.Encode(&wire.Claim{Ref: 4, Room: w.lobby, After: 0, Before: l.before, Marks: l.marks, Head: 3}))
		alice.must(wire.Encode(&wire.Claim{Ref: 5, Room: w.lobby, After: 1, Before: [32]byte{1}, Marks: l.marks, Head: 3}))
		codes := map[uint64]chat.Code{}
		for _, f := range take[*wire.Failure](alice) {
			codes[f.Ref] = f.Code
		}
		if codes[3] != chat.CodeRoomUnknown || codes[4] != chat.CodeConflict || codes[5] != chat.CodeConflict {
			t.Errorf("%v", codes)
		}
		for name, spoil := range map[string]func(*wire.Entry){
			"no envelope": func(e *wire.Entry) { e.Envelope = []byte("x") },
			"a commit":    func(e *wire.Entry) { e.Kind = chat.Commit },
			"another room": func(e *wire.Entry) {
				env, _ := wire.ParseEnvelope(e.Envelope)
				env.Room = chat.RoomID{1}
				e.Envelope = wire.Marshal(&env)
			},
		} {
			bad := w.lost(bob, 1)
			spoil(&bad.entries[0])
			hash := wire.Chain(bad.before, 2, wire.HashEnvelope(bad.entries[0].Envelope))
			bad.marks[0] = wire.Mark(hash, bad.entries[0].Time, bad.entries[0].Kind)
			bob.claim(bad, 1)
			pass(hold + time.Second)
			if code := bob.give(bad, 1, 1); code != chat.CodeEnvelope {
				t.Errorf("%s: %q", name, code)
			}
		}
		if w.row().Head != 1 {
			t.Error("something was taken")
		}
	})
}

// Nobody keeps the others from writing by claims of what he doesn't give.
func TestRefillIsHeldAFewTimesOnly(t *testing.T) {
	restoredWorld(t, func(w *world, alice, bob, carol *person) {
		l := w.lost(bob, 1)
		for range 9 {
			if code := bob.claim(l, 1); code != "" {
				t.Fatal(code)
			}
			pass(hold + 15*time.Second)
		}
		if code := bob.claim(l, 1); code != chat.CodeRefillOver {
			t.Errorf("once more: %q", code)
		}
		alice.send(1)
		if got := take[*wire.Ack](alice); len(got) != 1 {
			t.Errorf("the room is held: %+v", got)
		}
	})
}
