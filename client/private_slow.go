package client

import (
	"context"
	"slices"
	"strconv"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// Slow mode: the seconds that a plain member lets pass between two new texts, on all his devices together. His own client keeps the next one back; the server refuses one that comes
// sooner; and readers don't show it, by the server's times in the log, which are the same for all. A server that lies about times can have somebody's text
// held back so, but not unnoticed: it is shown to all, and to him, that something was.

// textRecord is when the newest text of an account came that counts for slow mode.
type textRecord struct {
	At int64 `cbor:"70,keyasint"` // the server's time, ms since 1970
}

func textKey(r chat.RoomID, a chat.AccountID) []byte { return append(r[:len(r):len(r)], a[:]...) }

// tooSoon is how much of slow mode must have passed between the times of two texts in the log, in ms: nine tenths, so that who kept to it by his own clock is never held back.
func (s *roomState) tooSoon() int64 { return int64(s.Slow) * 900 }

// slow judges a text that was read, by what the log says of its author's texts before. One that isn't shown doesn't count for the next.
func (e *engine) slow(r *room, v *verdict) {
	s := &r.priv.state
	if v.rec.Form != Text || v.rec.What != Said {
		return
	}
	held := func() { v.refuse(chat.CodeSlowMode, nil, "name", e.people.name(v.rec.Account)) }
	if v.service { // it said to the server that it isn't a text
		held()
		return
	}
	if !s.slows(v.rec.Account) {
		return
	}
	var last textRecord
	key := textKey(r.id, v.rec.Account)
	found, err := e.get(TableTexts, key, &last)
	if err != nil {
		e.fail(err)
		return
	}
	if found && v.rec.Time-last.At < s.tooSoon() {
		held()
		return
	}
	e.put(TableTexts, key, &textRecord{At: v.rec.Time})
}

// slowUntil is when our next text may go, by our clock; zero when slow mode doesn't bind us.
func (e *engine) slowUntil(r *room) (time.Time, error) {
	p, me := r.priv, e.id.account()
	if !p.state.slows(me) {
		return time.Time{}, nil
	}
	wait := time.Duration(p.state.Slow) * time.Second
	until := p.hold
	var last textRecord
	found, err := e.get(TableTexts, textKey(r.id, me), &last)
	if found && e.session != nil {
		if t := time.UnixMilli(last.At).Add(wait - e.session.skew); t.After(until) {
			until = t
		}
	}
	if most := time.Now().Add(wait); until.After(most) { // whatever the server says of its clock
		until = most
	}
	return until, err
}

// texted notes that the server has taken a text of ours.
func (e *engine) texted(r *room, o *outgoing) {
	if p := r.priv; p != nil && o.isText() && p.state.slows(e.id.account()) {
		p.hold = time.Now().Add(time.Duration(p.state.Slow) * time.Second)
	}
}

// passHeld puts what slow mode doesn't keep back before the texts that wait, which keep their order.
func (e *engine) passHeld(r *room) {
	if r.priv == nil || !r.priv.state.slows(e.id.account()) {
		return
	}
	rank := func(o *outgoing) int {
		switch {
		case o.sealed():
			return 0
		case !o.isText():
			return 1
		}
		return 2
	}
	r.outbox = slices.Clone(r.outbox)
	slices.SortStableFunc(r.outbox, func(a, b *outgoing) int { return rank(a) - rank(b) })
}

// held tells whether a text of ours has to wait; when it can go it is tried again by itself.
func (e *engine) held(r *room, o *outgoing) bool {
	p := r.priv
	until, err := e.slowUntil(r)
	if err != nil {
		e.fail(err)
		return true
	}
	if !p.state.slows(e.id.account()) {
		return false
	}
	if slices.ContainsFunc(r.outbox, func(x *outgoing) bool { return x.isText() && x.sealed() && x.rec.Acked == 0 }) {
		return true // when it came is what counts
	}
	wait := time.Until(until)
	if wait <= 0 {
		return false
	}
	if p.heldIn != e.session || !p.heldUntil.Equal(until) {
		p.heldIn, p.heldUntil = e.session, until
		e.afterwards(r, wait, func() { e.pump(r) })
	}
	if p.heldID != o.rec.ID {
		p.heldID = o.rec.ID
		e.emit(Held{Room: r.rec.Name, ID: o.rec.ID, Until: until, Queued: r.texts()})
	}
	return true
}

// texts counts the texts that wait.
func (r *room) texts() (n int) {
	for _, o := range r.outbox {
		if o.isText() && !o.sealed() {
			n++
		}
	}
	return n
}

// waitOf is how long a refusal says to wait, at most what slow mode may be.
func waitOf(err *chat.Error) time.Duration {
	n, e := strconv.Atoi(err.Params["wait"])
	if e != nil || n < 1 || n > wire.MaxSlow {
		n = 1
	}
	return time.Duration(n) * time.Second
}

// viewWaiting adds what is waited for to a room's view.
func (e *engine) viewWaiting(r *room, v *RoomView) {
	if v.Pending = r.rec.Private.Nameless; r.rec.Private.Wanted != nil && !r.priv.ask.id.IsZero() {
		v.Missing = r.priv.ask.missing
	}
	v.Slow = time.Duration(r.priv.state.Slow) * time.Second
	if until, err := e.slowUntil(r); err == nil && time.Until(until) > 0 {
		v.SlowUntil = until
	}
}

// SetSlow implements API.
func (c *Client) SetSlow(ctx context.Context, in string, wait time.Duration) error {
	return c.change(ctx, in, "", func(e *engine, r *room, _ chat.AccountID, answer func(error)) {
		e.wantState(r, answer, func(s roomState) (roomState, error) {
			switch seconds := wait / time.Second; {
			case s.Direct:
				return s, chat.Errorf(chat.CodeNotPrivate, "name", r.rec.Name)
			case s.role(e.id.account()) == Plain:
				return s, chat.Errorf(chat.CodeRole, "name", r.rec.Name)
			case wait < 0 || wait > 0 && seconds == 0 || seconds > wire.MaxSlow:
				return s, chat.Errorf(chat.CodeTooLarge, "limit", "1 s … 1 h")
			default:
				s.Slow = uint32(seconds) //nolint:gosec // bounded
			}
			return s, nil
		})
	})
}
