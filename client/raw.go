package client

import (
	"encoding/binary"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// What the log's entries were, byte for byte, is kept for a while, so that a server whose backup was put back can be given what it has lost
// (docs/protocol.md, section 22).

const (
	rawLife  = 7 * 24 * time.Hour
	rawBytes = 64 << 20  // of envelopes in a profile, unless Config says
	rawSweep = time.Hour // between two looks at what is too old
)

// rawHead is the length of what stands before an envelope: time and kind.
const rawHead = 9

func marshalRaw(entry *wire.Entry) []byte {
	b := make([]byte, 0, rawHead+len(entry.Envelope))
	b = binary.BigEndian.AppendUint64(b, uint64(entry.Time)) //nolint:gosec // two's complement
	b = append(b, byte(entry.Kind))
	return append(b, entry.Envelope...)
}

func parseRaw(b []byte) (wire.Entry, bool) {
	if len(b) <= rawHead {
		return wire.Entry{}, false
	}
	return wire.Entry{Time: int64(binary.BigEndian.Uint64(b)), Kind: chat.EntryKind(b[8]), Envelope: b[rawHead:]}, true //nolint:gosec // two's complement
}

// keepRaw keeps entry n as it came. What is kept has no holes up to the end of what was read: where one would be, it begins anew.
func (e *engine) keepRaw(r *room, n chat.Seq, entry *wire.Entry) {
	if r.rec.RawFirst > 0 && r.rec.RawNext != n {
		e.dropRaw(r)
	}
	if entry.Pruned || time.UnixMilli(entry.Time).Before(time.Now().Add(-rawLife)) {
		e.dropRaw(r)
		return
	}
	if r.rec.RawFirst == 0 {
		r.rec.RawFirst = n
	}
	r.rec.RawNext = n + 1
	r.rec.RawBytes += int64(len(entry.Envelope))
	e.rawBytes += int64(len(entry.Envelope))
	e.stage.set(TableRaw, entryKey(r.id, n), marshalRaw(entry))
	e.touch(r)
	if e.rawBytes > e.cfg.RawBytes || time.Since(e.rawSwept) > rawSweep {
		e.sweepRaw()
	}
}

// sweepRaw forgets what is too old, and of the rooms with the most what is too much. It takes an eighth more, so that this is seldom.
func (e *engine) sweepRaw() {
	e.rawSwept = time.Now()
	cut := e.rawSwept.Add(-rawLife).UnixMilli()
	for _, r := range e.rooms {
		e.cutRaw(r, func(entry *wire.Entry) bool { return entry.Time < cut })
	}
	for e.rawBytes > e.cfg.RawBytes {
		var most *room
		for _, r := range e.rooms {
			if most == nil || r.rec.RawBytes > most.rec.RawBytes {
				most = r
			}
		}
		if most == nil || most.rec.RawFirst == 0 {
			return
		}
		least := most.rec.RawBytes - (e.rawBytes - e.cfg.RawBytes) - e.cfg.RawBytes/8
		e.cutRaw(most, func(*wire.Entry) bool { return most.rec.RawBytes > least })
	}
}

// cutRaw forgets a room's oldest entries while old says so.
func (e *engine) cutRaw(r *room, old func(*wire.Entry) bool) {
	for r.rec.RawFirst > 0 {
		entry, ok := e.rawAt(r, r.rec.RawFirst)
		if ok && !old(&entry) {
			return
		}
		e.remove(TableRaw, entryKey(r.id, r.rec.RawFirst))
		r.rec.RawBytes -= int64(len(entry.Envelope))
		e.rawBytes -= int64(len(entry.Envelope))
		e.touch(r)
		if r.rec.RawFirst++; r.rec.RawFirst >= r.rec.RawNext {
			r.rec.RawFirst, r.rec.RawNext = 0, 0
		}
	}
}

// dropRaw forgets all that is kept of a room.
func (e *engine) dropRaw(r *room) {
	if r.rec.RawFirst == 0 {
		return
	}
	if err := e.clearRoom(TableRaw, r.id); err != nil {
		e.fail(err)
		return
	}
	e.rawBytes -= r.rec.RawBytes
	r.rec.RawFirst, r.rec.RawNext, r.rec.RawBytes = 0, 0, 0
	e.touch(r)
}

// rawAt reads what is kept of entry n.
func (e *engine) rawAt(r *room, n chat.Seq) (wire.Entry, bool) {
	if r.rec.RawFirst == 0 || n < r.rec.RawFirst || n >= r.rec.RawNext {
		return wire.Entry{}, false
	}
	b, err := e.raw(TableRaw, entryKey(r.id, n))
	if err != nil {
		e.fail(err)
		return wire.Entry{}, false
	}
	return parseRaw(b)
}
