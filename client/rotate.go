package client

import (
	"errors"
	"slices"

	"huisclos/chat"
	"huisclos/keys"
	"huisclos/wire"
)

var (
	errNoKey    = errors.New("client: the key of this generation is missing")
	errNotAKey  = errors.New("client: the key fits no generation of this server")
	errBadGrant = errors.New("client: a granted key isn't the one that the server announced")
)

// rotated takes the news of another generation. The news that we have already, told again, say that a grant has come.
func (e *engine) rotated(f *wire.Rotated) {
	if f.Generation < e.self.Newest || e.keys.has(f.Generation) {
		return
	}
	if f.Generation == e.self.Newest {
		e.askGenerations(func(*chat.Error) {})
		return
	}
	e.self.Newest, e.selfDirty = f.Generation, true
	e.session.access[f.Generation] = f.Access
	e.askGenerations(func(*chat.Error) {
		e.emit(Rotated{Generation: f.Generation, Have: e.keys.has(f.Generation)})
		if !e.keys.has(f.Generation) {
			e.keyMissing(f.Generation)
		}
	})
}

// keyMissing says, once a session, that a generation's key is needed, after having asked the server for
// what it can do about it.
func (e *engine) keyMissing(g chat.Generation) {
	if e.told[g] || e.session == nil {
		return
	}
	e.told[g] = true
	e.askGenerations(func(err *chat.Error) {
		if err == nil && !e.keys.has(g) {
			e.lacking[g] = true
			e.emit(KeyMissing{Generation: g, Err: chat.Errorf(chat.CodeKeyNeeded)})
			e.giveUpOnce()
			e.checkFlush()
		}
	})
}

// giveUpOnce tells the callers of Send who wait for a key that it can't be had.
func (e *engine) giveUpOnce() {
	for _, r := range e.roomsInOrder() {
		err := e.cannotSend(r)
		if err == nil {
			continue
		}
		for _, o := range slices.Clone(r.outbox) {
			if o.rec.Once && !o.sealed() {
				e.drop(r, o, err)
			}
		}
	}
}

// askGenerations learns what keys it can from what the server keeps: grants sealed to this device, and links from each
// generation to the one before.
func (e *engine) askGenerations(then func(*chat.Error)) {
	e.ask(func(ref uint64) []byte { return wire.Encode(&wire.KeyState{Ref: ref}) },
		func(f wire.Frame, err *chat.Error) {
			list, ok := f.(*wire.Generations)
			if !ok && err == nil {
				err = chat.Errorf(chat.CodeFrame).Because(errProtocol)
			}
			if err == nil {
				e.learn(list.Generations)
			}
			then(err)
		})
}

// learn tries everything that could give a key, from the newest generation back.
func (e *engine) learn(infos []wire.GenerationInfo) {
	infos = slices.Clone(infos)
	slices.SortFunc(infos, func(a, b wire.GenerationInfo) int { return int(b.Generation) - int(a.Generation) })
	var gained []chat.Generation
	for i := range infos {
		info := &infos[i]
		if a, ok := e.session.access[info.Generation]; ok && a != info.Access {
			e.cfg.Log.Warn("the server contradicts itself about a generation", "generation", info.Generation)
			continue
		}
		if e.keys.has(info.Generation) {
			continue
		}
		if key, ok := e.candidate(infos, i); ok {
			e.keys.held[info.Generation] = key
			e.put(TableKeys, generationKey(info.Generation), &keyRecord{Key: key.Bytes()})
			gained = append(gained, info.Generation)
		}
	}
	e.offerLinks(infos)
	if len(gained) > 0 {
		e.keysGained(gained)
	}
}

// candidate finds the key of a generation: in a grant to this device, in the link of the next one, or in what a
// person typed. Whatever it is, it must give the access key that the server announced.
func (e *engine) candidate(infos []wire.GenerationInfo, i int) (keys.Key, bool) {
	info := &infos[i]
	var found []keys.Key
	if len(info.Grant) > 0 {
		key, err := e.id.openGrant(info.Generation, info.Grant)
		if err == nil {
			found = append(found, key)
		}
	}
	if i > 0 && infos[i-1].Generation == info.Generation+1 {
		if next, ok := e.keys.held[info.Generation+1]; ok && len(infos[i-1].Link) > 0 {
			key, err := keys.OpenLink(next, info.Generation+1, infos[i-1].Link)
			if err == nil {
				found = append(found, key)
			}
		}
	}
	if given, ok := e.given(); ok {
		found = append(found, given)
	}
	for _, key := range found {
		if key.Fits(info.Generation, info.Access) {
			return key, true
		}
		e.cfg.Log.Debug("a key doesn't fit", "generation", info.Generation, "err", errBadGrant)
	}
	return keys.Key{}, false
}

// offerLinks gives the server the links that it lacks and we can make, for the history of newcomers.
func (e *engine) offerLinks(infos []wire.GenerationInfo) {
	for i := range infos {
		info := &infos[i]
		key, ok := e.keys.held[info.Generation]
		before, both := e.keys.held[info.Generation-1]
		if !ok || !both || len(info.Link) > 0 || info.Generation < 2 {
			continue
		}
		link, err := keys.SealLink(key, info.Generation, before)
		if err != nil {
			e.cfg.Log.Warn("a link can't be made", "err", err)
			continue
		}
		e.ask(func(ref uint64) []byte {
			return wire.Encode(&wire.PutLink{Ref: ref, Generation: info.Generation, Link: link})
		}, func(wire.Frame, *chat.Error) {}) // another member may have been first
	}
}

// keysGained opens what waited for the keys, and goes on sending.
func (e *engine) keysGained(gained []chat.Generation) {
	opened := make(map[chat.Generation]int)
	type unread struct {
		key []byte
		g   chat.Generation
	}
	var all []unread
	err := e.vault.View(func(r Reader) error {
		return r.Scan(TableUnread, nil, nil, false, func(key, value []byte) (bool, error) {
			if g := parseGeneration(value); slices.Contains(gained, g) {
				all = append(all, unread{key, g})
			}
			return true, nil
		})
	})
	for _, u := range all {
		if err != nil {
			break
		}
		var n int
		n, err = e.reopen(u.key)
		opened[u.g] += n
	}
	if err != nil {
		e.fail(err)
		return
	}
	for _, g := range gained {
		delete(e.told, g)
		delete(e.lacking, g)
		e.emit(KeyGained{Generation: g, Opened: opened[g]})
	}
	for _, r := range e.roomsInOrder() {
		e.pump(r)
	}
	e.checkFlush()
}

// reopen opens an entry that was read without its key.
func (e *engine) reopen(key []byte) (int, error) {
	b, err := e.raw(TableHistory, key)
	if err != nil {
		return 0, err
	}
	id, n := splitKey(key)
	r := e.rooms[id]
	e.remove(TableUnread, key)
	if b == nil || r == nil {
		return 0, nil
	}
	var rec entryRecord
	if err := parseRecord(b, &rec); err != nil {
		return 0, err
	}
	env := new(wire.Envelope)
	if err := wire.Unmarshal(rec.Raw, env); err != nil {
		return 0, err
	}
	d := verdict{rec: rec, env: env}
	d.rec.Form, d.rec.Code, d.rec.Params, d.rec.Raw = Text, "", nil, nil
	e.checkSeal(r, &wire.Entry{Time: rec.Time, Kind: chat.Content, Envelope: rec.Raw}, &d)
	e.keep(r, chat.Seq(n), &d.rec)
	if d.rec.Form == Expired {
		return 0, nil
	}
	m := e.message(r, chat.Seq(n), &d.rec)
	m.Old = true
	e.emit(m)
	return 1, nil
}

// given is a key that a person typed and that wasn't placed yet.
func (e *engine) given() (keys.Key, bool) {
	if len(e.self.Given) == 0 {
		return keys.Key{}, false
	}
	key, err := keys.FromBytes(e.self.Server, e.self.Given)
	return key, err == nil
}

// setKey takes a key that a person typed.
func (e *engine) setKey(text string, answer func(error)) {
	key, err := keys.ParseAny(text)
	if err == nil && key.Server() != e.self.Server {
		err = chat.Errorf(chat.CodeIdentity, "expected", e.self.Server.String(), "got", key.Server().String())
	}
	if err != nil {
		answer(err)
		return
	}
	e.self.Given, e.selfDirty = key.Bytes(), true
	before := len(e.keys.held)
	verdict := func(err error) {
		if err == nil && len(e.keys.held) == before && !e.keys.holds(key) {
			err = chat.Errorf(chat.CodeKeyWrong).Because(errNotAKey)
		}
		if err == nil || errors.Is(err, chat.CodeKeyWrong) {
			e.self.Given, e.selfDirty = nil, true
		}
		answer(err)
	}
	if e.session != nil {
		e.askGenerations(func(err *chat.Error) { verdict(orNil(err)) })
		return
	}
	e.wantKey = false
	e.connect()
	e.online = append(e.online, verdict)
}
