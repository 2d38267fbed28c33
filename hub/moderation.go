package hub

import (
	"cmp"
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"huisclos/chat"
	"huisclos/wire"
)

// all lists the sessions that aren't over, by name.
func (h *Hub) all() []*Session {
	h.mu.RLock()
	var list []*Session
	for _, of := range h.accounts {
		for s := range of {
			if !s.over() {
				list = append(list, s)
			}
		}
	}
	h.mu.RUnlock()
	slices.SortFunc(list, func(a, b *Session) int {
		return cmp.Or(cmp.Compare(a.peer.Name, b.peer.Name), a.peer.Since.Compare(b.peer.Since))
	})
	return list
}

// Present is one connection, with the key rooms that it reads, and how many private ones.
type Present struct {
	Peer
	Rooms   []string
	Private int
}

// Present lists the connections, by name.
func (h *Hub) Present() []Present {
	sessions := h.all()
	list := make([]Present, len(sessions))
	for i, s := range sessions {
		list[i].Peer = s.peer
		for _, sub := range s.subscriptions() {
			if sub.room.kind == chat.PrivateRoom {
				list[i].Private++
				continue
			}
			list[i].Rooms = append(list[i].Rooms, sub.room.name)
		}
		slices.Sort(list[i].Rooms)
	}
	return list
}

// Online is the number of people in a room.
func (h *Hub) Online(id chat.RoomID) int {
	r, err := h.room(id)
	if err != nil {
		return 0
	}
	return r.online()
}

// of lists the sessions of an account that aren't over.
func (h *Hub) of(account chat.AccountID) []*Session {
	h.mu.RLock()
	defer h.mu.RUnlock()
	list := make([]*Session, 0, len(h.accounts[account]))
	for s := range h.accounts[account] {
		if !s.over() {
			list = append(list, s)
		}
	}
	return list
}

// Kick ends an account's connections and tells them why; its sessions end in the store first, so nothing that is on its way is
// stored after it. It returns how many there were. CodeNotConnected when there was none: then nothing has changed.
func (h *Hub) Kick(ctx context.Context, account chat.AccountID, reason string, a Audit) (int, error) {
	if len(h.of(account)) == 0 {
		return 0, chat.Errorf(chat.CodeNotConnected)
	}
	if err := h.store.EndSessions(ctx, account, a); err != nil {
		return 0, err
	}
	return h.end(account, chat.CodeKicked, reason), nil
}

// Ban keeps an account out, and ends its connections. It is no error to be absent.
func (h *Hub) Ban(ctx context.Context, account chat.AccountID, reason string, a Audit) (int, error) {
	if err := h.store.Ban(ctx, account, reason, a); err != nil {
		return 0, err
	}
	return h.end(account, chat.CodeBanned, reason), nil
}

// end closes the connections of an account.
func (h *Hub) end(account chat.AccountID, code chat.Code, reason string) int {
	bye := wire.Encode(&wire.Bye{Code: code, Params: map[string]string{"reason": reason}})
	sessions := h.of(account)
	for _, s := range sessions {
		s.conn.Close(bye)
		s.cancel()
	}
	return len(sessions)
}

// Generation is the one in force; its Number is 0 when there is none.
func (h *Hub) Generation() Generation {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.generation
}

// Rotate begins a generation and tells everyone. With prove every connection ends, to log in again with the new key.
func (h *Hub) Rotate(ctx context.Context, g Generation, prove bool, a Audit) error {
	g.Prove = prove
	if err := h.store.Rotate(ctx, g, prove, a); err != nil {
		return err
	}
	h.mu.Lock()
	h.generation, h.rotated = g, time.Now()
	h.mu.Unlock()
	frame := wire.Encode(&wire.Rotated{Generation: g.Number, Access: g.Access})
	for _, s := range h.all() {
		s.conn.Push(frame)
		if prove {
			s.conn.Close(nil)
			s.cancel()
		}
	}
	return nil
}

// Grant keeps the key of a generation, sealed to devices, and tells those that are connected to look.
func (h *Hub) Grant(ctx context.Context, g chat.Generation, grants map[chat.DeviceID][]byte, a Audit) error {
	if err := h.store.PutGrants(ctx, g, grants, a); err != nil {
		return err
	}
	current := h.Generation()
	frame := wire.Encode(&wire.Rotated{Generation: current.Number, Access: current.Access})
	for _, s := range h.all() {
		if grants[s.peer.Device] != nil {
			s.conn.Push(frame)
		}
	}
	return nil
}

// maxNotice is the greatest length of what Say says, bytes.
const maxNotice = 1024

// Say tells everyone a text of at most 1 KiB; the rest is cut. It returns how many connections that were.
func (h *Hub) Say(text string) int {
	if len(text) > maxNotice {
		text = text[:maxNotice]
		for range utf8.UTFMax - 1 { // not within a character
			if utf8.ValidString(text) {
				break
			}
			text = text[:len(text)-1]
		}
	}
	frame := wire.Encode(&wire.Notice{Text: text, Time: time.Now().UnixMilli()})
	sessions := h.all()
	for _, s := range sessions {
		s.conn.Push(frame)
	}
	return len(sessions)
}
