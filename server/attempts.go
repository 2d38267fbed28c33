package server

import (
	"net/netip"
	"strconv"
	"sync"
	"time"

	"huisclos/chat"
)

// attempts slows down addresses whose logins fail: each may fail so many times a minute, and no more
// than that at once. Logins that succeed cost nothing, so that a restarted server gets everybody back at once.
type attempts struct {
	now func() time.Time

	mu     sync.Mutex // guards the rest
	minute int        // failures a minute; 0: no bound
	failed map[netip.Prefix]failures
}

// failures is a leaking bucket.
type failures struct {
	level float64 // failures not yet forgiven
	at    time.Time
}

// maxAddresses bounds the memory for failures. Beyond it the forgiven are forgotten, and then everybody.
const maxAddresses = 1 << 16

func newAttempts(minute int) *attempts {
	return &attempts{now: time.Now, minute: minute, failed: make(map[netip.Prefix]failures)}
}

// set changes the bound.
func (a *attempts) set(minute int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.minute = minute
}

// allow returns CodeRate (wait, seconds) when the address has to wait.
func (a *attempts) allow(from netip.Prefix) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.minute <= 0 {
		return nil
	}
	f := a.leak(from)
	if over := f.level - float64(a.burst()); over >= 0 {
		wait := 1 + int(over*60/float64(a.minute))
		return chat.Errorf(chat.CodeRate, "wait", strconv.Itoa(wait))
	}
	return nil
}

// burst is how many failures are forgiven at once: ten seconds' worth.
func (a *attempts) burst() int { return max(1, a.minute/6) }

// fail counts one.
func (a *attempts) fail(from netip.Prefix) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.minute <= 0 {
		return
	}
	if len(a.failed) >= maxAddresses {
		a.forget()
	}
	f := a.leak(from)
	f.level = min(f.level+1, float64(2*a.burst())) // nobody waits longer than some ten seconds
	a.failed[from] = f
}

// leak is the bucket as it is now. a.mu is held.
func (a *attempts) leak(from netip.Prefix) failures {
	now := a.now()
	f, ok := a.failed[from]
	if !ok {
		return failures{at: now}
	}
	f.level -= now.Sub(f.at).Seconds() * float64(a.minute) / 60
	f.at = now
	if f.level <= 0 {
		delete(a.failed, from)
		f.level = 0
	}
	return f
}

// forget makes room. a.mu is held.
func (a *attempts) forget() {
	for from := range a.failed {
		a.leak(from)
	}
	if len(a.failed) >= maxAddresses {
		clear(a.failed)
	}
}
