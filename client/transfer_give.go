package client

import (
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// The old device's half: it answers what it is asked, and keeps nothing of how far the new one is.

// The bounds of one batch.
const (
	batchBytes   = 160 << 10
	batchEntries = 1000
	batchScan    = 5000 // entries looked at
)

// give begins to hold a history ready for a new device.
func (e *engine) give(peer chat.DeviceID, key [32]byte) {
	t, err := e.newTransfer(peer, transferRecord{Key: key[:], Gives: true, Since: time.Now().UnixMilli()})
	if err != nil {
		e.fail(err)
		return
	}
	e.moving[peer] = t
	e.keepTransfer(t)
}

// tellHere says to the new device that this one is connected.
func (e *engine) tellHere(t *transfer) {
	e.handOver(t, [requestSize]byte{}, &tellMessage{Kind: tellHere})
}

// handOver sends a message. When it doesn't arrive, the new device asks again.
func (e *engine) handOver(t *transfer, request [requestSize]byte, m *tellMessage) {
	raw := e.sealBox(t, request, m)
	e.ask(func(ref uint64) []byte { return wire.Encode(&wire.ToDevice{Ref: ref, Device: t.peer, Data: raw}) }, func(wire.Frame, *chat.Error) {})
}

// giveHistory answers a request.
func (e *engine) giveHistory(t *transfer, raw []byte) {
	var m askMessage
	request, err := e.openBox(t, raw, &m)
	if err != nil {
		e.cfg.Log.Warn("not a request of a device of ours", "device", t.peer, "err", err)
		return
	}
	if !t.rec.Come {
		t.rec.Come = true
		e.keepTransfer(t)
	}
	answer := &tellMessage{Kind: m.Kind}
	switch m.Kind {
	case askRooms:
		err = e.listHistory(t, answer)
	case askBatch:
		err = e.readBatch(t, &m, answer)
	case askDone:
		v := e.transferView(t)
		v.Moved = v.Total
		e.handOver(t, request, answer)
		e.endTransfer(t)
		e.emit(HistoryMoved{TransferView: v, Done: true})
		return
	default:
		return
	}
	if err != nil {
		e.fail(err)
		return
	}
	e.handOver(t, request, answer)
	e.emit(HistoryMoved{TransferView: e.transferView(t)})
}

// movable tells whether an entry is one for people, which another device can keep as it is.
func (rec *entryRecord) movable() bool { return rec.Form != Silent && rec.Form != Unreadable }

// counts tells whether it is one that progress counts.
func (rec *entryRecord) counts() bool { return rec.Form != Text || rec.What == Said }

// movedUpto is the last entry of a room that is handed over; 0 for none: of a key room what the server doesn't have any more.
func (r *room) movedUpto() chat.Seq {
	if r.priv == nil {
		return r.rec.Floor
	}
	return lastSeq - 1
}

// listHistory counts what there is.
func (e *engine) listHistory(t *transfer, answer *tellMessage) error {
	t.rec.Total, t.rec.Moved, t.rec.Bytes = 0, 0, 0
	for _, r := range e.roomsInOrder() {
		n := uint64(0)
		if r.movedUpto() == 0 {
			continue
		}
		err := e.vault.View(func(v Reader) error {
			return v.Scan(TableHistory, entryKey(r.id, 1), entryKey(r.id, r.movedUpto()+1), false, func(_, value []byte) (bool, error) {
				var rec entryRecord
				err := parseRecord(value, &rec)
				if rec.movable() && rec.counts() {
					n++
				}
				return true, err
			})
		})
		if err != nil {
			return err
		}
		if n > 0 {
			answer.Rooms = append(answer.Rooms, movedRoom{Room: r.id, Messages: n})
			t.rec.Total += n
		}
	}
	e.keepTransfer(t)
	return nil
}

// readBatch reads the newest entries before a place.
func (e *engine) readBatch(t *transfer, m *askMessage, answer *tellMessage) error {
	answer.Room = m.Room
	r := e.rooms[m.Room]
	if r == nil || m.Before <= 1 || r.movedUpto() == 0 {
		return nil
	}
	size, seen, more := 0, 0, false
	most := e.maxDeviceData()
	err := e.vault.View(func(v Reader) error {
		return v.Scan(TableHistory, entryKey(r.id, 1), entryKey(r.id, min(m.Before, r.movedUpto()+1)), true, func(key, value []byte) (bool, error) {
			var rec entryRecord
			if err := parseRecord(value, &rec); err != nil {
				return false, err
			}
			_, n := splitKey(key)
			seen++
			if raw := wire.Marshal(rec.moved()); rec.movable() && len(raw) <= most {
				if len(answer.Entries) > 0 && size+len(raw) > min(batchBytes, most) {
					more = true
					return false, nil
				}
				size += len(raw) + 16
				answer.Entries = append(answer.Entries, movedEntry{Seq: chat.Seq(n), Record: raw})
				if rec.counts() {
					t.rec.Moved++
				}
			}
			answer.Next = chat.Seq(n)
			more = len(answer.Entries) == batchEntries || seen == batchScan
			return !more, nil
		})
	})
	if !more {
		answer.Next = 0
	}
	t.rec.Bytes += uint64(size) //nolint:gosec // a size
	return err
}

// maxDeviceData is how many bytes of entries may go to a device at once here: what the server takes, less what stands around them.
func (e *engine) maxDeviceData() int {
	most := wire.MaxDeviceData
	if e.session != nil {
		most = min(most, int(e.session.hello.Limits.Commit))
	}
	return max(most-64<<10, 4<<10)
}

// moved is the record as another device keeps it: what is of this one's log alone stays here.
func (rec *entryRecord) moved() *entryRecord {
	c := *rec
	c.Envelope, c.Hash, c.Raw, c.Moved = [32]byte{}, [32]byte{}, nil, false
	if c.Life = rec.left(time.Now()); rec.Due > 0 && c.Life == 0 {
		c.expire()
	}
	c.Due, c.Read = 0, 0 // the other device has a clock of its own
	return &c
}
