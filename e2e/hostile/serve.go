package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/conn"
	"huisclos/fanout"
	"huisclos/hub"
	"huisclos/keys"
	"huisclos/server"
	"huisclos/store"
	"huisclos/trust"
	"huisclos/wire"
)

// liar is a server in memory: the product's hub and store, with a man between the hub and each connection (seat) and one between
// the hub and the store (shelf).
type liar struct {
	identity access.Identity
	key      keys.Key
	shelf    *shelf
	bus      *fanout.Local
	hub      *hub.Hub
	listener net.Listener
	acceptor *conn.Acceptor
	login    access.ServerConfig

	mu    sync.Mutex // guards what follows
	known map[string]hub.Peer
	seats map[string]*seat // by name
	views map[string]map[chat.RoomID]*view
	rules map[string][]rule // for entries that come
	state stateLie
	made  hub.State // of a group of the server's own
	swaps map[chat.AccountID]swap
	extra map[chat.DeviceID][]wire.Invitation
}

func newLiar(ctx context.Context, lookalikes bool) (*liar, error) {
	s := &liar{
		identity: access.NewIdentity(), bus: fanout.NewLocal(), known: map[string]hub.Peer{}, seats: map[string]*seat{},
		views: map[string]map[chat.RoomID]*view{}, rules: map[string][]rule{}, swaps: map[chat.AccountID]swap{}, extra: map[chat.DeviceID][]wire.Invitation{},
	}
	s.key = keys.New(s.identity.Fingerprint())
	kept, err := store.Memory()
	if err != nil {
		return nil, err
	}
	s.shelf = newShelf(kept, lookalikes)
	public := s.key.AccessPublic(1)
	g := hub.Generation{Number: 1, Access: public, KeyID: access.KeyID(public), At: time.Now()}
	if err := kept.Rotate(ctx, g, false, hub.Audit{Action: "key", At: time.Now()}); err != nil {
		return nil, err
	}
	limits := server.DefaultLimits()
	s.login = access.ServerConfig{Identity: s.identity, Limits: limits.Wire(), Generation: 1, Access: public, Ephemeral: true, Software: "hostile"}
	s.hub, err = hub.New(ctx, hub.Config{
		Server: s.identity.Fingerprint(), Store: s.shelf, Bus: s.bus,
		Limits: hub.Limits{Message: limits.Message, Rate: limits.Rate, Burst: limits.Burst, Rooms: limits.Rooms, PrivateRooms: limits.PrivateRooms, Page: limits.Page},
	})
	if err != nil {
		return nil, err
	}
	certificate, err := conn.SelfCertificate(s.identity.Signer())
	if err != nil {
		return nil, err
	}
	s.acceptor = &conn.Acceptor{TLS: conn.ServerTLS(always(certificate), false), MaxFrame: 16 << 10}
	if s.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	address := s.listener.Addr().String()
	fmt.Printf("key %s\nlink %s\nlistening %s\n", s.key.Reveal(), keys.Link{Address: address, Key: s.key}.Reveal(), address)
	go func() {
		for {
			raw, err := s.listener.Accept()
			if err != nil {
				return
			}
			go s.visit(ctx, raw)
		}
	}()
	return s, nil
}

func always[T any](v T) func() T { return func() T { return v } }

func (s *liar) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = errors.Join(s.listener.Close(), s.hub.Close(ctx), s.bus.Close(), s.shelf.Close())
}

// visit is the life of a connection.
func (s *liar) visit(ctx context.Context, raw net.Conn) {
	_ = raw.SetDeadline(time.Now().Add(10 * time.Second))
	stream, err := s.acceptor.Accept(raw)
	if err != nil {
		_ = raw.Close()
		return
	}
	t, welcome, err := s.enter(ctx, stream)
	if err != nil {
		var said *chat.Error
		if errors.As(err, &said) {
			stream.Refuse(wire.Encode(&wire.Bye{Code: said.Code, Params: said.Params}), err)
			stream.Finish()
		}
		stream.Abort()
		return
	}
	stream.Longer(&conn.Longer{Limit: wire.MaxCommit, May: wire.IsLarge})
	stream.Established(68<<10, hub.LowWater, welcome, t.session.Drained)
	for {
		raw, err := stream.Read()
		if err != nil || t.session.Handle(t.heard(raw)) != nil {
			break
		}
	}
	t.session.Detach()
	stream.Finish()
}

// enter does the login.
func (s *liar) enter(ctx context.Context, stream *conn.Stream) (*seat, []byte, error) {
	exporter, err := stream.Exporter()
	if err != nil {
		return nil, nil, err
	}
	login := access.NewServer(s.login)
	raw, err := stream.Read()
	if err != nil {
		return nil, nil, err
	}
	challenge, err := login.Hello(raw, exporter)
	if err != nil {
		return nil, nil, err
	}
	if err = stream.Send(challenge); err != nil {
		return nil, nil, err
	}
	if raw, err = stream.Read(); err != nil {
		return nil, nil, err
	}
	claim, err := login.Auth(raw)
	if err != nil {
		return nil, nil, err
	}
	b := &claim.Body
	var in hub.Login
	if b.Intent == wire.IntentEnrol {
		in, err = s.shelf.Enrol(ctx, hub.Enrolment{
			Account: b.Account, Device: b.Device, Certificate: b.Certificate, ListVersion: b.ListVersion, Name: b.Name,
			Folded: trust.FoldName(b.Name), Skeleton: trust.Skeleton(b.Name), NameSig: b.NameSig, Generation: b.Generation, At: time.Now(),
		})
	} else {
		in, err = s.shelf.OpenSession(ctx, b.Account, b.Device, b.Name, 0, time.Now())
	}
	if err != nil {
		return nil, nil, err
	}
	peer := hub.Peer{Account: b.Account, Device: b.Device, Session: in.Session, Name: in.Name, Since: time.Now()}
	stream.Hold()
	t := &seat{s: s, peer: peer, stream: stream}
	if t.session, err = s.hub.Attach(peer, t); err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	s.known[in.Name], s.seats[in.Name] = peer, t
	s.mu.Unlock()
	s.shelf.seen(peer)
	return t, wire.Encode(&wire.Welcome{
		Session: in.Session, Incarnation: s.shelf.Incarnation(), Time: time.Now().UnixMilli(), Rooms: t.session.Welcome(),
	}), nil
}
