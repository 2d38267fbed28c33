package conn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"huisclos/chat"
)

// Config is how to dial. The zero value is right for a Huisclos server.
type Config struct {
	// Classical also allows plain X25519, for servers that can't do better.
	Classical bool
	// Roots are the public authorities believed for servers with a certificate of theirs, and
	// for the reverse proxy before a tunnel; nil: the system's.
	Roots *x509.CertPool
	// MaxFrame is the greatest frame that is read, bytes; 0: 16 MiB.
	MaxFrame int
	// Idle is the time without a byte after which the server counts as gone; 0: 45 seconds. A
	// ping is sent after a third of it.
	Idle time.Duration
	// Anyone takes whatever server answers where no fingerprint is given: TLS then only keeps listeners out, and the caller finds out
	// who it is before anything secret is said (access.NewStranger).
	Anyone bool
}

const (
	defaultMaxFrame = 16 << 20
	defaultIdle     = 45 * time.Second

	// clientRecord is the plaintext of one TLS record of a client, which fits into one segment of TCP. The server keeps a
	// buffer of the greatest record that it has seen for as long as the connection lasts; no
	// larger than the ClientHello, it costs nothing more.
	clientRecord = 1400
)

// Link is a connection to a server. One goroutine reads; any may write and close.
type Link struct {
	target Target
	pipe   *cork
	tls    *tls.Conn
	in     scanner // of the goroutine that reads
	idle   time.Duration

	write sync.Mutex // guards buf and the order of what is written
	buf   []byte

	heard   atomic.Int64 // when bytes last came, ns since 1970
	reading atomic.Bool  // whether a Read waits
	writing atomic.Bool  // whether a Write does

	once  sync.Once
	done  chan struct{}
	cause error // why it ended; set before done is closed
}

// Dial connects to the server with the identity key of that fingerprint at address (see ParseAddress),
// and gives up with ctx. Errors: CodeResolve (host), CodeRefused, CodeTimeout, CodeUnreachable, CodeTLS,
// CodeNotHuisclos, CodeFull, CodeIdentity (expected, got), all with address.
func Dial(ctx context.Context, address string, server chat.Fingerprint, c Config) (*Link, error) {
	if server.IsZero() && !c.Anyone {
		return nil, chat.Errorf(chat.CodeIdentity, "address", address, "expected", "", "got", "")
	}
	t, err := ParseAddress(address)
	if err != nil {
		return nil, err
	}
	raw, err := reach(ctx, t, c)
	if err != nil {
		return nil, reachError(err, t)
	}
	return c.begin(ctx, raw, t, server)
}

// begin makes a Link of a byte stream, and closes it on failure.
func (c Config) begin(ctx context.Context, raw net.Conn, t Target, server chat.Fingerprint) (_ *Link, err error) {
	pipe := &cork{Conn: raw}
	defer func() {
		if err != nil {
			_ = pipe.release() // what TLS has to say of it
			_ = raw.Close()
		}
	}()
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	l := &Link{target: t, pipe: pipe, idle: c.Idle, done: make(chan struct{})}
	if l.idle <= 0 {
		l.idle = defaultIdle
	}
	l.tls = tls.Client(l.pipe, clientTLS(c, t, server))
	pipe.hold() // the end of the handshake leaves with the request that follows it
	if err := l.tls.HandshakeContext(ctx); err != nil {
		return nil, handshakeError(because(ctx, err), t)
	}
	br, err := askUpgrade(l.tls, t.HostPort())
	if err != nil {
		return nil, reachError(because(ctx, err), t)
	}
	if !stop() {
		return nil, reachError(because(ctx, ctx.Err()), t)
	}
	if err := pipe.release(); err != nil {
		return nil, reachError(err, t)
	}
	limit := c.MaxFrame
	if limit <= 0 {
		limit = defaultMaxFrame
	}
	l.in = scanner{r: &listener{br, &l.heard}, limit: limit}
	l.heard.Store(time.Now().UnixNano())
	go l.beat()
	return l, nil
}

// because prefers the end of ctx over what it led to.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	return err
}

// Exporter is the channel binding of RFC 9266 that the login signs.
func (l *Link) Exporter() ([]byte, error) { return exporter(l.tls) }

// Classical reports whether the key agreement is without ML-KEM.
func (l *Link) Classical() bool { return l.tls.ConnectionState().CurveID != tls.X25519MLKEM768 }

// Read returns the next frame, which is the caller's. When the server has closed or
// vanished it is CodeUnreachable or CodeTimeout; CodeTooLarge and CodeFrame end the connection too.
func (l *Link) Read() ([]byte, error) {
	l.reading.Store(true)
	defer l.reading.Store(false)
	msg, err := l.in.message(func(op byte, payload []byte) {
		if op == opPing {
			_ = l.send(opPong, payload)
		}
	})
	if err == nil {
		return msg, nil
	}
	err = reachError(err, l.target)
	l.end(err)
	return nil, l.cause
}

// Write sends frames, in as few writes as they fit into. It keeps none of them.
func (l *Link) Write(frames ...[]byte) error { return l.send(opBinary, frames...) }

func (l *Link) send(op byte, payloads ...[]byte) error {
	l.write.Lock()
	defer l.write.Unlock()
	l.writing.Store(true)
	defer l.writing.Store(false)
	select {
	case <-l.done:
		return l.cause
	default:
	}
	l.buf = l.buf[:0]
	for _, p := range payloads {
		l.buf = appendClient(l.buf, op, p)
	}
	err := l.pipe.gather(func() error {
		for rest := l.buf; len(rest) > 0; {
			n := min(len(rest), clientRecord)
			if _, err := l.tls.Write(rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		return nil
	})
	if cap(l.buf) > 1<<20 {
		l.buf = nil
	}
	if err != nil {
		err = reachError(err, l.target)
		l.end(err)
		return l.cause
	}
	return nil
}

// Close ends the connection; a Read or Write under way returns. It waits at most a moment to say goodbye.
func (l *Link) Close() error {
	if l.write.TryLock() {
		select {
		case <-l.done:
		default:
			_ = l.pipe.SetWriteDeadline(time.Now().Add(time.Second))
			_ = l.pipe.gather(func() error {
				_, _ = l.tls.Write(appendClient(nil, opClose, closePayload(closeNormal)))
				err := l.tls.CloseWrite() // which lets nothing be written any more
				_ = l.pipe.SetWriteDeadline(time.Now().Add(time.Second))
				return err
			})
		}
		l.write.Unlock()
	}
	l.end(chat.Errorf(chat.CodeUnreachable, "address", l.target.String()).Because(net.ErrClosed))
	return nil
}

// end closes once, for that reason.
func (l *Link) end(cause error) {
	l.once.Do(func() {
		l.cause = cause
		close(l.done)
		_ = l.pipe.Close()
	})
	<-l.done // so that cause may be read
}

// beat sends a ping when nothing has come for a third of idle, and ends the connection when
// nothing came for all of it while somebody waited to read or to write.
func (l *Link) beat() {
	step := l.idle / 3
	tick := time.NewTicker(step)
	defer tick.Stop()
	for {
		select {
		case <-l.done:
			return
		case now := <-tick.C:
			silent := time.Duration(now.UnixNano() - l.heard.Load())
			switch {
			case silent >= l.idle && (l.reading.Load() || l.writing.Load()):
				l.end(chat.Errorf(chat.CodeTimeout, "address", l.target.String()))
				return
			case silent >= step-step/8 && !l.writing.Load():
				go func() { _ = l.send(opPing, nil) }() // may wait for a full pipe, which this goroutine must not
			}
		}
	}
}
