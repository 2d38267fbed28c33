package client

import (
	"slices"
	"time"

	"huisclos/chat"
)

// On the roster or not: what the server says of that, which is never more than its word.

// expelled takes the server's word that the removal of our account from a room's roster counts. The commit that removed us may
// still be on its way.
func (e *engine) expelled(r *room) {
	e.soon(func() {
		switch {
		case r.active() && !r.rec.Private.Leaving:
			e.notMember(r)
		case r.active(): // as we wish: the commit that says so may be on its way
			r.priv.out = true
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

// leaveBehind answers whoever waits for something of a room whose place another one takes.
func (e *engine) leaveBehind(old *room, err *chat.Error) {
	e.tellLive(old, err)
	e.tellBehind(old, err)
	old.priv.answerAll(err)
}

// forgetRoom forgets a room of which there is nothing but its number.
func (e *engine) forgetRoom(r *room) {
	e.unsubscribe(r)
	e.leaveBehind(r, chat.Errorf(chat.CodeNotMember, "room", r.rec.Name))
	for _, o := range slices.Clone(r.outbox) {
		e.failed(r, o, chat.Errorf(chat.CodeNotMember, "room", r.rec.Name))
	}
	if err := e.forgetGroup(r); err != nil {
		e.fail(err)
		return
	}
	delete(e.rooms, r.id)
	e.stage.set(TableRooms, r.id[:], nil)
	e.checkFlush()
}

// notMember takes the server's word that our account isn't on the room's roster. Nothing is forgotten by it: only a commit of the
// group's own ends a membership.
func (e *engine) notMember(r *room) {
	err := chat.Errorf(chat.CodeNotMember, "room", r.rec.Name)
	if r.rec.Private.Leaving { // as we wish; the commit that says so can't be read any more
		e.gone(r)
		e.leftRoom(r)
		return
	}
	if rec := r.rec.Private; rec.Nameless && (!rec.Linked || rec.Before > 0) && r.priv.g == nil { // nobody has seen more of it than that it waited
		if rec.Before > 0 {
			e.gone(r)
		} else {
			e.soon(func() { e.forgetRoom(r) })
		}
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
