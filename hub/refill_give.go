package hub

import (
	"errors"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// refillRequest is request for what members give back after a restored backup. handled is false for another frame.
func (s *Session) refillRequest(f wire.Frame) (ref uint64, answer []byte, err error, handled bool) { //nolint:revive // err isn't last: it goes with the first two
	switch f := f.(type) {
	case *wire.Claim:
		answer, err = s.claim(f)
		return f.Ref, answer, err, true
	case *wire.Give:
		answer, err = s.give(f)
		return f.Ref, answer, err, true
	}
	return 0, nil, nil, false
}

// claim takes what the session's device says that it has read.
func (s *Session) claim(f *wire.Claim) ([]byte, error) {
	r, err := s.open(f.Room)
	if err != nil {
		return nil, err
	}
	if s.hub.rates.waitFor(s.ctx, s.peer.Account, s.hub.limits(), 32*len(f.Marks)) != nil {
		return nil, chat.Errorf(chat.CodeRate)
	}
	people, err := s.hub.store.People(s.ctx, []chat.AccountID{s.peer.Account}, nil, nil)
	if err != nil {
		return nil, err
	}
	counts := len(people) == 1 && people[0].At.Before(s.hub.restoredAt)
	return r.refill.claim(s, f, counts)
}

// give takes entries from the member that was asked for them.
func (s *Session) give(f *wire.Give) ([]byte, error) {
	r, err := s.open(f.Room)
	if err != nil {
		return nil, err
	}
	size := 0
	for i := range f.Entries {
		size += len(f.Entries[i].Envelope)
	}
	if s.hub.rates.waitFor(s.ctx, s.peer.Account, s.hub.limits(), size) != nil {
		return nil, chat.Errorf(chat.CodeRate)
	}
	if r.refill == nil {
		return nil, chat.Errorf(chat.CodeRefillOver, "room", r.name)
	}
	if err := r.refill.give(s, f); err != nil {
		return nil, err
	}
	return wire.Encode(&wire.Done{Ref: f.Ref}), nil
}

// give stores what was asked for, if it is that.
func (f *refill) give(s *Session, frame *wire.Give) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.phase != wire.RefillHeld || f.giver == nil || f.giver.session != s || frame.First != f.head+1 || len(frame.Entries) > len(f.chosen) {
		return chat.Errorf(chat.CodeConflict)
	}
	entries, fresh, err := f.check(frame)
	if err != nil { // it isn't what was claimed: somebody else is asked
		f.giver.failed, f.giver = true, nil
		f.proceed(time.Now())
		return err
	}
	row, err := f.hub.store.PutBack(f.hub.ctx, f.room.id, f.head, f.hash, entries)
	if err != nil {
		if code := chat.CodeOf(err); code == chat.CodeConflict || code == chat.CodeSame {
			f.endLocked() // somebody's message was on its way when the first claim came; or the log can't be as it was
		}
		return codeOf(err)
	}
	f.dissent(frame.First, f.chosen[:len(frame.Entries)])
	f.head, f.hash = row.Head, row.HeadHash
	f.chosen = f.chosen[len(frame.Entries):]
	f.moved, f.asked = time.Now(), time.Now()
	f.room.stage(fresh)
	f.hub.bus.Publish(Wakeup{Room: f.room.id, Head: f.head})
	if len(f.chosen) == 0 {
		f.giver = nil
		f.served()
		f.tell()
		f.proceed(time.Now())
	}
	return nil
}

var errNotClaimed = errors.New("hub: what is given back isn't what was claimed")

// check looks at what the server can see of entries that come back: that they are what was claimed, and belong to the room.
func (f *refill) check(frame *wire.Give) ([]PutBack, []logged, error) {
	entries := make([]PutBack, len(frame.Entries))
	fresh := make([]logged, len(frame.Entries))
	hash := f.hash
	for i := range frame.Entries {
		given := &frame.Entries[i]
		n := frame.First + chat.Seq(i)
		hash = wire.Chain(hash, n, wire.HashEnvelope(given.Envelope))
		if given.Pruned || wire.Mark(hash, given.Time, given.Kind) != f.chosen[i] {
			return nil, nil, chat.Errorf(chat.CodeConflict).Because(errNotClaimed)
		}
		at := time.UnixMilli(given.Time)
		entries[i] = PutBack{At: at, Kind: given.Kind, Envelope: given.Envelope}
		if err := f.header(&entries[i], n); err != nil {
			return nil, nil, err
		}
		fresh[i] = logged{Entry{Seq: n, At: at, Kind: given.Kind, Envelope: given.Envelope}, hash}
	}
	return entries, fresh, nil
}

// header reads who sent an envelope.
func (f *refill) header(p *PutBack, n chat.Seq) error {
	wrong := chat.Errorf(chat.CodeEnvelope)
	if f.room.kind == chat.PrivateRoom {
		env, err := wire.ParsePrivateEnvelope(p.Envelope)
		if err != nil || env.Room != f.room.id || p.Kind != chat.Content && p.Kind != chat.Commit {
			return wrong
		}
		p.Device, p.ID = env.Device, env.ID
		return nil
	}
	env, err := wire.ParseEnvelope(p.Envelope)
	if err != nil || env.Room != f.room.id || p.Kind != chat.Content || env.SeenSeq >= n {
		return wrong
	}
	p.Device, p.ID, p.Seen = env.Device, env.ID, env.SeenSeq
	return nil
}

// dissent forgets the claims that what has come back contradicts, and tells their devices that it is over for them. Under f.mu.
func (f *refill) dissent(first chat.Seq, marks [][32]byte) {
	for device, c := range f.claims {
		for i := range marks {
			mark, ok := c.at(first + chat.Seq(i))
			if !ok || mark == marks[i] {
				continue
			}
			f.forget(device)
			f.refuse(c)
			break
		}
	}
}

// served forgets the claims of which everything is back. Under f.mu.
func (f *refill) served() {
	for device, c := range f.claims {
		if c.head <= f.head {
			f.forget(device)
		}
	}
}
