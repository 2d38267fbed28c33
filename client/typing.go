package client

import (
	"context"
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/mls"
	"huisclos/seal"
	"huisclos/wire"
)

// Signs of typing. They aren't stored, nor answered, and a lost one is no loss. The server learns that a device has sent one, and when: it can neither read, forge nor move
// them, and repeat none to a program that has had it. Who doesn't send them isn't shown them.

// Typing tells that a member is writing in a room, or has stopped. Without another one it is over after TypingLife.
type Typing struct {
	Room string
	Name string
	On   bool
}

func (Typing) event() {}

const (
	// TypingLife is how long a sign of typing holds.
	TypingLife = 8 * time.Second
	// typingPause is the time between two signs of ours.
	typingPause = 4 * time.Second
	// typingNear is how far a sign's time may be from this machine's clock. Between, it is known by its time whether it was here before.
	typingNear = 2 * time.Minute
	// mostTyping is how many people may be in a room for signs of typing to be sent there.
	mostTyping = 20
	// maxTypists is how many devices' last signs are remembered in a room.
	maxTypists = 256
	// typingExport is the label of the group's exporter (RFC 9420 §8.5); its context is the room's ID.
	typingExport = "huisclos/1 typing"
)

// typists is what a room knows of signs of typing.
type typists struct {
	seal *seal.Typists
	turn uint64                  // of seal
	last map[chat.DeviceID]int64 // the time of each device's newest one, by its clock
	sent time.Time               // our last one that said so
	on   bool                    // and it did
	mine int64                   // its time
}

// typistsOf is the cipher of a room's signs; nil when there is none now.
func (e *engine) typistsOf(r *room) *seal.Typists {
	t := &r.typists
	var turn uint64
	var key []byte
	switch {
	case r.priv == nil && e.keys.has(e.self.Newest):
		turn = uint64(e.self.Newest)
	case r.priv != nil && r.priv.g != nil && !r.rec.Private.Unproven:
		turn = r.priv.g.Epoch()
	default:
		return nil
	}
	if t.seal != nil && t.turn == turn {
		return t.seal
	}
	if r.priv == nil {
		key = e.keys.held[e.self.Newest].Typing(e.self.Newest, r.id)
	} else {
		secret, err := r.priv.g.Export(typingExport, r.id[:], seal.KeySize)
		if err != nil {
			return nil
		}
		key = secret
	}
	made, err := seal.NewTypists(e.self.Server, r.id, turn, key)
	if err != nil {
		return nil
	}
	t.seal, t.turn = made, turn
	return made
}

// small tells whether a room has so few people that signs of typing are sent there.
func (r *room) small() bool {
	if r.priv != nil {
		return len(r.priv.devices) > 1 && len(r.priv.devices) <= mostTyping
	}
	return r.online <= mostTyping
}

// Typing implements API.
func (c *Client) Typing(ctx context.Context, name string, on bool) error {
	_, err := do(ctx, c, func(e *engine) (none, error) {
		r, err := e.joined(name)
		if err == nil {
			e.tellTyping(r, on)
		}
		return none{}, err
	})
	return err
}

// tellTyping sends a sign, if there is anybody to see it and none was sent just now.
func (e *engine) tellTyping(r *room, on bool) {
	t := &r.typists
	now := time.Now()
	again := t.on && now.Sub(t.sent) < typingPause
	if !e.self.Typing || e.session == nil || r.phase != live || !r.small() || on && again || !on && !t.on {
		return
	}
	s := e.typistsOf(r)
	if s == nil {
		return
	}
	t.on, t.sent, t.mine = on, now, max(now.UnixMilli(), t.mine+1)
	body := s.Seal(e.id.deviceKey(), t.mine, on)
	e.stage.frames = append(e.stage.frames, wire.Encode(&wire.Typing{Room: r.id, Body: body}))
}

// typed takes a sign of somebody else.
func (e *engine) typed(f *wire.Typed) {
	r := e.rooms[f.Room]
	if r == nil || !e.self.Typing || r.phase == idle {
		return
	}
	s := e.typistsOf(r)
	if s == nil {
		return
	}
	x, err := s.Open(f.Body)
	if err != nil {
		return // of another epoch, perhaps
	}
	a, ok := e.typist(r, x.Device)
	now := time.Now().UnixMilli()
	if near := typingNear.Milliseconds(); !ok || x.Time < now-near || x.Time > now+near || !r.typists.newer(x, now) {
		return
	}
	e.emit(Typing{Room: r.rec.Name, Name: e.people.name(a), On: x.On})
}

// newer tells whether a sign is the device's newest, and remembers it.
func (t *typists) newer(x seal.Typing, now int64) bool {
	if x.Time <= t.last[x.Device] {
		return false
	}
	if t.last == nil {
		t.last = make(map[chat.DeviceID]int64)
	}
	if len(t.last) >= maxTypists {
		for d, at := range t.last {
			if at < now-typingNear.Milliseconds() { // such a one isn't near any more
				delete(t.last, d)
			}
		}
	}
	if _, known := t.last[x.Device]; !known && len(t.last) >= maxTypists {
		return false
	}
	t.last[x.Device] = x.Time
	return true
}

// typist is whose device it is: known, not revoked, not ours, and in the room.
func (e *engine) typist(r *room, d chat.DeviceID) (chat.AccountID, bool) {
	known := e.people.devices[d]
	if known == nil || known.account == e.id.account() || e.people.revokedBefore(known.account, d, time.Now().UnixMilli()) {
		return chat.AccountID{}, false
	}
	a := known.account
	if refused, stop := e.people.vouch(a, d); refused != nil || stop != nil {
		return a, false
	}
	if r.priv == nil {
		return a, true
	}
	p := r.priv
	if slices.Contains(p.state.Muted, a) && p.state.role(a) == Plain {
		return a, false
	}
	there := false
	p.g.Members(func(_ mls.LeafIndex, leaf *mls.LeafNode) bool {
		there = leafOf(leaf).Device == d
		return !there
	})
	return a, there
}
