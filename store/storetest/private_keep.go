package storetest

import (
	"bytes"
	"time"

	"huisclos/chat"
	"huisclos/hub"
)

func testWelcomes(w *world) {
	alice, bob := w.member("alice"), w.member("bob")
	d, other := w.den(alice), w.den(alice)
	o := d.stored(d.commit(alice, 0, adding(bob)))
	large := adding(bob)
	large.Welcomes[0].Welcome = make([]byte, 5000)
	other.stored(other.commit(alice, 0, large))
	list, err := w.Invitations(w.ctx, bob.device, 1<<20)
	w.must(err)
	if len(list) != 2 || list[0].Room != d.ID || list[1].Room != other.ID {
		w.Fatalf("%+v", list)
	}
	if i := list[0]; i.Seq != o.Seq || i.Hash != o.Hash || i.Account != alice.account || i.Device != alice.device || i.Time != o.At.UnixMilli() || !bytes.Equal(i.Welcome, []byte{bob.device[0], 7}) {
		w.Errorf("%+v", i)
	}
	if list, err := w.Invitations(w.ctx, bob.device, 1000); err != nil || len(list) != 1 {
		w.Errorf("what fits: %d, %v", len(list), err)
	}
	w.must(w.Welcomed(w.ctx, alice.device, d.ID, o.Seq)) // another's
	w.must(w.Welcomed(w.ctx, bob.device, d.ID, o.Seq))
	w.must(w.Welcomed(w.ctx, bob.device, d.ID, o.Seq))
	if list, err := w.Invitations(w.ctx, bob.device, 1000); err != nil || len(list) != 1 || list[0].Room != other.ID {
		w.Errorf("the first alone, though it is large: %+v, %v", list, err)
	}
	for base := range chat.Seq(hub.MaxWelcomes + 2) {
		d.stored(d.commit(alice, base+1, adding(bob)))
	}
	list, err = w.Invitations(w.ctx, bob.device, 1<<20)
	if w.must(err); len(list) != 1+hub.MaxWelcomes || list[1].Seq != 4 {
		w.Errorf("%d Welcomes, from %d", len(list), list[1].Seq)
	}
}

func testState(w *world) {
	alice, bob := w.member("alice"), w.member("bob")
	d := w.den(alice)
	state := func() hub.State {
		w.Helper()
		s, err := w.State(w.ctx, d.ID)
		w.must(err)
		return s
	}
	if s := state(); s.Whole() || s.Seq != 0 || len(s.Info)+len(s.Tree) != 0 {
		w.Errorf("%+v", s)
	}
	change := &hub.Change{Info: []byte("info 1")}
	d.stored(d.commit(alice, 0, change))
	if s := state(); s.Whole() || s.Seq != 1 || string(s.Info) != "info 1" || len(s.Tree) != 0 {
		w.Errorf("%+v", s)
	}
	put := hub.State{Seq: 1, Info: []byte("info 1, again"), Tree: []byte("tree 1")}
	w.want("of a visitor", w.PutState(w.ctx, d.ID, bob.account, put), chat.CodeNotMember)
	w.must(w.PutState(w.ctx, d.ID, alice.account, put))
	if s := state(); !s.Whole() || string(s.Tree) != "tree 1" {
		w.Errorf("%+v", s)
	}
	d.stored(d.commit(alice, 1, adding(bob))) // without info
	if s := state(); s.Whole() || s.Seq != 1 || s.LastCommit != 2 {
		w.Errorf("%+v", s)
	}
	w.want("of an old Commit", w.PutState(w.ctx, d.ID, alice.account, put), chat.CodeConflict)
	w.want("of no room", w.PutState(w.ctx, chat.RoomID{99}, alice.account, put), chat.CodeRoomUnknown)
}

// What nobody needs any more goes.
func testSweep(w *world) {
	alice, bob := w.member("alice"), w.member("bob")
	d, busy := w.den(alice), w.den(alice)
	sweep := func(after time.Duration) (rooms []chat.RoomID) {
		w.Helper()
		for more := true; more; {
			swept, err := w.SweepPrivate(w.ctx, Epoch.Add(after))
			w.must(err)
			rooms, more = append(rooms, swept.Rooms...), swept.More
		}
		return rooms
	}
	busy.stored(busy.commit(alice, 0, adding(bob)))
	for range 600 {
		d.stored(d.message(alice, 0))
	}
	d.stored(d.commit(alice, 0, &hub.Change{Remove: accounts(alice), Info: []byte{1}}))
	if gone := sweep(hub.EmptyLife - time.Hour); len(gone) != 0 {
		w.Errorf("too early: %v", gone)
	}
	if gone := sweep(hub.EmptyLife + time.Hour); len(gone) != 1 || gone[0] != d.ID {
		w.Errorf("%v", gone)
	}
	_, err := w.Entries(w.ctx, d.ID, 0, 1, 1)
	w.want("after the end", err, chat.CodeRoomUnknown)
	if s, err := w.Stats(w.ctx); err != nil || s.Entries != 1 {
		w.Errorf("%+v, %v", s, err)
	}
	if list, err := w.Invitations(w.ctx, bob.device, 1000); err != nil || len(list) != 1 {
		w.Errorf("%+v, %v", list, err)
	}
	if gone := sweep(hub.WelcomeLife + time.Hour); len(gone) != 0 {
		w.Errorf("%v", gone)
	}
	if list, err := w.Invitations(w.ctx, bob.device, 1000); err != nil || len(list) != 0 {
		w.Errorf("%+v, %v", list, err)
	}
	busy.verify(busy.ID)
}

// Retention works without knowing what is sealed: Base vouches.
func testPrivateRetention(w *world) {
	alice := w.member("alice")
	d := w.den(alice)
	d.stored(d.commit(alice, 0, nil))
	for range 5 {
		d.stored(d.message(alice, 1))
	}
	keep := hub.Retention{Age: time.Hour, Commits: 100 * time.Hour}
	_, err := w.Prune(w.ctx, d.ID, keep, Epoch.Add(10*time.Hour))
	w.must(err)
	entries := d.verify(d.ID)
	if len(entries) != 6 || entries[0].Pruned || !entries[1].Pruned || !entries[4].Pruned || entries[5].Pruned {
		w.Errorf("%+v", entries)
	}
	_, err = w.Prune(w.ctx, d.ID, keep, Epoch.Add(1000*time.Hour))
	w.must(err)
	if r := d.now(d.ID); r.Floor != 1 {
		w.Errorf("%+v", r)
	}
	d.stored(d.commit(alice, 1, nil))
	d.stored(d.message(alice, 7))
	_, err = w.Prune(w.ctx, d.ID, keep, Epoch.Add(1000*time.Hour))
	w.must(err)
	if r := d.now(d.ID); r.Floor != 7 {
		w.Errorf("%+v", r)
	}
	d.verify(d.ID)
}
