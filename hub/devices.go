package hub

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"huisclos/chat"
	"huisclos/wire"
)

// Data between two devices of one account: handed on while both are connected to this node, and never kept.

const (
	handedRate  = 8 << 20 // bytes a second of one account
	handedBurst = 4 << 20
	// handedWaiting is how much may wait at a connection before it is given more from another device.
	handedWaiting = 2 << 20
)

// handed are the buckets of the accounts that hand something on, in bytes.
type handed struct {
	mu      sync.Mutex // guards buckets
	buckets map[chat.AccountID]*bucket
}

// wait takes tokens for a number of bytes, and waits for them. It returns an error only when ctx ends.
func (h *handed) wait(ctx context.Context, a chat.AccountID, n int) error {
	now := time.Now()
	h.mu.Lock()
	if len(h.buckets) > 0 && h.buckets[a] == nil {
		for other, b := range h.buckets {
			if now.Sub(b.used) > bucketLife {
				delete(h.buckets, other)
			}
		}
	}
	b := h.buckets[a]
	if b == nil {
		if h.buckets == nil {
			h.buckets = map[chat.AccountID]*bucket{}
		}
		b = &bucket{Limiter: rate.NewLimiter(handedRate, handedBurst)}
		h.buckets[a] = b
	}
	b.used = now
	h.mu.Unlock()
	if b.AllowN(now, n) {
		return nil
	}
	return b.WaitN(ctx, n)
}

// toDevice hands data to another live device of the same account. CodeDeviceAway when there is none here, which is also said of other accounts' devices; CodeRate (wait)
// when it doesn't read fast enough.
func (s *Session) toDevice(f *wire.ToDevice) ([]byte, error) {
	if err := s.hub.handed.wait(s.ctx, s.peer.Account, len(f.Data)); err != nil {
		return nil, chat.Errorf(chat.CodeRate, "wait", "1").Because(err)
	}
	s.hub.mu.RLock()
	to := s.hub.sessions[f.Device]
	s.hub.mu.RUnlock()
	if to == nil || to == s || to.over() || to.peer.Account != s.peer.Account {
		return nil, chat.Errorf(chat.CodeDeviceAway)
	}
	if to.conn.Push() > handedWaiting {
		return nil, chat.Errorf(chat.CodeRate, "wait", "1")
	}
	to.conn.Push(wire.Encode(&wire.FromDevice{Device: s.peer.Device, Data: f.Data}))
	return wire.Encode(&wire.Done{Ref: f.Ref}), nil
}
