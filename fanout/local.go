package fanout

import (
	"sync"

	"huisclos/chat"
	"huisclos/hub"
)

// Local is the Bus of a server with one node. Wake-ups of one room that come faster than they are heard become one.
type Local struct {
	mu      sync.Mutex // guards what follows
	pending map[chat.RoomID]chat.Seq
	order   []chat.RoomID
	closed  bool

	wake chan struct{} // holds one: something is pending, or it is closed
	done chan struct{} // closed when the subscriber is called no more; nil before Subscribe
}

var _ hub.Bus = (*Local)(nil)

// NewLocal makes one.
func NewLocal() *Local {
	return &Local{pending: map[chat.RoomID]chat.Seq{}, wake: make(chan struct{}, 1)}
}

// Publish implements hub.Bus.
func (l *Local) Publish(w hub.Wakeup) {
	l.mu.Lock()
	head, waiting := l.pending[w.Room]
	if !waiting {
		l.order = append(l.order, w.Room)
	}
	l.pending[w.Room] = max(head, w.Head)
	l.mu.Unlock()
	l.signal()
}

func (l *Local) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Subscribe implements hub.Bus.
func (l *Local) Subscribe(f func(hub.Wakeup)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done != nil || l.closed {
		panic("fanout: Subscribe is called once, before Close")
	}
	l.done = make(chan struct{})
	go l.run(f)
}

func (l *Local) run(f func(hub.Wakeup)) {
	defer close(l.done)
	for range l.wake {
		for {
			w, closed := l.next()
			if closed {
				return
			}
			if w.Head == 0 {
				break
			}
			f(w)
		}
	}
}

// next takes the oldest pending wake-up; its Head is 0 when there is none.
func (l *Local) next() (w hub.Wakeup, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.order) == 0 {
		return hub.Wakeup{}, l.closed
	}
	w = hub.Wakeup{Room: l.order[0], Head: l.pending[l.order[0]]}
	delete(l.pending, w.Room)
	if l.order = l.order[1:]; len(l.order) == 0 {
		l.order = nil
	}
	return w, false
}

// Close implements hub.Bus.
func (l *Local) Close() error {
	l.mu.Lock()
	l.closed = true
	done := l.done
	l.mu.Unlock()
	l.signal()
	if done != nil {
		<-done
	}
	return nil
}
