package hub

import (
	"context"

	"huisclos/chat"
	"huisclos/wire"
)

// roster caches who may enter a private room. The truth is in the store: that somebody is absent is asked there each time; that somebody is present
// holds until an entry changes the roster. Guarded by the room's lock; nil in key rooms, where everybody may enter.
type roster struct {
	here    map[chat.AccountID]bool // nil: not read yet
	changes int                     // how often it was forgotten, so that an older reading isn't kept
}

// admits reports whether the cache knows that an account may enter.
func (r *roster) admits(a chat.AccountID) bool { return r == nil || r.here[a] }

func (r *room) notMember() error {
	return chat.Errorf(chat.CodeNotMember, "room", r.id.String())
}

// allows reports whether an account may enter. CodeNotMember, and the errors of the store.
func (r *room) allows(ctx context.Context, a chat.AccountID) error {
	r.mu.Lock()
	known := r.roster.admits(a)
	r.mu.Unlock()
	if known {
		return nil
	}
	members, err := r.readRoster(ctx)
	if err == nil && !members[a] {
		err = r.notMember()
	}
	return err
}

// readRoster reads the roster out of the store, and keeps it unless it has changed meanwhile.
func (r *room) readRoster(ctx context.Context) (map[chat.AccountID]bool, error) {
	r.mu.Lock()
	changes := r.roster.changes
	r.mu.Unlock()
	list, err := r.hub.store.Roster(ctx, r.id)
	if err != nil {
		return nil, err
	}
	here := make(map[chat.AccountID]bool, len(list))
	for _, m := range list {
		here[m.Account] = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.roster.changes == changes {
		r.roster.here = here
	}
	return here, nil
}

// forgetRoster makes the next one who asks read it.
func (r *room) forgetRoster() {
	r.mu.Lock()
	r.roster.here = nil
	r.roster.changes++
	r.mu.Unlock()
}

// rosterChanged makes the hub look anew at the roster of a room.
func (h *Hub) rosterChanged(id chat.RoomID) {
	if r, err := h.room(id); err == nil && r.roster != nil {
		r.forgetRoster()
	}
}

// expel ends what those read who have left a roster with a batch, and tells them.
func (a *appender) expel(b batch) {
	if b.err != nil {
		return
	}
	for i := range b.submissions {
		for _, account := range b.outcomes[i].Left {
			if r, err := a.hub.room(b.submissions[i].Room); err == nil {
				r.expel(account)
			}
		}
	}
}

// review reads a roster that another node may have changed, and expels who isn't on it.
func (r *room) review() {
	if r.roster == nil {
		return
	}
	r.forgetRoster()
	here, err := r.readRoster(r.hub.ctx)
	if err != nil {
		r.hub.log.Error("a roster can't be read", "err", err)
		return
	}
	for _, a := range r.accounts() {
		if !here[a] {
			r.expel(a)
		}
	}
}

// accounts lists who reads the room.
func (r *room) accounts() []chat.AccountID {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]chat.AccountID, 0, len(r.people))
	for a := range r.people {
		list = append(list, a)
	}
	return list
}

// expel ends what an account reads in the room, and tells all its sessions.
func (r *room) expel(a chat.AccountID) {
	sessions := r.hub.of(a)
	frame := wire.Encode(&wire.Expelled{Room: r.id})
	for _, s := range sessions {
		s.unsubscribeFrom(r)
		s.conn.Push(frame)
	}
}

// unsubscribeFrom ends the session's cursor in a room, if it has one.
func (s *Session) unsubscribeFrom(r *room) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	sub := s.subscription(r.id)
	if sub == nil {
		return false
	}
	r.remove(sub)
	s.setSubscription(r.id, nil)
	return true
}

// open finds a room that the session's account may enter. CodeRoomUnknown, CodeNotMember.
func (s *Session) open(id chat.RoomID) (*room, error) {
	r, err := s.hub.room(id)
	if err != nil {
		return nil, err
	}
	return r, r.allows(s.ctx, s.peer.Account)
}

// openPrivate is open for what only private rooms have. A key room is CodeRoomUnknown there.
func (s *Session) openPrivate(id chat.RoomID) (*room, error) {
	r, err := s.open(id)
	if err == nil && r.roster == nil {
		err = chat.Errorf(chat.CodeRoomUnknown, "name", id.String())
	}
	return r, err
}
