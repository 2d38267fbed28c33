package client

import (
	"time"

	"huisclos/chat"
)

// On the roster or not: what the server says of that, which is never more than its word.

// expelled takes the server's word that the removal of our account from a room's roster counts. The commit that removed us may
// still be on its way.
func (e *engine) expelled(r *room) {
	e.soon(func() {
		switch {
		case !r.active():
		case r.rec.Private.Leaving: // as we wish
			r.priv.out = true
		default:
			e.notMember(r)
		}
	})
}

// called takes the server's word that there is something for us in a room: an invitation for this device, or our account is on the roster. A room that
// we weren't on the roster of is read again: the server had ended its subscription.
func (e *engine) called(id chat.RoomID) {
	e.calls[id] = true
	r := e.rooms[id]
	if r != nil && r.active() {
		e.readmitted(r)
		e.afterwards(r, time.Second, func() { // what was asked before may only now have been answered by no
			if r.active() {
				e.readmitted(r)
			}
		})
	}
	e.askInvitations()
}

// readmitted subscribes again to a room from which the server had shut us out.
func (e *engine) readmitted(r *room) {
	if r.priv.out {
		r.disconnected()
		e.subscribe(r)
	}
}

// notMember takes the server's word that our account isn't on the room's roster. Nothing is forgotten by it: only a commit of the
// group's own ends a membership.
func (e *engine) notMember(r *room) {
	err := chat.Errorf(chat.CodeNotMember, "room", r.rec.Name)
	if rec := r.rec.Private; rec.Nameless && !rec.Linked && r.priv.g == nil { // nobody has seen more of it than that it waited
		e.gone(r)
		return
	}
	r.priv.answerAll(err)
	if r.priv.out {
		return
	}
	r.priv.out = true
	e.emit(PutOut{Room: r.rec.Name})
	e.tellLive(r, err)
	e.tellBehind(r, err)
	e.checkFlush()
}
