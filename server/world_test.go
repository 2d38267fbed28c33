package server_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/conn"
	"huisclos/hub"
	"huisclos/server"
	"huisclos/trust"
	"huisclos/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// registry is a hub.Store as far as logins need one.
type registry struct {
	hub.Store // nil: whatever else is asked for is a fault of the test

	mu          sync.Mutex
	generations []hub.Generation
	devices     map[chat.DeviceID]hub.Enrolment
	sessions    map[chat.DeviceID]uint64
	broken      error // of Check
}

func newRegistry(access [32]byte) *registry {
	return &registry{
		generations: []hub.Generation{{Number: 1, Access: access}},
		devices:     make(map[chat.DeviceID]hub.Enrolment), sessions: make(map[chat.DeviceID]uint64),
	}
}

func (r *registry) Incarnation() [16]byte { return [16]byte{7} }

func (r *registry) Generations(context.Context) ([]hub.Generation, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]hub.Generation(nil), r.generations...), nil
}

func (r *registry) Enrol(_ context.Context, e hub.Enrolment) (hub.Login, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Generation != r.generations[len(r.generations)-1].Number {
		return hub.Login{}, chat.Errorf(chat.CodeKeyOld)
	}
	for _, other := range r.devices {
		if other.Account != e.Account && other.Folded == e.Folded {
			return hub.Login{}, chat.Errorf(chat.CodeNameTaken, "name", e.Name)
		}
	}
	r.devices[e.Device] = e
	r.sessions[e.Device]++
	return hub.Login{Session: r.sessions[e.Device], Name: e.Name, Proven: e.Generation}, nil
}

func (r *registry) OpenSession(_ context.Context, _ chat.AccountID, d chat.DeviceID, name string, _ chat.Generation, _ time.Time) (hub.Login, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.devices[d]
	if !ok {
		return hub.Login{}, chat.Errorf(chat.CodeKeyNeeded)
	}
	if e.Name != name {
		return hub.Login{}, chat.Errorf(chat.CodeNameOther, "name", e.Name)
	}
	r.sessions[d]++
	return hub.Login{Session: r.sessions[d], Name: e.Name}, nil
}

func (r *registry) Check(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.broken
}

// echoes is a server.TestHub that answers every frame with itself and remembers who came.
type echoes struct {
	mu    sync.Mutex
	peers []hub.Peer
	left  int
}

type echo struct {
	h *echoes
	c hub.Conn
}

func (h *echoes) Attach(p hub.Peer, c hub.Conn) (server.TestSession, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.peers = append(h.peers, p)
	c.Push([]byte("pushed before the welcome"))
	return &echo{h, c}, nil
}

func (h *echoes) peer(i int) hub.Peer {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.peers[i]
}

func (h *echoes) count() (came, left int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.peers), h.left
}

func (e *echo) Welcome() []wire.RoomInfo { return []wire.RoomInfo{{Name: "lobby", Kind: chat.KeyRoom}} }
func (e *echo) Drained()                 {}

func (e *echo) Handle(raw []byte) error {
	if string(raw) == "leave" {
		e.c.Close([]byte("left"))
		return errors.New("left")
	}
	e.c.Push(raw)
	return nil
}

func (e *echo) Detach() {
	e.h.mu.Lock()
	defer e.h.mu.Unlock()
	e.h.left++
}

// world is a running server and what people need to know of it.
type world struct {
	t       *testing.T
	stop    func()
	server  *server.Server
	store   *registry
	hub     *echoes
	address string
	pin     chat.Fingerprint
	key     ed25519.PrivateKey // the access key pair
}

func newWorld(t *testing.T, change func(*server.Config)) *world {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: newRegistry([32]byte(pub)), hub: &echoes{}, key: key}
	c := server.Config{
		Identity: access.NewIdentity(), Store: w.store, Software: "test server", Settings: server.Settings{Limits: server.DefaultLimits()},
	}
	c.UseHub(w.hub)
	if change != nil {
		change(&c)
	}
	ctx := context.Background()
	if w.server, err = server.New(ctx, c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := w.server.Shutdown(ctx); err != nil {
			t.Error("shutdown:", err)
		}
	})
	a, err := w.server.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.address, w.pin = a.String(), w.server.Fingerprint()
	return w
}

// person is who logs in, from one device.
type person struct {
	name    string
	account *trust.Account
	device  *trust.Device
	vouched *trust.Certificate // in the place of the account's
}

func newPerson(name string) *person {
	return &person{name: name, account: trust.NewAccount(), device: trust.NewDevice()}
}

// body is what p claims at w.
func (p *person) body(server chat.Fingerprint, g chat.Generation, intent wire.Intent) wire.Body {
	cert := trust.Certify(p.account, p.device, 1, 1700000000000)
	if p.vouched != nil {
		cert = *p.vouched
	}
	return wire.Body{
		Role: access.RoleMember, Account: p.account.ID(), Device: p.device.ID(),
		Certificate: cert.Marshal(), ListVersion: cert.ListVersion,
		Name: p.name, NameSig: p.account.SignName(server, p.name), Intent: intent, Generation: g,
	}
}

// connected is a client after its login.
type connected struct {
	*conn.Link
	hello   wire.HelloS
	welcome wire.Welcome
}

// login dials and logs in; key nil: returns.
func (w *world) login(p *person, key ed25519.PrivateKey) (*connected, error) {
	return w.loginAt(w.address, p, key, conn.Config{})
}

func (w *world) loginAt(address string, p *person, key ed25519.PrivateKey, c conn.Config) (*connected, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	link, err := conn.Dial(ctx, address, w.pin, c)
	if err != nil {
		return nil, err
	}
	out, err := w.handshake(link, p, key)
	if err != nil {
		_ = link.Close()
		return nil, err
	}
	return out, nil
}

func (w *world) handshake(link *conn.Link, p *person, key ed25519.PrivateKey) (*connected, error) {
	x, err := link.Exporter()
	if err != nil {
		return nil, err
	}
	login := access.NewClient(w.pin, "test client")
	if err := link.Write(login.Hello()); err != nil {
		return nil, err
	}
	raw, err := link.Read()
	if err != nil {
		return nil, err
	}
	out := &connected{Link: link}
	if out.hello, err = login.Challenge(raw, x); err != nil {
		return nil, err
	}
	intent := wire.IntentReturn
	if key != nil {
		intent = wire.IntentEnrol
	}
	if err := link.Write(login.Auth(p.body(w.pin, out.hello.Generation, intent), key, p.device.Key())); err != nil {
		return nil, err
	}
	if raw, err = link.Read(); err != nil {
		return nil, err
	}
	out.welcome, err = login.Welcome(raw)
	return out, err
}

func (w *world) mustLogin(p *person, key ed25519.PrivateKey) *connected {
	w.t.Helper()
	c, err := w.login(p, key)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	return c
}

// mustEcho sends a frame and awaits it back.
func (w *world) mustEcho(c *connected, frame string) {
	w.t.Helper()
	if err := c.Write([]byte(frame)); err != nil {
		w.t.Fatal(err)
	}
	w.mustRead(c, frame)
}

func (w *world) mustRead(c *connected, want string) {
	w.t.Helper()
	got, err := c.Read()
	if err != nil || string(got) != want {
		w.t.Fatalf("%q, %v; want %q", got, err, want)
	}
}

// reason reads the last frame of a connection that the server ends.
func reason(link *conn.Link) (*chat.Error, error) {
	raw, err := link.Read()
	if err != nil {
		return nil, err
	}
	f, err := wire.Decode(raw)
	if err != nil {
		return nil, err
	}
	if b, ok := f.(*wire.Bye); ok {
		return b.Err(), nil
	}
	return nil, fmt.Errorf("a %T", f)
}

// connect opens plain TCP connections that say nothing.
func connect(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}
