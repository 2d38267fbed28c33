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
		"key packages": testPackages, "many takers": testTakers, "private rooms": testPrivateRooms, "roster": testRoster, "mutes": testMutes, "banned guests": testGuestsBanned, "slow mode": testSlowMode, "garbage commit": testGarbage,
		"change": testChange, "commit race": testCommitRace, "welcomes": testWelcomes, "state": testState, "sweep": testSweep, "private retention": testPrivateRetention,
		"backups": testBackups, "refill": testRefill, "refill of a device that is unknown": testRefillUnknown, "device lists": testDeviceLists, "devices without the key": testUnproven, "stats and check": testStats, "many writers": testManyWriters, "after the end": testClosed,
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

// wantBan wants the refusal of a banned account, with the reason.
func (w *world) wantBan(what string, err error, reason string) {
	w.Helper()
	var e *chat.Error
	if !errors.As(err, &e) || e.Code != chat.CodeBanned || e.Params["reason"] != reason {
		w.Errorf("%s: %v, want %s (%s)", what, err, chat.CodeBanned, reason)
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
