package content

import (
	"math"
	"testing"
	"time"
)

func TestExpiryIsMade(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	for name, c := range map[string]struct{ got, want Expiry }{
		"an hour":          {After(time.Hour), Expiry{true, 3600}},
		"rounded up":       {After(1500 * time.Millisecond), Expiry{true, 2}},
		"at least":         {After(0), Expiry{true, 1}},
		"at most":          {After(math.MaxInt64), Expiry{true, 366 * 24 * 3600}},
		"a time":           {At(at), Expiry{false, 1_800_000_000}},
		"a time, upwards":  {At(at.Add(1)), Expiry{false, 1_800_000_001}},
		"before the epoch": {At(time.Time{}), Expiry{false, 1}},
		"beyond 2106":      {At(time.Unix(1<<33, 0)), Expiry{false, math.MaxUint32}},
	} {
		if c.got != c.want || !c.got.fits() {
			t.Errorf("%s: %+v", name, c.got)
		}
	}
}

func TestExpiryPasses(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	var unread time.Time
	for name, c := range map[string]struct {
		e         Expiry
		now, read time.Time
		want      bool
	}{
		"never":         {Expiry{}, at, at, false},
		"before":        {At(at), at.Add(-1), unread, false},
		"at the time":   {At(at), at, unread, true},
		"not read yet":  {After(time.Second), at, unread, false},
		"just read":     {After(time.Second), at, at, false},
		"a second past": {After(time.Second), at.Add(time.Second), at, true},
	} {
		if got := c.e.Passed(c.now, c.read); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
