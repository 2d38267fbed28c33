package client

import "sync"

// outqueue holds frames for the goroutine that writes them, so that the engine never waits
// for the network. The window of messages under way bounds it.
type outqueue struct {
	mu     sync.Mutex // guards everything below
	frames [][]byte
	wake   chan struct{} // holds a token when there is something to do
	closed bool
}

func newOutqueue() *outqueue { return &outqueue{wake: make(chan struct{}, 1)} }

func (q *outqueue) add(frames [][]byte) {
	q.mu.Lock()
	q.frames = append(q.frames, frames...)
	q.mu.Unlock()
	q.signal()
}

// close lets the writer end once everything is written.
func (q *outqueue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

func (q *outqueue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// next waits for frames; none means closed.
func (q *outqueue) next() [][]byte {
	for {
		q.mu.Lock()
		frames, closed := q.frames, q.closed
		q.frames = nil
		q.mu.Unlock()
		if len(frames) > 0 || closed {
			return frames
		}
		<-q.wake
	}
}
