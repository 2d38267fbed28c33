package hub

import (
	"math"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"huisclos/chat"
)

// takes bounds how fast key packages go away: what one account asks for, and what all ask of one account.
type takes struct {
	mu      sync.Mutex // guards the rest
	askers  map[chat.AccountID]*bucket
	targets map[chat.AccountID]*bucket
}

// How many requests a minute, and at once.
const (
	askerTakes  = 30
	targetTakes = 100
)

// allow takes a token of the asker and one of each target, or none. CodeRate (wait, seconds).
func (t *takes) allow(asker chat.AccountID, targets []chat.AccountID, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.askers == nil {
		t.askers, t.targets = map[chat.AccountID]*bucket{}, map[chat.AccountID]*bucket{}
	}
	all := []*bucket{bucketOf(t.askers, asker, askerTakes)}
	for _, a := range targets {
		if a != asker {
			all = append(all, bucketOf(t.targets, a, targetTakes))
		}
	}
	for _, b := range all {
		b.used = now
		if missing := 1 - b.TokensAt(now); missing > 0 {
			wait := math.Ceil(missing / float64(b.Limit()))
			return chat.Errorf(chat.CodeRate, "wait", strconv.Itoa(int(wait)))
		}
	}
	for _, b := range all {
		b.AllowN(now, 1)
	}
	return nil
}

func bucketOf(buckets map[chat.AccountID]*bucket, a chat.AccountID, aMinute int) *bucket {
	b := buckets[a]
	if b == nil {
		b = &bucket{Limiter: rate.NewLimiter(rate.Limit(float64(aMinute)/60), aMinute)}
		buckets[a] = b
	}
	return b
}

// sweep forgets the buckets that have filled up long ago.
func (t *takes) sweep(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, buckets := range []map[chat.AccountID]*bucket{t.askers, t.targets} {
		for a, b := range buckets {
			if now.Sub(b.used) > bucketLife {
				delete(buckets, a)
			}
		}
	}
}
