package client

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"huisclos/chat"
	"huisclos/wire"
)

// room is one room's log as far as we have verified it, and what we want to add to it.
// The engine's goroutine owns it.
type room struct {
	id      chat.RoomID
	rec     roomRecord
	senders map[chat.DeviceID]*senderRecord // those looked up in this process
	recent  *hashRing                       // H of the newest entries
	priv    *private                        // nil: a key room
	typists typists
	fresh   bool        // we came into it in this process: nothing of it was there before us
	outbox  []*outgoing // in order
	order   uint64      // of the last one

	// Of this session.
	phase   phase
	oldHash bool     // the next Entries frame is the first after a login: a mismatch is a rollback
	target  chat.Seq // the head that was announced: what is older was there before us
	head    chat.Seq // as last heard
	online  int      // as last heard; -1: never
	sentIn  *session // in which our external commit was sent
	pending []*wire.Entries
	bytes   int      // of pending
	asking  bool     // pending waits for people or for a gap to be explained
	filled  chat.Seq // a hole before this entry was asked for once more
	refill  refilling

	live    []func(error)         // wait until it is read up to the target
	behind  []*waiter             // wait for entries
	older   *backfill             // reading further back, when somebody wants it
	claimed map[chat.Seq][32]byte // acknowledged places that aren't read yet
}

// phase is how far a room's subscription is.
type phase uint8

const (
	idle    phase = iota // not subscribed
	asked                // Subscribe is on its way
	reading              // subscribed, behind the target
	live                 // read up to the target, and on
)

// waiter waits until a room's log is verified beyond a place.
type waiter struct {
	after  chat.Seq
	answer func(error)
	inTurn bool // answer is the engine's own: it is called in the turn, and may stage more
}

// maxPending is how much may wait for the verification of one room, in bytes.
const maxPending = 64 << 20

func newRoom(id chat.RoomID, name string) *room {
	return &room{
		id: id, rec: roomRecord{Name: name, Kind: chat.KeyRoom},
		senders: make(map[chat.DeviceID]*senderRecord), recent: newHashRing(), online: -1,
		claimed: make(map[chat.Seq][32]byte),
	}
}

// hashRing remembers H of the newest entries; older ones are in the vault.
type hashRing struct {
	seqs   [hashRingSize]chat.Seq
	hashes [hashRingSize][32]byte
}

const hashRingSize = 1024

func newHashRing() *hashRing { return &hashRing{} }

func (h *hashRing) add(n chat.Seq, hash [32]byte) {
	h.seqs[n%hashRingSize], h.hashes[n%hashRingSize] = n, hash
}

func (h *hashRing) get(n chat.Seq) ([32]byte, bool) {
	return h.hashes[n%hashRingSize], n != 0 && h.seqs[n%hashRingSize] == n
}

// stopped says why the room stopped; nil when it runs.
func (r *room) stopped() *chat.Error {
	if r.rec.StopCode == "" {
		return nil
	}
	return &chat.Error{Code: r.rec.StopCode, Params: r.rec.StopParams}
}

// disconnected forgets what belongs to a session.
func (r *room) disconnected() {
	r.phase, r.pending, r.bytes, r.asking = idle, nil, 0, false
	r.online = -1
	r.refill = refilling{}
	if p := r.priv; p != nil {
		p.busy, p.again, p.later, p.sent, p.opened, p.early, p.out, p.pastAsked = false, false, false, nil, nil, 0, false, false
		p.judging, p.stating, p.vetting = false, false, nil
		p.ask = asking{}
		p.reporting = false
	}
}

// wanted tells whether the room is read in a new session.
func (r *room) wanted() bool {
	return r.active() || r.rec.Joined || len(r.outbox) > 0 || len(r.live) > 0 || len(r.behind) > 0 || r.older != nil
}

// touch marks a room's record as changed.
func (e *engine) touch(r *room) { e.dirty[r] = struct{}{} }

// room finds a room by the name that a person gave it, and makes it if it is new to us.
func (e *engine) room(name string) (*room, error) {
	if r := e.privateNamed(name); r != nil {
		return r, nil
	}
	if strings.HasPrefix(name, directMark) {
		return nil, chat.Errorf(chat.CodeRoomUnknown, "name", name)
	}
	name, err := chat.RoomName(name)
	if err != nil {
		return nil, err
	}
	id := chat.KeyRoomID(e.self.Server, name)
	r := e.rooms[id]
	if r == nil {
		r = newRoom(id, name)
		e.rooms[id] = r
	}
	return r, nil
}

// subscribe asks for a room's log from where we are.
func (e *engine) subscribe(r *room) {
	if r.phase != idle || r.rec.StopCode != "" || e.session == nil || r.priv != nil && !r.active() {
		return
	}
	r.phase = asked
	tail := uint32(0)
	if !r.rec.Anchored && r.rec.Seq == 0 && !r.rec.Whole {
		tail = e.cfg.Tail
		if r.priv != nil {
			tail = 1 // what was before us we can't read
		}
	}
	session := e.session
	e.ask(func(ref uint64) []byte {
		return wire.Encode(&wire.Subscribe{Ref: ref, Room: r.id, After: r.rec.Seq, Tail: tail})
	}, func(f wire.Frame, err *chat.Error) {
		if e.session != session {
			return // disconnected: everyone was told
		}
		answer, ok := f.(*wire.Room)
		switch {
		case err != nil:
			r.phase = idle
			if err.Code == chat.CodeRoomUnknown { // the server knows its number only
				err = chat.Errorf(chat.CodeRoomUnknown, "name", r.rec.Name)
			}
			if r.priv != nil && (err.Code == chat.CodeNotMember || err.Code == chat.CodeRoomUnknown) { // nobody was left in it, and it was removed
				if e.awaitRoster(r) {
					return
				}
				e.notMember(r)
				return
			}
			e.tellLive(r, err)
		case !ok || answer.Info.Room != r.id:
			e.disconnected(chat.Errorf(chat.CodeFrame).Because(errProtocol))
		default:
			e.subscribed(r, answer.Info)
		}
	})
}

// subscribed compares what the server says of the room with what we know of it.
func (e *engine) subscribed(r *room, info wire.RoomInfo) {
	r.phase = reading
	r.target, r.head, r.online = info.Head, info.Head, int(info.Online)
	r.oldHash = true
	if !e.survived(r, info) {
		return
	}
	e.restored(r)
	if info.Floor > r.rec.Floor {
		r.rec.Floor = info.Floor
		e.touch(r)
	}
	switch {
	case !r.rec.Anchored && info.Head <= max(info.Floor, r.rec.Seq):
		e.anchor(r, info.Head, info.HeadHash) // nothing to read
	case r.rec.Anchored && r.rec.Seq < info.Floor:
		e.gap(r, info.Floor, info.FloorHash)
	}
	e.process(r)
}

// survived checks that the server still has what it acknowledged and what we read there (PROTOCOL §5).
func (e *engine) survived(r *room, info wire.RoomInfo) bool {
	if !r.rec.Anchored {
		return true
	}
	last := max(r.rec.Seq, r.rec.Acked)
	switch {
	case info.Head < last && e.offer(r, &info, last):
	case info.Head < last:
		e.stop(r, 0, chat.Errorf(chat.CodeRolledBack, "room", r.rec.Name,
			"head", fmt.Sprint(info.Head), "seen", fmt.Sprint(last)))
	case info.Head == r.rec.Seq && info.HeadHash != r.rec.Hash:
		e.stop(r, 0, chat.Errorf(chat.CodeRolledBack, "room", r.rec.Name,
			"head", fmt.Sprint(info.Head), "seen", fmt.Sprint(last)))
	default:
		return true
	}
	return false
}

// anchor begins the verified stretch of a log after entry n.
func (e *engine) anchor(r *room, n chat.Seq, hash [32]byte) {
	if n == 0 && hash != wire.ChainStart(e.self.Server, r.id) {
		e.stop(r, 0, chat.Errorf(chat.CodeForked, "room", r.rec.Name))
		return
	}
	r.rec.Anchored = true
	r.rec.Base, r.rec.BaseHash = n, hash
	r.rec.Seq, r.rec.Hash = n, hash
	r.recent.add(n, hash)
	if r.priv != nil { // its entries can be opened in the order of the log only
		r.rec.Barrier = n
	}
	e.touch(r)
}

// gap goes on after entries that the server's retention has removed before we read them.
func (e *engine) gap(r *room, floor chat.Seq, hash [32]byte) {
	e.emit(Gap{Room: r.rec.Name, From: r.rec.Seq + 1, To: floor})
	e.anchor(r, floor, hash)
	r.rec.Gap = floor
	r.oldHash = false
}

// stop ends a room: nothing more of it is shown or sent until a person decides (Resume).
func (e *engine) stop(r *room, n chat.Seq, err *chat.Error) {
	if r.rec.StopCode != "" {
		return
	}
	e.cfg.Log.Warn("room stopped", "room", r.rec.Name, "seq", n, "err", err)
	r.rec.StopCode, r.rec.StopParams, r.rec.StopSeq = err.Code, err.Params, n
	e.touch(r)
	e.unsubscribe(r)
	e.emit(RoomStopped{Room: r.rec.Name, Seq: n, Err: err})
	e.tellLive(r, err)
	e.tellBehind(r, err)
	e.endBackfill(r, err)
	for _, o := range slices.Clone(r.outbox) {
		if o.rec.Once {
			e.drop(r, o, err)
		}
	}
	e.checkFlush()
}

// unsubscribe ends a subscription.
func (e *engine) unsubscribe(r *room) {
	if r.phase != idle && e.session != nil {
		e.ask(func(ref uint64) []byte {
			return wire.Encode(&wire.Unsubscribe{Ref: ref, Room: r.id})
		}, func(wire.Frame, *chat.Error) {})
	}
	r.disconnected()
}

// receiveEntries takes a piece of a room's log.
func (e *engine) receiveEntries(f *wire.Entries) {
	r := e.rooms[f.Room]
	if r == nil || r.phase == idle || r.phase == asked {
		return // of a subscription that we have ended; the new one begins after its answer
	}
	for i := range f.Entries {
		r.bytes += len(f.Entries[i].Envelope)
	}
	if r.bytes > maxPending {
		e.disconnected(chat.Errorf(chat.CodeTooLarge, "limit", fmt.Sprint(maxPending)))
		return
	}
	r.head = max(r.head, f.Head)
	r.pending = append(r.pending, f)
	e.process(r)
}

// process verifies what has arrived, as far as it can.
func (e *engine) process(r *room) {
	e.vet(r)
	for len(r.pending) > 0 && !r.asking && r.phase != idle && (r.priv == nil || r.active()) {
		f := r.pending[0]
		if !e.aligned(r, f) {
			break
		}
		if r.priv != nil {
			if !e.readFirst(r, f) {
				break
			}
			continue
		}
		if e.askPeople(r, f.Entries) {
			break
		}
		r.pending = r.pending[1:]
		for i := range f.Entries {
			r.bytes -= len(f.Entries[i].Envelope)
		}
		e.readEntries(r, f)
	}
	if r.phase == reading && r.rec.Anchored && r.rec.Seq >= r.target && !r.asking {
		e.caughtUp(r)
	}
	e.settleDoubt(r)
	e.tellBehind(r, nil)
}

// aligned checks that a frame continues what we have. What doesn't is asked for once more; then, a
// server that leaves out entries has forked.
func (e *engine) aligned(r *room, f *wire.Entries) bool {
	if f.First == 0 || len(f.Entries) == 0 {
		r.pending = r.pending[1:]
		e.disconnected(chat.Errorf(chat.CodeFrame).Because(errProtocol))
		return false
	}
	before := f.First - 1
	if !r.rec.Anchored {
		if before < r.rec.Floor || before > r.target {
			e.stop(r, f.First, chat.Errorf(chat.CodeForked, "room", r.rec.Name))
			return false
		}
		e.anchor(r, before, f.Before)
		return r.rec.StopCode == ""
	}
	if before <= r.rec.Seq {
		return true
	}
	// A hole: lost on the way, or cut off by retention meanwhile.
	if r.filled == r.rec.Seq+1 {
		e.stop(r, f.First, chat.Errorf(chat.CodeForked, "room", r.rec.Name, "seq", fmt.Sprint(r.rec.Seq+1)))
		return false
	}
	r.filled = r.rec.Seq + 1
	r.phase, r.pending, r.bytes = idle, nil, 0
	e.subscribe(r)
	return false
}

// caughtUp is reached when the log is read up to the head that the server announced.
func (e *engine) caughtUp(r *room) {
	r.phase = live
	e.settleOutbox(r)
	if r.rec.StopCode != "" || r.phase != live {
		return
	}
	if r.priv != nil {
		e.caughtUpPrivate(r)
		e.reportSoon(r)
	}
	e.tellLost(r)
	e.tellLive(r, nil)
	e.pump(r)
	e.checkFlush()
}

// whenLive runs f once the room is read up to the head, subscribing to it if need be.
func (e *engine) whenLive(r *room, f func(error)) {
	e.whenOnline(func(err error) {
		switch {
		case err != nil:
			f(err)
		case r.rec.StopCode != "":
			f(r.stopped())
		case r.priv != nil && (!r.active() || r.priv.out):
			f(chat.Errorf(chat.CodeNotMember, "room", r.rec.Name))
		case r.phase == live:
			f(nil)
		default:
			r.live = append(r.live, f)
			e.subscribe(r)
		}
	})
}

// tellLive answers whoever waits for the head. While the connection is lost they go on waiting.
func (e *engine) tellLive(r *room, err *chat.Error) {
	waiting := r.live
	r.live = nil
	for _, f := range waiting {
		f(orNil(err))
	}
}

// tellBehind answers whoever waits for entries that are here now.
func (e *engine) tellBehind(r *room, err *chat.Error) {
	var ready, waiting []*waiter
	for _, w := range r.behind {
		if err == nil && r.rec.Seq <= w.after {
			waiting = append(waiting, w)
		} else {
			ready = append(ready, w)
		}
	}
	r.behind = waiting // before they are answered: an answer may bring us here again
	for _, w := range ready {
		if w.inTurn {
			w.answer(orNil(err))
		} else {
			e.then(func() { w.answer(orNil(err)) })
		}
	}
}

var errUnknownHash = errors.New("client: the hash of an entry is missing")

// hashAt returns H of an entry in the verified stretch.
func (e *engine) hashAt(r *room, n chat.Seq) ([32]byte, error) {
	switch n {
	case r.rec.Seq:
		return r.rec.Hash, nil
	case r.rec.Base:
		return r.rec.BaseHash, nil
	}
	if h, ok := r.recent.get(n); ok {
		return h, nil
	}
	var rec entryRecord
	ok, err := e.get(TableHistory, entryKey(r.id, n), &rec)
	if err == nil && !ok {
		err = chat.Errorf(chat.CodeVaultCorrupt).Because(errUnknownHash)
	}
	return rec.Hash, err
}
