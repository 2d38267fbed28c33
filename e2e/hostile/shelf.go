package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"sync"
	"time"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

// shelf is the store of a server that keeps more than it should, and takes what it shouldn't.
type shelf struct {
	hub.Store
	lookalikes bool // names that look like others' are taken

	mu       sync.Mutex // guards what follows
	room     chat.RoomID
	maker    chat.AccountID
	sessions map[chat.AccountID]hub.Peer
	admitted map[chat.AccountID]bool // on every roster, whatever the members say
	states   map[chat.RoomID][]hub.State
}

func newShelf(s hub.Store, lookalikes bool) *shelf {
	return &shelf{
		Store: s, lookalikes: lookalikes, sessions: map[chat.AccountID]hub.Peer{}, admitted: map[chat.AccountID]bool{}, states: map[chat.RoomID][]hub.State{},
	}
}

func (s *shelf) seen(p hub.Peer) {
	s.mu.Lock()
	s.sessions[p.Account] = p
	s.mu.Unlock()
}

// private is the newest private room, and a member of it who can lend his name.
func (s *shelf) private() (chat.RoomID, hub.Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.room, s.sessions[s.maker]
}

// CreateRoom implements hub.Store.
func (s *shelf) CreateRoom(ctx context.Context, r hub.NewRoom, most int) (hub.Room, error) {
	if r.Kind == chat.PrivateRoom {
		s.mu.Lock()
		s.room, s.maker = r.ID, r.Creator
		s.mu.Unlock()
	}
	return s.Store.CreateRoom(ctx, r, most)
}

// Enrol implements hub.Store.
func (s *shelf) Enrol(ctx context.Context, e hub.Enrolment) (hub.Login, error) {
	if s.lookalikes {
		var b [8]byte
		_, _ = rand.Read(b[:])
		e.Skeleton = hex.EncodeToString(b[:])
		e.Folded = e.Skeleton
	}
	return s.Store.Enrol(ctx, e)
}

// Append implements hub.Store. Who isn't on the roster, and whom the server admits, is stored in the name of the room's maker; the envelope stays
// what it is.
func (s *shelf) Append(ctx context.Context, batch []hub.Submission) ([]hub.Outcome, error) {
	batch = slices.Clone(batch)
	s.mu.Lock()
	for i := range batch {
		if sub := &batch[i]; s.admitted[sub.Account] {
			lender := s.sessions[s.maker]
			sub.Account, sub.Device, sub.Session = lender.Account, lender.Device, lender.Session
		}
	}
	s.mu.Unlock()
	outcomes, err := s.Store.Append(ctx, batch)
	for i := range outcomes {
		if c := batch[i].Change; c != nil && outcomes[i].Err == nil && len(c.Info) > 0 && len(c.Tree) > 0 {
			s.keep(batch[i].Room, hub.State{Seq: outcomes[i].Seq, Info: c.Info, Tree: c.Tree})
		}
	}
	return outcomes, err
}

func (s *shelf) keep(room chat.RoomID, state hub.State) {
	s.mu.Lock()
	s.states[room] = append(s.states[room], state)
	s.mu.Unlock()
}

// old is the first state of a room that the server has seen.
func (s *shelf) old(room chat.RoomID) (hub.State, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.states[room]) == 0 {
		return hub.State{}, false
	}
	return s.states[room][0], true
}

// PutState implements hub.Store.
func (s *shelf) PutState(ctx context.Context, room chat.RoomID, account chat.AccountID, state hub.State) error {
	err := s.Store.PutState(ctx, room, account, state)
	if err == nil {
		s.keep(room, state)
	}
	return err
}

// Roster implements hub.Store.
func (s *shelf) Roster(ctx context.Context, room chat.RoomID) ([]wire.RosterMember, error) {
	list, err := s.Store.Roster(ctx, room)
	s.mu.Lock()
	defer s.mu.Unlock()
	for a := range s.admitted {
		if !slices.ContainsFunc(list, func(m wire.RosterMember) bool { return m.Account == a }) {
			list = append(list, wire.RosterMember{Account: a})
		}
	}
	return list, err
}

// admit puts an account on every roster.
func (s *shelf) admit(a chat.AccountID) {
	s.mu.Lock()
	s.admitted[a] = true
	s.mu.Unlock()
}

// put appends an envelope of the server's own making to the private room.
func (s *shelf) put(ctx context.Context, id chat.MessageID, kind chat.EntryKind, envelope []byte) (chat.Seq, error) {
	room, lender := s.private()
	state, err := s.State(ctx, room)
	if err != nil {
		return 0, err
	}
	outcomes, err := s.Store.Append(ctx, []hub.Submission{{
		Room: room, ID: id, Account: lender.Account, Device: lender.Device, Session: lender.Session, Kind: kind, Base: state.LastCommit,
		Seen: state.LastCommit, Envelope: envelope, At: time.Now(),
	}})
	if err != nil {
		return 0, err
	}
	if outcomes[0].Err != nil {
		return 0, outcomes[0].Err
	}
	return outcomes[0].Seq, nil
}
