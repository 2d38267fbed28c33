package hub

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/time/rate"

	"huisclos/chat"
	"huisclos/wire"
)

// Session is one device that is logged in. Handle and Detach belong to the goroutine that reads its connection; the other methods may be
// called by any.
type Session struct {
	hub    *Hub
	peer   Peer
	conn   Conn
	ctx    context.Context //nolint:containedctx // ends with the session, for what waits on its behalf
	cancel context.CancelFunc

	typingRate *rate.Limiter

	mu     sync.Mutex // guards what follows; a room's lock may be held when it is taken, not the other way round
	subs   map[chat.RoomID]*subscription
	flying int           // messages submitted and not answered
	room   chan struct{} // closed when there is room for one more; nil when nobody waits
}

// maxFlying is how many messages of one connection may be on their way to the disk; beyond, it isn't read from.
const maxFlying = 1024

// Attach begins the session of a device that has logged in. An older one of the same device ends: who comes back
// under his own key always wins over a dead connection. CodeGoodbye when the server stops.
func (h *Hub) Attach(p Peer, c Conn) (*Session, error) {
	s := &Session{hub: h, peer: p, conn: c, subs: map[chat.RoomID]*subscription{}, typingRate: newTypingRate()}
	s.ctx, s.cancel = context.WithCancel(h.ctx)
	h.mu.Lock()
	if h.closing {
		h.mu.Unlock()
		s.cancel()
		return nil, chat.Errorf(chat.CodeGoodbye)
	}
	old := h.sessions[p.Device]
	if old != nil && old.peer.Session > p.Session { // the logins overtook each other
		h.mu.Unlock()
		s.cancel()
		return nil, chat.Errorf(chat.CodeSuperseded)
	}
	h.sessions[p.Device] = s
	if h.accounts[p.Account] == nil {
		h.accounts[p.Account] = map[*Session]struct{}{}
	}
	h.accounts[p.Account][s] = struct{}{}
	h.mu.Unlock()
	if p.New {
		h.deviceJoined(p.Account, p.Device)
	}
	if restored := h.refilling(); restored != nil {
		c.Push(wire.Encode(restored))
	}
	if old != nil {
		old.conn.Close(wire.Encode(&wire.Bye{Code: chat.CodeSuperseded}))
		old.cancel()
	}
	return s, nil
}

// Detach ends the session. It may be called once.
func (s *Session) Detach() {
	s.cancel()
	h := s.hub
	h.mu.Lock()
	if h.sessions[s.peer.Device] == s {
		delete(h.sessions, s.peer.Device)
	}
	if of := h.accounts[s.peer.Account]; of != nil {
		delete(of, s)
		if len(of) == 0 {
			delete(h.accounts, s.peer.Account)
		}
	}
	h.mu.Unlock()
	for _, sub := range s.subscriptions() {
		sub.room.mu.Lock()
		sub.room.remove(sub)
		sub.room.mu.Unlock()
	}
}

// over reports whether the session has been ended: its connection may still be hearing why.
func (s *Session) over() bool { return s.ctx.Err() != nil }

// Welcome is what the end of the login tells of the rooms.
func (s *Session) Welcome() []wire.RoomInfo { return s.hub.keyRooms() }

// Drained says that the connection has room again: who had fallen behind reads on.
func (s *Session) Drained() {
	for _, sub := range s.subscriptions() {
		sub.room.mu.Lock()
		sub.room.advance(sub)
		sub.room.mu.Unlock()
	}
}

func (s *Session) subscriptions() []*subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*subscription, 0, len(s.subs))
	for _, sub := range s.subs {
		list = append(list, sub)
	}
	return list
}

func (s *Session) subscription(id chat.RoomID) *subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.subs[id]
}

func (s *Session) setSubscription(id chat.RoomID, sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sub == nil {
		delete(s.subs, id)
		return
	}
	s.subs[id] = sub
}

// reserve counts one message on its way, and waits while there are too many. False when the session ends.
func (s *Session) reserve() bool {
	for {
		s.mu.Lock()
		if s.flying < maxFlying {
			s.flying++
			s.mu.Unlock()
			return true
		}
		if s.room == nil {
			s.room = make(chan struct{})
		}
		room := s.room
		s.mu.Unlock()
		select {
		case <-room:
		case <-s.ctx.Done():
			return false
		}
	}
}

// answered pushes the answers to messages.
func (s *Session) answered(frames [][]byte) {
	s.conn.Push(frames...)
	s.release(len(frames))
}

func (s *Session) release(n int) {
	s.mu.Lock()
	s.flying -= n
	if s.room != nil && s.flying < maxFlying {
		close(s.room)
		s.room = nil
	}
	s.mu.Unlock()
}

// errOver ends a connection whose session is over already.
var errOver = errors.New("hub: the session is over")

// Handle takes the next frame of the connection. It waits when the peer is over its rate or has too much on its way: who sends
// too fast isn't read from. What can't be done is answered with Failure. An error ends the connection: the peer broke the
// protocol, or quit; it was told.
func (s *Session) Handle(raw []byte) error {
	if s.over() {
		return errOver
	}
	f, err := wire.Decode(raw)
	if err != nil {
		return s.expel(err)
	}
	switch f := f.(type) {
	case *wire.Send:
		return s.send(f)
	case *wire.Commit:
		return s.commit(f)
	case *wire.CodeMessage:
		s.codeMessage(f)
		return nil
	case *wire.Typing:
		s.typing(f)
		return nil
	case *wire.Bye:
		s.conn.Close(nil)
		return errOver
	}
	ref, answer, err := s.request(f)
	if err != nil {
		if ref == 0 {
			return s.expel(err)
		}
		e := codeOf(err)
		answer = wire.Encode(&wire.Failure{Ref: ref, Code: e.Code, Params: e.Params})
	}
	if answer != nil {
		s.conn.Push(answer)
	}
	return nil
}

// expel ends the connection of a peer that broke the protocol, and says why.
func (s *Session) expel(err error) error {
	e := codeOf(err)
	s.conn.Close(wire.Encode(&wire.Bye{Code: e.Code, Params: e.Params}))
	return err
}
