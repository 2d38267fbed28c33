package hub

import (
	"time"

	"huisclos/chat"
)

// Conn is a connection as the hub sees it; package server implements it. Its methods may be
// called by any goroutine and never wait for the network.
type Conn interface {
	// Push queues whole frames, in order, and returns how many bytes now wait to be written. It neither
	// copies nor changes them: one frame goes to many connections. After Close it does nothing.
	Push(frames ...[]byte) (waiting int)
	// Close queues a last frame (none when nil), and closes when all is written or after a short
	// while. It may be called more than once; only the first counts.
	Close(last []byte)
}

// Peer is who stands at the other end of a Conn, as the login proved it.
type Peer struct {
	Account   chat.AccountID
	Device    chat.DeviceID
	Session   uint64 // the device's session generation: Login.Session
	Name      string
	Address   string // IP:PORT
	Client    string // program and version, as it says itself
	Classical bool   // no post-quantum key agreement
	Proxied   bool   // through a reverse proxy: Address is the proxy's word
	Since     time.Time
	New       bool // the device has just enrolled
}

// The life of a connection at the hub:
//
//	s, err := h.Attach(peer, conn)  // after the login; the caller sends Welcome{Rooms: s.Welcome()} first
//	err = s.Handle(raw)             // for every frame read, one at a time, by the goroutine that reads; it
//	                                // waits when the peer is over its rate. An error ends the connection: it
//	                                // was told why already
//	s.Drained()                     // by the Conn, when what waits has fallen under LowWater
//	s.Detach()                      // once, at the end, whatever ended it

// LowWater is the number of waiting bytes under which a Conn calls Session.Drained, once for each
// time that Push has returned at least as many.
const LowWater = 64 << 10
