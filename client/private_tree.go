package client

import (
	"huisclos/chat"
	"huisclos/mls"
	"huisclos/wire"
)

// Welcomes into large rooms, whose tree is fetched.

// welcomeFromState fetches the tree that a Welcome of a large room doesn't have in it.
func (e *engine) welcomeFromState(inv *wire.Invitation, w *mls.Welcome, k *mls.KeyPackageSecrets, ref []byte, next func(error)) {
	e.ask(func(n uint64) []byte { return wire.Encode(&wire.State{Ref: n, Room: inv.Room}) },
		func(f wire.Frame, err *chat.Error) {
			state, ok := f.(*wire.RoomState)
			if !ok {
				if e.session != nil {
					next(orNil(err))
				}
				return
			}
			e.welcomeWithTree(inv, w, k, ref, state, next)
		})
}

// welcomeWithTree enters with the tree beside; where that is of a later epoch than the Welcome, by an external commit in the place that
// the Welcome's commit has made for us.
func (e *engine) welcomeWithTree(inv *wire.Invitation, w *mls.Welcome, k *mls.KeyPackageSecrets, ref []byte, state *wire.RoomState, next func(error)) {
	old := e.rooms[inv.Room]
	r := newRoom(inv.Room, "")
	p := r.private()
	if state.Seq != inv.Seq { // of a later epoch: in from outside, into the place that the Welcome's commit has made
		if old == nil || !old.active() {
			e.comeInto(inv.Room)
		}
		next(nil)
		return
	}
	if old == nil { // a room that is new here, with many in it
		g, changes, err := e.joinUnvetted(w, k, state.Tree)
		if err == nil {
			err = e.checkWelcome(inv, g, p)
		}
		if err == nil && !p.state.Direct { // that one is called by the other's name
			r.rec.Private.Unvetted = true
			e.entered(r, nil, inv, g, changes, k, ref)
		}
		if err != nil || !p.state.Direct {
			next(err)
			return
		}
	}
	e.join(w, k, state.Tree, func(g *mls.Group, changes mls.Changes, err error) {
		if err == nil {
			err = e.checkWelcome(inv, g, p)
		}
		if err != nil {
			next(err)
			return
		}
		if old != nil {
			r.rec.Name, r.outbox, r.order = old.rec.Name, old.outbox, old.order
		}
		e.entered(r, old, inv, g, changes, k, ref)
		next(nil)
	})
}
