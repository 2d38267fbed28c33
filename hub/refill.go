package hub

import (
	"context"
	"strconv"
	"sync"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// RefillLife is how long after a restored backup members may give back what it lacks.
const RefillLife = 24 * time.Hour

// DefaultRefillHold is how long a room waits for members after the first has come to it, or has claimed something.
const DefaultRefillHold = 2 * time.Minute

const (
	settleShare  = 4                // what two accounts claim is taken after this part of the hold
	longestHolds = 10               // a room isn't held for longer than so many holds after the first claim
	givePatience = 10 * time.Second // for the next piece of whoever was asked to give
	maxClaims    = 64               // of a room, of accounts that count; and a quarter of that of others
	maxDevices   = 4                // of one account
	maxHolds     = 8                // so often a room is held again because somebody claims something
	maxMarks     = 64 << 20         // bytes of marks that are kept together
)

// refill is the refilling of one room after a restored backup: its members say what they have read beyond the backup, what they agree in is taken back, and only then
// the room is used again, so that the numbers of what was lost aren't given to something else.
type refill struct {
	hub  *Hub
	room *room

	mu       sync.Mutex // guards what follows; the room's lock may be taken under it
	phase    wire.RefillPhase
	head     chat.Seq
	hash     [32]byte  // H_head
	began    time.Time // when the first member came; zero: nobody has
	first    time.Time // when the first claim came
	moved    time.Time // when something last came back
	claims   map[chat.DeviceID]*claim
	holds    int // how often a claim has held the room again
	claimed  chat.Seq
	conflict chat.Seq
	chosen   [][32]byte // marks of what is being given, after head
	giver    *claim     // who was asked for it; nil: nobody
	asked    time.Time  // when, or when the last piece came
	timer    *time.Timer
}

// loadRefill takes up what is going on in the store.
func (h *Hub) loadRefill(ctx context.Context) error {
	r, err := h.store.Refill(ctx)
	if err != nil || r.At.IsZero() {
		return err
	}
	if !time.Now().Before(r.Until) {
		return h.store.EndRefill(ctx, Audit{Actor: "server", Action: "refill end", At: time.Now()})
	}
	h.restored = &wire.Restored{Until: r.Until.UnixMilli()}
	if !r.Newest.IsZero() {
		h.restored.At = r.Newest.UnixMilli()
	}
	h.restoredAt = r.At
	for id := range r.Rooms {
		if room := h.rooms[id]; room != nil {
			room.refill = &refill{hub: h, room: room, phase: wire.RefillHeld, head: room.head, hash: room.headHash, claims: map[chat.DeviceID]*claim{}}
		}
	}
	return nil
}

// refilling is what members are told of at their login; nil when no backup was restored, or that is over.
func (h *Hub) refilling() *wire.Restored {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.restored == nil {
		return nil
	}
	r := *h.restored
	return &r
}

// sweepRefill ends the refilling when its time is over.
func (h *Hub) sweepRefill(now time.Time) {
	if r := h.refilling(); r == nil || now.UnixMilli() < r.Until {
		return
	}
	if _, err := h.EndRefill(h.ctx, Audit{Actor: "server", Action: "refill end", At: now}); err != nil && h.ctx.Err() == nil {
		h.log.Error("the refilling can't be ended", "err", err)
	}
}

// EndRefill ends the taking back, in all rooms; false when none was going on.
func (h *Hub) EndRefill(ctx context.Context, a Audit) (bool, error) {
	h.mu.RLock()
	rooms := make([]*room, 0, len(h.rooms))
	for _, r := range h.rooms {
		rooms = append(rooms, r)
	}
	was := h.restored != nil
	h.mu.RUnlock()
	if !was {
		return false, nil
	}
	if err := h.store.EndRefill(ctx, a); err != nil {
		return true, err
	}
	h.mu.Lock()
	h.restored = nil
	h.mu.Unlock()
	for _, r := range rooms {
		r.refill.end()
	}
	return true, nil
}

// RefillState is how far the refilling is.
type RefillState struct {
	Until             time.Time // zero: none is going on
	Held, Open, Over  int       // rooms
	Conflicts         []string  // names of key rooms in which members disagree; "a private room" for each of the others
	Missing, GivenFor chat.Seq  // entries that somebody has claimed and that aren't back, in how many rooms
}

// RefillState reads it.
func (h *Hub) RefillState() RefillState {
	var s RefillState
	restored := h.refilling()
	if restored == nil {
		return s
	}
	s.Until = time.UnixMilli(restored.Until)
	h.mu.RLock()
	rooms := make([]*room, 0, len(h.rooms))
	for _, r := range h.rooms {
		rooms = append(rooms, r)
	}
	h.mu.RUnlock()
	for _, r := range rooms {
		f := r.refill
		if f == nil {
			s.Over++
			continue
		}
		f.mu.Lock()
		switch f.phase {
		case wire.RefillHeld:
			s.Held++
		case wire.RefillOpen:
			s.Open++
		case wire.RefillOver:
			s.Over++
		}
		if f.conflict > 0 {
			s.Conflicts = append(s.Conflicts, r.label())
		}
		if f.claimed > f.head {
			s.Missing += f.claimed - f.head
			s.GivenFor++
		}
		f.mu.Unlock()
	}
	return s
}

// label names a room to the admin.
func (r *room) label() string {
	if r.kind == chat.KeyRoom {
		return "#" + r.name
	}
	return "a private room"
}

// held is CodeRefilling while nothing new is stored in the room.
func (f *refill) held() error {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.phase != wire.RefillHeld {
		return nil
	}
	return chat.Errorf(chat.CodeRefilling, "room", f.room.name)
}

// greet tells who subscribes how far it is; the first one begins the wait for the others.
func (f *refill) greet(s *Session) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.phase == wire.RefillOver {
		return
	}
	if f.began.IsZero() {
		f.began = time.Now()
		f.later()
	}
	s.conn.Push(f.frame(0))
}

func (f *refill) frame(ref uint64) []byte {
	return wire.Encode(&wire.Refill{Ref: ref, Room: f.room.id, Phase: f.phase, Head: f.head, Claimed: f.claimed, Conflict: f.conflict})
}

// tell tells those who read the room, and those who have claimed something of it.
func (f *refill) tell() {
	frame := f.frame(0)
	told := map[*Session]bool{}
	f.room.mu.Lock()
	for _, sub := range f.room.subs {
		told[sub.session] = true
		sub.session.conn.Push(frame)
	}
	f.room.mu.Unlock()
	for _, c := range f.claims {
		if !told[c.session] && !c.session.over() {
			c.session.conn.Push(frame)
		}
	}
}

// claim takes what a member says that it has.
func (f *refill) claim(s *Session, frame *wire.Claim, counts bool) ([]byte, error) {
	over := chat.Errorf(chat.CodeRefillOver, "room", f.name())
	if f == nil {
		return nil, over
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.phase == wire.RefillOver {
		return nil, over
	}
	if frame.After != f.head || frame.Before != f.hash {
		return nil, chat.Errorf(chat.CodeConflict)
	}
	own, all := 0, 0
	for device, c := range f.claims {
		if c.counts == counts && device != s.peer.Device {
			all++
			if c.account == s.peer.Account {
				own++
			}
		}
	}
	if most := maxClaims; own >= maxDevices || counts && all >= most || !counts && all >= most/4 {
		return nil, f.wait()
	}
	if f.phase == wire.RefillOpen {
		if f.holds++; f.holds > maxHolds { // nobody keeps the others from writing by claims that come to nothing
			return nil, over
		}
	}
	if f.giver != nil && f.giver.session.peer.Device == s.peer.Device {
		f.giver = nil
	}
	f.forget(s.peer.Device)
	if f.hub.marks.Add(int64(32*len(frame.Marks))) > maxMarks {
		f.hub.marks.Add(-int64(32 * len(frame.Marks)))
		return nil, f.wait()
	}
	f.claims[s.peer.Device] = &claim{session: s, account: s.peer.Account, counts: counts, after: frame.After, marks: frame.Marks, head: frame.Head}
	f.claimed = max(f.claimed, frame.Head)
	now := time.Now()
	if f.first.IsZero() || f.phase == wire.RefillOpen {
		f.first, f.moved = now, now
	}
	held := f.phase == wire.RefillHeld
	f.phase = wire.RefillHeld
	if !held {
		f.tell()
	}
	f.later()
	return f.frame(frame.Ref), nil
}

// wait refuses a claim for now.
func (f *refill) wait() error {
	return chat.Errorf(chat.CodeRate, "wait", strconv.Itoa(int(f.hub.hold/time.Second)))
}

// forget lets go of a device's claim. Under f.mu.
func (f *refill) forget(device chat.DeviceID) {
	if c := f.claims[device]; c != nil {
		f.hub.marks.Add(-int64(32 * len(c.marks)))
		delete(f.claims, device)
	}
}

// forgetAll lets go of all. Under f.mu.
func (f *refill) forgetAll() {
	for device := range f.claims {
		f.forget(device)
	}
	f.chosen, f.giver = nil, nil
}

func (f *refill) name() string {
	if f == nil {
		return ""
	}
	return f.room.name
}

// later has step called when there is something to do, at once included. Under f.mu.
func (f *refill) later() {
	hold := f.hub.hold
	var at time.Time
	switch {
	case f.phase != wire.RefillHeld:
		return
	case f.first.IsZero():
		at = f.began.Add(hold)
	case f.giver != nil:
		at = f.asked.Add(givePatience)
	default:
		now := time.Now()
		for _, t := range []time.Time{f.first.Add(hold / settleShare), f.first.Add(hold), f.moved.Add(hold / settleShare), f.first.Add(longestHolds * hold)} {
			if t.After(now) && (at.IsZero() || t.Before(at)) {
				at = t
			}
		}
	}
	if f.timer != nil {
		f.timer.Stop()
	}
	f.timer = time.AfterFunc(time.Until(at), f.step)
}

// step goes on when a time has come.
func (f *refill) step() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.hub.ctx.Err() == nil {
		f.proceed(time.Now())
	}
}

// proceed does what is due. Under f.mu.
func (f *refill) proceed(now time.Time) {
	hold := f.hub.hold
	if f.phase != wire.RefillHeld {
		return
	}
	if f.first.IsZero() {
		if !now.Before(f.began.Add(hold)) {
			f.open()
		} else {
			f.later()
		}
		return
	}
	if f.giver != nil {
		if !f.giver.session.over() && now.Before(f.asked.Add(givePatience)) {
			f.later()
			return
		}
		f.giver.failed, f.giver = true, nil
	}
	last := !now.Before(f.first.Add(longestHolds * hold))
	if !last && f.ask(now) {
		f.later()
		return
	}
	if last || !now.Before(f.first.Add(hold)) && !now.Before(f.moved.Add(hold/settleShare)) {
		f.open()
		return
	}
	f.later()
}

// ask asks a member for what is next, if that can be taken by now. Under f.mu.
func (f *refill) ask(now time.Time) bool {
	claims := make([]*claim, 0, len(f.claims))
	for _, c := range f.claims {
		claims = append(claims, c)
	}
	ch := choose(f.head, claims)
	if ch.conflict > 0 && f.conflict == 0 {
		f.conflict = ch.conflict
		f.disagree()
	}
	n := 0
	switch {
	case !now.Before(f.first.Add(f.hub.hold)): // nobody has contradicted for long enough
		n = len(ch.marks)
	case !now.Before(f.first.Add(f.hub.hold / settleShare)):
		n = ch.confirmed
	}
	if n == 0 {
		return false
	}
	f.chosen = ch.marks[:n]
	var giver *claim
	covers := 0
	for _, c := range claims {
		agrees := 0
		for agrees < n {
			if mark, ok := c.at(f.head + 1 + chat.Seq(agrees)); !ok || mark != f.chosen[agrees] {
				break
			}
			agrees++
		}
		if agrees > covers && !c.failed && !c.session.over() {
			giver, covers = c, agrees
		}
	}
	if giver == nil {
		return false
	}
	f.giver, f.asked, f.chosen = giver, now, f.chosen[:covers]
	giver.session.conn.Push(wire.Encode(&wire.WantEntries{Room: f.room.id, After: f.head, Upto: f.head + chat.Seq(covers)}))
	return true
}

// disagree tells the admin and the members that what members claim differs. Under f.mu.
func (f *refill) disagree() {
	detail := f.room.label() + " " + strconv.FormatUint(uint64(f.conflict), 10)
	f.hub.log.Warn("members give back different messages", "room", f.room.label(), "seq", f.conflict)
	if err := f.hub.store.Note(f.hub.ctx, Audit{Actor: "server", Action: "refill conflict", Detail: detail, At: time.Now()}); err != nil {
		f.hub.log.Error("the audit log can't be written", "err", err)
	}
	f.tell()
}

// open lets the room be used again. Whoever has claimed what isn't back hears that it is over for him. Under f.mu.
func (f *refill) open() {
	f.phase = wire.RefillOpen
	if f.conflict > 0 {
		f.phase = wire.RefillOver
	}
	f.tell()
	for _, c := range f.claims {
		if c.head > f.head && !c.session.over() {
			f.refuse(c)
		}
	}
	f.forgetAll()
}

// refuse tells a device that nothing of what it has claimed is taken any more. Under f.mu.
func (f *refill) refuse(c *claim) {
	c.session.conn.Push(wire.Encode(&wire.Refill{Room: f.room.id, Phase: wire.RefillOver, Head: f.head, Claimed: f.claimed, Conflict: f.conflict}))
}

// end takes nothing more: somebody has written in the room, or the time is over.
func (f *refill) end() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.endLocked()
}

func (f *refill) endLocked() {
	if f.phase == wire.RefillOver {
		return
	}
	if f.timer != nil {
		f.timer.Stop()
	}
	f.phase = wire.RefillOver
	f.tell()
	f.forgetAll()
}
