package hub_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"huisclos/chat"
	"huisclos/fanout"
	"huisclos/hub"
	"huisclos/store"
	"huisclos/wire"
)

var server = chat.Fingerprint{7}

// world is a hub on a real store in memory, with people whose connections are lists of frames.
type world struct {
	t     *testing.T
	store *faulty
	hub   *hub.Hub
	bus   hub.Bus
	lobby chat.RoomID
	count byte
}

// faulty is a store that can be told to fail.
type faulty struct {
	hub.Store
	mu   sync.Mutex // guards fail and gate
	fail error
	gate chan struct{} // Append waits for it
}

func (f *faulty) Append(ctx context.Context, b []hub.Submission) ([]hub.Outcome, error) {
	f.mu.Lock()
	fail, gate := f.fail, f.gate
	f.mu.Unlock()
	if gate != nil {
		<-gate
	}
	if fail != nil {
		return nil, fail
	}
	return f.Store.Append(ctx, b)
}

func (f *faulty) set(fail error, gate chan struct{}) {
	f.mu.Lock()
	f.fail, f.gate = fail, gate
	f.mu.Unlock()
}

// inWorld runs a test in a bubble of its own time.
func inWorld(t *testing.T, limits hub.Limits, f func(*world)) {
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Memory()
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, store: &faulty{Store: s}, bus: fanout.NewLocal(), lobby: chat.KeyRoomID(server, chat.Lobby)}
		ctx := context.Background()
		if err := s.Rotate(ctx, hub.Generation{Number: 1, Access: [32]byte{1}, At: time.Now()}, false, hub.Audit{}); err != nil {
			t.Fatal(err)
		}
		if limits.Message == 0 {
			limits = hub.Limits{Message: 64 << 10, Rooms: 10, Page: 100}
		}
		if w.hub, err = hub.New(ctx, hub.Config{Server: server, Store: w.store, Bus: w.bus, Limits: limits}); err != nil {
			t.Fatal(err)
		}
		f(w)
		if err := w.hub.Close(ctx); err != nil {
			t.Error("Close:", err)
		}
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// person is somebody connected.
type person struct {
	w       *world
	peer    hub.Peer
	conn    *frames
	session *hub.Session
	counter uint64
}

// frames is a connection that keeps what it gets.
type frames struct {
	mu      sync.Mutex // guards what follows
	got     []wire.Frame
	waiting int // bytes that count as unread: what Push reports
	stuck   bool
	closed  bool
	bye     *wire.Bye
}

func (c *frames) Push(fs ...[]byte) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, raw := range fs {
		f, err := wire.Decode(raw)
		if err != nil {
			panic(err)
		}
		if !c.closed {
			c.got = append(c.got, f)
		}
		if c.stuck {
			c.waiting += len(raw)
		}
	}
	return c.waiting
}

func (c *frames) Close(last []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	if last != nil {
		f, err := wire.Decode(last)
		if err != nil {
			panic(err)
		}
		c.bye, _ = f.(*wire.Bye)
	}
}

// take returns what came of one type, and forgets everything.
func take[T wire.Frame](p *person) []T {
	synctest.Wait()
	p.conn.mu.Lock()
	defer p.conn.mu.Unlock()
	var list []T
	for _, f := range p.conn.got {
		if f, ok := f.(T); ok {
			list = append(list, f)
		}
	}
	p.conn.got = nil
	return list
}

// join enrols somebody and connects.
func (w *world) join(name string) *person {
	w.t.Helper()
	w.count++
	p := &person{w: w, peer: hub.Peer{Account: chat.AccountID{w.count}, Device: chat.DeviceID{w.count}, Name: name, Since: time.Now()}}
	login, err := w.store.Enrol(context.Background(), hub.Enrolment{
		Account: p.peer.Account, Device: p.peer.Device, Name: name, Folded: name, Skeleton: name, Generation: w.hub.Generation().Number, At: time.Now(), Certificate: []byte{1},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	p.peer.Session = login.Session
	p.attach()
	return p
}

func (p *person) attach() {
	p.w.t.Helper()
	p.conn = &frames{}
	var err error
	if p.session, err = p.w.hub.Attach(p.peer, p.conn); err != nil {
		p.w.t.Fatal(err)
	}
}

// again is a new connection of the same device.
func (p *person) again() *person {
	p.w.t.Helper()
	n := &person{w: p.w, peer: p.peer, counter: p.counter}
	login, err := p.w.store.OpenSession(context.Background(), p.peer.Account, p.peer.Device, p.peer.Name, 0, time.Now())
	if err != nil {
		p.w.t.Fatal(err)
	}
	n.peer.Session = login.Session
	n.attach()
	return n
}

func (p *person) handle(frame []byte) error { return p.session.Handle(frame) }

func (p *person) must(frame []byte) {
	p.w.t.Helper()
	if err := p.handle(frame); err != nil {
		p.w.t.Fatal(err)
	}
}

func (p *person) subscribe(after chat.Seq, tail uint32) {
	p.w.t.Helper()
	p.must(wire.Encode(&wire.Subscribe{Ref: 1, Room: p.w.lobby, After: after, Tail: tail}))
}

// message makes the next message; change may spoil it.
func (p *person) message(size int, change func(*wire.Envelope)) []byte {
	p.counter++
	e := &wire.Envelope{
		Version: 1, Room: p.w.lobby, Generation: 1, Account: p.peer.Account, Device: p.peer.Device,
		ID: chat.NewMessageID(time.Now()), Counter: p.counter, Sealed: make([]byte, size),
	}
	if change != nil {
		change(e)
	}
	return wire.Encode(&wire.Send{Room: p.w.lobby, ID: e.ID, Kind: chat.Content, Envelope: wire.Marshal(e)})
}

func (p *person) send(n int) {
	p.w.t.Helper()
	for range n {
		p.must(p.message(100, nil))
	}
}

// seqs are the numbers of the entries that came, in order, each after the one before it.
func (p *person) seqs() []chat.Seq {
	p.w.t.Helper()
	var list []chat.Seq
	for _, f := range take[*wire.Entries](p) {
		for i := range f.Entries {
			list = append(list, f.First+chat.Seq(i))
		}
	}
	for i := range list {
		if i > 0 && list[i] != list[i-1]+1 {
			p.w.t.Errorf("%d comes after %d", list[i], list[i-1])
		}
	}
	return list
}

func (p *person) gone() chat.Code {
	synctest.Wait()
	p.conn.mu.Lock()
	defer p.conn.mu.Unlock()
	if !p.conn.closed || p.conn.bye == nil {
		return ""
	}
	return p.conn.bye.Code
}

func codeIs(err error, c chat.Code) bool { return errors.Is(err, c) }
