package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/conn"
	"huisclos/hub"
	"huisclos/wire"
)

// member is a connection after its login.
type member struct {
	stream  *conn.Stream
	session session
	name    string
	address string
	from    netip.Prefix
}

// visit is the life of a connection until its login; then a goroutine with a small stack takes over, for the
// handshake has left a large one.
func (s *Server) visit(v *visitor, proxied bool) {
	_ = v.SetDeadline(time.Now().Add(patience))
	stream, err := s.acceptor.Accept(v)
	if err != nil {
		v.leave()
		_ = v.Close()
		s.metrics.refused(err)
		return
	}
	m, welcome, err := s.enter(stream, v, proxied)
	if errors.Is(err, errServed) {
		stream.Finish()
		v.leave()
		return
	}
	if err != nil {
		s.refuse(stream, v, err)
		return
	}
	m.stream.Longer(s.longer.Load())
	m.stream.Established(s.limits.Load().frame(), hub.LowWater, welcome, m.session.Drained)
	s.debug("logged in", m)
	s.visits.Go(func() { s.run(m) })
}

// debug tells the log of a connection.
func (s *Server) debug(what string, m *member) {
	if log := s.config.Log; log.Enabled(context.Background(), slog.LevelDebug) {
		log.Debug(what, attrs(m))
	}
}

// refuse says why there is no login, while the visitor still counts as one.
func (s *Server) refuse(stream *conn.Stream, v *visitor, err error) {
	s.metrics.refused(err)
	var said *chat.Error
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		err = chat.Errorf(chat.CodeSlow).Because(err)
	}
	if errors.As(err, &said) {
		if blames(said.Code) {
			s.attempts.fail(v.from)
		}
		s.config.Log.Debug("login refused", "address", v.RemoteAddr().String(), "error", err)
		stream.Refuse(bye(err), err)
		stream.Finish()
	}
	stream.Abort()
	v.leave()
}

// blames reports whether a refused login counts against the address it came from.
func blames(c chat.Code) bool {
	switch c {
	case chat.CodeRate, chat.CodeFull, chat.CodeGoodbye, chat.CodeInternal, chat.CodeStorage, chat.CodeDiskFull:
		return false
	}
	return true
}

// enter does the login (PROTOCOL §4) and attaches the newcomer to the hub. It returns the Welcome to send.
func (s *Server) enter(stream *conn.Stream, v *visitor, proxied bool) (*member, []byte, error) {
	if err := s.attempts.allow(v.from); err != nil {
		return nil, nil, err
	}
	claim, err := s.authenticate(stream, v)
	if err != nil {
		return nil, nil, err
	}
	m := &member{stream: stream, name: claim.Body.Name, address: v.RemoteAddr().String(), from: v.from}
	if err := s.reserve(m); err != nil {
		return nil, nil, err
	}
	welcome, err := s.attach(m, claim, proxied)
	if err == nil && !v.leave() {
		m.session.Detach()
		err = chat.Errorf(chat.CodeFull) // the place was taken away meanwhile
	}
	if err != nil {
		s.release(m)
		return nil, nil, err
	}
	return m, welcome, nil
}

// authenticate exchanges the frames of the login. errServed when there is none, but something else was wanted, and is done.
func (s *Server) authenticate(stream *conn.Stream, v *visitor) (access.Claim, error) {
	exporter, err := stream.Exporter()
	if err != nil {
		return access.Claim{}, err
	}
	login := access.NewServer(*s.login.Load())
	raw, err := stream.Read()
	if err != nil {
		return access.Claim{}, err
	}
	challenge, err := login.Hello(raw, exporter)
	if err != nil {
		return access.Claim{}, err
	}
	if err := stream.Send(challenge); err != nil {
		return access.Claim{}, err
	}
	if raw, err = stream.Read(); err != nil {
		return access.Claim{}, err
	}
	switch {
	case access.IsRecover(raw):
		return access.Claim{}, s.recover(stream, v, login, raw)
	case access.IsUseCode(raw):
		return access.Claim{}, s.relay(v, func() error { return s.relayMessages(stream, v, login, raw) })
	case access.IsUseLink(raw):
		return access.Claim{}, s.relay(v, func() error { return s.relayDevices(stream, v, login, raw) })
	}
	return login.Auth(raw)
}

// attach records the login in the store and begins the session at the hub.
func (s *Server) attach(m *member, claim access.Claim, proxied bool) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	now := time.Now()
	login, err := s.record(ctx, claim, now)
	if err != nil {
		if chat.CodeOf(err) == chat.CodeKeyOld {
			_ = s.Refresh(ctx) // another node may have rotated; the client tries again
		}
		return nil, err
	}
	m.name = login.Name
	m.stream.Hold()
	m.session, err = s.domain.attach(hub.Peer{
		Account: claim.Body.Account, Device: claim.Body.Device, Session: login.Session, Name: login.Name,
		Address: m.address, Client: claim.Client, Classical: m.stream.Classical(), Proxied: proxied, Since: now, New: login.New,
	}, m.stream)
	if err != nil {
		return nil, err
	}
	return wire.Encode(&wire.Welcome{
		Session: login.Session, Incarnation: s.config.Store.Incarnation(), Time: now.UnixMilli(), Rooms: m.session.Welcome(),
	}), nil
}

// record enrols a newcomer, or begins the next session of a device that is known.
func (s *Server) record(ctx context.Context, claim access.Claim, now time.Time) (hub.Login, error) {
	b := &claim.Body
	if b.Intent == wire.IntentEnrol {
		return s.enrol(ctx, claim, now)
	}
	var proven chat.Generation
	if claim.Proven {
		proven = b.Generation
	}
	return s.config.Store.OpenSession(ctx, b.Account, b.Device, b.Name, proven, now)
}

// reserve counts m among the members. CodeFull, CodeGoodbye.
func (s *Server) reserve(m *member) error {
	limits := s.limits.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopping:
		return chat.Errorf(chat.CodeGoodbye)
	case len(s.members) >= limits.Connections,
		limits.PerAddress > 0 && s.addresses[m.from] >= limits.PerAddress:
		return chat.Errorf(chat.CodeFull)
	}
	s.members[m] = struct{}{}
	s.addresses[m.from]++
	return nil
}

// release takes m out again.
func (s *Server) release(m *member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.members, m)
	if s.addresses[m.from]--; s.addresses[m.from] == 0 {
		delete(s.addresses, m.from)
	}
}

// run reads a member's frames until the connection ends.
func (s *Server) run(m *member) {
	for {
		raw, err := m.stream.Read()
		if err != nil {
			var said *chat.Error
			if errors.As(err, &said) {
				s.metrics.refused(err)
				m.stream.Refuse(bye(err), err)
			}
			break
		}
		s.metrics.frames.Inc()
		if m.session.Handle(raw) != nil {
			break // the hub has told the client and the log
		}
	}
	m.session.Detach()
	s.release(m)
	m.stream.Finish()
	s.debug("left", m)
}
