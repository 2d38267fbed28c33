package client

import (
	"context"
	"sync"
)

// broadcast gives events to any number of readers, none of which can hold up the client:
// a reader that is maxBehind events behind loses them and is told so.
type broadcast struct {
	mu      sync.Mutex // guards everything below and the readers' queues
	readers map[*reader]struct{}
	over    bool
}

// maxBehind is how many events wait for one reader.
const maxBehind = 1 << 16

// reader is one stream of events.
type reader struct {
	queue  []Event
	missed int
	wake   chan struct{} // holds a token when there is something to do
}

func newBroadcast() *broadcast { return &broadcast{readers: make(map[*reader]struct{})} }

// publish gives an event to everyone.
func (b *broadcast) publish(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for r := range b.readers {
		if len(r.queue) >= maxBehind {
			r.missed += len(r.queue)
			r.queue = nil
		}
		r.queue = append(r.queue, e)
		r.signal()
	}
}

// end closes every stream once it is read to its end.
func (b *broadcast) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	for r := range b.readers {
		r.signal()
	}
}

func (r *reader) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// subscribe begins a stream; its goroutine ends with ctx, or after end. last, if it isn't nil, is
// the only event of a stream that begins after the end.
func (b *broadcast) subscribe(ctx context.Context, last func() Event) <-chan Event {
	r := &reader{wake: make(chan struct{}, 1)}
	out := make(chan Event)
	b.mu.Lock()
	if b.over {
		r.queue = append(r.queue, last())
		r.signal()
	}
	b.readers[r] = struct{}{}
	b.mu.Unlock()
	go b.serve(ctx, r, out)
	return out
}

func (b *broadcast) serve(ctx context.Context, r *reader, out chan<- Event) {
	defer close(out)
	defer func() {
		b.mu.Lock()
		delete(b.readers, r)
		b.mu.Unlock()
	}()
	for {
		batch, over := b.take(r)
		for _, e := range batch {
			select {
			case out <- e:
			case <-ctx.Done():
				return
			}
		}
		if len(batch) > 0 {
			continue
		}
		if over {
			return
		}
		select {
		case <-r.wake:
		case <-ctx.Done():
			return
		}
	}
}

// take empties a reader's queue.
func (b *broadcast) take(r *reader) (batch []Event, over bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.missed > 0 {
		batch = append(batch, Missed{Events: r.missed})
		r.missed = 0
	}
	batch = append(batch, r.queue...)
	r.queue = nil
	return batch, b.over
}
