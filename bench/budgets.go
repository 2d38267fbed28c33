package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"huisclos/chat"
	"huisclos/keys"
	"huisclos/wire"
)

// start: from the beginning of the process to "listening", and the memory of a server that nobody uses.
func start(r *run) ([]row, error) {
	var times []time.Duration
	var rss int64
	for range 9 {
		p, err := r.huisclos(true)
		if err != nil {
			return nil, err
		}
		settle(context.Background(), p)
		times, rss = append(times, p.started), p.rss()
		p.stop()
	}
	slices.Sort(times)
	mid := times[len(times)/2]
	return []row{
		{what: "start to listening, with a data folder", ours: mid.Round(time.Millisecond).String(), yardstick: "100 ms", ratio: float64(mid) / float64(100*time.Millisecond), most: 1, note: "median of 9"},
		{what: "memory when idle", ours: fmt.Sprintf("%.1f MiB", float64(rss)/(1<<20)), yardstick: "40 MiB", ratio: float64(rss) / (40 << 20), most: 1},
	}, nil
}

// keyRoom runs seal's own benchmark, which times the primitives beside each call.
func keyRoom(*run) ([]row, error) {
	out, err := exec.Command("go", "test", "-run", "^$", "-bench", "^BenchmarkMessage$", "./seal").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", out, err)
	}
	line := regexp.MustCompile(`BenchmarkMessage/(\w+)\S*\s+\d+.*?([\d.]+) floor-ns\s+([\d.]+) ours-ns\s+([\d.]+) ratio`)
	var rows []row
	for _, m := range line.FindAllStringSubmatch(string(out), -1) {
		floor, _ := strconv.ParseFloat(m[2], 64)
		ours, _ := strconv.ParseFloat(m[3], 64)
		ratio, _ := strconv.ParseFloat(m[4], 64)
		what := map[string]string{"seal": "key room: seal and sign 200 bytes", "open": "key room: open and verify 200 bytes"}[m[1]]
		rows = append(rows, row{what: what, ours: fmt.Sprintf("%.1f µs", ours/1000), yardstick: fmt.Sprintf("%.1f µs", floor/1000), ratio: ratio, most: 1.2, note: "the primitives"})
	}
	if len(rows) != 2 {
		return nil, fmt.Errorf("unexpected output: %s", out)
	}
	return rows, nil
}

// join: the server's CPU for connect, TLS, login and the lobby's last 100 messages, beside the bare TLS handshake's.
func join(r *run) ([]row, error) {
	ctx := context.Background()
	p, err := r.huisclos(true)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	link, err := keys.ParseLink(p.lines["link"])
	if err != nil {
		return nil, err
	}
	first := newMember(link.Key.Server(), 99_999)
	if err := first.login(ctx, link); err != nil {
		return nil, err
	}
	defer first.link.Close()
	go first.receive(func(uint64) {})
	for i := range 100 {
		if err := first.link.Write(first.post(uint64(i), sealedSize)); err != nil { //nolint:gosec // small
			return nil, err
		}
	}
	n := r.scale(1000)
	members, err := crowd(ctx, link, 0, n, nil) // they enrol: that is measured apart
	if err != nil {
		return nil, err
	}
	closeAll(members)
	settle(ctx, p)
	y, err := r.spawn(r.self, "yardstick", "-fan", "direct")
	if err != nil {
		return nil, err
	}
	defer y.stop()
	const rounds = 3
	ours, floor := p.cpu(), y.cpu()
	for range rounds {
		for _, m := range members { // in turn, so that the machine's moods are the same for both
			if err := m.login(ctx, link); err != nil {
				return nil, err
			}
			if err := m.enter(0, 100); err != nil {
				return nil, err
			}
			_ = m.link.Close()
			b, err := dialBare(y.lines["listening"])
			if err != nil {
				return nil, err
			}
			_ = b.Close()
		}
	}
	settle(ctx, p)
	ours, floor = p.cpu()-ours, y.cpu()-floor
	per := func(d time.Duration) string {
		return fmt.Sprintf("%.0f µs CPU", float64(d.Microseconds())/float64(rounds*n))
	}
	return []row{{what: "join: TLS, login, last 100 messages", ours: per(ours), yardstick: per(floor), ratio: float64(ours) / float64(floor), most: 1.5, note: "bare TLS handshake"}}, nil
}

// durable: messages accepted a second, acknowledged after the commit, 64 in flight, beside bare SQLite in the same groups.
func durable(r *run) ([]row, error) {
	ctx := context.Background()
	p, err := r.huisclos(true)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	link, err := keys.ParseLink(p.lines["link"])
	if err != nil {
		return nil, err
	}
	const window = 64
	n := r.scale(200_000)
	m := newMember(link.Key.Server(), 1)
	if err := m.login(ctx, link); err != nil {
		return nil, err
	}
	defer m.link.Close()
	frames := make([][]byte, n)
	for i := range frames {
		frames[i] = m.post(uint64(i), 256) //nolint:gosec // small
	}
	acked, failure := make(chan int, window), make(chan error, 1)
	go countAcks(m, n, acked, failure)
	cpu, begin := p.cpu(), time.Now()
	flying, next, done := 0, 0, 0
	for done < n {
		for flying < window && next < n {
			k := min(window-flying, n-next)
			if err := m.link.Write(frames[next : next+k]...); err != nil {
				return nil, err
			}
			next, flying = next+k, flying+k
		}
		select {
		case k := <-acked:
			for more := true; more; { // what has come by now, in one go
				flying, done = flying-k, done+k
				select {
				case k = <-acked:
				default:
					more = false
				}
			}
		case err := <-failure:
			return nil, err
		}
	}
	rate := float64(n) / time.Since(begin).Seconds()
	used := p.cpu() - cpu
	bareRate, err := bareSQLite(r.dir, n/4, window, len(frames[0]))
	if err != nil {
		return nil, err
	}
	return []row{
		{what: "durable messages/s, 64 in flight", ours: fmt.Sprintf("%.0f", rate), yardstick: "50,000", ratio: rate / 50_000, most: 1, least: true, note: fmt.Sprintf("%.1f CPU-s per million", used.Seconds()/float64(n)*1e6)},
		{what: "the same beside bare SQLite, 64 rows a transaction", ours: fmt.Sprintf("%.0f", rate), yardstick: fmt.Sprintf("%.0f", bareRate), ratio: rate / bareRate, most: .5, least: true},
	}, nil
}

func countAcks(m *member, n int, acked chan<- int, failure chan<- error) {
	for seen := 0; seen < n; {
		raw, err := m.link.Read()
		if err != nil {
			failure <- err
			return
		}
		switch {
		case len(raw) > 1 && raw[1] == byte(wire.TypeAck):
			seen++
			acked <- 1
		case len(raw) > 1 && (raw[1] == byte(wire.TypeFailure) || raw[1] == byte(wire.TypeBye)):
			f, err := wire.Decode(raw)
			if e, ok := f.(interface{ Err() *chat.Error }); ok {
				err = e.Err()
			}
			failure <- err
			return
		}
	}
}

// memory: resident bytes for each idle, authenticated connection that has entered the lobby.
func memory(r *run) ([]row, error) {
	ctx := context.Background()
	p, err := r.huisclos(false)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	link, err := keys.ParseLink(p.lines["link"])
	if err != nil {
		return nil, err
	}
	warm, err := crowd(ctx, link, 50_000, 100, func(m *member) error { return m.enter(0, 0) })
	if err != nil {
		return nil, err
	}
	defer closeAll(warm)
	settle(ctx, p)
	before := p.rss()
	n := r.scale(5000)
	members, err := crowd(ctx, link, 0, n, func(m *member) error { return m.enter(0, 0) })
	if err != nil {
		return nil, err
	}
	defer closeAll(members)
	var wg sync.WaitGroup
	for _, m := range append(members, warm...) {
		wg.Go(func() { m.receive(func(uint64) {}) })
	}
	settle(ctx, p)
	now := p.rss()
	time.Sleep(time.Duration(r.scale(60)) * time.Second) // what is let go is given back within a minute or so
	settled := p.rss()
	kib := func(b int64) float64 { return float64(b-before) / float64(n) / 1024 }
	return []row{
		{what: fmt.Sprintf("memory for each of %d idle members, as it stands", n), ours: fmt.Sprintf("%.1f KiB", kib(now)), yardstick: "20 KiB", ratio: kib(now) / 20, most: 1},
		{what: "the same, a minute later", ours: fmt.Sprintf("%.1f KiB", kib(settled)), yardstick: "16 KiB", ratio: kib(settled) / 16, most: 1, note: "Mosquitto: 15"},
	}, nil
}
