package content

import (
	"math"
	"time"
)

// Expiry says when readers let go of a message (MIMI content §4.1, §5.8). The zero Expiry is never. It is a request: nobody can
// be made to forget.
type Expiry struct {
	Relative bool   // seconds after the reader has read it; otherwise after 1970-01-01 UTC
	Seconds  uint32 // never zero when there is an expiry
}

// MaxRelative bounds a relative expiry; a greater one is nonsense (MIMI content §9.1).
const MaxRelative = 366 * 24 * time.Hour

// After is an expiry some time after reading, in whole seconds, rounded up; at most MaxRelative.
func After(d time.Duration) Expiry {
	d = min(max(d, 1), MaxRelative)
	return Expiry{Relative: true, Seconds: uint32((d + time.Second - 1) / time.Second)} //nolint:gosec // bounded
}

// At is an expiry at a time, in whole seconds, rounded up; between 1970 and 2106.
func At(t time.Time) Expiry {
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return Expiry{Seconds: uint32(min(max(s, 1), math.MaxUint32))} //nolint:gosec // bounded
}

// IsZero reports whether there is no expiry.
func (e Expiry) IsZero() bool { return e == Expiry{} }

// Time is when a message expires whose reader read it at read; zero is not yet. Zero when it doesn't expire, or nobody knows yet.
func (e Expiry) Time(read time.Time) time.Time {
	switch {
	case e.IsZero() || e.Relative && read.IsZero():
		return time.Time{}
	case e.Relative:
		return read.Add(time.Duration(e.Seconds) * time.Second)
	}
	return time.Unix(int64(e.Seconds), 0)
}

// Passed reports whether it has come at now.
func (e Expiry) Passed(now, read time.Time) bool {
	t := e.Time(read)
	return !t.IsZero() && !now.Before(t)
}

// expiry reads [relative, seconds].
func (r *reader) expiry() Expiry {
	r.array(2, 2)
	e := Expiry{Relative: r.boolean(), Seconds: uint32(r.number(math.MaxUint32))} //nolint:gosec // bounded
	r.check(e.fits())
	return e
}

func (e Expiry) fits() bool {
	return e.Seconds > 0 && (!e.Relative || e.Seconds <= uint32(MaxRelative/time.Second))
}

func (e Expiry) append(b []byte) []byte {
	if e.IsZero() {
		return appendNull(b)
	}
	b = appendArray(b, 2)
	relative := uint64(simpleFalse)
	if e.Relative {
		relative = simpleTrue
	}
	return appendNumber(appendHead(b, majorSimple, relative), uint64(e.Seconds))
}
