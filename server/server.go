package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/conn"
	"huisclos/hub"
	"huisclos/wire"
)

// Server lets people in. Its methods may be called at the same time.
type Server struct {
	config   Config
	certs    *certificates
	acceptor *conn.Acceptor
	gate     *gate
	attempts *attempts
	codes    *attempts // with invitation codes
	metrics  *metrics
	verified *access.Cache
	domain   domain
	hub      *hub.Hub // the same as domain, but in tests
	started  time.Time

	limits atomic.Pointer[Limits]
	longer atomic.Pointer[conn.Longer]         // of limits, shared by all connections
	login  atomic.Pointer[access.ServerConfig] // what the next login is made with

	mu        sync.Mutex // guards the rest
	members   map[*member]struct{}
	addresses map[netip.Prefix]int // connections of members
	listeners []net.Listener
	proxies   []*http.Server
	stopping  bool

	visits sync.WaitGroup // goroutines of connections
	loops  sync.WaitGroup // goroutines of listeners
	stop   chan struct{}  // closed by Shutdown
}

// maxVerified bounds the people whose signatures are not verified again, some 40 bytes each.
const maxVerified = 1 << 16

// New makes a Server, which listens nowhere yet. CodeConfig for certificate files that can't be
// used, and the Store's errors.
func New(ctx context.Context, c Config) (*Server, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	certs, err := newCertificates(c.Identity, c.Certificate, c.CertificateKey)
	if err != nil {
		return nil, err
	}
	s := &Server{
		config: c, certs: certs, started: time.Now(), verified: access.NewCache(maxVerified),
		gate: newGate(c.Limits.Waiting, handshakes()), attempts: newAttempts(c.Limits.FailuresAMinute), codes: newAttempts(codesAMinute),
		members: make(map[*member]struct{}), addresses: make(map[netip.Prefix]int), stop: make(chan struct{}),
	}
	s.acceptor = &conn.Acceptor{TLS: conn.ServerTLS(certs.get, c.Classical), MaxFrame: maxLoginFrame, Web: s.web()}
	s.metrics = newMetrics(s)
	s.limits.Store(&c.Limits)
	s.longer.Store(c.Limits.longer())
	if err := s.Refresh(ctx); err != nil {
		return nil, err
	}
	if s.domain = c.domain; s.domain == nil {
		s.hub, err = hub.New(ctx, hub.Config{
			Server: c.Identity.Fingerprint(), Store: c.Store, Bus: c.Bus, Limits: c.Limits.hub(),
			Retention: c.Retention, RoomRetention: c.RoomRetention, Log: c.Log,
			RefillHold: c.RefillHold,
		})
		if err != nil {
			return nil, err
		}
		s.domain = theHub{s.hub}
	}
	s.loops.Go(s.watch)
	return s, nil
}

// Fingerprint is what clients pin.
func (s *Server) Fingerprint() chat.Fingerprint { return s.config.Identity.Fingerprint() }

// Generation is the one of the shared key that logins are made with; 0 when there is none yet.
func (s *Server) Generation() chat.Generation { return s.login.Load().Generation }

// Waiting is how many connections have not logged in yet.
func (s *Server) Waiting() int { return s.gate.waiting() }

// Refresh reads the newest generation of the shared key from the store; every login after it is made with that one.
// It is called after a rotation, too.
func (s *Server) Refresh(ctx context.Context) error {
	generations, err := s.config.Store.Generations(ctx)
	if err != nil {
		return err
	}
	next := &access.ServerConfig{
		Identity: s.config.Identity, Limits: s.limits.Load().Wire(),
		Ephemeral: s.config.Ephemeral, Software: s.config.Software, Cache: s.verified,
	}
	if n := len(generations); n > 0 {
		g := generations[n-1]
		next.Generation, next.Access, next.Prove = g.Number, g.Access, g.Prove
	}
	s.login.Store(next)
	return nil
}

// Apply changes the settings for everyone; Waiting stays as it was. Who is logged in keeps the sizes that were
// announced to him until he logs in again.
func (s *Server) Apply(ctx context.Context, to Settings) error {
	l := to.Limits
	l.Waiting = s.limits.Load().Waiting
	l = l.withDefaults()
	s.limits.Store(&l)
	s.longer.Store(l.longer())
	s.attempts.set(l.FailuresAMinute)
	if s.hub != nil {
		s.hub.Reload(l.hub(), to.Retention, to.RoomRetention)
	}
	return s.Refresh(ctx)
}

// ReloadCertificate reads the certificate's files again, and reports whether it has changed. CodeConfig.
func (s *Server) ReloadCertificate() (bool, error) { return s.certs.reload() }

// Listen opens HOST:PORT for TLS and begins to serve. It returns the address, which tells the port when 0 was asked for.
// CodePortInUse, CodePermission, CodeResolve, CodeUnreachable (address).
func (s *Server) Listen(ctx context.Context, address string) (net.Addr, error) {
	l, err := listen(ctx, address)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		_ = l.Close()
		return nil, chat.Errorf(chat.CodeGoodbye)
	}
	s.listeners = append(s.listeners, l)
	s.loops.Go(func() { s.accept(l) })
	return l.Addr(), nil
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	// No keep-alive of TCP: pings notice more, and cost no timer in the kernel.
	l, err := (&net.ListenConfig{KeepAlive: -1}).Listen(ctx, "tcp", address)
	if err == nil {
		return l, nil
	}
	code := chat.CodeUnreachable
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.EADDRINUSE) || isAddressInUse(err):
		code = chat.CodePortInUse
	case errors.Is(err, syscall.EACCES):
		code = chat.CodePermission
	case errors.As(err, &dns):
		code = chat.CodeResolve
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, chat.Errorf(code, "address", address, "reason", "elsewhere").Because(err)
	}
	return nil, chat.Errorf(code, "address", address, "host", address, "path", address).Because(err)
}

// accept takes connections until the listener is closed.
func (s *Server) accept(l net.Listener) {
	for {
		raw, err := l.Accept()
		switch {
		case err == nil:
			s.admit(raw, false)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			// Usually there are no descriptors left. Whoever only waits gives way.
			s.config.Log.Warn("can't accept connections", "error", err)
			s.gate.evictOne()
			if !s.pause(50 * time.Millisecond) {
				return
			}
		}
	}
}

// admit gives raw a place at the gate, as soon as there is one, and begins its visit.
func (s *Server) admit(raw net.Conn, proxied bool) {
	from := origin(addrOf(raw.RemoteAddr()))
	for {
		v, ok := s.gate.enter(raw, from)
		if ok {
			if v != nil {
				s.begin(v, proxied)
			}
			return
		}
		if !s.pause(20 * time.Millisecond) {
			_ = raw.Close()
			return
		}
	}
}

// begin starts a visit, unless the server stops.
func (s *Server) begin(v *visitor, proxied bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping { // Shutdown may wait for the last visit already
		v.leave()
		_ = v.Close()
		return
	}
	s.visits.Go(func() { s.visit(v, proxied) })
}

// pause waits until somebody leaves the gate, at most for d. It reports false when the server stops.
func (s *Server) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-s.gate.left:
	case <-t.C:
	case <-s.stop:
		return false
	}
	return true
}

// Shutdown ends the server: nobody new comes in; what was accepted is stored and acknowledged; everyone hears goodbye. It
// returns when all have gone, or cuts them off when ctx ends. The second call does nothing.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		return nil
	}
	s.stopping = true
	close(s.stop)
	for _, l := range s.listeners {
		_ = l.Close()
	}
	proxies := s.proxies
	s.mu.Unlock()
	for _, p := range proxies {
		_ = p.Close()
	}
	s.loops.Wait()
	s.gate.close()
	err := s.domain.close(ctx)
	s.each(func(m *member) { m.stream.Close(bye(chat.Errorf(chat.CodeGoodbye))) })
	done := make(chan struct{})
	go func() { s.visits.Wait(); close(done) }()
	select {
	case <-done:
		return err
	case <-ctx.Done():
		s.each(func(m *member) { m.stream.Abort() })
		<-done
		return errors.Join(err, ctx.Err())
	}
}

// each calls f for every member, outside the lock.
func (s *Server) each(f func(*member)) {
	s.mu.Lock()
	all := make([]*member, 0, len(s.members))
	for m := range s.members {
		all = append(all, m)
	}
	s.mu.Unlock()
	for _, m := range all {
		f(m)
	}
}

// watch looks after everybody's connection: it pings the silent, and ends those that are gone.
func (s *Server) watch() {
	var size, settled int
	for {
		idle := s.limits.Load().Idle
		t := time.NewTimer(idle / 6)
		select {
		case <-s.stop:
			t.Stop()
			return
		case now := <-t.C:
			s.each(func(m *member) { m.check(now, idle) })
			size, settled = settle(size, s.count(), settled)
		}
	}
}

// manyJoined is how many new members leave enough garbage of handshakes behind to be worth giving back.
const manyJoined = 500

// settle gives memory back to the system when many have joined and nobody does any more. It returns the number of
// members for the next time, and the one at which memory was given back.
func settle(before, now, settled int) (size, at int) {
	switch {
	case now < settled:
		return now, now
	case now != before || now-settled < manyJoined:
		return now, settled
	}
	debug.FreeOSMemory()
	return now, now
}

// count is the number of members.
func (s *Server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.members)
}

// check pings m when nothing has come for half of idle, and ends it after all of it.
func (m *member) check(now time.Time, idle time.Duration) {
	switch silent := m.stream.Silent(now); {
	case m.stream.Stuck(now) > stuckAfter:
		m.stream.Abort() // it reads nothing, so it can't be told either
	case silent >= idle:
		m.stream.Close(bye(chat.Errorf(chat.CodeSlow)))
	case silent >= idle/2:
		m.stream.Ping()
	}
}

// bye is a last frame that tells the reason. What only concerns us, the cause, stays here.
func bye(err error) []byte {
	var e *chat.Error
	if !errors.As(err, &e) {
		e = chat.Errorf(chat.CodeInternal)
	}
	return wire.Encode(&wire.Bye{Code: e.Code, Params: e.Params})
}

// attrs are what the log says of a connection.
func attrs(m *member) slog.Attr {
	return slog.Group("client", "name", m.name, "address", m.address)
}
