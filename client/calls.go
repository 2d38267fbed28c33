package client

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/keys"
	"huisclos/wire"
)

// Status implements API.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return do(ctx, c, func(e *engine) (Status, error) { return e.status(), nil })
}

func (e *engine) status() Status {
	s := Status{
		Server: e.self.Server, Address: e.address(), Name: e.self.Name, Account: e.id.account(), Device: e.id.device(),
		Enrolled: e.self.Enrolled, Online: e.session != nil, Offline: e.offline, Generation: e.self.Newest, Keys: e.keys.generations(),
		Prove: e.prove, Ephemeral: e.self.Ephemeral, MaxText: e.maxText(), Protection: e.vault.Protection(), NewDevice: e.self.NewDevice,
		Backup: e.backupView(), Transfers: e.transferViews(), Restored: e.restoredView(),
	}
	s.Reports, s.Typing = e.self.Reports, e.self.Typing
	if e.session != nil {
		s.Address, s.Software = e.session.address, e.session.hello.Software
		s.Session, s.Skew = e.session.welcome.Session, e.session.skew.Milliseconds()
	}
	for _, r := range e.roomsInOrder() {
		if v := e.view(r); v.Joined || v.Queued > 0 {
			s.Rooms = append(s.Rooms, v)
			s.Queued += v.Queued
		}
	}
	return s
}

func (e *engine) view(r *room) RoomView {
	v := RoomView{
		Room: r.id, Name: r.rec.Name, Kind: r.rec.Kind, Joined: r.rec.Joined, Read: r.rec.Seq,
		Head: max(r.head, r.rec.Seq), Online: r.online, Stopped: r.stopped(),
	}
	if r.rec.Anchored && r.rec.Seq > r.rec.Base {
		v.Oldest = r.rec.Base + 1
	}
	v.Notify = r.notify()
	if p := r.priv; p != nil {
		v.Direct, v.Members, v.Topic, v.Role = p.state.Direct, len(p.devices), p.state.Topic, p.state.role(e.id.account())
		e.viewWaiting(r, &v)
		v.Expiry = time.Duration(p.state.Expiry) * time.Second
		v.Away, v.Out = r.rec.Private.Lost || r.rec.Private.Unproven, p.out
	}
	for _, o := range r.outbox {
		if o.rec.Acked == 0 && !o.told {
			v.Queued++
		}
	}
	return v
}

// Online implements API.
func (c *Client) Online(ctx context.Context) error {
	_, err := await(ctx, c, func(e *engine, answer func(struct{}, error)) {
		e.whenOnline(func(err error) { answer(struct{}{}, err) })
	})
	return err
}

// Join implements API.
func (c *Client) Join(ctx context.Context, name string) (RoomView, error) {
	return await(ctx, c, func(e *engine, answer func(RoomView, error)) {
		r, err := e.room(name)
		if err != nil {
			answer(RoomView{}, err)
			return
		}
		e.enter(r, answer)
	})
}

// enter answers with the room once it is read up to the head, and stays in it.
func (e *engine) enter(r *room, answer func(RoomView, error)) {
	e.whenLive(r, func(err error) {
		if err == nil && !r.rec.Joined {
			r.rec.Joined = true
			e.touch(r)
		}
		v := e.view(r)
		e.then(func() { answer(v, err) })
	})
}

// Leave implements API.
func (c *Client) Leave(ctx context.Context, name string) error {
	_, err := do(ctx, c, func(e *engine) (struct{}, error) {
		r, err := e.joined(name)
		if err != nil {
			return struct{}{}, err
		}
		if r.priv != nil {
			e.leavePrivate(r, func(error) {})
			return struct{}{}, nil
		}
		r.rec.Joined = false
		e.touch(r)
		if len(r.outbox) == 0 && len(r.behind) == 0 && r.older == nil {
			e.unsubscribe(r)
		}
		return struct{}{}, nil
	})
	return err
}

// joined finds a room that we are in.
func (e *engine) joined(name string) (*room, error) {
	r, err := e.room(name)
	if err != nil {
		return nil, err
	}
	if !r.rec.Joined {
		return nil, chat.Errorf(chat.CodeNotJoined, "name", r.rec.Name)
	}
	return r, nil
}

// Create implements API.
func (c *Client) Create(ctx context.Context, name string) (RoomView, error) {
	return await(ctx, c, func(e *engine, answer func(RoomView, error)) {
		r, err := e.room(name)
		if err != nil {
			answer(RoomView{}, err)
			return
		}
		e.whenOnline(func(err error) {
			if err != nil {
				answer(RoomView{}, err)
				return
			}
			e.ask(func(ref uint64) []byte {
				return wire.Encode(&wire.Create{Ref: ref, Name: r.rec.Name})
			}, func(_ wire.Frame, err *chat.Error) {
				if err != nil {
					answer(RoomView{}, err)
					return
				}
				e.enter(r, answer)
			})
		})
	})
}

// Rooms implements API.
func (c *Client) Rooms(ctx context.Context) ([]RoomView, error) {
	return await(ctx, c, func(e *engine, answer func([]RoomView, error)) {
		if e.session == nil {
			answer(e.listRooms(nil), nil)
			return
		}
		e.ask(func(ref uint64) []byte { return wire.Encode(&wire.Rooms{Ref: ref}) },
			func(f wire.Frame, err *chat.Error) {
				if list, ok := f.(*wire.RoomList); ok {
					answer(e.listRooms(list.Rooms), nil)
					return
				}
				answer(nil, orNil(err))
			})
	})
}

// listRooms makes one list of the server's rooms and ours. A room under a name that isn't its own is left out.
func (e *engine) listRooms(infos []wire.RoomInfo) []RoomView {
	var all []RoomView
	listed := make(map[chat.RoomID]bool)
	for _, i := range infos {
		if i.Kind != chat.KeyRoom || i.Room != chat.KeyRoomID(e.self.Server, i.Name) || listed[i.Room] {
			continue
		}
		listed[i.Room] = true
		v := RoomView{Room: i.Room, Name: i.Name, Kind: i.Kind}
		if r := e.rooms[i.Room]; r != nil {
			v = e.view(r)
		}
		v.Head, v.Online = max(v.Head, i.Head), int(i.Online)
		all = append(all, v)
	}
	for _, r := range e.rooms {
		if !listed[r.id] && (r.rec.Joined || r.active() && !r.rec.Private.Leaving) {
			all = append(all, e.view(r))
		}
	}
	slices.SortFunc(all, func(a, b RoomView) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// People implements API.
func (c *Client) People(ctx context.Context, name string) ([]PersonView, error) {
	return await(ctx, c, func(e *engine, answer func([]PersonView, error)) {
		var id chat.RoomID
		if name != "" {
			r, err := e.room(name)
			if err != nil {
				answer(nil, err)
				return
			}
			id = r.id
		}
		e.ask(func(ref uint64) []byte { return wire.Encode(&wire.List{Ref: ref, Room: id}) },
			func(f wire.Frame, err *chat.Error) {
				list, ok := f.(*wire.Listing)
				if !ok {
					answer(nil, orNil(err))
					return
				}
				e.withAccounts(presentAccounts(list.Present), func(err *chat.Error) {
					v := e.listPeople(list.Present)
					e.then(func() { answer(v, orNil(err)) })
				})
			})
	})
}

func presentAccounts(present []wire.Present) []chat.AccountID {
	all := make([]chat.AccountID, len(present))
	for i := range present {
		all[i] = present[i].Account
	}
	return all
}

// listPeople makes one line for each account, under its pinned name.
func (e *engine) listPeople(present []wire.Present) []PersonView {
	views := make(map[chat.AccountID]*PersonView)
	var all []*PersonView
	for _, p := range present {
		v := views[p.Account]
		if v == nil {
			v = &PersonView{Account: p.Account, Name: p.Name, Me: p.Account == e.id.account(), Client: p.Client, Since: time.UnixMilli(p.Since)}
			v.Refused, v.Trust = e.people.trusted(p.Account, p.Name), e.people.trust(p.Account)
			if v.Refused == nil {
				v.Name = e.people.name(p.Account)
			}
			views[p.Account] = v
			all = append(all, v)
		}
		v.Devices++
		if t := time.UnixMilli(p.Since); t.Before(v.Since) {
			v.Since = t
		}
	}
	slices.SortFunc(all, func(a, b *PersonView) int { return strings.Compare(a.Name, b.Name) })
	people := make([]PersonView, len(all))
	for i, v := range all {
		people[i] = *v
	}
	return people
}

// presence tells who came and went, under their pinned names.
func (e *engine) presence(f *wire.Presence) {
	r := e.rooms[f.Room]
	if r == nil || r.phase == idle {
		return
	}
	r.online = int(f.Online)
	var accounts []chat.AccountID
	for _, a := range f.Changes {
		accounts = append(accounts, a.Account)
	}
	e.withAccounts(accounts, func(err *chat.Error) {
		if err != nil {
			return
		}
		ev := Arrivals{Room: r.rec.Name, Online: r.online, Member: r.priv != nil}
		for _, a := range f.Changes {
			if r.priv != nil && (r.priv.devices[a.Account] == 0 || r.rec.Private.Unvetted) {
				continue
			}
			if a.Account == e.id.account() || e.people.trusted(a.Account, a.Name) != nil {
				continue
			}
			if a.Here {
				ev.Came = append(ev.Came, e.people.name(a.Account))
			} else {
				ev.Went = append(ev.Went, e.people.name(a.Account))
			}
		}
		e.emit(ev)
	})
}

// Queue implements API.
func (c *Client) Queue(ctx context.Context, name, text string) (chat.MessageID, error) {
	return do(ctx, c, func(e *engine) (chat.MessageID, error) {
		r, err := e.joined(name)
		if err != nil {
			return chat.MessageID{}, err
		}
		if err := e.fits(text); err != nil {
			return chat.MessageID{}, err
		}
		o := e.enqueue(r, strings.ToValidUTF8(text, "\uFFFD"), false, nil)
		e.pump(r)
		return o.rec.ID, nil
	})
}

// Post implements API.
func (c *Client) Post(ctx context.Context, name string, d Draft) (chat.MessageID, error) {
	return do(ctx, c, func(e *engine) (chat.MessageID, error) {
		r, err := e.joined(name)
		if err == nil {
			err = e.allows(&d)
		}
		if err != nil {
			return chat.MessageID{}, err
		}
		o, err := e.post(r, &d, false, nil)
		if err != nil {
			return chat.MessageID{}, err
		}
		e.pump(r)
		return o.rec.ID, nil
	})
}

// fits checks a text before anything is made of it.
func (e *engine) fits(text string) error {
	if strings.TrimSpace(text) == "" {
		return chat.Errorf(chat.CodeEmpty)
	}
	return e.short(text)
}

// short checks its size.
func (e *engine) short(text string) error {
	if most := e.maxText(); most > 0 && len(text) > most {
		return chat.Errorf(chat.CodeTooLarge, "limit", fmt.Sprint(most))
	}
	return nil
}

// allows tells whether the text of a draft is one: a message, and what an old one is to become, isn't empty.
func (e *engine) allows(d *Draft) error {
	if d.What == Said || d.What == Edited {
		return e.fits(d.Text)
	}
	return e.short(d.Text)
}

// later runs f in the engine's goroutine, unless that has ended.
func (c *Client) later(f func(*engine)) {
	select {
	case c.calls <- f:
	case <-c.done:
	}
}

// abandon gives up a message of Send whose caller has gone: it isn't sent again.
func (e *engine) abandon(o *outgoing) {
	if o == nil {
		return
	}
	for _, r := range e.rooms {
		if r.find(o.rec.ID) != o {
			continue
		}
		o.answer = nil
		if !o.sealed() {
			e.forget(r, o)
		}
	}
}

// Flush implements API.
func (c *Client) Flush(ctx context.Context) error {
	_, err := await(ctx, c, func(e *engine, answer func(struct{}, error)) {
		e.flushing = append(e.flushing, &flush{answer: func(err error) { answer(struct{}{}, err) }})
		e.checkFlush()
	})
	if err != nil && ctx.Err() != nil {
		return chat.Errorf(chat.CodeNotAcked).Because(err)
	}
	return err
}

// SetKey implements API.
func (c *Client) SetKey(ctx context.Context, text string) error {
	_, err := await(ctx, c, func(e *engine, answer func(struct{}, error)) {
		e.setKey(text, func(err error) { e.then(func() { answer(struct{}{}, err) }) })
	})
	return err
}

// Resume implements API.
func (c *Client) Resume(ctx context.Context, name string) error {
	_, err := await(ctx, c, func(e *engine, answer func(struct{}, error)) {
		r, err := e.room(name)
		if err != nil {
			answer(struct{}{}, err)
			return
		}
		done := func(err error) { e.then(func() { answer(struct{}{}, err) }) }
		if r.rec.StopCode != chat.CodeRolledBack {
			done(e.resume(r, nil))
			return
		}
		e.findCommon(r, func(common chat.Seq, ok bool) { done(e.resumeAfter(r, common, ok)) })
	})
	return err
}

// resume begins a stopped room anew after the entry that stopped it, with the server's log as it is now and
// with the people whom it names. What was read before stays in the history, as far as the log reaches. common is the last entry that a server which was rolled back has as we had it; nil: it isn't known.
func (e *engine) resume(r *room, common *chat.Seq) error {
	if r.priv != nil {
		e.readmitted(r)
	}
	if r.rec.StopCode == "" {
		return nil
	}
	if r.rec.StopCode == chat.CodeIdentityChange {
		e.people.accept(e, r.rec.StopParams["name"])
	}
	err := e.vault.View(func(v Reader) error {
		from, to := roomRange(r.id)
		return v.Scan(TableSenders, from, to, false, func(key, _ []byte) (bool, error) {
			e.remove(TableSenders, key)
			return true, nil
		})
	})
	if err != nil {
		return err
	}
	e.dropRaw(r)
	clear(r.senders)
	clear(r.claimed)
	r.recent = newHashRing()
	old := r.rec
	r.rec = roomRecord{
		Name: old.Name, Kind: old.Kind, Joined: old.Joined, Seq: old.StopSeq, Barrier: old.StopSeq,
		OwnCounter: old.OwnCounter, OwnHash: old.OwnHash, AckedCounter: old.AckedCounter, AckedEnvelope: old.AckedEnvelope,
	}
	if r.priv != nil {
		e.resumePrivate(r, &old, common)
	} else if old.StopCode == chat.CodeRolledBack { // only the whole log tells which of our messages the server still has
		r.rec = roomRecord{Name: old.Name, Kind: old.Kind, Joined: old.Joined, Whole: true}
	}
	for _, o := range r.outbox { // what the server lost is sent again
		o.env, o.rec.Envelope, o.rec.Inner, o.rec.Acked, o.session, o.told = nil, nil, nil, 0, nil, o.rec.Kind != innerMessage
		e.put(TableOutbox, outboxKey(r.id, o.order), &o.rec)
	}
	r.rec.Notify, r.rec.Shown = old.Notify, old.Shown
	e.touch(r)
	r.rec.Lost = old.Lost
	after := old.readBefore()
	if common != nil {
		after = min(after, *common)
	}
	e.emit(RoomResumed{Room: r.rec.Name, After: after})
	e.subscribe(r)
	return nil
}

// Link is what a member hands on so that others can join: the server's address and the newest key that we hold. CodeKeyNeeded when that
// isn't the one in force.
func (c *Client) Link(ctx context.Context) (keys.Link, error) {
	return do(ctx, c, func(e *engine) (keys.Link, error) {
		key, ok := e.keys.held[e.self.Newest]
		if !ok {
			return keys.Link{}, chat.Errorf(chat.CodeKeyNeeded)
		}
		return keys.Link{Address: e.address(), Key: key}, nil
	})
}
