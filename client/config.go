package client

import (
	"context"
	"log/slog"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// Link is a connection to a server after TLS: whole frames, in order, each way.
// One goroutine reads, one writes, any may close.
type Link interface {
	// Exporter is the TLS exporter of RFC 9266 that the login signs (PROTOCOL §4).
	Exporter() ([]byte, error)
	// Read returns the next frame. The bytes are the caller's.
	Read() ([]byte, error)
	// Write sends frames, in one go where it can. It may keep them.
	Write(frames ...[]byte) error
	// Close ends the connection; a Read or Write under way returns.
	Close() error
}

// Dialer makes a Link to HOST:PORT, and gives up with ctx. server is the fingerprint that TLS must show
// (CodeIdentity). Errors: CodeResolve, CodeRefused, CodeTimeout, CodeUnreachable, CodeTLS, CodeNotHuisclos.
type Dialer func(ctx context.Context, address string, server chat.Fingerprint) (Link, error)

// DefaultPackages is what Config.Packages is for a client that a person converses with.
const DefaultPackages = wire.MaxKeyPackages

// Config is what a Client is made of.
type Config struct {
	// Vault keeps the profile. The client closes it at the end.
	Vault Vault
	// Dial reaches the server.
	Dial Dialer
	// Address is HOST:PORT; empty: where the server was last reached.
	Address string
	// Server is the server's fingerprint. It may be zero when the vault knows it.
	Server chat.Fingerprint
	// Key is the shared key as a person was given it (hc1…); needed once, and empty later.
	Key string
	// Admission is what a newcomer got for a code: Server, Key, who he is and whom he has verified. It counts where the vault is new.
	Admission *Admission
	// Name is the person's name; empty when the vault knows it.
	Name string
	// Software is our own name and version, shown to the server's admin.
	Software string
	// Label is what the person's own devices call this one: the computer's name. The server isn't told; empty: they show its ID alone.
	Label string
	// Log gets what is for the developer; nil: nothing.
	Log *slog.Logger

	// Now is the clock by which what lasts for days is judged: the last resort's age, and how long others are silent. nil: time.Now.
	Now func() time.Time

	// Packages is how many one-time key packages are kept with the server, so that others can add this device to private rooms while it is away;
	// 0: it publishes none.
	Packages int
	// RawBytes bounds what is kept of envelopes as they came, for seven days, so that a restored server can be given back what it lost; 0: 64 MiB.
	RawBytes int64
	// Beside is the size of a private room's tree, in bytes, up to which it goes into each Welcome; a larger one goes beside it, once. 0: 64 KiB.
	Beside int
	// Renewing is the size of a private room, in devices, up to which a newcomer renews his keys before he writes. 0: 100.
	Renewing int
	// Tail is how many of a room's last messages are read first when it is new to us; 0: 100.
	Tail uint32
	// Window is how many messages may be on their way unacknowledged; 0: 128.
	Window int
	// Backoff is the wait before the second attempt to connect, which doubles up to MaxBackoff, with jitter. 0: half a second.
	Backoff time.Duration
	// MaxBackoff bounds it; 0: a minute.
	MaxBackoff time.Duration
	// Patience bounds one attempt to connect and log in; 0: 20 seconds.
	Patience time.Duration
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	def(&c.Tail, 100)
	def(&c.RawBytes, rawBytes)
	def(&c.Beside, beside)
	def(&c.Renewing, maxUpdated)
	def(&c.Window, 128)
	def(&c.Backoff, 500*time.Millisecond)
	def(&c.MaxBackoff, time.Minute)
	def(&c.Patience, 20*time.Second)
	return c
}

func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
