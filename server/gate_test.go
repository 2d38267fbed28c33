package server

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"huisclos/chat"
)

// probe is a connection that knows whether it was closed.
type probe struct {
	net.Conn
	closed bool
}

func (p *probe) Close() error { p.closed = true; return nil }

// hours is a clock that the test moves.
type hours struct{ now time.Time }

func (h *hours) pass(d time.Duration) { h.now = h.now.Add(d) }

func newTestGate(most int) (*gate, *hours) {
	h := &hours{now: time.Unix(1_700_000_000, 0)}
	g := newGate(most, 2)
	g.now = func() time.Time { return h.now }
	return g, h
}

func from(n int) netip.Prefix { return origin(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)})) }

func TestTheLargestCrowdGivesWay(t *testing.T) {
	g, clock := newTestGate(10)
	var crowd, others []*probe
	enter := func(n int) (*probe, *visitor) {
		t.Helper()
		p := &probe{}
		v, ok := g.enter(p, from(n))
		if !ok {
			t.Fatal("no place")
		}
		clock.pass(time.Millisecond)
		return p, v
	}
	for range 7 {
		p, _ := enter(1)
		crowd = append(crowd, p)
	}
	for n := range 3 {
		p, _ := enter(2 + n)
		others = append(others, p)
	}
	if _, ok := g.enter(&probe{}, from(99)); ok {
		t.Fatal("somebody gave way within the grace")
	}
	clock.pass(graceSilent)
	for n := range 6 {
		enter(100 + n)
		if !crowd[n].closed || crowd[n+1].closed {
			t.Fatalf("not the oldest of the largest crowd, at %d", n)
		}
	}
	for i, p := range others {
		if p.closed {
			t.Errorf("visitor %d had to give way to a crowd", i)
		}
	}
	if g.waiting() != 10 {
		t.Fatal(g.waiting())
	}
}

func TestTheSilentGiveWayFirst(t *testing.T) {
	g, clock := newTestGate(3)
	probes, visitors := make([]*probe, 3), make([]*visitor, 3)
	for i := range probes {
		probes[i] = &probe{}
		visitors[i], _ = g.enter(probes[i], from(1))
	}
	for _, i := range []int{0, 1} {
		if err := visitors[i].Greeted(); err != nil {
			t.Fatal(err)
		}
		visitors[i].yield()
	}
	clock.pass(graceSilent)
	if _, ok := g.enter(&probe{}, from(1)); !ok || !probes[2].closed {
		t.Fatal("the silent one stayed")
	}
	clock.pass(graceSilent / 2)
	if _, ok := g.enter(&probe{}, from(2)); ok {
		t.Fatal("somebody gave way within the grace")
	}
	clock.pass(graceGreeted)
	if _, ok := g.enter(&probe{}, from(2)); !ok || probes[0].closed {
		t.Fatal("who had said something went before who hadn't")
	}
	if _, ok := g.enter(&probe{}, from(2)); !ok || !probes[0].closed || probes[1].closed {
		t.Fatal("the oldest should have gone")
	}
	if err := visitors[2].Greeted(); !errors.Is(err, net.ErrClosed) {
		t.Fatal("a place that was taken away can be used:", err)
	}
	if visitors[2].leave() || !visitors[1].leave() || visitors[1].leave() {
		t.Fatal("leaving counts wrongly")
	}
}

// TestGateCounts: whatever happens, the number of places in use is right and never over the limit.
func TestGateCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 8).Draw(t, "places")
		g, clock := newTestGate(most)
		var in []*visitor
		left := map[*visitor]bool{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				if v, ok := g.enter(&probe{}, from(rapid.IntRange(1, 3).Draw(t, "from"))); ok {
					in = append(in, v)
				}
			case 1:
				clock.pass(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			case 2:
				if len(in) > 0 {
					v := in[rapid.IntRange(0, len(in)-1).Draw(t, "who")]
					if !left[v] && v.Greeted() == nil {
						v.yield()
					}
				}
			case 3:
				if len(in) > 0 {
					v := in[rapid.IntRange(0, len(in)-1).Draw(t, "who")]
					v.leave()
					left[v] = true
				}
			}
			open := 0
			for _, v := range in {
				if !left[v] && !v.Conn.(*probe).closed {
					open++
				}
			}
			if n := g.waiting(); n != open || n > most {
				t.Fatalf("%d counted, %d are there, %d places", n, open, most)
			}
		}
		for _, v := range in {
			v.leave()
		}
		if g.waiting() != 0 || len(g.crowds) != 0 {
			t.Fatal("something is left behind")
		}
	})
}

func TestFailuresAreForgiven(t *testing.T) {
	clock := &hours{now: time.Unix(1_700_000_000, 0)}
	a := newAttempts(60) // ten at once, one a second
	a.now = func() time.Time { return clock.now }
	for i := range 10 {
		if err := a.allow(from(1)); err != nil {
			t.Fatal(i, err)
		}
		a.fail(from(1))
	}
	wait := func(n int) int {
		t.Helper()
		var e *chat.Error
		if !errors.As(a.allow(from(n)), &e) {
			return 0
		}
		s, err := strconv.Atoi(e.Params["wait"])
		if e.Code != chat.CodeRate || err != nil {
			t.Fatal(e)
		}
		return s
	}
	if wait(1) != 1 || wait(2) != 0 {
		t.Fatal(wait(1), wait(2))
	}
	for range 1000 {
		a.fail(from(1)) // those that were on their way
	}
	if s := wait(1); s != 11 {
		t.Fatalf("has to wait %d seconds", s)
	}
	clock.pass(11 * time.Second)
	if wait(1) != 0 {
		t.Fatal(wait(1))
	}
	clock.pass(time.Minute)
	if a.allow(from(1)) != nil || len(a.failed) != 0 {
		t.Fatal("never forgotten")
	}
	a.set(0)
	for range 100 {
		a.fail(from(1))
	}
	if wait(1) != 0 {
		t.Fatal("without a bound")
	}
}

func TestMemoryForFailuresIsBounded(t *testing.T) {
	clock := &hours{now: time.Unix(1_700_000_000, 0)}
	a := newAttempts(600)
	a.now = func() time.Time { return clock.now }
	for n := range maxAddresses + 10 {
		a.fail(origin(netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})))
	}
	if len(a.failed) > maxAddresses {
		t.Fatal(len(a.failed))
	}
}

func TestOrigin(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":        "192.0.2.7/32",
		"::ffff:192.0.2.7": "192.0.2.7/32",
		"2001:db8:1:2:3::": "2001:db8:1:2::/64",
		"fe80::1%eth0":     "fe80::/64",
	} {
		if got := origin(netip.MustParseAddr(address)).String(); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
	if origin(netip.Addr{}) != (netip.Prefix{}) {
		t.Error("no address")
	}
}

func TestMemoryIsGivenBackWhenAllHaveJoined(t *testing.T) {
	size, at := 0, 0
	for i, c := range []struct{ now, at int }{
		{100, 0},   // too few to matter
		{100, 0},   //
		{400, 0},   //
		{700, 0},   // they still come
		{700, 700}, // nobody more comes: now
		{700, 700}, // once is enough
		{50, 50},   // they have left: those who come next count anew
		{549, 50},  //
		{549, 50},  //
		{1549, 50}, //
		{1549, 1549},
	} {
		if size, at = settle(size, c.now, at); size != c.now || at != c.at {
			t.Fatalf("step %d: %d, %d", i, size, at)
		}
	}
}
