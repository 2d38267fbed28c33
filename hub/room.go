package hub

import (
	"context"
	"slices"
	"sync"

	"huisclos/chat"
	"huisclos/wire"
)

// logged is an entry with its chain hash.
type logged struct {
	Entry
	hash [32]byte
}

// room is the live side of a room: who reads it, and the end of its log. The truth is in the store; what is here is a
// cache of it that a wake-up brings up to date.
type room struct {
	hub  *Hub
	id   chat.RoomID
	name string
	kind chat.RoomKind

	mu        sync.Mutex // guards what follows
	floor     chat.Seq
	floorHash [32]byte
	tail      []logged // the newest entries, without holes, up to head; bounded by keepTail
	tailBytes int
	before    [32]byte // H of the entry before tail's first, or of head when tail is empty
	head      chat.Seq // up to here it has been fanned out
	headHash  [32]byte
	staged    []logged // stored by this node and not fanned out yet
	target    chat.Seq // head of the newest wake-up
	fanning   bool     // a goroutine fans out
	cached    tailFrame

	subs    []*subscription
	people  map[chat.AccountID]*presence
	changes map[chat.AccountID]string // since presence was last told: the name of who left
	telling bool                      // a timer will tell presence

	roster *roster // of a private room; nil in others
	refill *refill // of a room of a restored backup, whose members may give back what it lacks; nil in others, set by New
}

// How much of a log's end is kept in memory, so that who joins doesn't read the disk.
const (
	keepTail      = 128
	keepTailBytes = 256 << 10
)

// tailFrame is the frame that newcomers last got, for the next one.
type tailFrame struct {
	first, last chat.Seq
	frame       []byte
}

func newRoom(h *Hub, row Room) *room {
	r := &room{
		hub: h, id: row.ID, name: row.Name, kind: row.Kind, floor: row.Floor, floorHash: row.FloorHash,
		before: row.HeadHash, head: row.Head, headHash: row.HeadHash, target: row.Head,
		people: map[chat.AccountID]*presence{}, changes: map[chat.AccountID]string{},
	}
	if row.Kind == chat.PrivateRoom {
		r.roster = &roster{}
	}
	return r
}

// info is what people are told of it.
func (r *room) info() wire.RoomInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settle()
	return r.infoLocked()
}

// settle fans out what is staged: what was acknowledged is part of what a room tells of itself. Under r.mu.
func (r *room) settle() {
	for fresh := r.takeStaged(); len(fresh) > 0; fresh = r.takeStaged() {
		r.spread(fresh)
	}
}

func (r *room) infoLocked() wire.RoomInfo {
	return wire.RoomInfo{
		Room: r.id, Name: r.name, Kind: r.kind, Floor: r.floor, FloorHash: r.floorHash,
		Head: r.head, HeadHash: r.headHash, Online: uint32(len(r.people)), //nolint:gosec // small
	}
}

// stage takes what this node has just stored.
func (r *room) stage(entries []logged) {
	r.mu.Lock()
	r.staged = append(r.staged, entries...)
	r.mu.Unlock()
}

// wake begins to fan out up to head, unless that is going on.
func (r *room) wake(head chat.Seq) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = max(r.target, head)
	if r.fanning || r.target <= r.head {
		return
	}
	r.fanning = true
	go r.fan()
}

// fan sends what has come to everyone at the head, until there is no more.
func (r *room) fan() {
	for {
		r.mu.Lock()
		if r.head >= r.target {
			r.fanning = false
			r.mu.Unlock()
			return
		}
		if fresh := r.takeStaged(); len(fresh) > 0 {
			r.spread(fresh)
			r.mu.Unlock()
			continue
		}
		from, before := r.head, r.headHash
		r.mu.Unlock()
		fresh, err := r.read(from, before)
		if err != nil || len(fresh) == 0 {
			r.hub.log.Error("the log can't be read for the fan-out", "room", r.name, "err", err)
			r.mu.Lock()
			r.fanning = false // the next wake-up tries again
			r.mu.Unlock()
			return
		}
		r.review() // another node stored them
		r.mu.Lock()
		r.spread(fresh)
		r.mu.Unlock()
	}
}

// takeStaged takes the staged entries that follow the head, and drops those before it.
func (r *room) takeStaged() []logged {
	staged := r.staged
	for len(staged) > 0 && staged[0].Seq <= r.head {
		staged = staged[1:]
	}
	if len(staged) == 0 {
		r.staged = nil
		return nil
	}
	if staged[0].Seq != r.head+1 {
		return nil // another node's come first: read the log
	}
	n := 1
	for n < len(staged) && staged[n].Seq == staged[n-1].Seq+1 {
		n++
	}
	r.staged = staged[n:]
	return staged[:n:n]
}

// pageBytes bounds what is read of a log at once.
const pageBytes = 256 << 10

// read reads the entries after from out of the store.
func (r *room) read(from chat.Seq, before [32]byte) ([]logged, error) {
	page, err := r.hub.store.Entries(r.hub.ctx, r.id, from, batchMessages, pageBytes)
	if err != nil {
		return nil, err
	}
	return chain(page.Entries, before), nil
}

// chain adds the hashes to entries that follow the one with hash before.
func chain(entries []Entry, before [32]byte) []logged {
	out := make([]logged, len(entries))
	for i, e := range entries {
		before = wire.Chain(before, e.Seq, envelopeHash(e))
		out[i] = logged{e, before}
	}
	return out
}

func envelopeHash(e Entry) [32]byte {
	if e.Pruned && len(e.Envelope) == 32 {
		return [32]byte(e.Envelope)
	}
	return wire.HashEnvelope(e.Envelope)
}

// spread moves the head over fresh and pushes one frame to everyone who is there. Under r.mu.
func (r *room) spread(fresh []logged) {
	for len(fresh) > 0 {
		n := frameful(fresh)
		part := fresh[:n]
		fresh = fresh[n:]
		last := part[n-1]
		frame := r.entriesFrame(part, r.headHash, last.Seq)
		r.append(part)
		r.head, r.headHash = last.Seq, last.hash
		r.target = max(r.target, r.head)
		delivered := 0
		for _, s := range r.subs {
			if !s.live || s.next != part[0].Seq {
				continue
			}
			s.next = last.Seq + 1
			delivered++
			if s.session.conn.Push(frame) > slowMark {
				s.live = false // it goes on from the log when there is room
				r.hub.counters.slow.Add(1)
			}
		}
		r.hub.counters.frames.Add(int64(delivered))
		r.hub.counters.delivered.Add(int64(delivered * n))
	}
}

// slowMark is how many bytes may wait for a connection before it is left to read from the log.
const slowMark = 256 << 10

// frameful is how many of the entries go into one frame.
func frameful(entries []logged) int {
	n, bytes := 0, 0
	for n < len(entries) && (n == 0 || bytes+len(entries[n].Envelope) <= pageBytes) {
		bytes += len(entries[n].Envelope)
		n++
	}
	return n
}

// append puts entries at the end of the tail and cuts its front.
func (r *room) append(part []logged) {
	for _, e := range part {
		r.tailBytes += len(e.Envelope)
	}
	r.tail = append(r.tail, part...)
	cut := 0
	for len(r.tail)-cut > keepTail || r.tailBytes > keepTailBytes && cut < len(r.tail) {
		r.tailBytes -= len(r.tail[cut].Envelope)
		r.before = r.tail[cut].hash
		cut++
	}
	if cut > 0 {
		r.tail = slices.Clone(r.tail[cut:])
	}
}

// entriesFrame encodes consecutive entries.
func (r *room) entriesFrame(part []logged, before [32]byte, head chat.Seq) []byte {
	f := &wire.Entries{Room: r.id, First: part[0].Seq, Before: before, Head: head, Entries: make([]wire.Entry, len(part))}
	for i, e := range part {
		f.Entries[i] = wireEntry(e.Entry)
	}
	return wire.Encode(f)
}

func wireEntry(e Entry) wire.Entry {
	return wire.Entry{Time: e.At.UnixMilli(), Kind: e.Kind, Pruned: e.Pruned, Envelope: e.Envelope}
}

// loadTail reads the end of the log into memory, when the room was empty of it and newcomers ask for it.
func (r *room) loadTail(ctx context.Context) {
	r.mu.Lock()
	if len(r.tail) > 0 || r.head == r.floor {
		r.mu.Unlock()
		return
	}
	head := r.head
	from := max(r.floor, head-min(head, keepTail))
	r.mu.Unlock()
	page, err := r.hub.store.Entries(ctx, r.id, from, keepTail, keepTailBytes)
	if err != nil || len(page.Entries) == 0 {
		return // subscribers read it themselves, and are told of an error
	}
	entries := chain(page.Entries, page.Before)
	r.mu.Lock()
	defer r.mu.Unlock()
	last := entries[len(entries)-1]
	if len(r.tail) > 0 || r.head != head || last.Seq != head {
		return // it moved on meanwhile, or is larger than the tail may be
	}
	r.before = page.Before
	r.append(entries)
}
