package hub

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"huisclos/chat"
)

// rates are the token buckets of the accounts, shared by all of an account's connections and kept for a while after
// the last of them, so that connecting again doesn't fill one up.
type rates struct {
	mu      sync.Mutex // guards buckets
	buckets map[chat.AccountID]*bucket
}

type bucket struct {
	*rate.Limiter
	used time.Time
}

// bucketLife is how long a bucket that nobody uses is kept.
const bucketLife = 10 * time.Minute

// wait takes a token for one message, and waits for it. It returns an error only when ctx ends.
func (r *rates) wait(ctx context.Context, a chat.AccountID, l Limits) error {
	return r.waitFor(ctx, a, l, 0)
}

// waitFor is wait for something of a size in bytes: it takes a token for as much as one message may hold.
func (r *rates) waitFor(ctx context.Context, a chat.AccountID, l Limits, size int) error {
	if l.Rate <= 0 {
		return nil
	}
	n := 1
	if l.Message > 0 {
		n = min(1+size/l.Message, max(1, l.Burst))
	}
	r.mu.Lock()
	b := r.buckets[a]
	if b == nil {
		if r.buckets == nil {
			r.buckets = map[chat.AccountID]*bucket{}
		}
		b = &bucket{Limiter: rate.NewLimiter(rate.Limit(l.Rate), max(1, l.Burst))}
		r.buckets[a] = b
	}
	b.used = time.Now()
	r.mu.Unlock()
	if b.AllowN(time.Now(), n) {
		return nil
	}
	return b.WaitN(ctx, n)
}

// sweep forgets the buckets that have filled up long ago.
func (r *rates) sweep(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for a, b := range r.buckets {
		if now.Sub(b.used) > bucketLife {
			delete(r.buckets, a)
		}
	}
}

// forget begins anew, under other limits.
func (r *rates) forget() {
	r.mu.Lock()
	r.buckets = nil
	r.mu.Unlock()
}
