package client

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// The new device's half: it asks for one batch at a time, a batch of each room first, so that the newest is there soon.

const (
	// pullPatience is how long an answer may take before the question is asked again; it doubles up to pullSeldom, for slow networks.
	pullPatience = 10 * time.Second
	// partingPatience is how long the old device may take to hear that all is here; without an answer to partings questions it isn't waited for.
	partingPatience = 3 * time.Second
	partings        = 3
	// pullAgain is the wait after the other device wasn't there; it doubles up to pullSeldom. It says itself when it is back.
	pullAgain  = 2 * time.Second
	pullSeldom = time.Minute
)

// pull asks for the next thing.
func (e *engine) pull(t *transfer) {
	if e.session == nil || t.rec.Gives || e.moving[t.peer] != t || t.request != [requestSize]byte{} || e.withdrawn(t) {
		return
	}
	t.asked = e.nextAsk(t)
	_, _ = rand.Read(t.request[:]) // never fails
	request, session := t.request, e.session
	raw := e.sealBox(t, request, &t.asked)
	wait := min(pullSeldom, pullPatience<<min(t.tries, 8))
	if t.asked.Kind == askDone {
		if wait = partingPatience; t.tries >= partings {
			e.taken(t)
			return
		}
	}
	e.pullLater(t, wait)
	e.ask(func(ref uint64) []byte { return wire.Encode(&wire.ToDevice{Ref: ref, Device: t.peer, Data: raw}) },
		func(_ wire.Frame, err *chat.Error) {
			if err == nil || e.session != session || t.request != request {
				return
			}
			if err.Code == chat.CodeDeviceAway && t.asked.Kind == askDone {
				e.taken(t)
				return
			}
			if err.Code == chat.CodeDeviceAway && !t.away {
				t.away = true
				e.emit(HistoryMoved{TransferView: e.transferView(t), Away: true})
			}
			e.pullLater(t, min(pullSeldom, pullAgain<<min(t.tries, 8)))
		})
}

// pullLater asks anew after a while, unless an answer comes before.
func (e *engine) pullLater(t *transfer, wait time.Duration) {
	if t.timer != nil {
		t.timer.Stop()
	}
	session, c := e.session, e.c
	t.timer = time.AfterFunc(wait, func() {
		c.later(func(e *engine) {
			if e.session == session && session != nil && !e.ended {
				t.request = [requestSize]byte{}
				t.tries++
				e.pull(t)
			}
		})
	})
}

// nextAsk is what is asked for now.
func (e *engine) nextAsk(t *transfer) askMessage {
	if !t.rec.Listed {
		return askMessage{Kind: askRooms}
	}
	type candidate struct {
		room chat.RoomID
		rec  *movedRecord
	}
	var open []candidate
	for id, rec := range t.rooms {
		if !rec.Done {
			open = append(open, candidate{id, rec})
		}
	}
	if len(open) == 0 {
		return askMessage{Kind: askDone}
	}
	slices.SortFunc(open, func(a, b candidate) int { // rooms of which there is nothing yet go first
		return cmp.Or(cmp.Compare(min(1, ^a.rec.Before), min(1, ^b.rec.Before)), bytes.Compare(a.room[:], b.room[:]))
	})
	return askMessage{Kind: askBatch, Room: open[0].room, Before: e.movedBefore(&open[0].rec.Before, open[0].room)}
}

// movedBefore is where a room goes on: at first after the last entry that this device has verified. Of a key room the old device tells only what the server has removed.
func (e *engine) movedBefore(before *chat.Seq, id chat.RoomID) chat.Seq {
	if *before == lastSeq {
		r := e.rooms[id]
		*before = r.rec.Seq + 1
		if r.priv == nil {
			*before = lastSeq - 1
		}
	}
	return *before
}

// takeHistory takes an answer.
func (e *engine) takeHistory(t *transfer, raw []byte) {
	var m tellMessage
	request, err := e.openBox(t, raw, &m)
	if err != nil {
		e.cfg.Log.Warn("not the history of a device of ours", "device", t.peer, "err", err)
		return
	}
	if m.Kind == tellHere {
		t.tries, t.request = 0, [requestSize]byte{} // what was asked before it came is lost
		e.pull(t)
		return
	}
	if request == [requestSize]byte{} || request != t.request || m.Kind != t.asked.Kind {
		return // of an earlier question
	}
	t.tries, t.away = 0, false
	switch m.Kind {
	case askRooms:
		e.takeRooms(t, &m)
	case askBatch:
		e.takeBatch(t, &m)
		return
	case askDone:
		e.taken(t)
		return
	}
	e.pulled(t)
}

// taken ends a history that is here.
func (e *engine) taken(t *transfer) {
	v := e.transferView(t)
	v.Moved, v.Total = t.rec.Moved, t.rec.Moved
	e.endTransfer(t)
	e.emit(HistoryMoved{TransferView: v, Done: true})
}

// pulled ends a question, and asks the next one.
func (e *engine) pulled(t *transfer) {
	t.request = [requestSize]byte{}
	e.keepTransfer(t)
	e.emit(HistoryMoved{TransferView: e.transferView(t)})
	e.soon(func() { e.pull(t) })
}

// takeRooms notes which rooms there are. One that this device doesn't know at all isn't asked for.
func (e *engine) takeRooms(t *transfer, m *tellMessage) {
	t.rec.Listed, t.rec.Total = true, 0
	for _, info := range m.Rooms {
		r := e.rooms[info.Room]
		if r == nil || r.priv != nil && !r.rec.Anchored || t.rooms[info.Room] != nil {
			continue
		}
		t.rec.Total += info.Messages
		rec := &movedRecord{Before: lastSeq}
		t.rooms[r.id] = rec
		e.put(TableMoved, movedKey(t.peer, r.id), rec)
	}
}

// takeBatch keeps a batch, once its people are known, and its place in the same turn.
func (e *engine) takeBatch(t *transfer, m *tellMessage) {
	if m.Room != t.asked.Room || m.Next >= t.asked.Before {
		return
	}
	entries := make([]entryRecord, len(m.Entries))
	var accounts []chat.AccountID
	for i := range m.Entries {
		if wire.Unmarshal(m.Entries[i].Record, &entries[i]) != nil {
			return
		}
		if a := entries[i].Account; !a.IsZero() && !slices.Contains(accounts, a) {
			accounts = append(accounts, a)
		}
	}
	request, session := t.request, e.session
	e.withAccounts(accounts, func(*chat.Error) {
		if t.request != request || e.session != session || session == nil { // asked anew meanwhile
			return
		}
		e.keepBatch(t, m, entries)
	})
}

func (e *engine) keepBatch(t *transfer, m *tellMessage, entries []entryRecord) {
	r, rec := e.rooms[m.Room], t.rooms[m.Room]
	for i := range entries {
		n := m.Entries[i].Seq
		if n < max(m.Next, 1) || n >= t.asked.Before || !entries[i].movable() {
			continue
		}
		if err := e.keepMoved(r, n, &entries[i]); err != nil {
			e.fail(err)
			return
		}
		if entries[i].counts() {
			t.rec.Moved++
		}
		t.rec.Bytes += uint64(len(m.Entries[i].Record))
	}
	rec.Before, rec.Done = m.Next, m.Next <= 1
	e.put(TableMoved, movedKey(t.peer, m.Room), rec)
	e.pulled(t)
}

// keepMoved keeps an entry that another device of ours has read, unless this one has read it in the log itself. What was done to a message is in its record already, but for what came
// after the other device has told it: that has waited here.
func (e *engine) keepMoved(r *room, n chat.Seq, moved *entryRecord) error {
	key := entryKey(r.id, n)
	var own entryRecord
	found, err := e.get(TableHistory, key, &own)
	if err != nil {
		return err
	}
	empty := own.Form == Silent || own.Form == Unreadable || !own.SharedBy.IsZero()
	known := found && own.SharedBy.IsZero() && !own.Account.IsZero() && !own.ID.IsZero()
	if found && (!empty || known && (own.Account != moved.Account || own.ID != moved.ID)) {
		return nil
	}
	moved.Envelope, moved.Hash, moved.Raw = own.Envelope, own.Hash, nil
	moved.Moved = true
	moved.limits.left, moved.Life, moved.Due, moved.Read = moved.Life, 0, 0, 0
	e.arm(r, n, moved)
	e.put(TableHistory, key, moved)
	if found && own.Form == Unreadable {
		e.remove(TableUnread, key)
	}
	if moved.Form != Text && moved.Form != Taken || moved.ID.IsZero() {
		return nil
	}
	at, err := e.placeOf(r, moved.ID)
	if err != nil || at != 0 && at < n {
		return err
	}
	e.stage.set(TablePlaces, messageKey(r.id, moved.ID), binary.BigEndian.AppendUint64(nil, uint64(n)))
	return e.applyLate(r, n, moved)
}
