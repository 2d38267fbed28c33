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
	env, err := s.checkSend(f)
	if err != nil {
		e := codeOf(err)
		s.hub.counters.refused.Add(1)
		s.conn.Push(wire.Encode(&wire.Failure{ID: f.ID, Code: e.Code, Params: e.Params}))
		return nil
	}
	if s.hub.rates.wait(s.ctx, s.peer.Account, s.hub.limits()) != nil || !s.reserve() {
		return errOver
	}
	ok := s.hub.appender.submit(s, Submission{
		Room: f.Room, ID: f.ID, Account: s.peer.Account, Device: s.peer.Device, Session: s.peer.Session,
		Kind: f.Kind, Base: f.Base, Seen: env.SeenSeq, Envelope: f.Envelope, At: time.Now(),
	})
	if !ok { // the server stops: Close says goodbye
		s.release(1)
		return errOver
	}
	return nil
}

// checkSend looks at what the server can see of a message: that its header says what its frame and its session say.
func (s *Session) checkSend(f *wire.Send) (wire.Envelope, error) {
	none := wire.Envelope{}
	if most := s.hub.limits().Message; most > 0 && len(f.Envelope) > most {
		return none, chat.Errorf(chat.CodeTooLarge, "limit", strconv.Itoa(most))
	}
	if _, err := s.hub.room(f.Room); err != nil {
		return none, err
	}
	env, err := wire.ParseEnvelope(f.Envelope)
	if err != nil {
		return none, err
	}
	if f.Kind != chat.Content || f.Base != 0 || env.Room != f.Room || env.ID != f.ID || env.Account != s.peer.Account || env.Device != s.peer.Device {
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
