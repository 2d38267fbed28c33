package storetest

import (
	"time"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

// putBack makes an entry as a member gives it back.
func (w *world) putBack(device chat.DeviceID, text string, kind chat.EntryKind) hub.PutBack {
	w.sent++
	return hub.PutBack{At: Epoch.Add(time.Minute), Kind: kind, Device: device, ID: chat.NewMessageID(Epoch), Seen: 1, Envelope: []byte(text)}
}

func testRefill(w *world) {
	alice := w.member("alice")
	garden := w.create("garden")
	w.one(w.submission(alice, "one"))
	if r, err := w.Refill(w.ctx); err != nil || !r.At.IsZero() || len(r.Rooms) > 0 {
		w.Errorf("before a backup was put back: %+v, %v", r, err)
	}
	_, err := w.PutBack(w.ctx, w.room.ID, 1, w.now(w.room.ID).HeadHash, []hub.PutBack{w.putBack(alice.device, "two", chat.Content)})
	w.want("where nothing is taken back", err, chat.CodeConflict)
	before := w.Incarnation()
	now := Epoch.Add(time.Hour)
	w.must(w.Restored(w.ctx, now, now.Add(time.Hour)))
	if w.Incarnation() == before {
		w.Error("the incarnation is the same")
	}
	r, err := w.Refill(w.ctx)
	if err != nil || !r.At.Equal(now) || !r.Newest.Equal(Epoch) || !r.Until.Equal(now.Add(time.Hour)) || len(r.Rooms) != 2 || r.Rooms[w.room.ID] != 1 {
		w.Errorf("%+v, %v", r, err)
	}
	head := w.now(w.room.ID)
	two, three := w.putBack(alice.device, "two", chat.Content), w.putBack(alice.device, "three", chat.Commit)
	_, err = w.PutBack(w.ctx, w.room.ID, 0, head.HeadHash, []hub.PutBack{two})
	w.want("not after the head", err, chat.CodeConflict)
	_, err = w.PutBack(w.ctx, w.room.ID, 1, [32]byte{1}, []hub.PutBack{two})
	w.want("after another head", err, chat.CodeConflict)
	_, err = w.PutBack(w.ctx, chat.RoomID{77}, 1, head.HeadHash, []hub.PutBack{two})
	w.want("nowhere", err, chat.CodeRoomUnknown)
	_, err = w.PutBack(w.ctx, w.room.ID, 1, head.HeadHash, []hub.PutBack{two, two})
	w.want("one twice", err, chat.CodeSame)
	if w.now(w.room.ID).Head != 1 {
		w.Error("half of it was kept")
	}
	row, err := w.PutBack(w.ctx, w.room.ID, 1, head.HeadHash, []hub.PutBack{two, three})
	w.must(err)
	hash := wire.Chain(wire.Chain(head.HeadHash, 2, wire.HashEnvelope([]byte("two"))), 3, wire.HashEnvelope([]byte("three")))
	if row.Head != 3 || row.HeadHash != hash || row.LastCommit != 3 || row.Bytes != int64(len("onetwothree")) {
		w.Errorf("%+v", row)
	}
	entries := w.verify(w.room.ID)
	if len(entries) != 3 || string(entries[2].Envelope) != "three" || entries[2].Kind != chat.Commit || !entries[1].At.Equal(Epoch.Add(time.Minute)) {
		w.Errorf("%+v", entries)
	}
	// It is known like what was stored in the first place.
	again := w.submission(alice, "two")
	again.ID = two.ID
	if o := w.one(again); o.Err != nil || !o.Duplicate || o.Seq != 2 {
		w.Errorf("sent again: %+v", o)
	}
	if r, err := w.Refill(w.ctx); err != nil || r.Rooms[w.room.ID] != 1 {
		w.Errorf("after the first piece: %+v, %v", r, err)
	}
	// Whoever writes there ends it.
	w.one(w.submission(alice, "new"))
	_, err = w.PutBack(w.ctx, w.room.ID, 4, w.now(w.room.ID).HeadHash, []hub.PutBack{w.putBack(alice.device, "late", chat.Content)})
	w.want("after something new", err, chat.CodeConflict)
	if r, err := w.Refill(w.ctx); err != nil || len(r.Rooms) != 1 || r.Rooms[garden.ID] != 0 {
		w.Errorf("with something new: %+v, %v", r, err)
	}
	w.must(w.EndRefill(w.ctx, hub.Audit{Actor: "console", Action: "refill end", At: Epoch}))
	w.must(w.EndRefill(w.ctx, hub.Audit{Actor: "console", Action: "once more", At: Epoch}))
	if r, err := w.Refill(w.ctx); err != nil || !r.At.IsZero() {
		w.Errorf("after its end: %+v, %v", r, err)
	}
	w.must(w.Note(w.ctx, hub.Audit{Actor: "server", Action: "refill conflict", Detail: "#lobby 2", At: Epoch}))
	rows, err := w.AuditLog(w.ctx, 0, 100)
	w.must(err)
	actions := ""
	for _, row := range rows {
		if row.Action == "restored" || row.Action == "refill end" || row.Action == "refill conflict" || row.Action == "once more" {
			actions += row.Action + ";"
		}
	}
	if actions != "restored;refill end;refill conflict;" {
		w.Errorf("the audit log has %q", actions)
	}
}

// An entry of a device that enrolled after the backup comes back before its device does.
func testRefillUnknown(w *world) {
	w.must(w.Restored(w.ctx, Epoch, Epoch.Add(time.Hour)))
	late := w.enrolment("late")
	one, two := w.putBack(late.Device, "one", chat.Content), w.putBack(chat.DeviceID{200}, "two", chat.Content)
	two.ID = one.ID // of another device
	head := w.now(w.room.ID)
	_, err := w.PutBack(w.ctx, w.room.ID, 0, head.HeadHash, []hub.PutBack{one, two})
	w.must(err)
	_, err = w.PutBack(w.ctx, w.room.ID, 2, w.now(w.room.ID).HeadHash, []hub.PutBack{one})
	w.want("one twice", err, chat.CodeSame)
	l, err := w.Enrol(w.ctx, late)
	w.must(err)
	again := w.submission(member{late.Account, late.Device, l.Session}, "one")
	again.ID = one.ID
	if o := w.one(again); o.Err != nil || !o.Duplicate || o.Seq != 1 {
		w.Errorf("sent again by the device: %+v", o)
	}
	again.Envelope = []byte("other")
	if o := w.one(again); o.Err == nil || o.Err.Code != chat.CodeSame {
		w.Errorf("other bytes: %+v", o)
	}
}
