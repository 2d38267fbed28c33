package server

import (
	"log/slog"
	"math"
	"runtime"
	"time"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/conn"
	"huisclos/hub"
	"huisclos/wire"
)

// Config is what a Server is made of. Identity, Store and Bus are required.
type Config struct {
	// Identity is S: LoadIdentity.
	Identity access.Identity
	// Store keeps everything. The caller closes it after Shutdown.
	Store hub.Store
	// Bus joins this node to others. Shutdown closes it.
	Bus hub.Bus
	// Certificate and CertificateKey are PEM files of a public authority's certificate; empty: TLS
	// shows one made from the identity.
	Certificate, CertificateKey string
	// Classical also accepts clients without the post-quantum key agreement.
	Classical bool
	// Ephemeral tells clients that nothing outlives this process.
	Ephemeral bool
	// Software is our own name and version, shown to clients.
	Software string
	// RefillHold is how long a room of a restored backup waits for members who give back what it lacks; 0: hub.DefaultRefillHold.
	RefillHold time.Duration
	// Settings may be changed by Apply while the server runs.
	Settings
	// Log gets what the operator should know; nil: nothing. Names of people and addresses go there, nothing secret.
	Log *slog.Logger

	domain       domain        // of tests; nil: a hub.Hub
	codePatience time.Duration // shorter in tests
	linkPatience time.Duration // the same
}

// Settings are what a running server takes over.
type Settings struct {
	Limits Limits
	// Retention is what a room keeps unless it has its own; RoomRetention overrides it by the room's name.
	Retention     hub.Retention
	RoomRetention map[string]hub.Retention
}

// Limits bounds what clients may take. Zero values become the defaults of DefaultLimits, except where 0 means
// "no bound".
type Limits struct {
	Message         int // bytes of one envelope
	Commit          int // bytes of one Commit, PutState or PutPackages frame
	Rate            int // messages a second for each account, sustained; 0: no bound
	Burst           int // messages at once
	Rooms           int // key rooms on this server
	PrivateRooms    int // on this server
	Page            int // entries of one page
	Connections     int // logged in, on this server
	PerAddress      int // logged in, from one address (of IPv6, one /64); 0: no bound
	FailuresAMinute int // failed logins from one address; 0: no bound
	Waiting         int // connections that have not logged in yet; fixed at the start
	Idle            time.Duration
}

// DefaultLimits is what a server allows when nothing is said.
func DefaultLimits() Limits {
	return Limits{
		Message: 64 << 10, Commit: wire.MaxCommit, Rate: 200, Burst: 10000, Rooms: 1000, PrivateRooms: 20000, Page: 1000,
		Connections: 20000, FailuresAMinute: 600, Waiting: 4096, Idle: 90 * time.Second,
	}
}

// Sizes before and beside the announced ones.
const (
	// maxLoginFrame is the greatest frame before the login is complete, bytes.
	maxLoginFrame = 16 << 10
	// frameOverhead is what a frame may hold beside one envelope, bytes.
	frameOverhead = 4 << 10
	// patience is how long a connection has until its login is complete.
	patience = 5 * time.Second
	// stuckAfter is how long one write may take before its reader counts as gone.
	stuckAfter = 30 * time.Second
)

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	orElse(&l.Message, d.Message)
	orElse(&l.Commit, d.Commit)
	orElse(&l.PrivateRooms, d.PrivateRooms)
	orElse(&l.Burst, d.Burst)
	orElse(&l.Rooms, d.Rooms)
	orElse(&l.Page, d.Page)
	orElse(&l.Connections, d.Connections)
	orElse(&l.Waiting, d.Waiting)
	if l.Idle <= 0 {
		l.Idle = d.Idle
	}
	return l
}

func orElse(v *int, d int) {
	if *v <= 0 {
		*v = d
	}
}

// Wire is what of l is announced to clients.
func (l Limits) Wire() wire.Limits {
	return wire.Limits{
		Frame: u32(l.Message + frameOverhead), Message: u32(l.Message), Commit: u32(l.Commit), Rate: u32(l.Rate), Burst: u32(l.Burst),
		Rooms: u32(l.Rooms), Page: u32(l.Page), Idle: u32(int(l.Idle / time.Second)),
	}
}

// hub is what of l the hub enforces.
func (l Limits) hub() hub.Limits {
	return hub.Limits{Message: l.Message, Rate: l.Rate, Burst: l.Burst, Rooms: l.Rooms, PrivateRooms: l.PrivateRooms, Page: l.Page}
}

// frame is the greatest frame that is read after the login.
func (l Limits) frame() int { return max(l.Message+frameOverhead, maxLoginFrame) }

// longer is what the frames of private rooms may have beyond that.
func (l Limits) longer() *conn.Longer {
	return &conn.Longer{Limit: max(l.Commit, l.frame()), May: wire.IsLarge}
}

func u32(n int) uint32 { return uint32(min(max(n, 0), math.MaxUint32)) } //nolint:gosec // bounded

// check refuses what can't be used.
func (c *Config) check() error {
	if c.Identity.IsZero() || c.Store == nil || c.Bus == nil && c.domain == nil {
		return chat.Errorf(chat.CodeInternal)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Limits = c.Limits.withDefaults()
	if c.codePatience <= 0 {
		c.codePatience = codePatience
	}
	if c.linkPatience <= 0 {
		c.linkPatience = linkPatience
	}
	return nil
}

// handshakes is how many handshakes compute at the same time.
func handshakes() int { return runtime.GOMAXPROCS(0) }
