package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"huisclos/keys"
)

// room is a crowd around one server, ours or a yardstick: one sender, and receivers that call back.
type room struct {
	p       *process
	send    func(number uint64) error
	size    int                                 // receivers
	arrived atomic.Pointer[func(number uint64)] // what a delivery is told to
	close   func()
}

func (o *room) tell(number uint64) {
	if f := o.arrived.Load(); f != nil {
		(*f)(number)
	}
}

// frameSize is that of an Entries frame with one message of 200 bytes of text, so that the yardsticks carry as much.
const frameSize = 780

// ourRoom fills a durable server's lobby.
func (r *run) ourRoom(ctx context.Context, n int) (*room, error) {
	p, err := r.huisclos(true)
	if err != nil {
		return nil, err
	}
	link, err := keys.ParseLink(p.lines["link"])
	if err != nil {
		return nil, err
	}
	o := &room{p: p, size: n}
	members, err := crowd(ctx, link, 0, n, func(m *member) error { return m.enter(0, 0) })
	if err != nil {
		return nil, err
	}
	sender := newMember(link.Key.Server(), n)
	if err := sender.login(ctx, link); err != nil {
		return nil, err
	}
	go sender.receive(func(uint64) {}) // acknowledgements
	for _, m := range members {
		go m.receive(o.tell)
	}
	o.send = func(number uint64) error { return sender.link.Write(sender.post(number, sealedSize)) }
	o.close = func() { closeAll(append(members, sender)); p.stop() }
	return o, nil
}

// yardstickRoom does the same with a yardstick.
func (r *run) yardstickRoom(fan string, n int) (*room, error) {
	p, err := r.spawn(r.self, "yardstick", "-fan", fan)
	if err != nil {
		return nil, err
	}
	o := &room{p: p, size: n}
	all := make([]*bare, n)
	var g errgroup.Group
	g.SetLimit(8)
	for i := range all {
		g.Go(func() (err error) {
			all[i], err = dialBare(p.lines["listening"])
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, b := range all[1:] {
		go b.receive(o.tell)
	}
	first := all[0] // the sender receives too
	go first.receive(o.tell)
	o.send = func(number uint64) error { return first.post(number, frameSize-4) }
	o.close = func() {
		for _, b := range all {
			_ = b.Close()
		}
		p.stop()
	}
	return o, nil
}

// load is what a stretch of messages cost.
type load struct {
	deliveries int64
	cpu, wall  time.Duration
	writes     int64
	delays     []time.Duration // from the send to the last delivery, one for each message
}

func (l load) cpuPerMillion() float64 { return l.cpu.Seconds() / float64(l.deliveries) * 1e6 }
func (l load) perWrite() float64      { return float64(l.deliveries) / float64(max(1, l.writes)) }
func (l load) quantile(q float64) time.Duration {
	s := slices.Sorted(slices.Values(l.delays))
	return s[min(len(s)-1, int(q*float64(len(s))))]
}

// drive sends n messages: window at a time, or, with a rate, so many a second. A message has landed when all have it.
func (o *room) drive(n, window, rate int) (load, error) {
	sent := make([]time.Time, n)
	left := make([]atomic.Int32, n)
	landed := make([]time.Duration, n)
	for i := range left {
		left[i].Store(int32(o.size)) //nolint:gosec // some thousands
	}
	free := make(chan struct{}, window+n) // nobody who tells waits
	for range window {
		free <- struct{}{}
	}
	var wg sync.WaitGroup
	wg.Add(n)
	arrived := func(number uint64) {
		if number < uint64(n) && left[number].Add(-1) == 0 { //nolint:gosec // positive
			landed[number] = time.Since(sent[number])
			wg.Done()
			free <- struct{}{}
		}
	}
	o.arrived.Store(&arrived)
	cpu, writes, begin := o.p.cpu(), o.p.writes(), time.Now()
	for i := range n {
		if rate > 0 {
			time.Sleep(time.Until(begin.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		} else {
			<-free
		}
		sent[i] = time.Now()
		if err := o.send(uint64(i)); err != nil { //nolint:gosec // positive
			return load{}, err
		}
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		return load{}, fmt.Errorf("messages went missing")
	}
	return load{
		deliveries: int64(n) * int64(o.size), cpu: o.p.cpu() - cpu, wall: time.Since(begin), writes: o.p.writes() - writes, delays: landed,
	}, nil
}

// fanout: 1,000 members of a durable room, as fast as it goes with windows that let servers gather writes, and at a fixed rate.
func fanout(r *run) ([]row, error) {
	ctx := context.Background()
	const n = 1000
	ours, err := r.ourRoom(ctx, n)
	if err != nil {
		return nil, err
	}
	defer ours.close()
	queue, err := r.yardstickRoom("queue", n)
	if err != nil {
		return nil, err
	}
	defer queue.close()
	var rows []row
	for _, c := range []struct{ count, window, rate int }{{1000, 1, 0}, {4000, 8, 0}, {8000, 64, 0}, {5000, 0, 500}} {
		w, err := compare(ours, queue, r.scale(c.count), c.window, c.rate)
		if err != nil {
			return nil, err
		}
		rows = append(rows, w)
	}
	return rows, nil
}

// compare drives both and compares CPU time for a delivery. The budget holds at equal messages for each write, so it isn't
// checked where the yardstick gathered more.
func compare(ours, other *room, count, window, rate int) (row, error) {
	for _, o := range []*room{ours, other} { // warm
		if _, err := o.drive(max(10, count/20), max(window, 1), rate); err != nil {
			return row{}, err
		}
	}
	a, err := ours.drive(count, window, rate)
	if err != nil {
		return row{}, err
	}
	b, err := other.drive(count, window, rate)
	if err != nil {
		return row{}, err
	}
	what := fmt.Sprintf("fan-out, 1,000 members, durable, window %d", window)
	if rate > 0 {
		what = fmt.Sprintf("fan-out, 1,000 members, durable, %d messages/s", rate)
	}
	show := func(l load) string {
		return fmt.Sprintf("%.2f CPU-s/M, %.0f k/s, %.1f per write, p99 %s", l.cpuPerMillion(),
			float64(l.deliveries)/l.wall.Seconds()/1000, l.perWrite(), l.quantile(.99).Round(100*time.Microsecond))
	}
	return row{what: what, ours: show(a), yardstick: show(b), ratio: a.cpuPerMillion() / b.cpuPerMillion(), most: 1.3, note: "coalescing TLS"}, nil
}

// latency: light load, from the send to the last of 100, beside one write for each delivery.
func latency(r *run) ([]row, error) {
	const n = 100
	ours, err := r.ourRoom(context.Background(), n)
	if err != nil {
		return nil, err
	}
	defer ours.close()
	other, err := r.yardstickRoom("direct", n)
	if err != nil {
		return nil, err
	}
	defer other.close()
	a, err := ours.drive(r.scale(1000), 0, 50)
	if err != nil {
		return nil, err
	}
	b, err := other.drive(r.scale(1000), 0, 50)
	if err != nil {
		return nil, err
	}
	show := func(l load) string {
		return fmt.Sprintf("p50 %s, p99 %s", l.quantile(.5).Round(10*time.Microsecond), l.quantile(.99).Round(10*time.Microsecond))
	}
	return []row{{
		what: "latency to the last of 100, 50 messages/s, durable", ours: show(a), yardstick: show(b),
		ratio: float64(a.quantile(.99)) / float64(b.quantile(.99)), most: 1.5, note: "p99; direct TLS, which doesn't store",
	}}, nil
}
