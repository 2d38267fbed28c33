package server

import (
	"time"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/conn"
	"huisclos/wire"
)

// linkPatience is how long a new device has with a link code: a person looks at both devices, and says yes on the old one.
const linkPatience = 3 * time.Minute

// relayDevices hands messages between a new device of somebody and the old one that has made a link code.
func (s *Server) relayDevices(stream *conn.Stream, v *visitor, login *access.Server, raw []byte) error {
	use, err := login.UseLink(raw)
	if err != nil {
		return err
	}
	g, err := s.domain.useLink(use.Number, use.Message)
	if err != nil {
		return err
	}
	defer g.Leave()
	ctx, cancel := s.patient(v, s.config.linkPatience)
	defer cancel()
	if err := s.pass(ctx, stream, g, use.Number); err != nil {
		return err
	}
	if err := said(stream, g, use.Number); err != nil {
		return err
	}
	heard := make(chan error, 1) // its receipt ends it, as its end does
	go func() {
		heard <- said(stream, g, use.Number)
		cancel()
	}()
	for {
		if err := s.pass(ctx, stream, g, use.Number); err != nil {
			select {
			case err := <-heard:
				if err == nil {
					return errServed
				}
				return err
			default:
				return err // the goroutine ends with the connection
			}
		}
	}
}

// said hands a message of the guest to the member.
func said(stream *conn.Stream, g guest, number uint32) error {
	raw, err := stream.Read()
	if err != nil {
		return err
	}
	f, err := wire.Decode(raw)
	if err != nil {
		return err
	}
	m, ok := f.(*wire.CodeMessage)
	if !ok || m.Number != number {
		return chat.Errorf(chat.CodeFrame)
	}
	return g.Say(m.Message)
}
