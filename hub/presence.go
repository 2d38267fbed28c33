package hub

import (
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// presence is one account in a room.
type presence struct {
	name    string
	devices int
}

// Presence is gathered before it is told, so that a hundred people who come back at once make one frame; in a
// large room only their number is told, and more seldom.
const (
	presenceDelay      = 250 * time.Millisecond
	presenceDelayLarge = 2 * time.Second
	presenceLarge      = 200 // people
)

// came notes that a device entered. Under r.mu.
func (r *room) came(s *Session) {
	p := r.people[s.peer.Account]
	if p == nil {
		p = &presence{name: s.peer.Name}
		r.people[s.peer.Account] = p
		r.changed(s.peer.Account)
	}
	p.devices++
}

// left notes that a device left. Under r.mu.
func (r *room) left(s *Session) {
	p := r.people[s.peer.Account]
	if p == nil {
		return
	}
	if p.devices--; p.devices == 0 {
		delete(r.people, s.peer.Account)
		r.gone(s.peer.Account, p.name)
	}
}

func (r *room) changed(a chat.AccountID) {
	r.changes[a] = ""
	r.tellSoon()
}

func (r *room) gone(a chat.AccountID, name string) {
	r.changes[a] = name
	r.tellSoon()
}

func (r *room) tellSoon() {
	if r.telling {
		return
	}
	r.telling = true
	delay := presenceDelay
	if len(r.people) > presenceLarge {
		delay = presenceDelayLarge
	}
	time.AfterFunc(delay, r.tellPresence)
}

// tellPresence tells everyone in the room who came and who went.
func (r *room) tellPresence() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.telling = false
	f := &wire.Presence{Room: r.id, Online: uint32(len(r.people)), Changes: []wire.Arrival{}} //nolint:gosec // small
	for a, name := range r.changes {
		p := r.people[a]
		if p != nil {
			name = p.name
		}
		if len(r.people) <= presenceLarge {
			f.Changes = append(f.Changes, wire.Arrival{Account: a, Name: name, Here: p != nil})
		}
	}
	clear(r.changes)
	frame := wire.Encode(f)
	for _, s := range r.subs {
		if s.live {
			s.session.conn.Push(frame)
		}
	}
}

// online is the number of people in the room.
func (r *room) online() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.people)
}

// members lists the sessions in the room that aren't over.
func (r *room) members() []*Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*Session, 0, len(r.subs))
	for _, s := range r.subs {
		if !s.session.over() {
			list = append(list, s.session)
		}
	}
	return list
}
