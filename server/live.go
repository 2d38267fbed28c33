package server

import (
	"context"

	"huisclos/admin"
	"huisclos/chat"
	"huisclos/hub"
)

// These methods are what the admin's desk needs of a running server.
var _ admin.Live = (*Server)(nil)

// Present lists the connections, by name.
func (s *Server) Present() []admin.Present {
	here := s.hub.Present()
	list := make([]admin.Present, len(here))
	for i, p := range here {
		list[i] = admin.Present{
			Name: p.Name, Account: p.Account.String(), Address: p.Address, Since: p.Since,
			Rooms: p.Rooms, Private: p.Private, Client: p.Client, Classical: p.Classical, Proxied: p.Proxied,
		}
	}
	return list
}

// Online counts the people in a room.
func (s *Server) Online(room chat.RoomID) int { return s.hub.Online(room) }

// Kick ends an account's connections; see hub.Hub.
func (s *Server) Kick(ctx context.Context, account chat.AccountID, reason string, a hub.Audit) (int, error) {
	return s.hub.Kick(ctx, account, reason, a)
}

// Ban keeps an account out; see hub.Hub.
func (s *Server) Ban(ctx context.Context, account chat.AccountID, reason string, a hub.Audit) (int, error) {
	return s.hub.Ban(ctx, account, reason, a)
}

// Rotate begins a generation of the shared key, the first one too: whoever logs in from now on is shown that one.
func (s *Server) Rotate(ctx context.Context, g hub.Generation, prove bool, a hub.Audit) error {
	if err := s.hub.Rotate(ctx, g, prove, a); err != nil {
		return err
	}
	return s.Refresh(ctx)
}

// Grant keeps sealed keys for devices; see hub.Hub.
func (s *Server) Grant(ctx context.Context, g chat.Generation, grants map[chat.DeviceID][]byte, a hub.Audit) error {
	return s.hub.Grant(ctx, g, grants, a)
}

// Say tells everyone a text; see hub.Hub.
func (s *Server) Say(text string) int { return s.hub.Say(text) }

// Retention is what a room keeps, its own or the server's.
func (s *Server) Retention(r hub.Room) hub.Retention { return s.hub.Retention(r) }

// RefillState says what a restored server still takes back.
func (s *Server) RefillState() hub.RefillState { return s.hub.RefillState() }

// EndRefill ends that; see hub.Hub.
func (s *Server) EndRefill(ctx context.Context, a hub.Audit) (bool, error) {
	return s.hub.EndRefill(ctx, a)
}
