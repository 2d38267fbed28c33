package client

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/content"
	"huisclos/wire"
)

// Messages that go by themselves. How long one is there is said by its sender (content.Expiry), and in a private room by the room, whatever the sender says: the
// shorter counts. Each device deletes on its own, by a timer and at its start.
//
// Whose clock? A sender's time of expiry is compared with his own time of writing, which is in the message's ID, so a wrong clock of his cancels out. The time
// runs from when the server entered the message, but never from before its sender wrote it nor from after this device read it: a server that lies about
// the time can neither have a message deleted before its time has passed since it was written, nor kept for longer than that from when it was read. Where this machine's
// clock is set back, what it counted begins anew; where it is ahead of the server's, deletion waits for the server's, but no longer than the message's time once more.

// The bounds of an expiry. What asks for less than the least is there for that long: nothing vanishes before it can be seen.
const (
	MinExpiry = 5 * time.Second
	MaxExpiry = content.MaxRelative
)

// limits are what an entry's time is computed from while it is read.
type limits struct {
	stamped content.Expiry // by its sender
	room    uint32         // seconds; 0: the room has none
	left    uint32         // seconds, as a member tells it of the past; 0: never
}

// isLife tells whether a room's messages may be there for so many seconds.
func isLife(seconds uint32) bool {
	d := time.Duration(seconds) * time.Second
	return seconds == 0 || d >= MinExpiry && d <= MaxExpiry
}

// life is a duration in whole seconds. CodeExpiry when it is beyond the bounds.
func life(d time.Duration) (uint32, error) {
	seconds := uint32(d.Seconds()) //nolint:gosec // checked below
	if d < 0 || d > MaxExpiry || !isLife(seconds) || d > 0 && seconds == 0 {
		return 0, chat.Errorf(chat.CodeExpiry)
	}
	return seconds, nil
}

// expiry is the engine's part of it.
type expiry struct {
	timer *time.Timer
	next  int64 // when the timer fires at the latest, ms since 1970; 0: it has fired
	last  int64 // the clock at the last sweep; 0: there was none
}

// expiryPause is the longest that the timer waits: clocks are changed, and machines sleep.
const expiryPause = time.Minute

// clockSlack is how far clocks may differ before that matters, in ms.
const clockSlack = 60_000

// expiryBatch is how many entries are looked at in one turn.
const expiryBatch = 500

// expiryRecord is when an entry was read, and for how long it is there.
type expiryRecord struct {
	Life uint32 `cbor:"1,keyasint"`
	Read int64  `cbor:"2,keyasint"`
}

func expiryKey(due int64, r chat.RoomID, n chat.Seq) []byte {
	key := binary.BigEndian.AppendUint64(nil, uint64(due)) //nolint:gosec // not negative
	return binary.BigEndian.AppendUint64(append(key, r[:]...), uint64(n))
}

func splitExpiryKey(key []byte) (due int64, r chat.RoomID, n chat.Seq) {
	if len(key) != 8+len(r)+8 {
		return 0, r, 0
	}
	return int64(binary.BigEndian.Uint64(key)), chat.RoomID(key[8 : 8+len(r)]), chat.Seq(binary.BigEndian.Uint64(key[8+len(r):])) //nolint:gosec // made from one
}

// due computes when an entry goes, and for how many seconds it is there then; zeros for never.
func (rec *entryRecord) due(now int64) (due int64, seconds uint32) {
	written := rec.ID.Time().UnixMilli()
	from := min(max(rec.Time, min(written, now)), now)
	limit := func(from, s int64) {
		s = max(s, int64(MinExpiry/time.Second))
		if at := from + s*1000; due == 0 || at < due {
			due, seconds = at, uint32(s) //nolint:gosec // of 32 bits
		}
	}
	switch x := rec.limits.stamped; {
	case x.IsZero():
	case x.Relative:
		limit(now, int64(x.Seconds))
	default:
		limit(from, (int64(x.Seconds)*1000-written)/1000)
	}
	if rec.limits.room > 0 {
		limit(from, int64(rec.limits.room))
	}
	if rec.limits.left > 0 {
		limit(now, int64(rec.limits.left))
	}
	return due, seconds
}

// arm notes when an entry goes. One whose time is over isn't kept at all.
func (e *engine) arm(r *room, n chat.Seq, rec *entryRecord) {
	if rec.Form != Text || rec.Text == "" || rec.Due > 0 {
		return
	}
	now := time.Now().UnixMilli()
	rec.Due, rec.Life = rec.due(now)
	if rec.Due == 0 {
		return
	}
	if rec.Read = now; rec.Due <= now {
		rec.expire()
		return
	}
	e.put(TableExpiry, expiryKey(rec.Due, r.id, n), &expiryRecord{Life: rec.Life, Read: now})
	e.expireSoon(rec.Due)
}

// expireSoon has the timer fire at a time, unless it does before.
func (e *engine) expireSoon(due int64) {
	x := &e.expiry
	if due == 0 || x.next != 0 && x.next <= due {
		return
	}
	x.next = due
	x.timer.Reset(min(max(time.Until(time.UnixMilli(due)), 0), expiryPause))
}

// expire leaves of an entry what the log's checks need.
func (rec *entryRecord) expire() {
	rec.Form, rec.Text, rec.Markdown, rec.Ref, rec.Edited, rec.Raw = Expired, "", false, chat.MessageID{}, 0, nil
	rec.Mentions, rec.Reactions, rec.Reports = nil, nil, nil
	rec.Due, rec.Life, rec.Read = 0, 0, 0
}

// left is how many seconds an entry is still there; 0 for ever, or not any more.
func (rec *entryRecord) left(now time.Time) uint32 {
	if rec.Due <= now.UnixMilli() {
		return 0
	}
	return uint32((rec.Due - now.UnixMilli() + 999) / 1000) //nolint:gosec // at most 32 bits of seconds
}

// blank takes the text out of an entry's record, whose text is elsewhere or nobody's.
func (e *engine) blank(r *room, n chat.Seq) error {
	var rec entryRecord
	key := entryKey(r.id, n)
	if found, err := e.get(TableHistory, key, &rec); err != nil || !found || rec.Text == "" {
		return err
	}
	rec.Text, rec.Mentions = "", nil
	e.put(TableHistory, key, &rec)
	return nil
}

// sweep deletes whatever's time has come.
func (e *engine) sweep() {
	x := &e.expiry
	now := time.Now().UnixMilli()
	if x.last == 0 || now < x.last-clockSlack {
		if err := e.recount(now); err != nil {
			e.fail(err)
			return
		}
	}
	x.last, x.next = now, 0
	next, err := e.sweepEntries(now)
	if err != nil {
		e.fail(err)
		return
	}
	for _, r := range e.rooms {
		for _, o := range slices.Clone(r.outbox) {
			switch {
			case o.rec.Due == 0:
			case o.sealed(): // it is in the log, or it will be known that it isn't
				next = firstTime(next, now+expiryPause.Milliseconds())
			case o.rec.Due <= now:
				e.failed(r, o, chat.Errorf(chat.CodeExpired))
			case next == 0 || o.rec.Due < next:
				next = o.rec.Due
			}
		}
	}
	e.expireSoon(next)
}

// sweepAll does it before anybody can ask for anything.
func (e *engine) sweepAll() {
	for !e.ended {
		e.sweep()
		e.commit()
		if next := e.expiry.next; next == 0 || next > time.Now().UnixMilli() {
			return
		}
	}
}

// serverTime is the clock by which entries go: this machine's or, when it is ahead of the server's, that.
func (e *engine) serverTime(now int64) int64 {
	if e.session == nil {
		return now
	}
	if skew := e.session.skew.Milliseconds(); skew < -clockSlack {
		return now + skew
	}
	return now
}

// sweepEntries expires what is due, and tells when more will be; 0: nothing is left.
func (e *engine) sweepEntries(now int64) (next int64, err error) {
	var due [][]byte
	clock := e.serverTime(now)
	err = e.vault.View(func(v Reader) error {
		return v.Scan(TableExpiry, nil, nil, false, func(key, value []byte) (bool, error) {
			var rec expiryRecord
			if err := parseRecord(value, &rec); err != nil {
				return false, err
			}
			at, _, _ := splitExpiryKey(key)
			wait := at > clock && now < at+int64(rec.Life)*1000
			switch {
			case at > now:
				next = firstTime(next, at)
				return false, nil
			case wait:
				next = firstTime(next, now+expiryPause.Milliseconds())
			case len(due) == expiryBatch:
				next = now
				return false, nil
			default:
				due = append(due, key)
			}
			return true, nil
		})
	})
	for _, key := range due {
		if err != nil {
			return 0, err
		}
		_, id, n := splitExpiryKey(key)
		e.remove(TableExpiry, key)
		if r := e.rooms[id]; r != nil {
			err = e.expireEntry(r, n)
		}
	}
	return next, err
}

func firstTime(a, b int64) int64 {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// recount begins anew with what was read at a time that hasn't come yet: this machine's clock was set back, and nothing may stay for longer by that than once more its time.
func (e *engine) recount(now int64) error {
	type moved struct {
		key []byte
		rec expiryRecord
	}
	var all []moved
	err := e.vault.View(func(v Reader) error {
		return v.Scan(TableExpiry, nil, nil, false, func(key, value []byte) (bool, error) {
			var rec expiryRecord
			if err := parseRecord(value, &rec); err != nil {
				return false, err
			}
			if rec.Read > now+clockSlack {
				all = append(all, moved{key, rec})
			}
			return true, nil
		})
	})
	for _, m := range all {
		if err != nil {
			break
		}
		_, id, n := splitExpiryKey(m.key)
		m.rec.Read = now
		due := now + int64(m.rec.Life)*1000
		e.remove(TableExpiry, m.key)
		var rec entryRecord
		var found bool
		if found, err = e.get(TableHistory, entryKey(id, n), &rec); err != nil || !found || rec.Due == 0 {
			continue
		}
		rec.Due, rec.Read = due, now
		e.put(TableHistory, entryKey(id, n), &rec)
		e.put(TableExpiry, expiryKey(due, id, n), &m.rec)
	}
	return err
}

// expireEntry deletes an entry's text, and every copy of it.
func (e *engine) expireEntry(r *room, n chat.Seq) error {
	var rec entryRecord
	key := entryKey(r.id, n)
	if err := e.expireCopies(r, n); err != nil {
		return err
	}
	found, err := e.get(TableHistory, key, &rec)
	if err != nil || !found || rec.Form != Text {
		return err
	}
	for _, x := range rec.Reactions {
		at, err := e.placeOf(r, x.ID)
		if err == nil && at != 0 {
			err = e.blank(r, at)
		}
		if err != nil {
			return err
		}
	}
	if rec.What != Said {
		if err := e.forgetLate(r, rec.Ref, n); err != nil {
			return err
		}
	}
	e.untell(r)
	said := rec.What == Said
	rec.expire()
	e.put(TableHistory, key, &rec)
	if said {
		e.emit(Updated{Message: e.message(r, n, &rec)})
	}
	return nil
}

// expireCopies deletes what else there is of an entry: what a server has lost, and envelopes that the key, which is here, would open again. Those of a private
// room can't be opened: their keys were used up.
func (e *engine) expireCopies(r *room, n chat.Seq) error {
	if r.priv == nil {
		e.cutRaw(r, func(*wire.Entry) bool { return r.rec.RawFirst <= n })
	}
	var rec entryRecord
	key := entryKey(r.id, n)
	if found, err := e.get(TableLost, key, &rec); err != nil || !found || rec.Due == 0 || rec.Due > time.Now().UnixMilli() {
		return err
	}
	e.remove(TableLost, key)
	return nil
}

// untell takes back what of the past waits to be told: what has expired may be in it. Who has asked asks again.
func (e *engine) untell(r *room) {
	for _, o := range slices.Clone(r.outbox) {
		if o.rec.Kind == innerPast && !o.sealed() {
			e.forget(r, o)
		}
	}
}

// forgetLate takes the entry at n out of what waits for a message that isn't here.
func (e *engine) forgetLate(r *room, about chat.MessageID, n chat.Seq) error {
	var late []lateRecord
	key := messageKey(r.id, about)
	if found, err := e.get(TableLate, key, &late); err != nil || !found {
		return err
	}
	if late = slices.DeleteFunc(late, func(l lateRecord) bool { return l.Seq == n }); len(late) == 0 {
		e.remove(TableLate, key)
		return nil
	}
	e.put(TableLate, key, late)
	return nil
}

// takeExtras takes what stands beside a text.
func (v *verdict) takeExtras(m *content.Message) {
	v.rec.limits.stamped = m.Expires
	for _, at := range m.Mentions {
		v.rec.Mentions = append(v.rec.Mentions, mentionRecord{Start: uint32(at.Start), End: uint32(at.End), Account: at.Account}) //nolint:gosec // within a message
	}
}

// compose makes the content of a draft: with the mentions in its text, and when it goes.
func (e *engine) compose(r *room, d *Draft, rec *outboxRecord) error {
	m := d.message()
	if d.What == Said || d.What == Edited {
		m.Mentions = e.findMentions(r, m.Text)
	}
	seconds, err := life(d.Expires)
	if err != nil {
		return err
	}
	from := rec.ID.Time()
	switch {
	case d.What == Said:
		if rule := r.expiry(); rule > 0 && (seconds == 0 || rule < seconds) {
			seconds = rule
		}
	case d.What == Edited: // as its original
		var original entryRecord
		at, err := e.placeOf(r, d.Ref)
		if err == nil && at != 0 {
			_, err = e.get(TableHistory, entryKey(r.id, at), &original)
		}
		if err != nil {
			return err
		}
		from, seconds = d.Ref.Time(), original.Life
		rec.Due = original.Due
	default:
		seconds = 0
	}
	if seconds > 0 {
		m.Expires = content.At(from.Add(time.Duration(seconds) * time.Second))
		if d.What == Said {
			rec.Due = rec.ID.Time().UnixMilli() + int64(seconds)*1000
		}
	}
	rec.Content, err = m.Marshal()
	return err
}

// expiry is how long the messages of a room are there, in seconds; 0: for ever.
func (r *room) expiry() uint32 {
	if r.priv == nil {
		return 0
	}
	return r.priv.state.Expiry
}

// adorn composes a plain text, where it is more than that.
func (e *engine) adorn(r *room, rec *outboxRecord) {
	if r.expiry() == 0 && len(e.findMentions(r, rec.Text)) == 0 {
		return
	}
	d := Draft{Text: rec.Text}
	if err := e.compose(r, &d, rec); err != nil {
		e.cfg.Log.Warn("a message goes without its mentions and its expiry", "err", err)
		rec.Content, rec.Due = nil, 0
	}
}

// SetExpiry implements API.
func (c *Client) SetExpiry(ctx context.Context, in string, after time.Duration) error {
	return c.change(ctx, in, "", func(e *engine, r *room, _ chat.AccountID, answer func(error)) {
		e.wantState(r, answer, func(s roomState) (roomState, error) {
			if s.role(e.id.account()) != RoleOwner && !s.Direct {
				return s, chat.Errorf(chat.CodeRole, "name", r.rec.Name)
			}
			seconds, err := life(after)
			s.Expiry = seconds
			return s, err
		})
	})
}
