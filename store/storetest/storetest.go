// Package storetest is the conformance suite of hub.Store: what every store must do, whatever it is made of.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

// Run tests a store. open makes an empty one, and closes it with the test.
func Run(t *testing.T, open func(t *testing.T) hub.Store) {
	for name, f := range map[string]func(*world){
		"append": testAppend, "refusals": testRefusals, "idempotency": testIdempotency, "commits": testCommits, "pages": testPages,
		"rooms": testRooms, "enrolment": testEnrolment, "sessions": testSessions, "bans": testBans, "generations": testGenerations,
		"retention by age": testAge, "retention by size": testSize, "retention behind a commit": testBehindCommit, "audit": testAudit,
		"stats and check": testStats, "many writers": testManyWriters, "after the end": testClosed,
	} {
		t.Run(name, func(t *testing.T) { f(newWorld(t, open(t))) })
	}
}

// Epoch is when the tests happen.
var Epoch = time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)

type world struct {
	*testing.T
	hub.Store
	ctx     context.Context
	room    hub.Room
	counter byte
	sent    uint32
}

// member is an enrolled device.
type member struct {
	account chat.AccountID
	device  chat.DeviceID
	session uint64
}

func newWorld(t *testing.T, s hub.Store) *world {
	w := &world{T: t, Store: s, ctx: t.Context()}
	w.must(s.Rotate(w.ctx, hub.Generation{Number: 1, Access: [32]byte{1}, KeyID: [8]byte{2}, At: Epoch}, false, hub.Audit{}))
	w.room = w.create("lobby")
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) want(what string, err error, code chat.Code) {
	w.Helper()
	if !errors.Is(err, code) {
		w.Errorf("%s: %v, want %s", what, err, code)
	}
}

func (w *world) create(name string) hub.Room {
	w.Helper()
	w.counter++
	r, err := w.CreateRoom(w.ctx, hub.NewRoom{ID: chat.RoomID{w.counter}, Name: name, Kind: chat.KeyRoom, Start: [32]byte{w.counter}, At: Epoch}, 100)
	w.must(err)
	return r
}

func (w *world) enrolment(name string) hub.Enrolment {
	w.counter++
	return hub.Enrolment{
		Account: chat.AccountID{w.counter}, Device: chat.DeviceID{w.counter}, Certificate: []byte{w.counter}, ListVersion: 1,
		Name: name, Folded: "f-" + name, Skeleton: "s-" + name, NameSig: [64]byte{w.counter}, Generation: 1, At: Epoch,
	}
}

func (w *world) member(name string) member {
	w.Helper()
	e := w.enrolment(name)
	l, err := w.Enrol(w.ctx, e)
	w.must(err)
	return member{e.Account, e.Device, l.Session}
}

// submission makes the next message of a member.
func (w *world) submission(m member, text string) hub.Submission {
	w.sent++
	id := chat.NewMessageID(Epoch)
	return hub.Submission{Room: w.room.ID, ID: id, Account: m.account, Device: m.device, Session: m.session, Kind: chat.Content, Envelope: []byte(text), At: Epoch}
}

func (w *world) append(subs ...hub.Submission) []hub.Outcome {
	w.Helper()
	outcomes, err := w.Append(w.ctx, subs)
	w.must(err)
	if len(outcomes) != len(subs) {
		w.Fatalf("%d outcomes of %d", len(outcomes), len(subs))
	}
	return outcomes
}

func (w *world) one(s hub.Submission) hub.Outcome {
	w.Helper()
	return w.append(s)[0]
}

// now reads the room's row.
func (w *world) now(id chat.RoomID) hub.Room {
	w.Helper()
	rooms, err := w.Rooms(w.ctx)
	w.must(err)
	for _, r := range rooms {
		if r.ID == id {
			return r
		}
	}
	w.Fatalf("no room %s", id)
	return hub.Room{}
}

// verify reads a whole log and checks its chain from the floor to the head.
func (w *world) verify(id chat.RoomID) []hub.Entry {
	w.Helper()
	room := w.now(id)
	var all []hub.Entry
	hash, n := room.FloorHash, room.Floor
	for {
		page, err := w.Entries(w.ctx, id, n, 7, 1<<20)
		w.must(err)
		if page.Before != hash || page.Head != room.Head {
			w.Fatalf("the page after %d doesn't follow", n)
		}
		if len(page.Entries) == 0 {
			break
		}
		for _, e := range page.Entries {
			if e.Seq != n+1 {
				w.Fatalf("%d follows %d", e.Seq, n)
			}
			n = e.Seq
			h := wire.HashEnvelope(e.Envelope)
			if e.Pruned {
				h = [32]byte(e.Envelope)
			}
			hash = wire.Chain(hash, n, h)
		}
		all = append(all, page.Entries...)
	}
	if n != room.Head || hash != room.HeadHash {
		w.Fatalf("the chain ends at %d, the head is %d", n, room.Head)
	}
	return all
}

func testAppend(w *world) {
	alice, bob := w.member("alice"), w.member("bob")
	garden := w.create("garden")
	elsewhere := w.submission(bob, "in the garden")
	elsewhere.Room = garden.ID
	out := w.append(w.submission(alice, "one"), elsewhere, w.submission(bob, "two"), w.submission(alice, ""))
	for i, want := range []chat.Seq{1, 1, 2, 3} {
		if out[i].Err != nil || out[i].Seq != want || out[i].Duplicate || !out[i].At.Equal(Epoch) {
			w.Errorf("outcome %d: %+v", i, out[i])
		}
	}
	if h := wire.Chain(w.room.HeadHash, 1, wire.HashEnvelope([]byte("one"))); out[0].Hash != h {
		w.Error("the chain hash")
	}
	entries := w.verify(w.room.ID)
	if len(entries) != 3 || string(entries[1].Envelope) != "two" || entries[0].Kind != chat.Content || !entries[0].At.Equal(Epoch) {
		w.Errorf("%+v", entries)
	}
	if len(w.verify(garden.ID)) != 1 {
		w.Error("the garden")
	}
	if out := w.append(); len(out) != 0 {
		w.Error("nothing of nothing")
	}
}

func testRefusals(w *world) {
	alice, bob := w.member("alice"), w.member("bob")
	stranger := w.submission(member{chat.AccountID{99}, chat.DeviceID{99}, 1}, "x")
	wrongAccount := w.submission(alice, "x")
	wrongAccount.Account = bob.account
	old := w.submission(alice, "x")
	old.Session--
	nowhere := w.submission(alice, "x")
	nowhere.Room = chat.RoomID{77}
	out := w.append(stranger, wrongAccount, old, nowhere, w.submission(alice, "good"))
	for i, want := range []chat.Code{chat.CodeRevoked, chat.CodeEnvelope, chat.CodeSuperseded, chat.CodeRoomUnknown} {
		if out[i].Err == nil || out[i].Err.Code != want {
			w.Errorf("%d: %v, want %s", i, out[i].Err, want)
		}
	}
	if out[4].Err != nil || out[4].Seq != 1 {
		w.Errorf("a good one among bad ones: %+v", out[4])
	}
	w.verify(w.room.ID)
}

func testIdempotency(w *world) {
	alice, bob := w.member("alice"), w.member("bob")
	m := w.submission(alice, "once")
	first := w.one(m)
	m.At = Epoch.Add(time.Hour)
	for _, again := range w.append(m, m) {
		if again.Err != nil || !again.Duplicate || again.Seq != first.Seq || again.Hash != first.Hash || !again.At.Equal(first.At) {
			w.Errorf("%+v, first %+v", again, first)
		}
	}
	other := m
	other.Envelope = []byte("twice")
	if o := w.one(other); o.Err == nil || o.Err.Code != chat.CodeSame {
		w.Errorf("other bytes: %+v", o)
	}
	garden := w.create("garden")
	other = m
	other.Room = garden.ID
	if o := w.one(other); o.Err == nil || o.Err.Code != chat.CodeSame {
		w.Errorf("another room: %+v", o)
	}
	// The same ID of another device is another message.
	m.Account, m.Device, m.Session = bob.account, bob.device, bob.session
	if o := w.one(m); o.Err != nil || o.Duplicate {
		w.Errorf("%+v", o)
	}
	if n := len(w.verify(w.room.ID)); n != 2 {
		w.Errorf("%d entries", n)
	}
	// Twice in one batch, for the first time.
	n := w.submission(alice, "new")
	if out := w.append(n, n); out[0].Duplicate || !out[1].Duplicate || out[0].Seq != out[1].Seq {
		w.Errorf("%+v", out)
	}
}

func testCommits(w *world) {
	alice := w.member("alice")
	commit := func(base chat.Seq) hub.Submission {
		s := w.submission(alice, fmt.Sprint("commit on ", base))
		s.Kind, s.Base = chat.Commit, base
		return s
	}
	a, b := commit(0), commit(0)
	out := w.append(a, w.submission(alice, "between"), b)
	if out[0].Err != nil || out[2].Err == nil || out[2].Err.Code != chat.CodeConflict {
		w.Fatalf("%+v", out)
	}
	if r := w.now(w.room.ID); r.LastCommit != 1 || r.Head != 2 {
		w.Errorf("%+v", r)
	}
	if o := w.one(a); !o.Duplicate || o.Err != nil {
		w.Errorf("the winner, again: %+v", o)
	}
	if o := w.one(commit(1)); o.Err != nil || w.now(w.room.ID).LastCommit != 3 {
		w.Errorf("the next: %+v", o)
	}
	w.verify(w.room.ID)
}

func testPages(w *world) {
	alice := w.member("alice")
	for i := range 20 {
		w.one(w.submission(alice, fmt.Sprintf("%0100d", i)))
	}
	for _, c := range []struct {
		after        chat.Seq
		limit, bytes int
		first, count int
	}{{0, 100, 1 << 20, 1, 20}, {5, 3, 1 << 20, 6, 3}, {0, 100, 350, 1, 3}, {0, 100, 10, 1, 1}, {19, 10, 1000, 20, 1}, {20, 10, 1000, 0, 0}, {99, 10, 1000, 0, 0}} {
		page, err := w.Entries(w.ctx, w.room.ID, c.after, c.limit, c.bytes)
		w.must(err)
		if len(page.Entries) != c.count || c.count > 0 && page.Entries[0].Seq != chat.Seq(c.first) || page.Head != 20 { //nolint:gosec // small
			w.Errorf("%+v: %d entries, head %d", c, len(page.Entries), page.Head)
		}
	}
	_, err := w.Entries(w.ctx, chat.RoomID{88}, 0, 1, 1)
	w.want("no such room", err, chat.CodeRoomUnknown)
	w.verify(w.room.ID)
}

func testRooms(w *world) {
	again, err := w.CreateRoom(w.ctx, hub.NewRoom{ID: w.room.ID, Name: "lobby", Kind: chat.KeyRoom, At: Epoch}, 100)
	w.want("again", err, chat.CodeRoomExists)
	if again.ID != w.room.ID {
		w.Error("the room that exists isn't told")
	}
	_, err = w.CreateRoom(w.ctx, hub.NewRoom{ID: chat.RoomID{200}, Name: "garden", Kind: chat.KeyRoom, At: Epoch}, 1)
	w.want("too many", err, chat.CodeRoomLimit)
	r := w.create("garden")
	if r.Head != 0 || r.Floor != 0 || r.HeadHash != r.FloorHash || r.Name != "garden" || r.Retention != nil || !r.Created.Equal(Epoch) {
		w.Errorf("%+v", r)
	}
	keep := hub.Retention{Age: time.Hour, Bytes: 5, Commits: 2 * time.Hour}
	w.must(w.SetRetention(w.ctx, r.ID, keep))
	if got := w.now(r.ID).Retention; got == nil || *got != keep {
		w.Errorf("%v", got)
	}
	w.want("no such room", w.SetRetention(w.ctx, chat.RoomID{201}, keep), chat.CodeRoomUnknown)
	for range 2 { // private rooms have no names
		w.counter++
		_, err := w.CreateRoom(w.ctx, hub.NewRoom{ID: chat.RoomID{w.counter, 1}, Kind: chat.PrivateRoom, At: Epoch}, 100)
		w.must(err)
	}
}

func testEnrolment(w *world) {
	e := w.enrolment("alice")
	first, err := w.Enrol(w.ctx, e)
	w.must(err)
	again, err := w.Enrol(w.ctx, e) // the device is known: its next session
	w.must(err)
	if again.Session != first.Session+1 || again.Name != "alice" || again.Proven != 1 {
		w.Errorf("%+v, %+v", first, again)
	}
	taken := w.enrolment("Alice")
	taken.Folded = e.Folded
	_, err = w.Enrol(w.ctx, taken)
	w.want("taken", err, chat.CodeNameTaken)
	alike := w.enrolment("al1ce")
	alike.Skeleton = e.Skeleton
	_, err = w.Enrol(w.ctx, alike)
	w.want("alike", err, chat.CodeNameLookalike)
	other := e
	other.Name, other.Folded, other.Skeleton = "carol", "carol", "carol"
	_, err = w.Enrol(w.ctx, other)
	w.want("another name", err, chat.CodeNameOther)
	thief := w.enrolment("bob")
	thief.Device = e.Device
	_, err = w.Enrol(w.ctx, thief)
	w.want("another's device", err, chat.CodeAuth)
	late := w.enrolment("dave")
	late.Generation = 7
	_, err = w.Enrol(w.ctx, late)
	w.want("another generation", err, chat.CodeKeyOld)
	second := e
	second.Device = chat.DeviceID{250}
	_, err = w.Enrol(w.ctx, second)
	w.must(err)
	people, err := w.People(w.ctx, []chat.AccountID{e.Account, {99}}, []chat.DeviceID{second.Device}, []string{"alice", "nobody"})
	w.must(err)
	if len(people) != 1 || people[0].Name != "alice" || people[0].NameSig != e.NameSig || len(people[0].Devices) != 2 || people[0].Devices[0].Certificate[0] != e.Certificate[0] {
		w.Errorf("%+v", people)
	}
	if all, err := w.AllPeople(w.ctx); err != nil || len(all) != 1 { // those who were refused left nothing
		w.Errorf("%+v, %v", all, err)
	}
}

func testSessions(w *world) {
	alice := w.member("alice")
	l, err := w.OpenSession(w.ctx, alice.account, alice.device, 0, Epoch)
	w.must(err)
	if o := w.one(w.submission(alice, "from the dead connection")); o.Err == nil || o.Err.Code != chat.CodeSuperseded {
		w.Errorf("%+v", o)
	}
	alice.session = l.Session
	if o := w.one(w.submission(alice, "from the new one")); o.Err != nil {
		w.Errorf("%+v", o)
	}
	w.must(w.EndSessions(w.ctx, alice.account, hub.Audit{Action: "kick", Actor: "test", At: Epoch}))
	if o := w.one(w.submission(alice, "after the kick")); o.Err == nil || o.Err.Code != chat.CodeSuperseded {
		w.Errorf("%+v", o)
	}
	_, err = w.OpenSession(w.ctx, alice.account, chat.DeviceID{98}, 0, Epoch)
	w.want("an unknown device", err, chat.CodeKeyNeeded)
	_, err = w.OpenSession(w.ctx, chat.AccountID{97}, alice.device, 0, Epoch)
	w.want("another's device", err, chat.CodeAuth)
}

func testBans(w *world) {
	alice, bob := w.member("alice"), w.member("bob")
	audit := hub.Audit{Actor: "console", Action: "ban", At: Epoch}
	w.want("nobody", w.Ban(w.ctx, chat.AccountID{99}, "", audit), chat.CodeNoSuchPerson)
	w.must(w.Ban(w.ctx, bob.account, "spam", audit))
	if o := w.one(w.submission(bob, "x")); o.Err == nil || o.Err.Code != chat.CodeBanned {
		w.Errorf("%+v", o)
	}
	_, err := w.OpenSession(w.ctx, bob.account, bob.device, 0, Epoch)
	w.want("banned", err, chat.CodeBanned)
	bans, err := w.Bans(w.ctx)
	w.must(err)
	if len(bans) != 1 || bans[0].Name != "bob" || bans[0].Reason != "spam" || bans[0].By != "console" {
		w.Errorf("%+v", bans)
	}
	if o := w.one(w.submission(alice, "others go on")); o.Err != nil {
		w.Errorf("%+v", o)
	}
	w.must(w.Unban(w.ctx, bob.account, audit))
	w.want("again", w.Unban(w.ctx, bob.account, audit), chat.CodeNotBanned)
	_, err = w.OpenSession(w.ctx, bob.account, bob.device, 0, Epoch)
	w.must(err)
}

func testGenerations(w *world) {
	alice := w.member("alice")
	w.want("a gap", w.Rotate(w.ctx, hub.Generation{Number: 3, At: Epoch}, false, hub.Audit{}), chat.CodeConflict)
	w.must(w.Rotate(w.ctx, hub.Generation{Number: 2, Access: [32]byte{2}, At: Epoch}, true, hub.Audit{}))
	if o := w.one(w.submission(alice, "x")); o.Err == nil || o.Err.Code != chat.CodeSuperseded {
		w.Errorf("prove ends sessions: %+v", o)
	}
	_, err := w.OpenSession(w.ctx, alice.account, alice.device, 0, Epoch)
	w.want("without proof", err, chat.CodeKeyNeeded)
	l, err := w.OpenSession(w.ctx, alice.account, alice.device, 2, Epoch)
	w.must(err)
	if l.Proven != 2 {
		w.Errorf("%+v", l)
	}
	_, err = w.OpenSession(w.ctx, alice.account, alice.device, 0, Epoch) // it has proven it once
	w.must(err)
	w.must(w.PutLink(w.ctx, 2, []byte("first")))
	w.must(w.PutLink(w.ctx, 2, []byte("second")))
	w.want("no such generation", w.PutLink(w.ctx, 9, []byte("x")), chat.CodeKeyUnknown)
	w.want("the first has none before it", w.PutLink(w.ctx, 1, []byte("x")), chat.CodeKeyUnknown)
	all, err := w.Generations(w.ctx)
	w.must(err)
	if len(all) != 2 || string(all[1].Link) != "first" || all[0].Link != nil || !all[1].Prove || all[0].KeyID != [8]byte{2} {
		w.Errorf("%+v", all)
	}
	w.must(w.PutGrants(w.ctx, 2, map[chat.DeviceID][]byte{alice.device: []byte("sealed"), {99}: []byte("nobody")}, hub.Audit{}))
	if g, err := w.Grant(w.ctx, 2, alice.device); err != nil || string(g) != "sealed" {
		w.Errorf("%q, %v", g, err)
	}
	if g, err := w.Grant(w.ctx, 1, alice.device); err != nil || g != nil {
		w.Errorf("%q, %v", g, err)
	}
}

// grow appends n messages, each an hour after the other and having seen the one before it.
func (w *world) grow(m member, n int) {
	w.Helper()
	head := w.now(w.room.ID).Head
	for i := range n {
		s := w.submission(m, fmt.Sprintf("%0100d", i))
		s.Seen = head + chat.Seq(i)
		s.At = Epoch.Add(time.Duration(head+chat.Seq(i)) * time.Hour) //nolint:gosec // small
		if o := w.one(s); o.Err != nil {
			w.Fatal(o.Err)
		}
	}
}

func testAge(w *world) {
	alice := w.member("alice")
	w.grow(alice, 100)
	first := w.submission(alice, "kept as an ID")
	gone, err := w.Prune(w.ctx, w.room.ID, hub.Retention{Age: 10 * time.Hour}, Epoch.Add(100*time.Hour))
	w.must(err)
	r := w.now(w.room.ID)
	if gone.Entries != 90 || r.Floor != 90 || r.Bytes != 1000 || gone.Bytes != 9000 {
		w.Errorf("%+v, %+v", gone, r)
	}
	if n := len(w.verify(w.room.ID)); n != 10 {
		w.Errorf("%d entries stay", n)
	}
	// Everything is too old: the last message stays, since nobody has seen it yet and it vouches for the cut.
	_, err = w.Prune(w.ctx, w.room.ID, hub.Retention{Age: time.Hour}, Epoch.Add(9999*time.Hour))
	w.must(err)
	if r := w.now(w.room.ID); r.Floor != 99 || r.Head != 100 {
		w.Errorf("%+v", r)
	}
	w.verify(w.room.ID)
	w.one(first)
	again, err := w.Prune(w.ctx, w.room.ID, hub.Retention{}, Epoch.Add(9999*time.Hour))
	if w.must(err); again.Entries != 0 {
		w.Errorf("without bounds: %+v", again)
	}
}

func testSize(w *world) {
	alice := w.member("alice")
	w.grow(alice, 50)
	_, err := w.Prune(w.ctx, w.room.ID, hub.Retention{Bytes: 2000}, Epoch)
	w.must(err)
	if r := w.now(w.room.ID); r.Bytes != 2000 || r.Floor != 30 {
		w.Errorf("%+v", r)
	}
	w.verify(w.room.ID)
	_, err = w.Prune(w.ctx, chat.RoomID{99}, hub.Retention{Bytes: 1}, Epoch)
	w.want("no such room", err, chat.CodeRoomUnknown)
}

// Commits outlive content: what stands behind one becomes a hash, so the chain still holds.
func testBehindCommit(w *world) {
	alice := w.member("alice")
	w.grow(alice, 5)
	c := w.submission(alice, "commit")
	c.Kind, c.Seen = chat.Commit, 5
	w.one(c)
	w.grow(alice, 5)
	keep := hub.Retention{Age: time.Hour, Commits: 9000 * time.Hour}
	for range 3 {
		_, err := w.Prune(w.ctx, w.room.ID, keep, Epoch.Add(500*time.Hour))
		w.must(err)
	}
	entries := w.verify(w.room.ID)
	if len(entries) == 0 || entries[0].Kind != chat.Commit || entries[0].Pruned || string(entries[0].Envelope) != "commit" {
		w.Fatalf("%+v", entries)
	}
	for _, e := range entries[1 : len(entries)-1] {
		if !e.Pruned || len(e.Envelope) != 32 {
			w.Errorf("%d stays whole", e.Seq)
		}
	}
	if last := entries[len(entries)-1]; last.Pruned {
		w.Error("the last one doesn't vouch any more")
	}
}

func testAudit(w *world) {
	before, err := w.AuditLog(w.ctx, 0, 1000)
	w.must(err)
	alice := w.member("alice")
	w.must(w.EndSessions(w.ctx, alice.account, hub.Audit{Actor: "socket", Action: "kick", Detail: "alice", At: Epoch}))
	rows, err := w.AuditLog(w.ctx, 0, 1000)
	w.must(err)
	last := rows[len(rows)-1]
	if len(rows) < len(before)+2 || last.Action != "kick" || last.Actor != "socket" || last.Detail != "alice" || !last.At.Equal(Epoch) {
		w.Errorf("%+v", rows)
	}
	for i := range rows {
		if i > 0 && rows[i].Number <= rows[i-1].Number {
			w.Error("numbers don't grow")
		}
	}
	if some, err := w.AuditLog(w.ctx, rows[0].Number, 1); err != nil || len(some) != 1 || some[0].Number != rows[1].Number {
		w.Errorf("%+v, %v", some, err)
	}
	// What failed leaves no row.
	_ = w.Ban(w.ctx, chat.AccountID{99}, "", hub.Audit{Action: "ban", At: Epoch})
	if after, err := w.AuditLog(w.ctx, 0, 1000); err != nil || len(after) != len(rows) {
		w.Errorf("%d rows, then %d", len(rows), len(after))
	}
}

func testStats(w *world) {
	alice := w.member("alice")
	w.grow(alice, 10)
	s, err := w.Stats(w.ctx)
	w.must(err)
	if s.Rooms != 1 || s.Entries != 10 || s.Accounts != 1 || s.Devices != 1 || s.EnvelopeBytes != 1000 {
		w.Errorf("%+v", s)
	}
	w.must(w.Check(w.ctx))
	w.must(w.Check(w.ctx))
	if w.Incarnation() == [16]byte{} {
		w.Error("no incarnation")
	}
}

func testManyWriters(w *world) {
	const writers, each = 8, 50
	var wg sync.WaitGroup
	for i := range writers {
		m := w.member(fmt.Sprint("writer", i))
		wg.Go(func() {
			for k := range each {
				s := hub.Submission{
					Room: w.room.ID, ID: chat.NewMessageID(Epoch), Account: m.account, Device: m.device, Session: m.session, Kind: chat.Content,
					Envelope: fmt.Append(nil, k, " of ", i), At: Epoch,
				}
				out, err := w.Append(w.ctx, []hub.Submission{s})
				if err != nil || out[0].Err != nil {
					w.Error(err)
					return
				}
				if _, err := w.Entries(w.ctx, w.room.ID, 0, 10, 1000); err != nil {
					w.Error(err)
				}
				if k%10 == 0 { // a change that fails among those that don't
					if err := w.Unban(w.ctx, m.account, hub.Audit{}); !errors.Is(err, chat.CodeNotBanned) {
						w.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if n := len(w.verify(w.room.ID)); n != writers*each {
		w.Errorf("%d entries", n)
	}
}

func testClosed(w *world) {
	w.must(w.Close())
	if _, err := w.Rooms(w.ctx); err == nil {
		w.Error("reads after the end")
	}
	if err := w.Check(w.ctx); err == nil {
		w.Error("writes after the end")
	}
}
