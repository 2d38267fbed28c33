package client

import (
	"bytes"
	"errors"
	"time"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/wire"
)

// Coming back: a device that can't follow its group, because a commit was made so that it alone fails, or because what it needed is gone from the
// log, enters the group anew by an external commit that removes its old leaf. It decides so only when a later state of the group verifies: a server or a member who
// only claims one costs a question.

// patient is how often a room's newest state is asked for before a commit that failed here counts as void for all.
const patient = 3

// suspect asks whether the others are further than we are, before the entry at n is judged; at is n when it is a commit, else 0. False when that is known, or can't be known yet: what the server
// has of a state is of the head of the log, so an entry further back is judged by itself, and the doubt is settled at the head. With more
// tries it waits for members to bring the state.
func (e *engine) suspect(r *room, n, at chat.Seq, tries int) bool {
	p := r.priv
	if p.cleared >= n {
		return false
	}
	if n < r.head || r.phase != live || r.rec.Private.Unvetted { // who isn't sure of his own group can't judge another
		p.cleared, p.doubt = n, true
		return false
	}
	if tries == 0 && time.Since(p.asked) < suspicion {
		e.doubtLater(r)
		return false
	}
	p.asked = time.Now()
	r.asking = true
	e.askState(r, tries, time.Second/2, func() chat.Seq { return max(at, r.rec.Private.Commit) }, func() {
		p.cleared = n
		r.asking = false
		e.process(r)
	})
	return true
}

// suspicion is the least time between two questions that single messages cause.
const suspicion = 2 * time.Second

// doubtLater has the doubt settled after a while, so that nobody has to write once more for it.
func (e *engine) doubtLater(r *room) {
	p := r.priv
	if p.later {
		return
	}
	p.later = true
	e.afterwards(r, suspicion, func() {
		p.later, p.doubt = false, true
		e.settleDoubt(r)
	})
}

// askState asks for the state after the commit that we are at, goes over to it if the others are further, and calls done. When a later commit has come
// meanwhile, that says nothing about this one: the doubt is settled at the head.
func (e *engine) askState(r *room, tries int, wait time.Duration, at func() chat.Seq, done func()) {
	e.ask(func(ref uint64) []byte { return wire.Encode(&wire.State{Ref: ref, Room: r.id}) },
		func(f wire.Frame, _ *chat.Error) {
			state, ok := f.(*wire.RoomState)
			last := r.lastCommit()
			switch {
			case e.session == nil || r.phase == idle:
			case !ok:
				done()
			case state.Seq > at() && state.Seq <= r.rec.Seq: // it has shown us something else there than the commit
				e.stopForked(r, state.Seq, errSeen)
			case state.Seq > at() || last > at():
				r.priv.doubt = true
				done()
			case state.Seq < at() || len(state.Info) == 0 || len(state.Tree) == 0:
				if tries == 0 {
					done()
					return
				}
				e.afterwards(r, wait, func() { e.askState(r, tries-1, 2*wait, at, done) })
			default:
				e.withState(r, state, done)
			}
		})
}

// lastCommit is the newest commit in what has arrived of the log.
func (r *room) lastCommit() chat.Seq {
	last := r.rec.Private.Commit
	for _, f := range r.pending {
		for i := range f.Entries {
			if f.Entries[i].Kind == chat.Commit {
				last = max(last, f.First+chat.Seq(i)) //nolint:gosec // a count
			}
		}
	}
	return last
}

// settleDoubt looks, at the head of the log, whether we are where the others are.
func (e *engine) settleDoubt(r *room) {
	p := r.priv
	if p == nil || !p.doubt || p.g == nil || r.rec.Private.Unvetted || r.phase != live || r.asking || len(r.pending) > 0 || e.session == nil {
		return
	}
	p.doubt = false
	e.askState(r, patient, time.Second/2, func() chat.Seq { return r.rec.Private.Commit }, func() { e.settleAgain(r) })
}

// settleAgain looks once more when a commit is on its way that we have heard of: not at once, since the server may be making it up.
func (e *engine) settleAgain(r *room) {
	if r.priv.doubt {
		e.afterwards(r, suspicion/8, func() { e.settleDoubt(r) })
	}
}

// withState goes over to a state that verifies and isn't ours; then, or if there is nothing to go over to, it calls done.
func (e *engine) withState(r *room, state *wire.RoomState, done func()) {
	p := r.priv
	info := parseInfo(state.Info)
	if info == nil || p.g != nil && !p.differs(info, r.rec.Private.Unproven || r.rec.Private.Unjudged > 0) {
		done()
		return
	}
	clear(e.unknown)
	if devices := e.unknownIn(info, state.Tree); len(devices) > 0 {
		e.withDevices(devices, func() { e.withState(r, state, done) })
		return
	}
	err := e.returnFrom(r, state, info)
	if devices := e.unknownDevices(); errors.Is(err, mls.ErrRefused) && len(devices) > 0 {
		e.withDevices(devices, func() { e.withState(r, state, done) })
		return
	}
	if err != nil {
		e.cfg.Log.Warn("a room's state that we can't go over to", "room", r.rec.Name, "err", err)
	}
	done()
}

// unknownIn are the devices in a state that we don't know.
func (e *engine) unknownIn(info *mls.GroupInfo, tree []byte) []chat.DeviceID {
	key, credential, err := e.newLeafKey()
	if err != nil {
		return nil
	}
	e.lenient = true
	_, _, err = e.mls.JoinExternal(info, key, credential, mls.ExternalOptions{
		Tree: tree, Resync: func(_ mls.LeafIndex, leaf *mls.LeafNode) bool { return leafOf(leaf).Device == e.id.device() },
	}, func([]byte, mls.Changes) error { return nil })
	e.lenient = false
	devices := e.unknownDevices()
	if err != nil {
		return nil // returnFrom says why
	}
	return devices
}

// differs tells whether a state is one to go over to: of a later epoch, or, while it isn't proven that we are in the right group, any other.
func (p *private) differs(info *mls.GroupInfo, unproven bool) bool {
	same := bytes.Equal(info.TreeHash(), p.g.TreeHash()) && info.Epoch() == p.g.Epoch()
	return !same && (unproven || info.Epoch() >= p.g.Epoch())
}

func parseInfo(b []byte) *mls.GroupInfo {
	m, err := mls.ParseMessage(b)
	if err != nil {
		return nil
	}
	return m.GroupInfo()
}

var (
	errNoMember      = errors.New("client: a state of the group without us")
	errNotHere       = errors.New("client: a state of another group")
	errUnknownSigner = errors.New("client: a state of somebody who wasn't in the group when we could read it")
)

// returnFrom makes the external commit, keeps it, and sends it.
func (e *engine) returnFrom(r *room, state *wire.RoomState, info *mls.GroupInfo) error {
	p, rec := r.priv, r.rec.Private
	if !bytes.Equal(info.GroupID(), e.groupID(r.id)) || info.Suite() != suite || e.rooms[r.id] != r { // or a Welcome was quicker
		return errNotHere
	}
	key, credential, err := e.newLeafKey()
	if err != nil {
		return err
	}
	ours, anew, was := false, true, rec.LeafKey
	if p.g != nil && !rec.Unproven {
		was = p.g.Leaf(p.g.Own()).SignatureKey
	}
	id := chat.NewMessageID(time.Now())
	var changes mls.Changes
	g, message, err := e.mls.JoinExternal(info, key, credential, mls.ExternalOptions{
		Tree: state.Tree, AuthenticatedData: id[:],
		Resync: func(_ mls.LeafIndex, leaf *mls.LeafNode) bool {
			l := leafOf(leaf)
			ours = ours || l.Account == e.id.account()
			if l.Device != e.id.device() {
				return false
			}
			anew = !bytes.Equal(leaf.SignatureKey, was) // of an invitation that we didn't take, and from which the others count anew
			return true
		},
	}, func(_ []byte, c mls.Changes) error {
		changes = c
		return nil
	})
	switch {
	case err != nil:
		return err
	case !ours:
		return errNoMember
	case info.Epoch() < e.floor(r):
		return errOldState
	case p.state.Direct && accountsIn(g) > 2:
		return errState // more than two aren't a conversation between two
	}
	signer := leafOf(g.Leaf(info.Signer()))
	known := rec.Nameless && !rec.Linked || e.knows(r, signer.Device) || p.g != nil && !rec.Unproven && p.has(signer.Device)
	if rec.Unproven && !known {
		return errUnknownSigner // one that we don't know is no better than the one that we are in
	}
	if err := e.plausible(r, g, info.Signer()); err != nil {
		return err
	}
	e.knowMembers(r)
	rec.SignerKnown, rec.KnownEpoch = known, min(rec.KnownEpoch, info.Epoch())
	if err := errors.Join(e.forgetGroup(r), e.saver(r)(changes)); err != nil {
		e.fail(err)
		return nil
	}
	e.stage.durable = true
	raw := e.privateEnvelope(r, id, message)
	frame := &wire.Commit{Room: r.id, ID: id, Base: state.Seq, Envelope: raw}
	if known && !rec.Nameless { // others would believe our signature: it goes under no state that we don't know to be right
		if frame.Info, err = g.GroupInfo(false); err != nil {
			return err
		}
		if tree := g.Tree(); len(tree) <= e.cfg.Beside {
			frame.Tree = tree
		}
	}
	hash := wire.HashEnvelope(raw)
	p.g, p.coming, p.sent, p.opened = nil, g, nil, nil
	if !rec.Lost {
		rec.LostAt = e.lastRead(r)
	}
	rec.Lost, rec.Return, rec.ReturnID, rec.Anew, rec.Pending = true, hash[:], id, anew, nil
	r.sentIn = e.session
	e.touch(r)
	if !rec.Nameless {
		e.emit(Returning{Room: r.rec.Name})
	}
	e.stage.frames = append(e.stage.frames, wire.Encode(frame))
	return nil
}

// lastRead is the entry up to which we followed the group: before the first that is unreadable, or that we doubt.
func (e *engine) lastRead(r *room) chat.Seq {
	last := r.rec.Seq
	err := e.eachEntry(r, r.rec.Private.Applied, lastSeq, func(n chat.Seq, rec *entryRecord) bool {
		if rec.Form == Unreadable || rec.Form == Refused {
			last = n - 1
		}
		return true
	})
	if err != nil {
		e.fail(err)
	}
	return last
}

// returned takes the group that our external commit has made: it is in the log.
func (e *engine) returned(r *room, n chat.Seq, v *verdict) {
	p, rec := r.priv, r.rec.Private
	g := p.coming
	p.coming = nil
	if g == nil {
		v.rec.Form = Silent
		return
	}
	e.follow(r, g)
	e.forgetOthers(r)
	if rec.Anew {
		e.countAnew(r)
	}
	rec.Lost, rec.Outside, rec.External, rec.Back, rec.Return, rec.ReturnID = false, false, true, !rec.Nameless, nil, chat.MessageID{}
	if rec.Nameless {
		rec.Came = n
		e.miss(r, rec.LostAt, n-1)
	} else {
		e.miss(r, rec.LostAt, n)
	}
	rec.Applied, rec.Epoch, rec.Confirm, rec.Updated, rec.Voided = n, g.Epoch(), n, time.Now().UnixMilli(), 0
	e.touch(r)
	v.good = true
	v.rec.Form, v.rec.Back = Changed, !rec.Nameless
	if rec.Nameless {
		v.rec.Devices = []chat.AccountID{e.id.account()}
	}
	rec.Unjudged, rec.Rewound = 0, false
	e.askRoomState(r)
	e.askPast(r)
	switch {
	case rec.Nameless && !rec.Linked:
	case rec.SignerKnown:
		rec.Unproven = true
		e.proven(r)
	default:
		rec.Unproven = true
		e.askProof(r)
	}
	e.wake(r)
	e.soon(func() { // what the head is for, now that there is a group
		if r.phase == live && e.rooms[r.id] == r && p.g == g {
			e.caughtUpPrivate(r)
		}
	})
}

// returnRefused tries again after another commit has come first, or later after another refusal.
func (e *engine) returnRefused(r *room, err *chat.Error) {
	p, rec := r.priv, r.rec.Private
	if ferr := e.forgetGroup(r); ferr != nil {
		e.fail(ferr)
		return
	}
	p.coming, rec.Return, rec.ReturnID = nil, nil, chat.MessageID{}
	e.touch(r)
	if err.Code == chat.CodeNotMember {
		e.notMember(r)
		return
	}
	if err.Code == chat.CodeConflict {
		e.soon(func() { e.comeBack(r) })
		return
	}
	p.tries++
	e.afterwards(r, min(time.Minute, time.Second<<min(p.tries, 6)), func() { e.comeBack(r) })
}

// comeBack enters the group of a room that we have lost, as soon as its newest state can be had.
func (e *engine) comeBack(r *room) {
	p, rec := r.priv, r.rec.Private
	if p == nil || p.g != nil || !rec.Lost || len(rec.Return) > 0 || rec.Gone || r.phase != live || e.session == nil || p.again {
		return
	}
	p.again = true
	again := func() {
		p.again = false
		if p.g == nil && len(rec.Return) == 0 {
			p.tries++
			wait := min(time.Minute, 100*time.Millisecond<<min(p.tries, 10))
			e.afterwards(r, wait/2+randomBelow(wait), func() { e.comeBack(r) })
		}
	}
	e.ask(func(ref uint64) []byte { return wire.Encode(&wire.State{Ref: ref, Room: r.id}) },
		func(f wire.Frame, err *chat.Error) {
			state, ok := f.(*wire.RoomState)
			switch {
			case e.session == nil:
				p.again = false
			case err != nil && err.Code == chat.CodeNotMember:
				p.again = false
				e.notMember(r)
			case !ok || state.Seq < rec.Commit || len(state.Info) == 0 || len(state.Tree) == 0:
				again()
			default:
				e.withState(r, state, again)
			}
		})
}

// unfollowed is what is left to do at the head of the log for a room whose group we don't have.
func (e *engine) unfollowed(r *room) {
	p, rec := r.priv, r.rec.Private
	if p.g != nil || rec.Gone {
		return
	}
	if len(rec.Return) > 0 { // sent in an earlier session, and not in the log: it never will be
		if r.priv.coming != nil && r.sentIn == e.session {
			return
		}
		if err := e.forgetGroup(r); err != nil {
			e.fail(err)
			return
		}
		p.coming, rec.Return, rec.ReturnID = nil, nil, chat.MessageID{}
		e.touch(r)
	}
	e.comeBack(r)
}

// putState gives the server the group's state after the last commit.
func (e *engine) putState(r *room) {
	p := r.priv
	if p == nil || p.g == nil || r.phase != live || r.rec.Private.Unproven || e.unsure(r) {
		return
	}
	info, err := p.g.GroupInfo(false)
	if err != nil {
		e.cfg.Log.Warn("a room's state can't be made", "room", r.rec.Name, "err", err)
		return
	}
	e.ask(func(ref uint64) []byte {
		return wire.Encode(&wire.PutState{Ref: ref, Room: r.id, Seq: r.rec.Private.Commit, Info: info, Tree: p.g.Tree()})
	}, func(wire.Frame, *chat.Error) {}) // a later commit has made it old
}

// rightState puts the server's state of a room right after a void commit, unless another member has.
func (e *engine) rightState(r *room) {
	p := r.priv
	if p == nil || p.g == nil || r.phase != live || r.rec.Private.Unproven || e.unsure(r) || r.rec.Private.Voided != r.rec.Private.Commit {
		return
	}
	e.ask(func(ref uint64) []byte { return wire.Encode(&wire.State{Ref: ref, Room: r.id}) },
		func(f wire.Frame, _ *chat.Error) {
			state, ok := f.(*wire.RoomState)
			if !ok || p.g == nil {
				return
			}
			info := parseInfo(state.Info)
			right := info != nil && state.Seq == r.rec.Private.Commit && info.Epoch() == p.g.Epoch() && bytes.Equal(info.TreeHash(), p.g.TreeHash())
			if !right || len(state.Tree) == 0 {
				e.putState(r)
			}
		})
}

// caughtUpPrivate is reached when a private room is read up to its head.
func (e *engine) caughtUpPrivate(r *room) {
	if r.priv.g == nil {
		e.unfollowed(r)
		return
	}
	e.findCommit(r)
	e.compareRules(r)
	e.repair(r)
	e.settleDoubt(r)
	if r.rec.Private.Voided > 0 && r.rec.Private.Voided == r.rec.Private.Commit {
		e.afterwards(r, jitter(r.priv.g.Size()), func() { e.rightState(r) })
	}
	if r.priv.proposed() {
		e.planCommit(r)
	}
	e.soon(func() {
		if r.priv.g != nil {
			e.regain(r)
			e.askProof(r)
			e.askRoomState(r)
			e.judge(r)
			e.leaveAgain(r)
			e.askLate(r)
			e.askPast(r)
			e.putOutRevoked(r)
			e.bringAll(r)
			e.drive(r)
			e.refresh(r)
		}
	})
}

// lost forgets a group in a state that must not be used again; the device comes back as a new one.
func (e *engine) lost(r *room) error {
	p, rec := r.priv, r.rec.Private
	e.knowMembers(r)
	p.g, p.coming, p.sent = nil, nil, nil
	if !rec.Lost {
		rec.LostAt = r.rec.Seq
	}
	rec.Lost, rec.Return, rec.ReturnID, rec.Pending = true, nil, chat.MessageID{}, nil
	e.touch(r)
	return e.forgetGroup(r)
}
