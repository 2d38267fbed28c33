package storetest

import (
	"fmt"
	"time"

	"huisclos/chat"
	"huisclos/hub"
)

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
