package client

import (
	"context"
	"slices"

	"huisclos/chat"
	"huisclos/wire"
)

// Going on with a room of which the server has lost something for good: others have written over it, or nobody gave it back. What we had read there stays on this device, as lost;
// the room goes on from the last entry that the server's log and ours have in common.

// nothing is what findCommon finds where not even the first entry that we have is in the log.
const nothing = lastSeq

// findCommon finds that entry and calls f, with nothing when there is none. ok is false when that can't be known now.
func (e *engine) findCommon(r *room, f func(common chat.Seq, ok bool)) {
	if !r.rec.Anchored || e.session == nil {
		f(0, false)
		return
	}
	low := r.rec.Base
	e.same(r, r.rec.Seq, func(at chat.Seq, same, ok bool) {
		switch {
		case !ok:
			f(0, false)
		case same:
			f(at, true)
		default:
			e.same(r, low, func(_ chat.Seq, same, ok bool) {
				switch {
				case !ok:
					f(0, false)
				case !same:
					f(nothing, true)
				default:
					e.bisect(r, low, at, f)
				}
			})
		}
	})
}

// bisect goes on between low, which is in common, and high, which isn't.
func (e *engine) bisect(r *room, low, high chat.Seq, f func(chat.Seq, bool)) {
	if high-low <= 1 {
		f(low, true)
		return
	}
	middle := low + (high-low)/2
	e.same(r, middle, func(_ chat.Seq, same, ok bool) {
		switch {
		case !ok:
			f(0, false)
		case same:
			e.bisect(r, middle, high, f)
		default:
			e.bisect(r, low, middle, f)
		}
	})
}

// same asks whether the server's log is ours up to an entry, or up to its head if that comes first; at says which.
func (e *engine) same(r *room, n chat.Seq, f func(at chat.Seq, same, ok bool)) {
	e.ask(func(ref uint64) []byte {
		return wire.Encode(&wire.Read{Ref: ref, Room: r.id, After: n, Limit: 1})
	}, func(frame wire.Frame, _ *chat.Error) {
		page, ok := frame.(*wire.Page)
		if !ok || page.Room != r.id || r.rec.StopCode == "" {
			f(0, false, false)
			return
		}
		at := min(n, page.Head)
		if len(page.Entries) > 0 && page.First > at+1 { // cut by retention since
			f(at, true, true)
			return
		}
		hash, known, err := e.knownHash(r, at)
		f(at, err == nil && known && hash == page.Before, true)
	})
}

// maxTail is how many entries a room's lost tail may have; what is before is left as it is.
const maxTail = 20_000

// setAside moves what we have read after an entry from the history to what is lost, and returns it, oldest first.
func (e *engine) setAside(r *room, common chat.Seq) []entryRecord {
	var tail []entryRecord
	err := e.vault.View(func(v Reader) error {
		_, to := roomRange(r.id)
		return v.Scan(TableHistory, entryKey(r.id, common+1), to, true, func(key, value []byte) (bool, error) {
			var rec entryRecord
			if err := parseRecord(value, &rec); err != nil {
				return false, err
			}
			e.stage.set(TableHistory, key, nil)
			e.stage.set(TableUnread, key, nil)
			if rec.Form == Text && rec.What == Said {
				e.stage.set(TableLost, key, value)
			}
			if !rec.ID.IsZero() {
				e.stage.set(TablePlaces, messageKey(r.id, rec.ID), nil)
			}
			tail = append(tail, rec)
			return len(tail) < maxTail, nil
		})
	})
	if err != nil {
		e.fail(err)
	}
	slices.Reverse(tail)
	r.rec.Lost = true
	e.touch(r)
	return tail
}

// tellLost tells, once the log is read to its head, what isn't in it any more. What is there again, because it was sent anew, is forgotten.
func (e *engine) tellLost(r *room) {
	if !r.rec.Lost {
		return
	}
	r.rec.Lost = false
	e.touch(r)
	lost, err := e.lostMessages(r)
	if err != nil {
		e.fail(err)
	}
	if len(lost) == 0 {
		return
	}
	e.emit(MessagesLost{Room: r.rec.Name, Messages: lost[max(0, len(lost)-MaxLostTold):], Total: len(lost)})
}

// lostMessages reads what a server has lost of a room.
func (e *engine) lostMessages(r *room) (lost []Message, err error) {
	var keys [][]byte
	var records []entryRecord
	err = e.vault.View(func(v Reader) error {
		from, to := roomRange(r.id)
		return v.Scan(TableLost, from, to, false, func(key, value []byte) (bool, error) {
			var rec entryRecord
			err := parseRecord(value, &rec)
			keys, records = append(keys, key), append(records, rec)
			return true, err
		})
	})
	for i := range records {
		var at chat.Seq
		if err == nil {
			at, err = e.placeOf(r, records[i].ID)
		}
		if err != nil {
			return nil, err
		}
		if at > 0 || r.find(records[i].ID) != nil {
			e.remove(TableLost, keys[i])
			continue
		}
		_, n := splitKey(keys[i])
		lost = append(lost, e.message(r, chat.Seq(n), &records[i]))
	}
	return lost, err
}

// Lost implements API.
func (c *Client) Lost(ctx context.Context, name string) ([]Message, error) {
	return do(ctx, c, func(e *engine) ([]Message, error) {
		r, err := e.room(name)
		if err != nil {
			return nil, err
		}
		return e.lostMessages(r)
	})
}

// Lost implements API.
func (r *Remote) Lost(ctx context.Context, room string) ([]Message, error) {
	return call[[]Message](ctx, r, "lost", roomArgs{Room: room})
}
