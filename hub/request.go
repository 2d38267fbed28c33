package hub

import (
	"errors"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// request answers a frame that asks for something. ref is its reference, which a Failure repeats; 0 for a frame that a client
// may not send now, or that lacks one.
func (s *Session) request(f wire.Frame) (ref uint64, answer []byte, err error) {
	h := s.hub
	switch f := f.(type) {
	case *wire.Subscribe:
		return f.Ref, nil, s.subscribe(f)
	case *wire.Unsubscribe:
		answer, err = s.unsubscribe(f)
		return f.Ref, answer, err
	case *wire.Read:
		answer, err = s.read(f)
		return f.Ref, answer, err
	case *wire.Rooms:
		return f.Ref, wire.Encode(&wire.RoomList{Ref: f.Ref, Rooms: h.keyRooms()}), nil
	case *wire.Create:
		answer, err = s.create(f)
		return f.Ref, answer, err
	case *wire.Who:
		answer, err = s.who(f)
		return f.Ref, answer, err
	case *wire.List:
		answer, err = s.list(f)
		return f.Ref, answer, err
	case *wire.KeyState:
		answer, err = s.keyState(f)
		return f.Ref, answer, err
	case *wire.PutLink:
		answer, err = s.putLink(f)
		return f.Ref, answer, err
	case *wire.OpenCode:
		answer, err = s.openCode(f.Ref, false)
		return f.Ref, answer, err
	case *wire.OpenLink:
		answer, err = s.openCode(f.Ref, true)
		return f.Ref, answer, err
	case *wire.ToDevice:
		answer, err = s.toDevice(f)
		return f.Ref, answer, err
	case *wire.CloseCode:
		return f.Ref, s.closeCode(f), nil
	}
	if ref, answer, err, ok := s.backupRequest(f); ok {
		return ref, answer, err
	}
	if ref, answer, err, ok := s.refillRequest(f); ok {
		return ref, answer, err
	}
	return s.privateRequest(f)
}

// maxSubscriptions bounds what one connection may read at the same time.
const maxSubscriptions = 1000

func (s *Session) subscribe(f *wire.Subscribe) error {
	r, err := s.hub.room(f.Room)
	if err != nil {
		return err
	}
	s.mu.Lock()
	n := len(s.subs)
	s.mu.Unlock()
	if n >= maxSubscriptions && s.subscription(f.Room) == nil {
		return chat.Errorf(chat.CodeRoomLimit)
	}
	if r.refill != nil {
		if err := r.allows(s.ctx, s.peer.Account); err != nil {
			return err
		}
		r.refill.greet(s)       // before the answer: nothing is sent to a room that is held
		defer r.refill.greet(s) // and after it, since nobody would tell of a change in between
	}
	for !r.subscribe(s, f) {
		if err := r.allows(s.ctx, s.peer.Account); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) unsubscribe(f *wire.Unsubscribe) ([]byte, error) {
	sub := s.subscription(f.Room)
	if sub == nil {
		return nil, chat.Errorf(chat.CodeNotJoined, "name", f.Room.String())
	}
	sub.room.mu.Lock()
	sub.room.remove(sub)
	sub.room.mu.Unlock()
	s.setSubscription(f.Room, nil)
	return wire.Encode(&wire.Done{Ref: f.Ref}), nil
}

func (s *Session) read(f *wire.Read) ([]byte, error) {
	if _, err := s.open(f.Room); err != nil {
		return nil, err
	}
	limit := s.hub.limits().Page
	if f.Limit > 0 && int64(f.Limit) < int64(limit) {
		limit = int(f.Limit)
	}
	page, err := s.hub.store.Entries(s.ctx, f.Room, f.After, limit, pageBytes)
	if err != nil {
		return nil, err
	}
	answer := &wire.Page{Ref: f.Ref, Room: f.Room, First: f.After + 1, Before: page.Before, Head: page.Head, Entries: make([]wire.Entry, len(page.Entries))}
	for i, e := range page.Entries {
		answer.Entries[i] = wireEntry(e)
	}
	if len(page.Entries) > 0 {
		answer.First = page.Entries[0].Seq
	}
	return wire.Encode(answer), nil
}

func (s *Session) create(f *wire.Create) ([]byte, error) {
	h := s.hub
	name, err := chat.RoomName(f.Name)
	if err != nil {
		return nil, err
	}
	id := chat.KeyRoomID(h.server, name)
	row, err := h.store.CreateRoom(s.ctx, NewRoom{
		ID: id, Name: name, Kind: chat.KeyRoom, Start: wire.ChainStart(h.server, id), Creator: s.peer.Account, At: time.Now(),
	}, h.limits().Rooms)
	if errors.Is(err, chat.CodeRoomExists) {
		return nil, chat.Errorf(chat.CodeRoomExists, "name", name)
	}
	if err != nil {
		return nil, err
	}
	return wire.Encode(&wire.Room{Ref: f.Ref, Info: h.addRoom(row).info()}), nil
}

// maxWho bounds one question about people.
const maxWho = 256

func (s *Session) who(f *wire.Who) ([]byte, error) {
	if len(f.Accounts)+len(f.Devices)+len(f.Names) > maxWho {
		return nil, chat.Errorf(chat.CodeTooLarge, "limit", "256")
	}
	people, err := s.hub.store.People(s.ctx, f.Accounts, f.Devices, f.Names)
	if err != nil {
		return nil, err
	}
	answer := &wire.People{Ref: f.Ref, People: make([]wire.Person, 0, len(people))}
	for _, p := range people {
		person := wire.Person{Account: p.Account, Name: p.Name, NameSig: p.NameSig, Certificates: [][]byte{}, List: p.List}
		for _, d := range p.Devices {
			person.Certificates = append(person.Certificates, d.Certificate)
		}
		answer.People = append(answer.People, person)
	}
	return wire.Encode(answer), nil
}

// maxListing bounds how many people are listed one by one.
const maxListing = 10_000

func (s *Session) list(f *wire.List) ([]byte, error) {
	var sessions []*Session
	if f.Room.IsZero() {
		sessions = s.hub.all()
	} else {
		r, err := s.open(f.Room)
		if err != nil {
			return nil, err
		}
		sessions = r.members()
	}
	if len(sessions) > maxListing {
		sessions = sessions[:maxListing]
	}
	answer := &wire.Listing{Ref: f.Ref, Present: make([]wire.Present, len(sessions))}
	for i, o := range sessions {
		p := &o.peer
		answer.Present[i] = wire.Present{Account: p.Account, Device: p.Device, Name: p.Name, Since: p.Since.UnixMilli(), Client: p.Client}
	}
	return wire.Encode(answer), nil
}

func (s *Session) keyState(f *wire.KeyState) ([]byte, error) {
	generations, err := s.hub.store.Generations(s.ctx)
	if err != nil {
		return nil, err
	}
	answer := &wire.Generations{Ref: f.Ref, Generations: make([]wire.GenerationInfo, len(generations))}
	for i, g := range generations {
		grant, err := s.hub.store.Grant(s.ctx, g.Number, s.peer.Device)
		if err != nil {
			return nil, err
		}
		answer.Generations[i] = wire.GenerationInfo{Generation: g.Number, Access: g.Access, Link: g.Link, Grant: grant}
	}
	return wire.Encode(answer), nil
}

// maxLink is the greatest sealed link, bytes.
const maxLink = 512

func (s *Session) putLink(f *wire.PutLink) ([]byte, error) {
	if len(f.Link) == 0 || len(f.Link) > maxLink {
		return nil, chat.Errorf(chat.CodeTooLarge, "limit", "512")
	}
	if err := s.hub.store.PutLink(s.ctx, f.Generation, f.Link); err != nil {
		return nil, err
	}
	return wire.Encode(&wire.Done{Ref: f.Ref}), nil
}
