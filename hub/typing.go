package hub

import (
	"golang.org/x/time/rate"

	"huisclos/wire"
)

// Typing is handed on to who is at the head of the room on this node, and forgotten: neither stored nor counted. What comes too often, from who isn't in the room, or in a
// room with many people, is dropped without a word, since nobody waits for an answer.
const (
	typingRate  = 1   // signs a second of one connection, sustained
	typingBurst = 6   // at once
	typingMost  = 100 // connections in the room
)

func newTypingRate() *rate.Limiter { return rate.NewLimiter(typingRate, typingBurst) }

// typing hands on a sign of typing.
func (s *Session) typing(f *wire.Typing) {
	sub := s.subscription(f.Room)
	if sub == nil || !s.typingRate.Allow() {
		return
	}
	r := sub.room
	if r.roster != nil && r.allows(s.ctx, s.peer.Account) != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if sub.gone || len(r.subs) > typingMost || !r.roster.admits(s.peer.Account) {
		return
	}
	frame := wire.Encode(&wire.Typed{Room: f.Room, Body: f.Body})
	for _, other := range r.subs {
		to := other.session.conn
		if other != sub && other.live && r.roster.admits(other.session.peer.Account) && to.Push() < LowWater { // for who doesn't read, nothing piles up
			to.Push(frame)
		}
	}
}
