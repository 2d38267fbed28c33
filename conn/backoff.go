package conn

import (
	"math/rand/v2"
	"time"
)

// Backoff spaces attempts to connect: each wait is drawn evenly from zero to a bound that
// doubles up to Max. Full jitter is what keeps a thousand clients of a restarted server from
// coming back in waves. The zero value is usable; it belongs to one goroutine.
type Backoff struct {
	Min time.Duration // the first bound; 0: half a second
	Max time.Duration // 0: a minute

	bound time.Duration
}

// Next is how long to wait before the next attempt.
func (b *Backoff) Next() time.Duration {
	least, most := b.Min, b.Max
	if least <= 0 {
		least = 500 * time.Millisecond
	}
	if most <= 0 {
		most = time.Minute
	}
	if b.bound < least {
		b.bound = least
	}
	b.bound = min(b.bound, most)
	wait := time.Duration(rand.Int64N(int64(b.bound) + 1)) //nolint:gosec // jitter
	b.bound *= 2                                           // at most 2·Max
	return wait
}

// Reset begins anew, after an attempt that succeeded.
func (b *Backoff) Reset() { b.bound = 0 }
