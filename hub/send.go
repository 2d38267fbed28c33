package hub

import (
	"strconv"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// rotationGrace is how long messages under the generation before are still taken after a rotation: they were on their way.
const rotationGrace = 30 * time.Second

// send takes a message on its way to the disk.
func (s *Session) send(f *wire.Send) error {
	seen, service, err := s.checkSend(f)
	if err != nil {
		s.refuse(f.ID, err)
		return nil
	}
	return s.submit(Submission{Room: f.Room, ID: f.ID, Kind: f.Kind, Base: f.Base, Seen: seen, Envelope: f.Envelope, Service: service})
}

// refuse answers a message that isn't stored.
func (s *Session) refuse(id chat.MessageID, err error) {
	e := codeOf(err)
	s.hub.counters.refused.Add(1)
	s.conn.Push(wire.Encode(&wire.Failure{ID: id, Code: e.Code, Params: e.Params}))
}

// submit hands a message to the appender, when its sender's rate allows it.
func (s *Session) submit(sub Submission) error {
	if s.hub.rates.waitFor(s.ctx, s.peer.Account, s.hub.limits(), sub.Change.size()) != nil || !s.reserve() {
		return errOver
	}
	sub.Account, sub.Device, sub.Session, sub.At = s.peer.Account, s.peer.Device, s.peer.Session, time.Now()
	if !s.hub.appender.submit(s, sub) { // the server stops: Close says goodbye
		s.release(1)
		return errOver
	}
	return nil
}

// checkSend looks at what the server can see of a message: that its header says what its frame and its session say. It returns the head
// that the sender vouches for, and whether it isn't a new text of a private room.
func (s *Session) checkSend(f *wire.Send) (seen chat.Seq, service bool, err error) {
	if most := s.hub.limits().Message; most > 0 && len(f.Envelope) > most {
		return 0, false, chat.Errorf(chat.CodeTooLarge, "limit", strconv.Itoa(most))
	}
	r, err := s.hub.room(f.Room)
	if err != nil {
		return 0, false, err
	}
	if f.Kind != chat.Content {
		return 0, false, chat.Errorf(chat.CodeEnvelope)
	}
	if err := r.refill.held(); err != nil {
		return 0, false, err
	}
	if r.kind == chat.PrivateRoom {
		service, err = s.checkPrivate(f.Room, f.ID, f.Envelope)
		return f.Base, service, err
	}
	env, err := s.checkEnvelope(f)
	return env.SeenSeq, false, err
}

// checkEnvelope looks at a message of a key room.
func (s *Session) checkEnvelope(f *wire.Send) (wire.Envelope, error) {
	none := wire.Envelope{}
	env, err := wire.ParseEnvelope(f.Envelope)
	if err != nil {
		return none, err
	}
	if f.Base != 0 || env.Room != f.Room || env.ID != f.ID || env.Account != s.peer.Account || env.Device != s.peer.Device {
		return none, chat.Errorf(chat.CodeEnvelope)
	}
	s.hub.mu.RLock()
	current, rotated := s.hub.generation.Number, s.hub.rotated
	s.hub.mu.RUnlock()
	if env.Generation == current || env.Generation+1 == current && time.Since(rotated) < rotationGrace {
		return env, nil
	}
	if env.Generation > current {
		return none, chat.Errorf(chat.CodeEnvelope)
	}
	return none, chat.Errorf(chat.CodeKeyOld)
}
