package server

import (
	"context"
	"time"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

// Forwarded is for the tests.
var Forwarded = forwarded

// TestSession is what TestHub gives.
type TestSession interface {
	Welcome() []wire.RoomInfo
	Handle(raw []byte) error
	Drained()
	Detach()
}

// TestHub stands for the hub where a test looks at connections alone.
type TestHub interface {
	Attach(p hub.Peer, c hub.Conn) (TestSession, error)
}

type testDomain struct{ TestHub }

func (d testDomain) attach(p hub.Peer, c hub.Conn) (session, error) { return d.Attach(p, c) }

// useCode finds number 7, whose member never answers, and number 8, whose member says back what he hears.
func (testDomain) useCode(number uint32, first []byte) (guest, error) {
	switch number {
	case 7:
		return &testGuest{heard: make(chan []byte, 2)}, nil
	case 8:
		g := &testGuest{heard: make(chan []byte, 2), echo: true}
		return g, g.Say(first)
	}
	return nil, chat.Errorf(chat.CodeCodeUnknown)
}

// useLink is useCode.
func (d testDomain) useLink(number uint32, first []byte) (guest, error) {
	return d.useCode(number, first)
}

type testGuest struct {
	heard chan []byte
	echo  bool
}

func (g *testGuest) Answer(ctx context.Context) ([]byte, error) {
	select {
	case m := <-g.heard:
		return m, nil
	case <-ctx.Done():
		return nil, chat.Errorf(chat.CodeCodeBroken)
	}
}

func (g *testGuest) Say(m []byte) error {
	if g.echo {
		g.heard <- m
	}
	return nil
}

func (*testGuest) Leave() {}

// LinkPatience shortens how long a new device with a link code has.
func (c *Config) LinkPatience(d time.Duration) { c.linkPatience = d }

// CodePatience shortens how long a newcomer with a code has.
func (c *Config) CodePatience(d time.Duration) { c.codePatience = d }
func (testDomain) close(context.Context) error { return nil }

// UseHub makes New take h.
func (c *Config) UseHub(h TestHub) { c.domain = testDomain{h} }
