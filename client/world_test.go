package client_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/client"
	"huisclos/conn"
	"huisclos/fanout"
	"huisclos/hub"
	"huisclos/keys"
	"huisclos/server"
	"huisclos/store"
	"huisclos/wire"
)

// world is a real server on the loopback, and people who reach it by links that can be tampered with.
type world struct {
	t        testing.TB
	ctx      context.Context
	identity access.Identity
	key      keys.Key
	store    *store.SQLite
	server   *server.Server
	address  string
	dir      string // of the data; empty: in memory
	hold     time.Duration
	raw      int64 // client.Config.RawBytes
}

func newWorld(t testing.TB) *world {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, identity: access.NewIdentity()}
	w.key = keys.New(w.identity.Fingerprint())
	w.start()
	t.Cleanup(w.stop)
	return w
}

// start starts a server with an empty store.
func (w *world) start() {
	w.t.Helper()
	var err error
	if w.dir == "" {
		w.store, err = store.Memory()
	} else {
		w.store, err = store.Open(w.dir, store.Options{Unsafe: true})
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.serve()
}

// serve starts a server on the store.
func (w *world) serve() {
	w.t.Helper()
	var err error
	w.server, err = server.New(w.ctx, server.Config{
		Identity: w.identity, Store: w.store, Bus: fanout.NewLocal(), Software: "test", Settings: server.Settings{Limits: server.DefaultLimits()},
		RefillHold: w.hold,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	public := w.key.AccessPublic(1) // before anybody can connect, as the real one does
	g := hub.Generation{Number: 1, Access: public, KeyID: access.KeyID(public), At: time.Now()}
	if err := w.server.Rotate(w.ctx, g, false, hub.Audit{Action: "key", At: time.Now()}); err != nil && chat.CodeOf(err) != chat.CodeConflict {
		w.t.Fatal(err)
	}
	at := w.address
	if at == "" {
		at = "127.0.0.1:0"
	}
	addr, err := w.server.Listen(w.ctx, at)
	if err != nil {
		w.t.Fatal(err)
	}
	w.address = addr.String()
}

func (w *world) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := errors.Join(w.server.Shutdown(ctx), w.store.Close()); err != nil {
		w.t.Error(err)
	}
}

// tamper sees each frame from the server and returns what the client gets in its place.
type tamper func(wire.Frame) []wire.Frame

// person is a client whose link can be tampered with.
type person struct {
	*client.Client
	w        *world
	vault    client.Vault
	events   <-chan client.Event
	now      func() time.Time // nil: the machine's clock
	tail     uint32
	beside   int
	renewing int

	mu     sync.Mutex // guards tamper and link
	tamper tamper
	link   *tampered
}

func (w *world) person(name string, vault client.Vault) *person { return w.reader(name, vault, 0) }

// reader is a person who reads the last messages of a room first, as many as tail.
func (w *world) reader(name string, vault client.Vault, tail uint32) *person {
	w.t.Helper()
	p := &person{w: w, vault: vault, tail: tail}
	p.open(name)
	return p
}

// personAt is a person with a clock of his own.
func (w *world) personAt(name string, vault client.Vault, now func() time.Time) *person {
	w.t.Helper()
	p := &person{w: w, vault: vault, now: now}
	p.open(name)
	return p
}

// open starts the person's client.
func (p *person) open(name string) {
	w := p.w
	w.t.Helper()
	if p.vault == nil {
		p.vault = client.NewMemory()
	}
	var err error
	p.Client, err = client.Open(client.Config{
		Vault: p.vault, Address: w.address, Server: w.identity.Fingerprint(), Key: w.key.Reveal(), Name: name, Software: "test", Packages: 4, Now: p.now, Tail: p.tail, Beside: p.beside, Renewing: p.renewing, RawBytes: w.raw,
		Dial: p.dial, Backoff: 5 * time.Millisecond, MaxBackoff: 50 * time.Millisecond,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = p.Close(context.Background()) })
	if p.events, err = p.Events(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	if err := p.Online(w.ctx); err != nil {
		w.t.Fatal(err)
	}
}

func (p *person) dial(ctx context.Context, address string, server chat.Fingerprint) (client.Link, error) {
	link, err := conn.Dial(ctx, address, server, conn.Config{})
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.link = &tampered{Link: link, p: p}
	return p.link, nil
}

// between puts a man between the person and the server.
func (p *person) between(f tamper) {
	p.mu.Lock()
	p.tamper = f
	p.mu.Unlock()
}

// cut breaks the connection.
func (p *person) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.link.Close()
}

// tampered is a link on which the server's frames are changed.
type tampered struct {
	*conn.Link
	p    *person
	rest [][]byte
}

func (l *tampered) Read() ([]byte, error) {
	for {
		if len(l.rest) > 0 {
			raw := l.rest[0]
			l.rest = l.rest[1:]
			return raw, nil
		}
		raw, err := l.Link.Read()
		if err != nil {
			return nil, err
		}
		l.p.mu.Lock()
		change := l.p.tamper
		l.p.mu.Unlock()
		if change == nil {
			return raw, nil
		}
		f, err := wire.Decode(raw)
		if err != nil {
			return nil, err
		}
		for _, f := range change(f) {
			l.rest = append(l.rest, wire.Marshal(f))
		}
	}
}

func (p *person) join() {
	p.w.t.Helper()
	if _, err := p.Join(p.w.ctx, chat.Lobby); err != nil {
		p.w.t.Fatal(err)
	}
}

func (p *person) send(text string) client.Receipt {
	p.w.t.Helper()
	r, err := p.Send(p.w.ctx, chat.Lobby, text)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return r
}

// await waits for an event that the test is about.
func await[T client.Event](p *person, right func(T) bool) T {
	p.w.t.Helper()
	for {
		select {
		case e, ok := <-p.events:
			if !ok {
				p.w.t.Fatalf("the events ended: %v", p.Final())
			}
			if e, ok := e.(T); ok && (right == nil || right(e)) {
				return e
			}
		case <-p.w.ctx.Done():
			var want T
			p.w.t.Fatalf("no %T", want)
		}
	}
}

func text(s string) func(client.Message) bool {
	return func(m client.Message) bool { return m.Text == s }
}

// history is what the person reads, as texts; what isn't a text is its form.
func (p *person) history() (texts []string) {
	p.w.t.Helper()
	for m, err := range p.Read(p.w.ctx, chat.Lobby, 0, false) {
		if err != nil {
			p.w.t.Fatal(err)
		}
		texts = append(texts, m.Text)
	}
	return texts
}

// anew starts the same server with nothing in it, as after the loss of its data.
func (w *world) anew() {
	w.t.Helper()
	w.stop()
	w.start()
}
