package client

import (
	"context"
	"strings"

	"huisclos/chat"
)

// directWith finds the direct conversation with somebody. Where two were begun at once, both of them choose the same.
func (e *engine) directWith(a chat.AccountID) *room {
	var found *room
	for _, r := range e.rooms {
		if r.active() && !r.rec.Private.Leaving && r.rec.Private.Direct == a && r.both() && (found == nil || string(r.id[:]) < string(found.id[:])) {
			found = r
		}
	}
	return found
}

// both tells whether the other one of a direct conversation is still in it, or on the way.
func (r *room) both() bool {
	p := r.priv
	return p.g == nil || len(p.devices) > 1 || len(p.intents) > 0 || r.rec.Private.Applied == 0
}

// Private implements API.
func (c *Client) Private(ctx context.Context, name, text string) (RoomView, error) {
	return await(ctx, c, func(e *engine, answer func(RoomView, error)) {
		if err := e.short(text); err != nil {
			answer(RoomView{}, err)
			return
		}
		begin := func(r *room) {
			if text != "" {
				e.enqueue(r, strings.ToValidUTF8(text, "\uFFFD"), false, nil)
				e.pump(r)
			}
			v := e.view(r)
			e.then(func() { answer(v, nil) })
		}
		e.withPerson(name, func(a chat.AccountID, err error) {
			switch {
			case err != nil:
				answer(RoomView{}, err)
			case a == e.id.account():
				answer(RoomView{}, chat.Errorf(chat.CodeSelf))
			case e.directWith(a) != nil:
				begin(e.directWith(a))
			default:
				e.direct(a, func(r *room, err error) {
					if err != nil {
						answer(RoomView{}, err)
						return
					}
					begin(r)
				})
			}
		})
	})
}

// direct begins a conversation with somebody. A room to which the other couldn't be added is left again.
func (e *engine) direct(a chat.AccountID, then func(*room, error)) {
	state := roomState{Version: 1, Number: 1, Direct: true}
	e.found(state, a, func(r *room, err error) {
		if err != nil {
			then(nil, err)
			return
		}
		e.want(r, &intent{add: []chat.AccountID{a}, answer: func(err error) {
			if err == nil {
				e.soon(func() {
					if len(e.people.ownDevices(e.id)) > 0 {
						e.want(r, &intent{own: true}) // after the other one: two make a conversation
					}
					then(r, nil)
				})
				return
			}
			e.soon(func() {
				e.leavePrivate(r, func(error) {})
				then(nil, err)
			})
		}})
	})
}
