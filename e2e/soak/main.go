// Command soak has many people converse in many private rooms of a real server, each in a process of its own, while they come and go, are
// killed with -9, race each other's commits and send garbage. At the end it compares what all of them have read: nothing may be lost, doubled or unreadable, and all must see
// the same members.
//
//	go run ./e2e/soak -clients 50 -rooms 20 -messages 100000 -changes 1000 -kills 100
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"huisclos/chat"
)

// plan is how much of everything there is.
type plan struct {
	clients, second, revoked, rooms, messages, changes, kills, serverKills, garbage, window int
	server, dir                                                                             string
	keep                                                                                    bool
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "member" {
		if err := runMember(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "soak: member:", err)
			os.Exit(1)
		}
		return
	}
	var p plan
	flag.IntVar(&p.clients, "clients", 50, "how many people")
	flag.IntVar(&p.second, "second", 12, "how many of them have a second device: half of them from the start, the others get it on the way")
	flag.IntVar(&p.revoked, "revoked", 2, "how many second devices are revoked on the way")
	flag.IntVar(&p.rooms, "rooms", 20, "how many private rooms")
	flag.IntVar(&p.messages, "messages", 100_000, "how many messages are sent")
	flag.IntVar(&p.changes, "changes", 1000, "how many members come or go")
	flag.IntVar(&p.kills, "kills", 100, "how many times a client is killed with -9 or goes away, and starts again")
	flag.IntVar(&p.serverKills, "server-kills", 3, "how many times the server is killed with -9")
	flag.IntVar(&p.garbage, "garbage", 20, "of 100 commits without newcomers of every tenth person, how many are garbage")
	flag.IntVar(&p.window, "window", 400, "how many messages may be on their way")
	flag.StringVar(&p.server, "huisclosd", "", "the server's program; empty: it is built")
	flag.BoolVar(&p.keep, "keep", false, "keep the profiles, to look at them")
	flag.Parse()
	faults, err := p.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	if faults > 0 {
		os.Exit(2)
	}
}

// soak is a run.
type soak struct {
	plan
	ctx    context.Context
	self   string
	link   string
	server *exec.Cmd

	people []*person
	rooms  []*room

	mu    sync.Mutex // guards what follows
	bad   []string
	acked map[string]map[chat.Seq]receipt // by room
	back  int                             // devices that came back from outside

	flying  atomic.Int64 // messages not acknowledged
	sent    atomic.Int64
	changed atomic.Int64
}

// receipt is what a sender was told is durable.
type receipt struct {
	sender string
	number string // "-": not known any more
}

// room is a room as the coordinator believes it to be.
type room struct {
	name  string
	owner *person
	mu    sync.Mutex // guards in
	in    []*person  // without the owner
}

func (p plan) run() (int, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dir, err := os.MkdirTemp("", "huisclos-soak")
	if err != nil {
		return 0, err
	}
	if p.keep {
		fmt.Println("profiles:", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	p.dir = dir
	s := &soak{plan: p, ctx: ctx, acked: make(map[string]map[chat.Seq]receipt)}
	if s.self, err = os.Executable(); err != nil {
		return 0, err
	}
	if err := s.startServer(true); err != nil {
		return 0, err
	}
	defer func() { _ = s.server.Process.Kill(); _ = s.server.Wait() }()
	defer s.endPeople()
	began := time.Now()
	if err := s.gather(); err != nil {
		return 0, err
	}
	fmt.Printf("%d people in %d rooms after %.1f s\n", len(s.people), len(s.rooms), time.Since(began).Seconds())
	s.converse()
	fmt.Printf("%d messages, %d changes asked for, after %.1f s\n", s.sent.Load(), s.changed.Load(), time.Since(began).Seconds())
	return s.end(began)
}

// startServer starts huisclosd, and learns the link from a new one.
func (s *soak) startServer(first bool) error {
	if s.plan.server == "" {
		s.plan.server = filepath.Join(s.dir, "huisclos")
		if out, err := exec.Command("go", "build", "-o", s.plan.server, "huisclos/cmd/huisclos").CombinedOutput(); err != nil { //nolint:gosec // ours
			return fmt.Errorf("building the server: %s", out)
		}
	}
	address := "127.0.0.1:0"
	if !first {
		address, _, _ = strings.Cut(strings.TrimPrefix(s.link, "huisclos://"), "/")
	}
	s.server = exec.Command(s.plan.server, "serve", "--listen", address, "--data", filepath.Join(s.dir, "data"), "--print-key") //nolint:gosec // ours
	s.server.Env = append(os.Environ(), "HUISCLOS_NO_LAN=true", "LANG=C", "HUISCLOS_MAX_RATE=100000", "HUISCLOS_RATE=100000")
	s.server.Stderr = os.Stderr
	out, err := s.server.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.server.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	ready := make(chan struct{})
	go func() {
		once := sync.OnceFunc(func() { close(ready) })
		for lines.Scan() {
			if i := strings.Index(lines.Text(), "huisclos://"); i >= 0 && first {
				s.link = strings.Fields(lines.Text()[i:])[0]
				once()
			}
			if strings.Contains(lines.Text(), "listening") && !first {
				once()
			}
		}
	}()
	select {
	case <-ready:
		return nil
	case <-time.After(20 * time.Second):
		return errors.New("the server doesn't start")
	}
}

// gather starts everybody, and makes the rooms with a few members each.
func (s *soak) gather() error {
	for i := range s.clients {
		p := &person{name: fmt.Sprintf("p%d", i), loses: i < min(s.revoked, s.second/2)}
		s.people = append(s.people, p)
		garbage := 0
		if i%10 == 9 {
			garbage = s.garbage
		}
		if err := s.device(p, garbage); err != nil {
			return err
		}
		if i < s.second/2 {
			if err := s.device(p, 0); err != nil {
				return err
			}
		}
	}
	for i := range s.plan.rooms {
		r := &room{name: fmt.Sprintf("r%d", i), owner: s.people[(i*7)%len(s.people)]}
		s.rooms = append(s.rooms, r)
		s.acked[r.name] = make(map[chat.Seq]receipt)
		if a, err := r.owner.all()[0].ask(s.ctx, "found", r.name); err != nil || a != "ok" {
			return fmt.Errorf("%s isn't made: %s %w", r.name, a, err)
		}
		for range min(3, s.clients-1) {
			s.invite(r)
		}
	}
	return nil
}

// note takes what a member tells by itself.
func (s *soak) note(p *process, line string) {
	words := strings.Fields(line)
	p.mu.Lock()
	revoked := p.revoked
	p.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch words[0] {
	case "sent":
		seq, _ := strconv.ParseUint(words[2], 10, 64)
		if s.acked[words[1]] != nil {
			s.acked[words[1]][chat.Seq(seq)] = receipt{nameOf(p.name), words[3]}
		}
		s.flying.Add(-1)
	case "failed":
		s.flying.Add(-1)
		lost := receipt{nameOf(p.name), strings.Trim(words[2], `"`)} // written while another device of its person took it out: the server had it, and then nobody; that was told
		maps.DeleteFunc(s.acked[words[1]], func(_ chat.Seq, r receipt) bool { return r == lost })
		if !strings.Contains(line, "not_member") && !revoked {
			s.bad = append(s.bad, p.name+": "+line)
		}
	case "bad":
		if revoked {
			return
		}
		s.bad = append(s.bad, p.name+": "+line)
	case "returning":
		s.back++
	}
}

func (r *room) member() *person {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := rand.IntN(len(r.in) + 1); n > 0 {
		return r.in[n-1]
	}
	return r.owner
}

func (r *room) has(p *person) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return p == r.owner || slices.Contains(r.in, p)
}

func (r *room) set(p *person, in bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.in = slices.DeleteFunc(r.in, func(x *person) bool { return x == p })
	if in {
		r.in = append(r.in, p)
	}
}

// invite has a member invite somebody who isn't one.
func (s *soak) invite(r *room) {
	for range 20 {
		p := s.people[rand.IntN(len(s.people))]
		if r.has(p) {
			continue
		}
		a, err := r.member().ask(s.ctx, "invite", r.name, p.name)
		s.changed.Add(1)
		if err == nil && (a == "ok" || strings.HasPrefix(a, "member ")) {
			r.set(p, true)
		}
		return
	}
}

// change makes one change of a room, and sometimes several at once.
func (s *soak) change(r *room) {
	switch n := rand.IntN(10); {
	case n < 5:
		s.invite(r)
	case n < 8:
		if p := r.member(); p != r.owner {
			r.set(p, false)
			s.changed.Add(1)
			_, _ = r.owner.ask(s.ctx, "remove", r.name, p.name)
		}
	case n < 9:
		if p := r.member(); p != r.owner {
			r.set(p, false)
			s.changed.Add(1)
			_, _ = p.leaver().ask(s.ctx, "leave", r.name)
		}
	default:
		_, _ = r.owner.ask(s.ctx, "topic", r.name, fmt.Sprint(rand.Int()))
	}
}

// converse does everything at once until all is done.
func (s *soak) converse() {
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		for n := 0; n < s.messages; n++ {
			for stuck := 0; s.flying.Load() >= int64(s.window); stuck++ {
				if stuck > 3000 {
					s.flying.Store(0) // some were of clients that were killed before they could tell
				}
				time.Sleep(time.Millisecond)
			}
			r := s.rooms[rand.IntN(len(s.rooms))]
			if a, err := r.member().ask(s.ctx, "say", r.name, strconv.Itoa(n)); err == nil && a == "ok" {
				s.flying.Add(1)
				s.sent.Add(1)
			}
		}
	})
	const racers = 4
	left := atomic.Int64{}
	left.Store(int64(s.changes))
	for range racers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				r := s.rooms[rand.IntN(len(s.rooms))]
				var race sync.WaitGroup
				race.Go(func() { s.change(r) })
				if rand.IntN(3) == 0 { // somebody else changes it at the same time
					race.Go(func() { s.change(r) })
				}
				race.Wait()
			}
		})
	}
	wg.Go(func() { s.disturb(done) })
	wg.Wait()
}

// disturb kills and restarts clients, and the server, gives people second devices and revokes some, as long as the others are at it.
func (s *soak) disturb(done <-chan struct{}) {
	fault := func(err error) {
		s.mu.Lock()
		s.bad = append(s.bad, err.Error())
		s.mu.Unlock()
	}
	late := s.people[min(s.second/2, len(s.people)):min(s.second, len(s.people))]
	gone := s.people[:min(s.revoked, s.second/2)]
	for n := range s.kills + s.serverKills {
		if s.serverKills > 0 && (n+1)%((s.kills+s.serverKills)/s.serverKills+1) == 0 {
			_ = s.server.Process.Kill()
			_ = s.server.Wait()
			if err := s.startServer(false); err != nil {
				fault(err)
				return
			}
			continue
		}
		switch {
		case len(late) > 0 && n%3 == 0:
			if err := s.device(late[0], 0); err != nil && !errors.Is(err, errAway) {
				fault(err)
			}
			late = late[1:]
		case len(gone) > 0 && n%5 == 4:
			if err := s.revoke(gone[0]); err != nil && !errors.Is(err, errAway) {
				fault(err)
			}
			gone = gone[1:]
		}
		p := s.people[rand.IntN(len(s.people))].any()
		p.end(rand.IntN(2) == 0)
		select { // away for a while
		case <-time.After(time.Duration(rand.IntN(1500)) * time.Millisecond):
		case <-done:
		}
		if err := p.start(s.self); err != nil {
			fault(err)
			return
		}
	}
}

// end waits until all is quiet, and judges.
func (s *soak) end(began time.Time) (int, error) {
	ctx, cancel := context.WithTimeout(s.ctx, 5*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for _, p := range s.devices() {
		wg.Go(func() {
			a, err := p.ask(ctx, "flush")
			if err == nil && strings.HasPrefix(a, "not_member") { // put out while it was away
				return
			}
			if err != nil || a != "ok" {
				s.mu.Lock()
				s.bad = append(s.bad, fmt.Sprintf("%s can't send all: %s %v", p.name, a, err))
				s.mu.Unlock()
			}
		})
	}
	wg.Wait()
	var j *judge
	for looks := 0; ; looks++ { // what is asked for again after a while comes by then
		time.Sleep(5 * time.Second)
		var err error
		if j, err = s.judge(ctx); err != nil {
			return 0, err
		}
		if len(j.faults) == 0 || looks == patience {
			break
		}
		fmt.Printf("not there yet: %s\n", j.faults[0])
	}
	faults := append(s.bad, j.faults...)
	for i, f := range faults {
		if i == 50 {
			fmt.Printf("and %d more\n", len(faults)-i)
			break
		}
		fmt.Println("FAULT", f)
	}
	fmt.Printf("%d devices, %d messages sent, %d readings, %d members came or went, %d void commits, %d came back from outside, %d faults, %.1f s\n",
		len(s.devices()), s.sent.Load(), j.messages, j.changes, j.void, s.back, len(faults), time.Since(began).Seconds())
	return len(faults), nil
}

// patience is how many times, five seconds apart, the judge looks again.
const patience = 12

// judge has all devices tell what they have read, and compares it.
func (s *soak) judge(ctx context.Context) (*judge, error) {
	all := make(map[string]map[string]seen) // by room and device
	j := &judge{}
	var devices []string
	for _, p := range s.devices() {
		devices = append(devices, p.name)
		file := filepath.Join(s.dir, "read.json")
		if a, err := p.ask(ctx, "dump", file); err != nil || a != "ok" {
			j.fault("%s can't read all: %s %v", p.name, a, err)
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var rooms []seen
		if err := json.Unmarshal(b, &rooms); err != nil {
			return nil, err
		}
		for _, r := range rooms {
			if all[r.Room] == nil {
				all[r.Room] = make(map[string]seen)
			}
			all[r.Room][p.name] = r
		}
	}
	for _, r := range s.rooms {
		j.room(r.name, r.owner.name+"/1", all[r.name], devices, s.acked[r.name])
	}
	return j, nil
}

// devices are all that take part.
func (s *soak) devices() (all []*process) {
	for _, p := range s.people {
		all = append(all, p.all()...)
	}
	return all
}

func (s *soak) endPeople() {
	var wg sync.WaitGroup
	for _, p := range s.devices() {
		wg.Go(func() { p.end(false) })
	}
	wg.Wait()
}
