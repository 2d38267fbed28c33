package server

import (
	"context"

	"huisclos/hub"
	"huisclos/wire"
)

// domain is what logins and connections need of the hub.
type domain interface {
	// attach begins a session. See hub.Conn for its life.
	attach(p hub.Peer, c hub.Conn) (session, error)
	// useCode brings a newcomer to the member who has made a code.
	useCode(number uint32, first []byte) (guest, error)
	// useLink brings a new device to the one that has made a link code.
	useLink(number uint32, first []byte) (guest, error)
	// close says goodbye to everyone when what was accepted is stored.
	close(ctx context.Context) error
}

// session is a *hub.Session.
type session interface {
	Welcome() []wire.RoomInfo
	Handle(raw []byte) error
	Drained()
	Detach()
}

// theHub is the hub as a domain.
type theHub struct{ *hub.Hub }

func (h theHub) attach(p hub.Peer, c hub.Conn) (session, error) {
	s, err := h.Attach(p, c)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (h theHub) useCode(number uint32, first []byte) (guest, error) {
	g, err := h.UseCode(number, first)
	if err != nil {
		return nil, err
	}
	return g, nil
}

func (h theHub) useLink(number uint32, first []byte) (guest, error) {
	g, err := h.UseLink(number, first)
	if err != nil {
		return nil, err
	}
	return g, nil
}

func (h theHub) close(ctx context.Context) error { return h.Close(ctx) }
