package hub

import (
	"context"

	"huisclos/chat"
	"huisclos/wire"
)

// subscription is one session's cursor in a room. At the head it gets the frames that all share; behind, it reads pages of the
// log whenever its connection has room. Guarded by the room's lock.
type subscription struct {
	session *Session
	room    *room
	next    chat.Seq // the next entry to send
	live    bool     // next is head+1 and the connection keeps up
	reading bool     // a goroutine reads the log for it
	gone    bool
}

// subscribe begins a cursor after the entry after, but no further back than tail entries, and answers with Room. False when the roster has
// changed, and must be asked first.
func (r *room) subscribe(s *Session, f *wire.Subscribe) bool {
	r.loadTail(r.hub.ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.roster.admits(s.peer.Account) {
		return false
	}
	r.settle()
	if old := s.subscription(r.id); old != nil {
		r.remove(old)
	}
	after := min(f.After, r.head)
	if f.Tail > 0 && r.head-after > chat.Seq(f.Tail) {
		after = r.head - chat.Seq(f.Tail)
	}
	sub := &subscription{session: s, room: r, next: max(after, r.floor) + 1}
	r.subs = append(r.subs, sub)
	s.setSubscription(r.id, sub)
	r.came(s)
	s.conn.Push(wire.Encode(&wire.Room{Ref: f.Ref, Info: r.infoLocked()}))
	r.advance(sub)
	return true
}

// advance brings a cursor to the head out of memory if it can, else has it read the log. Under r.mu.
func (r *room) advance(sub *subscription) {
	if sub.gone || sub.live || sub.reading {
		return
	}
	if sub.next > r.head {
		sub.live = true
		return
	}
	if first := r.head + 1 - chat.Seq(len(r.tail)); len(r.tail) > 0 && sub.next >= first {
		part := r.tail[sub.next-first:]
		frame := r.cached.frame
		if r.cached.first != sub.next || r.cached.last != r.head {
			before := r.before
			if sub.next > first {
				before = r.tail[sub.next-first-1].hash
			}
			frame = r.entriesFrame(part, before, r.head)
			r.cached = tailFrame{first: sub.next, last: r.head, frame: frame}
		}
		sub.next = r.head + 1
		sub.live = sub.session.conn.Push(frame) <= slowMark
		return
	}
	sub.reading = true
	go r.catchUp(sub)
}

// catchUp sends pages of the log to one reader until it is at the head or its connection is full.
func (r *room) catchUp(sub *subscription) {
	for {
		r.mu.Lock()
		next, first := sub.next, r.head+1-chat.Seq(len(r.tail))
		if sub.gone || next > r.head || len(r.tail) > 0 && next >= first {
			sub.reading = false
			r.advance(sub)
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
		more, err := r.sendPage(r.hub.ctx, sub, next)
		if err != nil {
			r.hub.log.Error("the log can't be read", "room", r.name, "err", err)
			sub.session.conn.Close(wire.Encode(&wire.Bye{Code: codeOf(err).Code}))
		}
		if err != nil || !more {
			return
		}
	}
}

// sendPage sends the page that begins at next, or after what retention has removed meanwhile. more is false when the
// connection is full; Drained goes on then.
func (r *room) sendPage(ctx context.Context, sub *subscription, next chat.Seq) (more bool, err error) {
	page, err := r.hub.store.Entries(ctx, r.id, next-1, batchMessages, pageBytes)
	if err != nil {
		return false, err
	}
	f := &wire.Entries{Room: r.id, Before: page.Before, Head: page.Head, Entries: make([]wire.Entry, 0, len(page.Entries))}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range page.Entries {
		if e.Seq > r.head {
			break // the fan-out sends those
		}
		if len(f.Entries) == 0 {
			f.First = e.Seq
		}
		f.Entries = append(f.Entries, wireEntry(e))
	}
	if len(f.Entries) == 0 { // everything up to the head is gone
		sub.next = r.head + 1
		return true, nil
	}
	sub.next = f.First + chat.Seq(len(f.Entries))
	if sub.session.conn.Push(wire.Encode(f)) >= LowWater {
		sub.reading = false // before the lock is released: Drained may come at once
		return false, nil
	}
	return true, nil
}

// remove ends a cursor. Under r.mu.
func (r *room) remove(sub *subscription) {
	if sub.gone {
		return
	}
	sub.gone = true
	for i, s := range r.subs {
		if s == sub {
			last := len(r.subs) - 1
			r.subs[i] = r.subs[last]
			r.subs[last] = nil
			r.subs = r.subs[:last]
			break
		}
	}
	r.left(sub.session)
}
