package hub

import (
	"context"
	"errors"
	"sync"

	"huisclos/chat"
	"huisclos/wire"
)

// appender is where the messages of all sessions meet. While the store commits one batch, the next one gathers: that is the
// group commit. What is durable goes on to deliver, in order: acknowledgements, then the wake-up.
type appender struct {
	hub *Hub

	mu      sync.Mutex // guards what follows
	waiting []Submission
	senders []*Session // of waiting, one each
	closed  bool
	wake    chan struct{} // holds one: something waits, or it is closed
	done    chan batch    // what deliver takes
	over    chan struct{} // closed when everything is delivered
}

// batch is what one Append did.
type batch struct {
	submissions []Submission
	senders     []*Session
	outcomes    []Outcome
	err         *chat.Error // of all of it
}

// The bounds of one batch: beyond them the gain is small and the others wait longer.
const (
	batchMessages = 1024
	batchBytes    = 4 << 20
)

func newAppender(h *Hub) *appender {
	return &appender{hub: h, wake: make(chan struct{}, 1), done: make(chan batch, 1), over: make(chan struct{})}
}

// submit puts a message into the next batch. False when the hub closes.
func (a *appender) submit(s *Session, sub Submission) bool {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return false
	}
	a.waiting = append(a.waiting, sub)
	a.senders = append(a.senders, s)
	a.mu.Unlock()
	a.signal()
	return true
}

func (a *appender) signal() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// take cuts the next batch off.
func (a *appender) take() (b batch, closed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, bytes := 0, 0
	for n < len(a.waiting) && n < batchMessages && (n == 0 || bytes+a.waiting[n].size() <= batchBytes) {
		bytes += a.waiting[n].size()
		n++
	}
	b.submissions, b.senders = a.waiting[:n:n], a.senders[:n:n]
	if a.waiting, a.senders = a.waiting[n:], a.senders[n:]; len(a.waiting) == 0 {
		a.waiting, a.senders = nil, nil
	} else {
		a.signal()
	}
	return b, a.closed
}

// run is the goroutine that appends.
func (a *appender) run() {
	defer close(a.done)
	for range a.wake {
		b, closed := a.take()
		if len(b.submissions) == 0 {
			if closed {
				return
			}
			continue
		}
		var err error
		b.outcomes, err = a.hub.store.Append(context.WithoutCancel(a.hub.ctx), b.submissions)
		if err != nil {
			b.err = codeOf(err)
			a.hub.log.Error("messages can't be stored", "messages", len(b.submissions), "err", err)
		}
		a.done <- b
		if closed {
			a.signal() // to look once more, and end
		}
	}
}

// codeOf is what others may know of an error of the store.
func codeOf(err error) *chat.Error {
	var e *chat.Error
	if errors.As(err, &e) {
		return &chat.Error{Code: e.Code, Params: e.Params}
	}
	return chat.Errorf(chat.CodeStorage)
}

// deliver is the goroutine that tells what became of the batches.
func (a *appender) deliver() {
	defer close(a.over)
	for b := range a.done {
		a.hub.counters.batches.Add(1)
		var grown []Wakeup
		if b.err == nil {
			grown = a.stage(b) // before the acknowledgements: who reads after one of them finds the message
		}
		a.answer(b)
		a.expel(b)
		a.invite(b)
		for _, w := range grown {
			a.hub.bus.Publish(w)
		}
	}
}

// size is what a message takes in memory, roughly.
func (s *Submission) size() int { return len(s.Envelope) + s.Change.size() }

// answer sends the acknowledgements, those of one session in one go, before anything is fanned out.
func (a *appender) answer(b batch) {
	var frames [][]byte
	for i, s := range b.senders {
		frames = append(frames, a.reply(&b, i))
		if i+1 < len(b.senders) && b.senders[i+1] == s {
			continue
		}
		s.answered(frames)
		frames = nil
	}
}

// reply is the answer to one message.
func (a *appender) reply(b *batch, i int) []byte {
	sub := &b.submissions[i]
	err := b.err
	if err == nil {
		err = b.outcomes[i].Err
	}
	if err != nil {
		a.hub.counters.refused.Add(1)
		return wire.Encode(&wire.Failure{ID: sub.ID, Code: err.Code, Params: err.Params})
	}
	a.hub.counters.accepted.Add(1)
	o := &b.outcomes[i]
	return wire.Encode(&wire.Ack{Room: sub.Room, ID: sub.ID, Seq: o.Seq, Time: o.At.UnixMilli(), Hash: o.Hash})
}

// stage hands what was stored to its rooms, so that the fan-out needn't read it again, and returns the wake-ups for them.
func (a *appender) stage(b batch) (grown []Wakeup) {
	fresh := map[chat.RoomID][]logged{}
	var order []chat.RoomID
	for i := range b.submissions {
		o := &b.outcomes[i]
		if o.Err != nil || o.Duplicate {
			continue
		}
		sub := &b.submissions[i]
		if o.Roster {
			a.hub.rosterChanged(sub.Room)
		}
		if fresh[sub.Room] == nil {
			order = append(order, sub.Room)
		}
		fresh[sub.Room] = append(fresh[sub.Room], logged{Entry{Seq: o.Seq, At: o.At, Kind: sub.Kind, Envelope: sub.Envelope}, o.Hash})
	}
	for _, id := range order {
		entries := fresh[id]
		if r, err := a.hub.room(id); err == nil {
			r.stage(entries)
			r.refill.end()
		}
		grown = append(grown, Wakeup{Room: id, Head: entries[len(entries)-1].Seq})
	}
	return grown
}

// close refuses new messages and waits until the others are delivered.
func (a *appender) close(ctx context.Context) error {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.signal()
	select {
	case <-a.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
