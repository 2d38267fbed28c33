package server

import (
	"context"
	"errors"
	"time"

	"huisclos/access"
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

// relay serves somebody who has no login yet, but a code: it hands messages between him and the member who has made it. He is still a visitor, who gives way when places
// are short. It always returns an error, errServed when all was handed over.
func (s *Server) relay(v *visitor, messages func() error) error {
	if err := s.codes.allow(v.from); err != nil {
		return err
	}
	err := messages()
	if !errors.Is(err, errServed) {
		s.codes.fail(v.from)
	}
	return err
}

// patient gives a visitor so much time; the context ends with it, and with the server.
func (s *Server) patient(v *visitor, patience time.Duration) (context.Context, context.CancelFunc) {
	_ = v.SetDeadline(time.Now().Add(patience + codeFarewell))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	go func() {
		select {
		case <-s.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// relayMessages hands two messages each way between a newcomer with an invitation code and the member.
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
	ctx, cancel := s.patient(v, s.config.codePatience)
	defer cancel()
	if err := s.pass(ctx, stream, g, use.Number); err != nil {
		return err
	}
	if err := said(stream, g, use.Number); err != nil {
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
