package client

import (
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// What the server is told of a room's rules, so that it can enforce them too. It can't see who says the truth: so it takes a restriction only when another account has gone on
// from the commit that brought it, and here nobody goes on from one before he has compared. The members' own rules hold whatever the server does.

// rules are what of a state the server can enforce without knowing roles. Whom slow mode doesn't bind it must know; else it learns nothing of roles.
func (s *roomState) rules() wire.RoomRules {
	if s.Direct {
		return wire.RoomRules{}
	}
	r := wire.RoomRules{Slow: s.Slow, Banned: s.Banned}
	for _, a := range s.Muted {
		if s.role(a) == Plain {
			r.Muted = append(r.Muted, a)
		}
	}
	if s.Slow > 0 {
		for _, x := range s.Roles {
			r.Free = append(r.Free, x.Account)
		}
	}
	return r
}

// mutes tells whether what an account writes to people isn't shown.
func (s *roomState) mutes(a chat.AccountID) bool {
	return slices.Contains(s.Muted, a) && s.role(a) == Plain
}

// slows tells whether slow mode binds an account.
func (s *roomState) slows(a chat.AccountID) bool { return s.Slow > 0 && s.role(a) == Plain }

// empty rules say nothing.
func empty(r wire.RoomRules) bool { return r.Equal(&wire.RoomRules{}) }

// ruling is what a commit tells the server of the rules that a state has: nothing when that is what it has.
func (e *engine) ruling(r *room, list *wire.RosterList, s *roomState) []wire.RoomRules {
	rules := s.rules()
	if r.rec.Private.Unproven || r.priv.lacksState() || list.Noted.Equal(&rules) {
		return nil
	}
	return []wire.RoomRules{rules}
}

// maxRuling is how often in a row we commit to put the server's rules right before we go on all the same: what it holds against ourselves only others can take back, and one
// that lies can't be helped.
const maxRuling = 2

// misruled tells whether the server's rules aren't those of the room, and we try to put them right.
func (e *engine) misruled(r *room, list *wire.RosterList) bool {
	p := r.priv
	if len(e.ruling(r, list, &p.state)) == 0 {
		p.rulings = 0
		return false
	}
	p.rulings++
	return p.rulings <= maxRuling
}

// compareRules has the server's rules compared before the next message, where the room has any: with a commit somebody may have told it others.
func (e *engine) compareRules(r *room) {
	r.priv.compare = !empty(r.priv.state.rules())
}

// marked tells whether a message that isn't a new text says so on its envelope: where a rule binds us, so that the server doesn't take it for one.
func (e *engine) marked(r *room, o *outgoing) bool {
	p, me := r.priv, e.id.account()
	return !o.isText() && (p.marks || p.state.slows(me) || p.state.mutes(me))
}

// isText tells whether it is a new text to people.
func (o *outgoing) isText() bool { return o.rec.Kind == innerMessage && o.rec.What == Said }

// ruledOut takes the server's word that a rule of the room keeps a message back. What isn't a text goes again, marked; a text waits, or has failed.
func (e *engine) ruledOut(r *room, o *outgoing, err *chat.Error) {
	p := r.priv
	switch {
	case p == nil:
		e.failed(r, o, err)
	case !o.isText() && !p.marks && (o.rec.Kind != innerMessage || err.Code == chat.CodeSlowMode):
		p.marks = true
	case o.isText() && err.Code == chat.CodeSlowMode:
		p.hold = time.Now().Add(waitOf(err))
	default:
		e.failed(r, o, chat.Errorf(chat.CodeMuted, "name", e.self.Name))
	}
}
