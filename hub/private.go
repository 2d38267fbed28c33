package hub

import (
	"errors"
	"math/rand/v2"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// privateRequest is request for the delivery service of private rooms.
func (s *Session) privateRequest(f wire.Frame) (ref uint64, answer []byte, err error) {
	switch f := f.(type) {
	case *wire.PutPackages:
		answer, err = s.putPackages(f)
		return f.Ref, answer, err
	case *wire.TakePackages:
		answer, err = s.takePackages(f)
		return f.Ref, answer, err
	case *wire.CreatePrivate:
		answer, err = s.createPrivate(f)
		return f.Ref, answer, err
	case *wire.PrivateRooms:
		answer, err = s.privateRooms(f)
		return f.Ref, answer, err
	case *wire.Roster:
		answer, err = s.roster(f)
		return f.Ref, answer, err
	case *wire.Invitations:
		answer, err = s.invitations(f)
		return f.Ref, answer, err
	case *wire.Welcomed:
		err = s.hub.store.Welcomed(s.ctx, s.peer.Device, f.Room, f.Seq)
		return f.Ref, wire.Encode(&wire.Done{Ref: f.Ref}), err
	case *wire.State:
		answer, err = s.state(f)
		return f.Ref, answer, err
	case *wire.PutState:
		answer, err = s.putState(f)
		return f.Ref, answer, err
	}
	return 0, nil, chat.Errorf(chat.CodeFrame) // a server's frame, or one of the login
}

// checkPrivate looks at what the server can see of an entry of a private room; service: it says that it isn't a new text to people.
func (s *Session) checkPrivate(room chat.RoomID, id chat.MessageID, envelope []byte) (service bool, err error) {
	env, err := wire.ParsePrivateEnvelope(envelope)
	if err != nil {
		return false, err
	}
	if env.Room != room || env.ID != id || env.Account != s.peer.Account || env.Device != s.peer.Device {
		return false, chat.Errorf(chat.CodeEnvelope)
	}
	return env.Version == wire.ServiceEnvelope, nil
}

// commit takes a Commit, and what goes with it, on its way to the disk.
func (s *Session) commit(f *wire.Commit) error {
	r, err := s.hub.room(f.Room)
	if err == nil && r.kind != chat.PrivateRoom {
		err = chat.Errorf(chat.CodeEnvelope)
	}
	if err == nil {
		service := false
		if service, err = s.checkPrivate(f.Room, f.ID, f.Envelope); err == nil && service {
			err = chat.Errorf(chat.CodeEnvelope)
		}
	}
	if err == nil {
		err = r.refill.held()
	}
	if err != nil {
		s.refuse(f.ID, err)
		return nil
	}
	change := &Change{Add: f.Add, Remove: f.Remove, Welcomes: f.Welcomes, Info: f.Info, Tree: f.Tree}
	if len(f.Rules) > 0 {
		change.Rules = &f.Rules[0]
	}
	return s.submit(Submission{Room: f.Room, ID: f.ID, Kind: chat.Commit, Base: f.Base, Seen: f.Base, Envelope: f.Envelope, Change: change})
}

// invite tells the devices for which a batch has brought Welcomes, and those of the accounts that it added: one that is as new as the Commit has no Welcome, and comes in by itself.
func (a *appender) invite(b batch) {
	if b.err != nil {
		return
	}
	for i := range b.submissions {
		sub, o := &b.submissions[i], &b.outcomes[i]
		if sub.Change == nil || o.Err != nil || o.Duplicate {
			continue
		}
		told := make(map[*Session]bool)
		for _, w := range sub.Change.Welcomes {
			if s := a.hub.device(w.Device); s != nil {
				told[s] = true
			}
		}
		for _, account := range sub.Change.Add {
			for _, s := range a.hub.of(account) {
				told[s] = true
			}
		}
		frame := wire.Encode(&wire.Invited{Room: sub.Room})
		for s := range told {
			s.conn.Push(frame)
		}
	}
}

// device finds the session of a device; nil when there is none.
func (h *Hub) device(id chat.DeviceID) *Session {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if s := h.sessions[id]; s != nil && !s.over() {
		return s
	}
	return nil
}

func (s *Session) putPackages(f *wire.PutPackages) ([]byte, error) {
	var count PackageCount
	var err error
	if len(f.Packages) == 0 {
		count, err = s.hub.store.PackageState(s.ctx, s.peer.Device)
	} else {
		size := 0
		for i := range f.Packages {
			size += len(f.Packages[i].Data)
		}
		if s.hub.rates.waitFor(s.ctx, s.peer.Account, s.hub.limits(), size) != nil {
			return nil, chat.Errorf(chat.CodeRate)
		}
		count, err = s.hub.store.PutPackages(s.ctx, s.peer.Device, f.Packages)
	}
	if err != nil {
		return nil, err
	}
	return wire.Encode(&wire.PackageState{Ref: f.Ref, OneTime: uint32(count.OneTime), Last: count.Last}), nil //nolint:gosec // small
}

// maxTaken bounds the key packages of one answer, bytes.
const maxTaken = 4 << 20

func (s *Session) takePackages(f *wire.TakePackages) ([]byte, error) {
	if err := s.hub.takes.allow(s.peer.Account, f.Accounts, time.Now()); err != nil {
		return nil, err
	}
	taken, err := s.hub.store.TakePackages(s.ctx, s.peer.Device, f.Accounts, maxTaken)
	if err != nil {
		return nil, err
	}
	return wire.Encode(&wire.Packages{Ref: f.Ref, Packages: taken}), nil
}

// maxOwn is how many private rooms one account may have made.
const maxOwn = 1000

func (s *Session) createPrivate(f *wire.CreatePrivate) ([]byte, error) {
	h := s.hub
	if h.rates.wait(s.ctx, s.peer.Account, h.limits()) != nil {
		return nil, chat.Errorf(chat.CodeRate)
	}
	row, err := h.store.CreateRoom(s.ctx, NewRoom{
		ID: f.Room, Kind: chat.PrivateRoom, Start: wire.ChainStart(h.server, f.Room), Creator: s.peer.Account, Most: maxOwn, At: time.Now(),
	}, h.limits().PrivateRooms)
	if errors.Is(err, chat.CodeRoomExists) {
		return nil, chat.Errorf(chat.CodeRoomExists, "name", f.Room.String())
	}
	if err != nil {
		return nil, err
	}
	return wire.Encode(&wire.Room{Ref: f.Ref, Info: h.addRoom(row).info()}), nil
}

func (s *Session) privateRooms(f *wire.PrivateRooms) ([]byte, error) {
	rows, err := s.hub.store.PrivateRooms(s.ctx, s.peer.Account)
	if err != nil {
		return nil, err
	}
	infos := make([]wire.RoomInfo, len(rows))
	for i, row := range rows {
		infos[i] = s.hub.addRoom(row).info()
	}
	return wire.Encode(&wire.RoomList{Ref: f.Ref, Rooms: infos}), nil
}

func (s *Session) roster(f *wire.Roster) ([]byte, error) {
	if _, err := s.openPrivate(f.Room); err != nil {
		return nil, err
	}
	members, err := s.hub.store.Roster(s.ctx, f.Room)
	if err != nil {
		return nil, err
	}
	now, noted, err := s.hub.store.Rules(s.ctx, f.Room)
	if err != nil {
		return nil, err
	}
	return wire.Encode(&wire.RosterList{Ref: f.Ref, Room: f.Room, Members: members, Rules: now, Noted: noted}), nil
}

// maxInvitations bounds the Welcomes of one answer, bytes, unless the first alone is larger.
const maxInvitations = 1 << 20

func (s *Session) invitations(f *wire.Invitations) ([]byte, error) {
	list, err := s.hub.store.Invitations(s.ctx, s.peer.Device, maxInvitations)
	if err != nil {
		return nil, err
	}
	return wire.Encode(&wire.InvitationList{Ref: f.Ref, Invitations: list}), nil
}

func (s *Session) state(f *wire.State) ([]byte, error) {
	r, err := s.openPrivate(f.Room)
	if err != nil {
		return nil, err
	}
	state, err := s.hub.store.State(s.ctx, f.Room)
	if err != nil {
		return nil, err
	}
	if !state.Whole() {
		r.wantState(s)
	}
	return wire.Encode(&wire.RoomState{Ref: f.Ref, Room: f.Room, Seq: state.Seq, Info: state.Info, Tree: state.Tree}), nil
}

// maxAsked is how many members are asked for a room's state at once: each may answer with megabytes.
const maxAsked = 3

// wantState asks some members that are there, drawn anew each time, for the state of the room.
func (r *room) wantState(asker *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	frame := wire.Encode(&wire.WantState{Room: r.id})
	asked := 0
	for _, i := range rand.Perm(len(r.subs)) {
		if s := r.subs[i].session; s != asker && !s.over() && asked < maxAsked {
			s.conn.Push(frame)
			asked++
		}
	}
}

func (s *Session) putState(f *wire.PutState) ([]byte, error) {
	if _, err := s.openPrivate(f.Room); err != nil {
		return nil, err
	}
	if s.hub.rates.waitFor(s.ctx, s.peer.Account, s.hub.limits(), len(f.Info)+len(f.Tree)) != nil {
		return nil, chat.Errorf(chat.CodeRate)
	}
	if err := s.hub.store.PutState(s.ctx, f.Room, s.peer.Account, State{Seq: f.Seq, Info: f.Info, Tree: f.Tree}); err != nil {
		return nil, err
	}
	return wire.Encode(&wire.Done{Ref: f.Ref}), nil
}
