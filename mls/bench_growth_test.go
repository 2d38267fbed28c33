package mls

import "testing"

// How the cost grows with the group: the same in a warm group of 5,000 and in one of 100, in turns.

// pair is two members of a group: one acts, the other follows.
type pair struct {
	b          testing.TB
	alice, bob *Group
	sent       [][]byte
}

func newPair(b testing.TB, members int) *pair {
	w := worldOf(b, benchCase{fiveThousand.suite, members}, members)
	return &pair{b: b, alice: w.member(b, 0), bob: w.member(b, LeafIndex(w.tree.size()/2))}
}

func (p *pair) commit() {
	c := ok(p.alice.Commit(CommitOptions{}, noSavePending))(p.b)
	p.sent = [][]byte{c.Message()}
	if err := c.Accept(noSave); err != nil {
		p.b.Fatal(err)
	}
}

func (p *pair) process() { process(p.b, p.bob, p.sent[0]) }

func (p *pair) send() {
	p.sent = nil
	for range batch {
		p.sent = append(p.sent, ok(p.alice.Protect(make([]byte, 256), nil, noSaveMessage))(p.b))
	}
}

func (p *pair) receive() {
	for _, m := range p.sent {
		v := ok(p.bob.Open(ok(ParseMessage(m))(p.b)))(p.b).(*ApplicationMessage)
		ok(v.Accept(noSaveMessage))(p.b)
	}
}

// growth measures the first or the second of two steps, which do something so many times.
func growth(b *testing.B, first, second func(*pair), measureSecond bool, times float64) {
	b.Run(fiveThousand.name(), func(b *testing.B) {
		small, large := newPair(b, 100), newPair(b, fiveThousand.n)
		var one, two samples
		for range b.N {
			one.take(func() { first(small) }, func() { first(large) })
			two.take(func() { second(small) }, func() { second(large) })
		}
		s := one
		if measureSecond {
			s = two
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(median(s.op)/1e3/times, "µs")
		b.ReportMetric(median(s.floor)/1e3/times, "µs-100")
		b.ReportMetric(median(s.op)/median(s.floor), "x/100")
	})
}

func BenchmarkGrowthCommit(b *testing.B)    { growth(b, (*pair).commit, (*pair).process, false, 1) }
func BenchmarkGrowthProcess(b *testing.B)   { growth(b, (*pair).commit, (*pair).process, true, 1) }
func BenchmarkGrowthProtect(b *testing.B)   { growth(b, (*pair).send, (*pair).receive, false, batch) }
func BenchmarkGrowthUnprotect(b *testing.B) { growth(b, (*pair).send, (*pair).receive, true, batch) }
