package server

import (
	"context"

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
func (testDomain) close(context.Context) error                      { return nil }

// UseHub makes New take h.
func (c *Config) UseHub(h TestHub) { c.domain = testDomain{h} }
