package hub

import "sync/atomic"

// counters count since the start.
type counters struct {
	accepted, refused, delivered, frames, slow, batches atomic.Int64
}

// Metrics are counts since the start, without names.
type Metrics struct {
	Accepted  int64 // messages stored
	Refused   int64 // messages not stored
	Batches   int64 // group commits
	Delivered int64 // messages handed to connections
	Frames    int64 // frames handed to connections at the fan-out
	Slow      int64 // times that a reader fell behind and went on from the log
	Sessions  int
}

// Metrics reads the counts.
func (h *Hub) Metrics() Metrics {
	h.mu.RLock()
	n := 0
	for _, s := range h.accounts {
		n += len(s)
	}
	h.mu.RUnlock()
	c := &h.counters
	return Metrics{
		Accepted: c.accepted.Load(), Refused: c.refused.Load(), Batches: c.batches.Load(), Delivered: c.delivered.Load(),
		Frames: c.frames.Load(), Slow: c.slow.Load(), Sessions: n,
	}
}
