package client

import (
	"bytes"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// After a restored backup the server has less than we have read. While it takes back what it lacks, we say what we have, and give it when we are asked; then the room goes on as if
// nothing had happened. What the server does with it is checked like any other log.

// refilling is how far that is in a room, in this session.
type refilling struct {
	phase    wire.RefillPhase // as the server last told; 0: it takes nothing back
	refused  bool             // what we have isn't taken any more
	lacking  int              // entries that we have and the server hadn't; 0: it has all
	upto     chat.Seq         // our last claim reaches to here
	claiming bool             // a claim isn't answered yet
	told     bool             // Refilling was told
	disputed bool             // RefillConflict was
	waits    int              // in a row for the room's roster
}

func (f *refilling) held() bool { return f.phase == wire.RefillHeld }

// serverRestored takes the server's word that it works on a backup.
func (e *engine) serverRestored(f *wire.Restored) {
	e.session.restored = f
	if bytes.Equal(e.restoredTold, e.self.Incarnation) {
		return
	}
	e.restoredTold = e.self.Incarnation
	e.emit(*e.restoredView())
}

// restoredView is what the server says of that now; nil: nothing.
func (e *engine) restoredView() *ServerRestored {
	if e.session == nil || e.session.restored == nil {
		return nil
	}
	return &ServerRestored{Backup: e.backupTime(), Until: time.UnixMilli(e.session.restored.Until)}
}

// backupTime is of when the server's backup is, as it says.
func (e *engine) backupTime() time.Time {
	if s := e.session; s != nil && s.restored != nil && s.restored.At != 0 {
		return time.UnixMilli(s.restored.At)
	}
	return time.Time{}
}

// offer tells a restored server what we have of a room that it lacks. False when it takes nothing back: then it is rolled back. last is the newest entry that we know of.
func (e *engine) offer(r *room, info *wire.RoomInfo, last chat.Seq) bool {
	f := &r.refill
	if e.session.restored == nil || f.phase == 0 || f.phase == wire.RefillOver || f.refused {
		return false
	}
	if hash, known, err := e.knownHash(r, info.Head); err != nil || known && hash != info.HeadHash {
		return false // it has something else there
	}
	if !e.claim(r, info.Head) && f.phase == wire.RefillOpen {
		return false // we have nothing to give, and nobody else gives anything
	}
	r.phase = asked                                 // what it pushes meanwhile we have
	if f.lacking = int(last - info.Head); !f.told { //nolint:gosec // a count
		f.told = true
		e.emit(Refilling{Room: r.rec.Name, Messages: f.lacking, Backup: e.backupTime()})
	}
	return true
}

// reckon is H of an entry that we have read, or of one of ours after those that was acknowledged.
func (e *engine) reckon(r *room, n chat.Seq) (hash [32]byte, ok bool) {
	if n <= r.rec.Seq {
		hash, ok, _ = e.knownHash(r, n)
		return hash, ok
	}
	hash = r.rec.Hash
	for i := r.rec.Seq + 1; i <= n; i++ {
		if _, hash, ok = e.kept(r, i, hash); !ok {
			return hash, false
		}
	}
	return hash, true
}

// kept is an entry beyond the server's head as we would give it, with its H: one that we have read, or the next one that was acknowledged to us.
func (e *engine) kept(r *room, n chat.Seq, before [32]byte) (entry wire.Entry, hash [32]byte, ok bool) {
	if n <= r.rec.Seq {
		entry, ok = e.rawAt(r, n)
	} else {
		for _, o := range r.outbox {
			if o.rec.Acked == n && o.sealed() {
				entry, ok = wire.Entry{Time: o.rec.AckedAt, Kind: chat.Content, Envelope: o.rec.Envelope}, true
			}
		}
	}
	if !ok {
		return entry, hash, false
	}
	hash = wire.Chain(before, n, wire.HashEnvelope(entry.Envelope))
	if known, have, err := e.knownHash(r, n); err != nil || have && known != hash {
		return entry, hash, false
	}
	return entry, hash, true
}

// claim says what we have after the server's head; false when that is nothing that could be given now.
func (e *engine) claim(r *room, head chat.Seq) bool {
	f := &r.refill
	before, known := e.reckon(r, head)
	if f.claiming || !known {
		return f.claiming // others have what comes before
	}
	frame := &wire.Claim{Room: r.id, After: head, Before: before, Head: r.rec.Seq}
	hash := before
	for n := head + 1; len(frame.Marks) < wire.MaxMarks; n++ {
		entry, next, ok := e.kept(r, n, hash)
		if !ok {
			break
		}
		hash = next
		frame.Marks = append(frame.Marks, wire.Mark(hash, entry.Time, entry.Kind))
	}
	if len(frame.Marks) == 0 {
		return false
	}
	f.claiming, f.upto = true, head+chat.Seq(len(frame.Marks))
	frame.Head = max(frame.Head, f.upto)
	e.ask(func(ref uint64) []byte {
		frame.Ref = ref
		return wire.Encode(frame)
	}, func(answer wire.Frame, err *chat.Error) {
		f.claiming = false
		state, ok := answer.(*wire.Refill)
		switch {
		case e.session == nil || f != &r.refill || f.lacking == 0:
		case ok:
			e.refilled(state)
		case err != nil && err.Code == chat.CodeRate:
			e.afterwards(r, storageHold, func() { e.resubscribe(r) })
		case err != nil && err.Code == chat.CodeConflict: // its head isn't that any more
			e.resubscribe(r)
		default:
			f.refused = true
			e.resubscribe(r)
		}
	})
	return true
}

// resubscribe looks at the server's log anew.
func (e *engine) resubscribe(r *room) {
	if r.phase != asked || e.session == nil || r.refill.lacking == 0 {
		return
	}
	r.phase, r.pending, r.bytes = idle, nil, 0
	e.subscribe(r)
}

// refilled takes the server's word on how far the refilling of a room is.
func (e *engine) refilled(state *wire.Refill) {
	r := e.rooms[state.Room]
	if r == nil || e.session == nil {
		return
	}
	f := &r.refill
	held := f.held()
	f.phase = state.Phase
	if state.Phase == wire.RefillOver {
		f.refused = true
	}
	if state.Conflict > 0 && !f.disputed {
		f.disputed = true
		e.emit(RefillConflict{Room: r.rec.Name, Seq: state.Conflict})
	}
	switch {
	case f.lacking == 0 && held && !f.held():
		e.wake(r)
		e.repair(r)
	case f.lacking == 0 || r.phase != asked:
	case f.held() && state.Head < max(r.rec.Seq, r.rec.Acked):
		if state.Head >= f.upto {
			e.claim(r, state.Head)
		}
	default:
		e.resubscribe(r)
	}
}

// restored is reached when the server has everything that we had read.
func (e *engine) restored(r *room) {
	if n := r.refill.lacking; n > 0 {
		r.refill.lacking = 0
		e.emit(Refilled{Room: r.rec.Name, Messages: n})
	}
}

// heldBack tells whether nothing is sent to a room because a restored server waits for what members give back, and says so once when something waits.
func (e *engine) heldBack(r *room) bool {
	f := &r.refill
	if !f.held() {
		return false
	}
	if !f.told && r.waiting() {
		f.told = true
		e.emit(Refilling{Room: r.rec.Name, Backup: e.backupTime()})
	}
	return true
}

// giveBack gives the entries that the server asks for, a piece at a time.
func (e *engine) giveBack(want *wire.WantEntries) {
	r := e.rooms[want.Room]
	if r == nil || r.refill.lacking == 0 {
		return
	}
	before, known := e.reckon(r, want.After)
	if !known {
		return
	}
	give := &wire.Give{Room: r.id, First: want.After + 1}
	size := 0
	for n := give.First; n <= want.Upto && len(give.Entries) < wire.MaxMarks; n++ {
		entry, hash, ok := e.kept(r, n, before)
		if !ok {
			break
		}
		if size += len(entry.Envelope); size > wire.MaxGive && len(give.Entries) > 0 {
			break
		}
		before = hash
		give.Entries = append(give.Entries, entry)
	}
	if len(give.Entries) == 0 {
		return
	}
	session := e.session
	e.ask(func(ref uint64) []byte {
		give.Ref = ref
		return wire.Encode(give)
	}, func(_ wire.Frame, err *chat.Error) {
		after := want.After + chat.Seq(len(give.Entries))
		if err == nil && e.session == session && after < want.Upto {
			e.giveBack(&wire.WantEntries{Room: r.id, After: after, Upto: want.Upto})
		}
	})
}
