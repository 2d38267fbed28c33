package client

import (
	"context"
	"fmt"
	"iter"

	"huisclos/chat"
	"huisclos/wire"
)

// backfill reads a room's log further back than its verified stretch: a run of entries at a time, whose chain
// must end in the H that we already know. So nothing that a server makes up can be put before what we have.
type backfill struct {
	session *session
	want    chat.Seq // entries after this one
	waiting []func(error)
	// The run being gathered, from first on; it is complete when it reaches the base.
	first   chat.Seq
	before  [32]byte
	entries []wire.Entry
}

// backfillRun is how many entries are gathered before they are verified.
const backfillRun = 500

// whenOlder runs f once the entries after want are here, as far as the server has them.
func (e *engine) whenOlder(r *room, want chat.Seq, f func(error)) {
	if e.reachesBack(r, want) {
		f(nil)
		return
	}
	if r.older == nil {
		r.older = &backfill{want: want}
	}
	r.older.want = min(r.older.want, want)
	r.older.waiting = append(r.older.waiting, f)
	e.fetchOlder(r)
}

// reachesBack tells whether there is nothing more to be had after want.
func (e *engine) reachesBack(r *room, want chat.Seq) bool {
	return !r.rec.Anchored || r.rec.Base <= max(want, r.rec.Floor, r.rec.Barrier)
}

// fetchOlder asks for the next page, if none is under way.
func (e *engine) fetchOlder(r *room) {
	b := r.older
	if b == nil || b.session != nil && b.session == e.session {
		return
	}
	if e.session == nil {
		e.endBackfill(r, e.offlineError())
		return
	}
	b.session = e.session
	after := max(r.rec.Floor, r.rec.Barrier)
	if r.rec.Base > after+backfillRun {
		after = r.rec.Base - backfillRun
	}
	if n := chat.Seq(len(b.entries)); n > 0 {
		after = b.first + n - 1
	}
	limit := uint32(min(r.rec.Base-after, backfillRun)) //nolint:gosec // at most backfillRun
	e.ask(func(ref uint64) []byte {
		return wire.Encode(&wire.Read{Ref: ref, Room: r.id, After: after, Limit: limit})
	}, func(f wire.Frame, err *chat.Error) {
		b.session = nil
		page, ok := f.(*wire.Page)
		switch {
		case r.older != b: // given up meanwhile
		case err != nil:
			e.endBackfill(r, err)
		case !ok || page.Room != r.id || len(page.Entries) > 0 && page.First <= after:
			e.disconnected(chat.Errorf(chat.CodeFrame).Because(errProtocol))
		default:
			e.gatherOlder(r, page, after)
		}
	})
}

// gatherOlder adds a page to the run, and verifies the run when it is complete.
func (e *engine) gatherOlder(r *room, page *wire.Page, after chat.Seq) {
	b := r.older
	if len(page.Entries) == 0 || page.First > r.rec.Base {
		r.rec.Floor = r.rec.Base // retention has removed what was there
		e.touch(r)
		e.endBackfill(r, nil)
		return
	}
	if page.First > after+1 { // cut by retention meanwhile
		r.rec.Floor = max(r.rec.Floor, page.First-1)
		b.entries = nil
	}
	if len(b.entries) == 0 {
		b.first, b.before = page.First, page.Before
	}
	b.entries = append(b.entries, page.Entries...)
	if have := b.first + chat.Seq(len(b.entries)) - 1; have > r.rec.Base {
		b.entries = b.entries[:r.rec.Base-b.first+1]
	} else if have < r.rec.Base {
		e.fetchOlder(r)
		return
	}
	e.verifyOlder(r)
}

// verifyOlder checks a complete run, and goes on until the reader is served.
func (e *engine) verifyOlder(r *room) {
	b := r.older
	if e.askPeopleThen(b.entries, func() {
		if r.older == b {
			e.verifyOlder(r)
		}
	}) {
		return
	}
	if !e.readOlder(r, b) {
		return
	}
	b.entries = nil
	if e.reachesBack(r, b.want) {
		e.endBackfill(r, nil)
		return
	}
	e.fetchOlder(r)
}

// readOlder verifies the run and puts it before the stretch that we have.
func (e *engine) readOlder(r *room, b *backfill) bool {
	hashes := make([][32]byte, len(b.entries))
	hash := b.before
	for i := range b.entries {
		hash = wire.Chain(hash, b.first+chat.Seq(i), envelopeHash(&b.entries[i]))
		hashes[i] = hash
	}
	start := b.first - 1
	if hash != r.rec.BaseHash || start == 0 && b.before != wire.ChainStart(e.self.Server, r.id) {
		e.stopForked(r, start, errChain)
		return false
	}
	log := &backward{e: e, r: r, first: b.first, before: b.before, hashes: hashes, last: make(map[chat.DeviceID]*senderRecord)}
	for i := range b.entries {
		n := b.first + chat.Seq(i)
		log.removed = log.removed || b.entries[i].Pruned
		v := e.check(r, n, &b.entries[i], envelopeHash(&b.entries[i]), log)
		if v.stop == nil && !log.claimed(n) {
			v.stop = chat.Errorf(chat.CodeForked, "room", r.rec.Name, "seq", fmt.Sprint(n)).Because(errSeen)
		}
		if v.stop != nil {
			e.stop(r, n, v.stop)
			return false
		}
		if e.ended {
			return false
		}
		v.rec.Hash = hashes[i]
		e.keep(r, n, &v.rec)
	}
	if n, ok := log.joins(start); !ok {
		e.stop(r, n, chat.Errorf(chat.CodeForked, "room", r.rec.Name, "seq", fmt.Sprint(n)).Because(errCounter))
		return false
	}
	r.rec.Base, r.rec.BaseHash = start, b.before
	e.touch(r)
	return true
}

// endBackfill answers whoever waits for older entries.
func (e *engine) endBackfill(r *room, err *chat.Error) {
	if r.older == nil {
		return
	}
	waiting := r.older.waiting
	r.older = nil
	for _, f := range waiting {
		f(orNil(err))
	}
}

// backward is the view of a run that comes before what we have read.
type backward struct {
	e       *engine
	r       *room
	first   chat.Seq
	before  [32]byte
	hashes  [][32]byte
	last    map[chat.DeviceID]*senderRecord // of the run
	removed bool
}

func (b *backward) follows(env *wire.Envelope) (bool, error) {
	s := b.last[env.Device]
	if s == nil {
		if b.first == 1 && !b.removed {
			return env.Counter == 1 && env.Previous == [32]byte{}, nil
		}
		return env.Counter > 0, nil
	}
	return continues(s.Counter, s.Hash, env, b.removed), nil
}

func (b *backward) note(n chat.Seq, env *wire.Envelope, envelope [32]byte) error {
	s := b.last[env.Device]
	if s == nil {
		s = &senderRecord{FirstCounter: env.Counter, FirstPrevious: env.Previous, FirstSeq: n}
		b.last[env.Device] = s
	}
	s.Counter, s.Hash, s.Seq = env.Counter, envelope, n
	return nil
}

func (b *backward) saw(n chat.Seq, env *wire.Envelope) (bool, error) {
	switch s := env.SeenSeq; {
	case s >= n:
		return false, nil
	case s == 0:
		return env.SeenHash == [32]byte{}, nil
	case s >= b.first:
		return b.hashes[s-b.first] == env.SeenHash, nil
	case s == b.first-1:
		return b.before == env.SeenHash, nil
	default:
		return b.r.claim(s, env.SeenHash), nil
	}
}

// claimed compares an entry with what later ones said of it.
func (b *backward) claimed(n chat.Seq) bool {
	claim, ok := b.r.rec.Claims[n]
	if !ok {
		return true
	}
	delete(b.r.rec.Claims, n)
	return claim == b.hashes[n-b.first]
}

// joins checks that the run's senders go on in what we had, and notes how far back they are now. It returns
// the entry of ours that doesn't follow.
func (b *backward) joins(start chat.Seq) (chat.Seq, bool) {
	if claim, ok := b.r.rec.Claims[start]; ok && start > 0 {
		delete(b.r.rec.Claims, start)
		if claim != b.before {
			return start, false
		}
	}
	for device, run := range b.last {
		s, err := b.e.sender(b.r, device)
		if err != nil {
			b.e.fail(err)
			return 0, false
		}
		if s.Counter == 0 {
			*s = *run
		} else {
			first := &wire.Envelope{Counter: s.FirstCounter, Previous: s.FirstPrevious}
			if !continues(run.Counter, run.Hash, first, b.removed || b.r.rec.Gap > run.Seq) {
				return s.FirstSeq, false
			}
			s.FirstCounter, s.FirstPrevious, s.FirstSeq = run.FirstCounter, run.FirstPrevious, run.FirstSeq
		}
		b.e.put(TableSenders, senderKey(b.r.id, device), s)
	}
	return 0, true
}

// History implements API.
func (c *Client) History(ctx context.Context, room string, after chat.Seq, limit int) ([]Message, error) {
	l, err := c.reach(ctx, room, after, false)
	if err != nil {
		return nil, err
	}
	return c.page(l, after, limit, false)
}

// Recent implements API.
func (c *Client) Recent(ctx context.Context, room string, before chat.Seq, limit int) ([]Message, error) {
	if limit <= 0 {
		return nil, nil
	}
	l, err := c.reach(ctx, room, lastSeq, false)
	if err != nil {
		return nil, err
	}
	last := l.last
	if before > 0 {
		last = min(last, before-1)
	}
	if last > 0 {
		if l, err = c.reach(ctx, room, last-min(last, chat.Seq(limit)), false); err != nil { //nolint:gosec // positive
			return nil, err
		}
	}
	l.last = last
	return c.page(l, 0, limit, true)
}

// lastSeq is after everything.
const lastSeq = ^chat.Seq(0)

// reached is a room's log as far as it is in the vault.
type reached struct {
	id   chat.RoomID
	name string
	last chat.Seq // where the verified stretch ends
}

// reach makes the entries after a place be here, as far as they can be had. To the head, it insists on
// the server; else, without a network and in a stopped room, what is here already is all.
func (c *Client) reach(ctx context.Context, name string, after chat.Seq, toHead bool) (reached, error) {
	return await(ctx, c, func(e *engine, answer func(reached, error)) {
		r, err := e.room(name)
		if err != nil {
			answer(reached{}, err)
			return
		}
		done := func(err error) {
			l := reached{r.id, r.rec.Name, r.rec.Seq}
			e.then(func() { answer(l, err) })
		}
		older := func(err error) {
			if err != nil && (toHead || !r.rec.Anchored) {
				done(err)
				return
			}
			e.whenOlder(r, after, func(err error) {
				if !toHead {
					err = nil
				}
				done(err)
			})
		}
		if r.priv != nil && (!r.active() || r.priv.out || r.rec.Private.Leaving) { // what was read stays; nothing more comes
			done(nil)
			return
		}
		if !toHead && (r.rec.Anchored || r.rec.StopCode != "") {
			older(nil)
			return
		}
		e.whenHead(r, older)
	})
}

// whenHead runs f once the room is read up to the head that the server has now: what somebody's message was acknowledged for may still be on
// its way to us.
func (e *engine) whenHead(r *room, f func(error)) {
	if r.phase != live || e.session == nil {
		e.whenLive(r, f)
		return
	}
	e.ask(func(ref uint64) []byte {
		return wire.Encode(&wire.Read{Ref: ref, Room: r.id, After: r.rec.Seq, Limit: 1})
	}, func(frame wire.Frame, err *chat.Error) {
		page, ok := frame.(*wire.Page)
		if !ok {
			f(orNil(err))
			return
		}
		if r.rec.Seq >= page.Head || r.rec.StopCode != "" {
			f(orNil(r.stopped()))
			return
		}
		if e.rooms[r.id] != r || r.priv != nil && !r.active() { // we were put out meanwhile: nothing more comes
			f(chat.Errorf(chat.CodeNotMember, "room", r.rec.Name))
			return
		}
		r.behind = append(r.behind, &waiter{after: page.Head - 1, answer: f, inTurn: true})
	})
}

// page reads entries out of the vault: the first after a place, or the last before the end.
func (c *Client) page(l reached, after chat.Seq, limit int, fromEnd bool) ([]Message, error) {
	if after >= l.last || limit <= 0 {
		return nil, nil
	}
	var all []Message
	err := c.vault.View(func(r Reader) error {
		names := nameReader{r: r, known: make(map[chat.AccountID]personRecord)}
		var self selfRecord
		if b, err := r.Get(TableSelf, selfKey); err != nil {
			return err
		} else if err := parseRecord(b, &self); err != nil {
			return err
		}
		from, to := entryKey(l.id, after+1), entryKey(l.id, l.last+1)
		return r.Scan(TableHistory, from, to, fromEnd, func(key, value []byte) (bool, error) {
			var rec entryRecord
			if err := parseRecord(value, &rec); err != nil {
				return false, err
			}
			if rec.Form == Silent || rec.Form == Expired || rec.Form == Text && rec.What != Said {
				return true, nil
			}
			_, n := splitKey(key)
			b := book{get: r.Get, name: names.of, me: self.AccountID}
			m, err := b.message(l.id, l.name, chat.Seq(n), &rec)
			if err != nil {
				return false, err
			}
			sender := names.known[rec.Account]
			m.Old, m.Trust = true, sender.trust()
			all = append(all, m)
			return len(all) < limit, nil
		})
	})
	if err != nil {
		return nil, err
	}
	if fromEnd {
		reverse(all)
	}
	return all, nil
}

func reverse(all []Message) {
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
}

// nameReader looks people up once.
type nameReader struct {
	r     Reader
	known map[chat.AccountID]personRecord
}

func (n nameReader) of(a chat.AccountID) (string, error) {
	p, ok := n.known[a]
	if ok || a.IsZero() {
		return p.Name, nil
	}
	b, err := n.r.Get(TablePeople, a[:])
	if err == nil && b != nil {
		err = parseRecord(b, &p)
	}
	if err == nil {
		n.known[a] = p
	}
	return p.Name, err
}

// readPage is how many messages Read takes at a time.
const readPage = 200

// Read implements API.
func (c *Client) Read(ctx context.Context, room string, after chat.Seq, follow bool) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		l, err := c.reach(ctx, room, after, true)
		for err == nil {
			var page []Message
			if page, err = c.page(l, after, readPage, false); err != nil {
				break
			}
			for _, m := range page {
				if !yield(m, nil) {
					return
				}
				after = m.Seq
			}
			if len(page) == readPage {
				continue
			}
			after = max(after, l.last)
			if !follow {
				return
			}
			l.last, err = c.next(ctx, room, after)
		}
		if !follow || ctx.Err() == nil {
			yield(Message{}, err)
		}
	}
}

// next waits for entries after a place, and returns where the verified log ends.
func (c *Client) next(ctx context.Context, name string, after chat.Seq) (chat.Seq, error) {
	return await(ctx, c, func(e *engine, answer func(chat.Seq, error)) {
		r, err := e.room(name)
		if err != nil {
			answer(0, err)
			return
		}
		w := &waiter{after: after, answer: func(err error) { answer(r.rec.Seq, err) }}
		r.behind = append(r.behind, w)
		if err := r.stopped(); err != nil {
			e.tellBehind(r, err)
			return
		}
		e.subscribe(r)
		e.tellBehind(r, nil)
	})
}
