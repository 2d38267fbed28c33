package client

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/trust"
	"huisclos/wire"
)

// directMark stands before the name of a direct conversation: "@bob".
const directMark = "@"

// MemberView is somebody in a private room.
type MemberView struct {
	Account chat.AccountID
	Name    string
	Me      bool
	Devices int
	Role    Role
	Muted   bool
	Trust   Trust
	Weak    bool // a device of theirs was invited on a key that is used more than once, and hasn't renewed its keys since
}

// privateNamed finds a private room that we are in by its name here.
func (e *engine) privateNamed(name string) *room {
	if direct, ok := strings.CutPrefix(name, directMark); ok {
		a, known := e.people.names[trust.FoldName(direct)]
		if !known {
			return nil
		}
		if r := e.directWith(a); r != nil {
			return r
		}
		var last *room // one that is over can still be read
		for _, r := range e.rooms {
			if r.priv != nil && r.rec.Private.Direct == a && (last == nil || last.rec.Private.Since < r.rec.Private.Since) {
				last = r
			}
		}
		return last
	}
	name = strings.ToLower(strings.TrimPrefix(name, "#"))
	var gone *room
	for _, r := range e.rooms {
		if r.priv == nil || r.rec.Name != name {
			continue
		}
		if r.active() && !r.rec.Private.Leaving {
			return r
		}
		gone = r
	}
	return gone
}

// freeName is the name under which a room is known here: the one that its maker gave it, unless it means another room already.
func (e *engine) freeName(name string, other chat.AccountID, direct bool) string {
	if direct {
		return directMark + e.people.name(other)
	}
	if name == "" {
		name = "room"
	}
	for n := 1; ; n++ {
		free := name
		if n > 1 {
			end := "-" + strconv.Itoa(n)
			free = name[:min(len(name), chat.MaxRoomName-len(end))] + end
		}
		key := e.rooms[chat.KeyRoomID(e.self.Server, free)]
		if e.privateNamed(free) == nil && (key == nil || !key.rec.Joined) && free != chat.Lobby {
			return free
		}
	}
}

// privateRoom finds a private room that we are in, for a change of it.
func (e *engine) privateRoom(name string) (*room, error) {
	r, err := e.room(name)
	switch {
	case err != nil:
		return nil, err
	case r.priv == nil:
		return nil, chat.Errorf(chat.CodeNotPrivate, "name", r.rec.Name)
	case !r.active() || r.rec.Private.Leaving:
		return nil, chat.Errorf(chat.CodeNotMember, "room", r.rec.Name)
	}
	return r, nil
}

// CreatePrivate implements API.
func (c *Client) CreatePrivate(ctx context.Context, name string) (RoomView, error) {
	return await(ctx, c, func(e *engine, answer func(RoomView, error)) {
		name, err := chat.RoomName(name)
		if err == nil && (e.privateNamed(name) != nil || name == chat.Lobby) {
			err = chat.Errorf(chat.CodeRoomExists, "name", name)
		}
		if err != nil {
			answer(RoomView{}, err)
			return
		}
		state := roomState{Version: 1, Number: 1, Name: name, Roles: []roleOf{{Account: e.id.account(), Role: RoleOwner}}}
		e.found(state, chat.AccountID{}, func(r *room, err error) {
			if err != nil {
				answer(RoomView{}, err)
				return
			}
			v := e.view(r)
			e.then(func() { answer(v, nil) })
		})
	})
}

// found makes a room with us alone in it.
func (e *engine) found(state roomState, other chat.AccountID, then func(*room, error)) {
	e.whenOnline(func(err error) {
		if err != nil {
			then(nil, err)
			return
		}
		id := newRoomID()
		e.ask(func(ref uint64) []byte { return wire.Encode(&wire.CreatePrivate{Ref: ref, Room: id}) },
			func(f wire.Frame, err *chat.Error) {
				answer, ok := f.(*wire.Room)
				switch {
				case !ok:
					then(nil, orNil(err))
				case answer.Info.Room != id || answer.Info.Head != 0:
					e.disconnected(chat.Errorf(chat.CodeFrame).Because(errProtocol))
					then(nil, e.offlineError())
				default:
					r, err := e.makeGroup(id, state, other)
					if err != nil {
						then(nil, err)
						return
					}
					e.whenLive(r, func(err error) { then(r, err) })
					if !state.Direct && len(e.people.ownDevices(e.id)) > 0 {
						e.want(r, &intent{own: true})
					}
				}
			})
	})
}

// makeGroup makes the group of a new room.
func (e *engine) makeGroup(id chat.RoomID, state roomState, other chat.AccountID) (*room, error) {
	key, credential, err := e.newLeafKey()
	if err != nil {
		return nil, err
	}
	r := newRoom(id, "")
	p := r.private()
	state = state.salted()
	p.state = state
	g, err := e.mls.Create(suite, key, credential, mls.GroupOptions{ID: e.groupID(id), Extensions: stateExtensions(&state)}, e.saver(r))
	if err != nil {
		return nil, err
	}
	e.stage.durable = true
	r.rec.Private.State, r.rec.Private.Direct, r.rec.Private.Updated = state.marshal(), other, time.Now().UnixMilli()
	r.rec.Private.Since = time.Now().UnixMilli()
	r.rec.Name, r.rec.Joined = e.freeName(state.Name, other, state.Direct), true
	r.rec.Anchored, r.rec.Hash = true, wire.ChainStart(e.self.Server, id)
	r.rec.BaseHash = r.rec.Hash
	e.rooms[id] = r
	e.follow(r, g)
	e.touch(r)
	return r, nil
}

// withPerson finds somebody by name, here or on the server.
func (e *engine) withPerson(name string, f func(chat.AccountID, error)) {
	name = trust.NormalizeName(strings.TrimPrefix(name, directMark))
	unknown := chat.Errorf(chat.CodeNoSuchPerson, "name", name)
	known := func() bool {
		a, ok := e.people.names[trust.FoldName(name)]
		if ok {
			f(a, nil)
		}
		return ok
	}
	if err := trust.CheckName(name); err != nil {
		f(chat.AccountID{}, unknown)
		return
	}
	if known() {
		return
	}
	e.whenOnline(func(err error) {
		if err != nil {
			f(chat.AccountID{}, err)
			return
		}
		e.ask(func(ref uint64) []byte { return wire.Encode(&wire.Who{Ref: ref, Names: []string{name}}) },
			func(frame wire.Frame, err *chat.Error) {
				people, ok := frame.(*wire.People)
				if !ok {
					f(chat.AccountID{}, orNil(err))
					return
				}
				for i := range people.People {
					e.meet(&people.People[i])
				}
				if known() {
					return
				}
				for _, w := range people.People {
					if refused := e.people.refused[w.Account]; refused != nil {
						f(chat.AccountID{}, refused)
						return
					}
				}
				f(chat.AccountID{}, unknown)
			})
	})
}

// Invite implements API.
func (c *Client) Invite(ctx context.Context, in string, names ...string) error {
	return c.change(ctx, in, "", func(e *engine, r *room, _ chat.AccountID, answer func(error)) {
		if r.priv.state.Direct {
			answer(chat.Errorf(chat.CodeNotPrivate, "name", r.rec.Name))
			return
		}
		if len(names) == 0 || len(names) > maxInvited {
			answer(chat.Errorf(chat.CodeTooLarge, "limit", strconv.Itoa(maxInvited)))
			return
		}
		e.withPeople(names, nil, func(accounts []chat.AccountID, err error) {
			if err != nil {
				answer(err)
				return
			}
			for _, a := range accounts {
				if r.priv.devices[a] > 0 {
					answer(chat.Errorf(chat.CodeMember, "name", e.people.name(a), "room", r.rec.Name))
					return
				}
			}
			e.want(r, &intent{add: accounts, answer: answer})
		})
	})
}

// maxInvited is how many are invited at once: of so many key packages are taken in one question.
const maxInvited = wire.MaxTake

// withPeople is withPerson for several, each once.
func (e *engine) withPeople(names []string, found []chat.AccountID, f func([]chat.AccountID, error)) {
	if len(names) == 0 {
		f(found, nil)
		return
	}
	e.withPerson(names[0], func(a chat.AccountID, err error) {
		if err != nil {
			f(nil, err)
			return
		}
		if !slices.Contains(found, a) {
			found = append(found, a)
		}
		e.withPeople(names[1:], found, f)
	})
}

// Remove implements API.
func (c *Client) Remove(ctx context.Context, in, name string) error {
	return c.change(ctx, in, name, func(e *engine, r *room, a chat.AccountID, answer func(error)) {
		p := r.priv
		switch {
		case a == e.id.account():
			answer(chat.Errorf(chat.CodeSelf))
		case p.devices[a] == 0:
			answer(chat.Errorf(chat.CodeNotInRoom, "name", e.people.name(a), "room", r.rec.Name))
		case p.permitsRemoval(e.id.account(), a) != nil:
			answer(chat.Errorf(chat.CodeRole, "name", e.people.name(a)))
		default:
			e.want(r, &intent{remove: []chat.AccountID{a}, answer: answer})
		}
	})
}

// SetRole implements API.
func (c *Client) SetRole(ctx context.Context, in, name string, role Role) error {
	return c.change(ctx, in, name, func(e *engine, r *room, a chat.AccountID, answer func(error)) {
		p := r.priv
		if p.devices[a] == 0 {
			answer(chat.Errorf(chat.CodeNotInRoom, "name", e.people.name(a), "room", r.rec.Name))
			return
		}
		e.wantState(r, answer, func(s roomState) (roomState, error) {
			if s.role(e.id.account()) != RoleOwner {
				return s, chat.Errorf(chat.CodeRole, "name", e.people.name(a))
			}
			next := s.with(a, role)
			if !slices.ContainsFunc(next.Roles, func(x roleOf) bool { return x.Role == RoleOwner && p.devices[x.Account] > 0 }) {
				return s, chat.Errorf(chat.CodeSelf)
			}
			return next, nil
		})
	})
}

// SetTopic implements API.
func (c *Client) SetTopic(ctx context.Context, in, topic string) error {
	return c.change(ctx, in, "", func(e *engine, r *room, _ chat.AccountID, answer func(error)) {
		e.wantState(r, answer, func(s roomState) (roomState, error) {
			if s.role(e.id.account()) == Plain {
				return s, chat.Errorf(chat.CodeRole, "name", r.rec.Name)
			}
			s.Topic = strings.ToValidUTF8(topic, "\uFFFD")
			if len(s.Topic) > maxTopic {
				return s, chat.Errorf(chat.CodeTooLarge, "limit", strconv.Itoa(maxTopic))
			}
			return s, nil
		})
	})
}

// Mute implements API.
func (c *Client) Mute(ctx context.Context, in, name string, mute bool) error {
	return c.moderate(ctx, in, name, func(s *roomState, a chat.AccountID) { s.Muted = setTo(s.Muted, a, mute) })
}

// Ban implements API.
func (c *Client) Ban(ctx context.Context, in, name string, ban bool) error {
	return c.change(ctx, in, name, func(e *engine, r *room, a chat.AccountID, answer func(error)) {
		in := e.moderation(r, a, answer, func(s *roomState, a chat.AccountID) { s.Banned = setTo(s.Banned, a, ban) })
		if ban {
			in.remove = []chat.AccountID{a}
		}
		e.want(r, in)
	})
}

// moderate changes what a moderator may change of a member.
func (c *Client) moderate(ctx context.Context, in, name string, f func(*roomState, chat.AccountID)) error {
	return c.change(ctx, in, name, func(e *engine, r *room, a chat.AccountID, answer func(error)) {
		e.want(r, e.moderation(r, a, answer, f))
	})
}

func (e *engine) moderation(r *room, a chat.AccountID, answer func(error), f func(*roomState, chat.AccountID)) *intent {
	me := e.id.account()
	return &intent{answer: answer, state: func(s roomState) (roomState, error) {
		switch {
		case a == me:
			return s, chat.Errorf(chat.CodeSelf)
		case s.role(me) == Plain || s.role(a) >= s.role(me) && s.role(me) != RoleOwner:
			return s, chat.Errorf(chat.CodeRole, "name", e.people.name(a))
		}
		f(&s, a)
		return s, nil
	}}
}

// wantState wants another state of a room.
func (e *engine) wantState(r *room, answer func(error), f func(roomState) (roomState, error)) {
	e.want(r, &intent{answer: answer, state: f})
}

// change runs f on a private room that is read up to its head, with somebody's account.
func (c *Client) change(ctx context.Context, in, name string, f func(e *engine, r *room, a chat.AccountID, answer func(error))) error {
	_, err := await(ctx, c, func(e *engine, answer func(struct{}, error)) {
		done := func(err error) { e.then(func() { answer(struct{}{}, err) }) }
		r, err := e.privateRoom(in)
		if err != nil {
			done(err)
			return
		}
		ready := func(a chat.AccountID) {
			e.whenHead(r, func(err error) { // what others have just changed counts
				if err == nil && r.priv.g == nil {
					err = chat.Errorf(chat.CodeReturning, "room", r.rec.Name)
				}
				if err != nil {
					done(err)
					return
				}
				f(e, r, a, done)
			})
		}
		if name == "" {
			ready(chat.AccountID{})
			return
		}
		e.withPerson(name, func(a chat.AccountID, err error) {
			if err != nil {
				done(err)
				return
			}
			ready(a)
		})
	})
	return err
}

// Members implements API.
func (c *Client) Members(ctx context.Context, room string) ([]MemberView, error) {
	return do(ctx, c, func(e *engine) ([]MemberView, error) {
		r, err := e.privateRoom(room)
		if err != nil {
			return nil, err
		}
		switch {
		case r.rec.Private.Unproven:
			return nil, chat.Errorf(chat.CodeReturning, "room", r.rec.Name)
		case r.rec.Private.Unvetted:
			return nil, chat.Errorf(chat.CodeVerifying, "room", r.rec.Name)
		}
		weak := map[chat.AccountID]bool{}
		if r.priv.g != nil {
			weak = e.weakMembers(r)
		}
		var all []MemberView
		for a, n := range r.priv.devices {
			all = append(all, MemberView{
				Account: a, Name: e.people.name(a), Me: a == e.id.account(), Devices: n, Role: r.priv.state.role(a),
				Muted: slices.Contains(r.priv.state.Muted, a), Trust: e.people.trust(a), Weak: weak[a],
			})
		}
		slices.SortFunc(all, func(a, b MemberView) int { return strings.Compare(a.Name, b.Name) })
		return all, nil
	})
}
