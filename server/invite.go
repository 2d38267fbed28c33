package server

import (
	"context"
	"errors"
	"time"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/conn"
	"huisclos/wire"
)

// guest is a *hub.Guest.
type guest interface {
	Answer(ctx context.Context) ([]byte, error)
	Say(message []byte) error
	Leave()
}

const (
	// codePatience is how long a newcomer with a code has, once the code is found: the member's program answers by itself, so only the
	// network between takes time. Until then it is patience, as for everybody.
	codePatience = 10 * time.Second
	// codeFarewell is how much longer its connection may take to hear why it ends.
	codeFarewell = 2 * time.Second
	// codesAMinute is how many codes may fail from one address; a sixth of them at once.
	codesAMinute = 30
)

// relay serves a newcomer who has no key yet, but a code: it hands two messages each way between him and the member who has made it. He is still a
// visitor, who gives way when places are short. It always returns an error, errServed when all was handed over.
func (s *Server) relay(stream *conn.Stream, v *visitor, login *access.Server, raw []byte) error {
	if err := s.codes.allow(v.from); err != nil {
		return err
	}
	err := s.relayMessages(stream, v, login, raw)
	if !errors.Is(err, errServed) {
		s.codes.fail(v.from)
	}
	return err
}

func (s *Server) relayMessages(stream *conn.Stream, v *visitor, login *access.Server, raw []byte) error {
	use, err := login.UseCode(raw)
	if err != nil {
		return err
	}
	g, err := s.domain.useCode(use.Number, use.Message)
	if err != nil {
		return err
	}
	defer g.Leave()
	patience := s.config.codePatience
	_ = v.SetDeadline(time.Now().Add(patience + codeFarewell))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	go func() {
		select {
		case <-s.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := s.pass(ctx, stream, g, use.Number); err != nil {
		return err
	}
	if raw, err = stream.Read(); err != nil {
		return err
	}
	f, err := wire.Decode(raw)
	if err != nil {
		return err
	}
	said, ok := f.(*wire.CodeMessage)
	if !ok || said.Number != use.Number {
		return chat.Errorf(chat.CodeFrame)
	}
	if err := g.Say(said.Message); err != nil {
		return err
	}
	if err := s.pass(ctx, stream, g, use.Number); err != nil {
		return err
	}
	return errServed
}

// pass hands the member's next message on.
func (s *Server) pass(ctx context.Context, stream *conn.Stream, g guest, number uint32) error {
	m, err := g.Answer(ctx)
	if err != nil {
		return err
	}
	return stream.Send(wire.Encode(&wire.CodeMessage{Number: number, Message: m}))
}
