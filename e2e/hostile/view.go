package main

import (
	"bytes"

	"huisclos/chat"
	"huisclos/wire"
)

// view is the log of a room as one member is shown it: the true one up to base, and then what the server makes of it, with a hash chain that fits.
type view struct {
	base   chat.Seq
	hash   [32]byte // at base
	last   chat.Seq // the true log is read so far
	shown  []shown
	late   *wire.Entry // to be shown after the next one
	newest chat.Seq    // commit of the true log
	lied   bool
	acks   []*wire.Ack // that wait for their entry, whose hash isn't the true one
}

// shown is one entry as it is shown; of is the true one that it stands for.
type shown struct {
	wire.Entry
	of   chat.Seq
	hash [32]byte
}

// rule is what happens to the next entry of a kind.
type rule struct {
	what string // drop, prune, change, repeat, reorder
	kind chat.EntryKind
}

func (v *view) head() chat.Seq { return v.base + chat.Seq(len(v.shown)) }

func (v *view) hashAt(m chat.Seq) [32]byte {
	if m <= v.base {
		return v.hash
	}
	return v.shown[m-v.base-1].hash
}

// add shows an entry.
func (v *view) add(e wire.Entry, of chat.Seq) {
	envelope := wire.HashEnvelope(e.Envelope)
	if e.Pruned {
		envelope = [32]byte(e.Envelope)
	}
	v.shown = append(v.shown, shown{e, of, wire.Chain(v.hashAt(v.head()), v.head()+1, envelope)})
}

// toShown is where a true entry stands.
func (v *view) toShown(n chat.Seq) chat.Seq {
	if n <= v.base {
		return n
	}
	m := v.base
	for i, s := range v.shown {
		if s.of == n {
			return v.base + chat.Seq(i) + 1 //nolint:gosec // a count
		}
		if s.of < n {
			m = v.base + chat.Seq(i) + 1 //nolint:gosec // a count
		}
	}
	if n > v.last {
		m += n - v.last
	}
	return m
}

// commit is where the last commit up to a true one stands: what was left out never was.
func (v *view) commit(n chat.Seq) chat.Seq {
	if !v.lied {
		return n
	}
	for m := len(v.shown) - 1; m >= 0; m-- {
		if v.shown[m].of <= n && v.shown[m].Kind == chat.Commit {
			return v.base + chat.Seq(m) + 1 //nolint:gosec // a count
		}
	}
	return v.base
}

// onto is what a commit of the member goes on from.
func (v *view) onto(m chat.Seq) chat.Seq {
	if v.lied && m == v.commit(v.last) {
		return max(v.newest, v.toTrue(m))
	}
	return v.toTrue(m)
}

// toTrue is what stands there.
func (v *view) toTrue(m chat.Seq) chat.Seq {
	switch {
	case m <= v.base:
		return m
	case m <= v.head():
		return v.shown[m-v.base-1].of
	}
	return v.last + m - v.head()
}

// take reads a frame of the true log, and returns what is shown of it; nil: nothing.
func (v *view) take(f *wire.Entries, next func(*wire.Entry) string) *wire.Entries {
	if v.last == 0 {
		v.base, v.hash, v.last = f.First-1, f.Before, f.First-1
	}
	from := v.head()
	if f.First <= v.last {
		from = min(from, v.toShown(f.First-1))
	}
	for i := range f.Entries {
		n := f.First + chat.Seq(i) //nolint:gosec // a count
		if n > v.last {
			v.last = n
			if f.Entries[i].Kind == chat.Commit {
				v.newest = n
			}
			v.one(n, f.Entries[i], next)
		}
	}
	if v.head() == from || from < v.base {
		if from < v.base {
			return f
		}
		return nil
	}
	out := &wire.Entries{Type: f.Type, Room: f.Room, First: from + 1, Before: v.hashAt(from), Head: v.head()}
	for _, s := range v.shown[from-v.base:] {
		out.Entries = append(out.Entries, s.Entry)
	}
	return out
}

// one shows an entry as the next rule for it says.
func (v *view) one(n chat.Seq, e wire.Entry, next func(*wire.Entry) string) {
	late := v.late
	v.late = nil
	what := next(&e)
	v.lied = v.lied || what != ""
	switch what {
	case "drop":
	case "prune":
		hash := wire.HashEnvelope(e.Envelope)
		e.Pruned, e.Envelope = true, hash[:]
		v.add(e, n)
	case "change":
		e.Envelope = bytes.Clone(e.Envelope)
		e.Envelope[len(e.Envelope)-1] ^= 1
		v.add(e, n)
	case "repeat":
		v.add(e, n)
		v.add(e, n)
	case "reorder":
		v.late = &e
	default:
		v.add(e, n)
	}
	if late != nil {
		v.add(*late, n)
	}
}
