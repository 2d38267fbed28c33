package client

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"huisclos/chat"
	"huisclos/keys"
	"huisclos/trust"
	"huisclos/wire"
)

// anOldDevice is the engine of a device without a connection, with a link code of number 7.
func anOldDevice(t *testing.T, life time.Duration) (*engine, *linkCode) {
	t.Helper()
	id, err := newIdentity(chat.Fingerprint{1}, "alice")
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{calls: make(chan func(*engine)), done: make(chan struct{}), events: newBroadcast()}
	e := &engine{
		c: c, vault: NewMemory(), stage: newStage(), cfg: Config{Log: slog.New(slog.DiscardHandler)}, id: id, people: newPeople(chat.Fingerprint{1}),
		keys: newKeyset(chat.Fingerprint{1}), dirty: map[*room]struct{}{}, rooms: map[chat.RoomID]*room{}, session: &session{},
	}
	id.store(&e.self)
	made := e.openLink(&wire.CodeOpened{Number: 7, Seconds: 600}, "en", life)
	if made.Number != 7 || time.Until(made.Expires) > CodeLife {
		t.Errorf("%v", made)
	}
	return e, e.links[7]
}

// codeFailed takes what the last turn has told of codes.
func codeFailed(e *engine, t *testing.T) *chat.Error {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	events, err := e.c.Events(ctx)
	if err != nil {
		t.Fatal(err)
	}
	effects := e.stage.effects
	e.stage = newStage()
	for _, f := range effects {
		f()
	}
	for {
		select {
		case ev := <-events:
			if failed, ok := ev.(CodeFailed); ok {
				return failed.Err
			}
		case <-time.After(time.Second):
			return nil
		}
	}
}

// The ten minutes, and the two that the person has to answer, are this end's own.
func TestLinkTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := anOldDevice(t, 0)
		begun := time.Now()
		f := <-e.c.calls
		e.session = nil
		if f(e); time.Since(begun) != CodeLife || len(e.links) != 0 {
			t.Error(time.Since(begun), len(e.links))
		}
		if err := codeFailed(e, t); err == nil || err.Code != chat.CodeCodeExpired {
			t.Error(err)
		}
		close(e.c.done)
	})
	synctest.Test(t, func(t *testing.T) {
		e, l := anOldDevice(t, 0)
		n := keys.NewNewDevice(l.code, l.server, keys.Machine{Device: chat.DeviceID{9}, HPKE: make([]byte, trust.HPKESize), Name: "laptop"})
		e.id.server = chat.FingerprintOf(l.server[:]) // that of the session
		e.id.store(&e.self)
		e.linkMessage(&wire.CodeMessage{Number: 7, Message: n.Hello()}, l)
		if l.old == nil || len(e.stage.frames) != 1 {
			t.Fatal("no offer")
		}
		sent, err := wire.Decode(e.stage.frames[0])
		if err != nil {
			t.Fatal(err)
		}
		proof, err := n.Proof(sent.(*wire.CodeMessage).Message)
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		e.linkMessage(&wire.CodeMessage{Number: 7, Message: proof}, l)
		if l.machine == nil || l.machine.Name != "laptop" {
			t.Fatal("nobody asks")
		}
		f := <-e.c.calls
		e.session = nil
		if f(e); time.Since(begun) != LinkPatience || len(e.links) != 0 {
			t.Error(time.Since(begun), len(e.links))
		}
		if err := codeFailed(e, t); err == nil || err.Code != chat.CodeLinkRefused {
			t.Error(err)
		}
		f = <-e.c.calls // of the ten minutes: it finds nothing any more
		if f(e); codeFailed(e, t) != nil {
			t.Error("it is told twice")
		}
		close(e.c.done)
	})
}

// Of a key room only what the server has removed is told; of a private one everything, but for what isn't for people.
func TestWhatIsTold(t *testing.T) {
	give, take, g, tk := pair(t, chat.Fingerprint{1}, aSeed(1), aSeed(2), make([]byte, 32))
	for _, e := range []*engine{give, take} {
		e.vault, e.stage, e.dirty, e.cfg.Log = NewMemory(), newStage(), map[*room]struct{}{}, slog.New(slog.DiscardHandler)
		e.rooms = map[chat.RoomID]*room{{1}: newRoom(chat.RoomID{1}, "lobby"), {2}: newRoom(chat.RoomID{2}, "team"), {3}: newRoom(chat.RoomID{3}, "new")}
		e.rooms[chat.RoomID{2}].private()
		e.rooms[chat.RoomID{2}].rec.Anchored, e.rooms[chat.RoomID{2}].rec.Seq = true, 8
	}
	give.rooms[chat.RoomID{1}].rec.Floor = 5
	err := give.vault.Update(Lazy, func(w Writer) error {
		for n := range chat.Seq(10) {
			for r := range 2 {
				rec := &entryRecord{Form: []Form{Text, Silent, Changed, Unreadable, Taken}[n%5], Account: chat.AccountID{1}, ID: chat.MessageID{byte(n + 1)}, Raw: []byte{1}, Hash: [32]byte{1}}
				if err := w.Put(TableHistory, entryKey(chat.RoomID{byte(r + 1)}, n+1), wire.Marshal(rec)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	list := new(tellMessage)
	if err := give.listHistory(g, list); err != nil || len(list.Rooms) != 2 || list.Rooms[0].Messages != 3 || list.Rooms[1].Messages != 6 {
		t.Fatalf("%+v, %v", list.Rooms, err)
	}
	take.takeRooms(tk, list)
	for range 2 {
		m := take.nextAsk(tk)
		answer := &tellMessage{Kind: askBatch}
		if err := give.readBatch(g, &m, answer); err != nil {
			t.Fatal(err)
		}
		var seqs []chat.Seq
		for _, e := range answer.Entries {
			seqs = append(seqs, e.Seq)
			var rec entryRecord
			if err := parseRecord(e.Record, &rec); err != nil || len(rec.Raw) > 0 || rec.Hash != [32]byte{} || !rec.movable() {
				t.Errorf("%+v, %v", rec, err)
			}
		}
		want := map[chat.RoomID][]chat.Seq{{1}: {5, 3, 1}, {2}: {8, 6, 5, 3, 1}}[m.Room] // at 9 this device reads itself
		if len(seqs) != len(want) || answer.Next != 0 {
			t.Errorf("of room %v it is told %v", m.Room, seqs)
		}
		for i := range min(len(want), len(seqs)) {
			if seqs[i] != want[i] {
				t.Errorf("of room %v it is told %v", m.Room, seqs)
			}
		}
		tk.rooms[m.Room].Done = true
	}
	if m := take.nextAsk(tk); m.Kind != askDone {
		t.Errorf("%+v", m)
	}
	for _, m := range []askMessage{{Room: chat.RoomID{9}, Before: 9}, {Room: chat.RoomID{3}, Before: 9}, {Room: chat.RoomID{2}, Before: 1}, {Room: chat.RoomID{2}}} {
		if answer := new(tellMessage); give.readBatch(g, &m, answer) != nil || len(answer.Entries) > 0 {
			t.Errorf("%+v is answered", m)
		}
	}
}
