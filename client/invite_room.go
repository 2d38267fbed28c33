package client

import (
	"time"

	"huisclos/chat"
)

// Somebody who has joined by a code that was made in a private room is taken into it, as soon as he has come and has key packages.

// How often, and how far apart, that is tried in one session.
const (
	bringTries = 30
	bringWait  = 2 * time.Second
)

// toBring notes it, so that it outlives the process, and begins.
func (e *engine) toBring(a chat.AccountID, room chat.RoomID) {
	rec := e.codes()
	if rec.Rooms == nil {
		rec.Rooms = make(map[chat.AccountID]chat.RoomID)
	}
	if len(rec.Rooms) < maxUnmet {
		rec.Rooms[a] = room
	}
	e.put(TableSelf, codesKey, &rec)
	if r := e.rooms[room]; r != nil {
		e.bring(r, a, bringTries)
	}
}

// brought forgets it.
func (e *engine) brought(a chat.AccountID) {
	rec := e.codes()
	delete(rec.Rooms, a)
	e.put(TableSelf, codesKey, &rec)
}

// bring takes an account into a room, when it can be.
func (e *engine) bring(r *room, a chat.AccountID, tries int) {
	p := r.priv
	again := func() {
		if tries > 0 {
			e.afterwards(r, bringWait, func() { e.bring(r, a, tries-1) })
		}
	}
	switch {
	case p == nil || !r.active() || p.devices[a] > 0:
		e.brought(a)
		return
	case p.g == nil || r.phase != live || e.session == nil:
		again()
		return
	}
	e.who([]chat.AccountID{a}, nil, func(err *chat.Error) {
		if err != nil || e.people.accounts[a] == nil {
			again()
			return
		}
		e.want(r, &intent{add: []chat.AccountID{a}, answer: func(err error) {
			if err == nil {
				e.brought(a)
				return
			}
			again()
		}})
	})
}

// bringAll goes on with a room's newcomers in a new session.
func (e *engine) bringAll(r *room) {
	for a, room := range e.codes().Rooms {
		if room == r.id {
			e.bring(r, a, bringTries)
		}
	}
}
