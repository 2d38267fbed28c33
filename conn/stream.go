package conn

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Stream is an accepted connection. One goroutine reads; Push and Close may be called by any and
// never wait for the network. While it is idle it has no goroutine but the reader's, no timer and no buffer.
type Stream struct {
	tls   *tls.Conn
	pipe  *cork        // under tls
	lent  *spares      // for what is written at once
	in    scanner      // of the goroutine that reads
	heard atomic.Int64 // when bytes last came, ns since 1970
	stuck atomic.Int64 // when the write under way began; 0: none is
	drain func()       // see Established

	mu      sync.Mutex    // guards the rest
	queue   [][]byte      // frames, and control frames with their header
	head    int           // of queue: what is before was taken
	cut     int           // bytes of queue[head] that were taken
	waiting int           // bytes pushed and not yet written
	mark    int           // LowWater
	high    bool          // Push has returned at least mark, and drain wasn't called since
	writer  bool          // a goroutine writes
	closed  bool          // Close was called
	held    bool          // nothing is written yet, unless it is closed
	pong    []byte        // an answer that waits, with its header
	final   []byte        // the close frame, with its header, after everything else
	failed  bool          // nothing can be written any more
	room    chan struct{} // closed when the reader may go on; nil: it doesn't wait
	few     [2][]byte     // the first memory of queue
}

// linger is how long a connection that was closed may take to hear the last frame.
const linger = 3 * time.Second

// maxWaiting is how many bytes may wait to be written before nothing more is read: who asks and doesn't listen
// to the answers waits, and costs no memory.
const maxWaiting = 1 << 20

// writeSize is what one write holds: a TLS record of the greatest size.
const writeSize = 16 << 10

// newStream makes a Stream of a connection after TLS and upgrade.
func newStream(c *tls.Conn, pipe *cork, limit int, lent *spares) *Stream {
	s := &Stream{tls: c, pipe: pipe, lent: lent}
	s.in = scanner{r: &hearing{c, &s.heard}, fromC: true, limit: limit}
	s.queue = s.few[:0]
	s.heard.Store(time.Now().UnixNano())
	return s
}

// hearing notes when bytes come. TLS buffers, so this costs no system call.
type hearing struct {
	r     io.Reader
	heard *atomic.Int64
}

func (h *hearing) Read(b []byte) (int, error) {
	n, err := h.r.Read(b)
	if n > 0 {
		h.heard.Store(time.Now().UnixNano())
	}
	return n, err
}

// Exporter is the channel binding of RFC 9266 of the innermost TLS.
func (s *Stream) Exporter() ([]byte, error) { return exporter(s.tls) }

// Classical reports whether the key agreement is without ML-KEM.
func (s *Stream) Classical() bool { return s.tls.ConnectionState().CurveID != tls.X25519MLKEM768 }

// RemoteAddr is the peer's address, as the listener said.
func (s *Stream) RemoteAddr() net.Addr { return s.tls.RemoteAddr() }

// Hold keeps back what is pushed from now on until Established, so that the frame that ends the
// login comes first whatever is pushed meanwhile.
func (s *Stream) Hold() {
	s.mu.Lock()
	s.held = true
	s.mu.Unlock()
}

// Established ends the time of narrow limits: it queues first before whatever was held, there is no deadline any more, frames
// may have limit bytes, and drain is called, by any goroutine, when what waits has fallen under mark, once for each time that Push
// has returned at least as many. The goroutine that reads calls it.
func (s *Stream) Established(limit, mark int, first []byte, drain func()) {
	s.in.limit = limit
	slim(s.tls)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mark, s.drain, s.held = mark, drain, false
	if s.closed || s.failed {
		return
	}
	if first != nil {
		s.queue = append([][]byte{first}, s.queue...)
		s.waiting += len(first)
	}
	s.high = s.waiting >= mark
	_ = s.tls.SetDeadline(time.Time{})
	if len(s.queue) > 0 {
		s.wake()
	}
}

// Send writes a frame at once. It is for the login, when the goroutine that reads has nothing else to do than to wait for it, and a deadline is set.
func (s *Stream) Send(frame []byte) error {
	_, err := s.tls.Write(appendServer(make([]byte, 0, maxHeader+len(frame)), opBinary, frame))
	return err
}

// Longer lets some frames be longer than the limit of Established. The goroutine that reads calls it.
func (s *Stream) Longer(l *Longer) { s.in.longer = l }

// Read returns the next frame, which is the caller's. After Close it goes on until the peer has
// closed too, or a while has gone, and returns no more frames. While more than a mebibyte waits to be written it doesn't read. CodeFrame, CodeTooLarge (limit), and
// the errors of the network; io.EOF when the peer has closed in order.
func (s *Stream) Read() ([]byte, error) {
	for {
		s.awaitRoom()
		msg, err := s.in.message(s.control)
		if err != nil {
			if errors.Is(err, errPeerClosed) {
				return nil, io.EOF
			}
			return nil, err
		}
		if !s.isClosed() {
			return msg, nil
		}
	}
}

// awaitRoom waits while too much waits to be written.
func (s *Stream) awaitRoom() {
	s.mu.Lock()
	if s.waiting < maxWaiting || s.closed || s.failed {
		s.mu.Unlock()
		return
	}
	room := make(chan struct{})
	s.room = room
	s.mu.Unlock()
	<-room
}

// letRead ends awaitRoom. s.mu is held.
func (s *Stream) letRead() {
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
}

func (s *Stream) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// control answers pings. Only the last one is owed an answer (RFC 6455 §5.5.3), so that pings
// can't fill the queue.
func (s *Stream) control(op byte, payload []byte) {
	if op != opPing {
		return
	}
	pong := appendServer(make([]byte, 0, len(payload)+2), opPong, payload)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed && !s.failed {
		s.pong = pong
		s.wake()
	}
}

// Ping asks for a sign of life.
func (s *Stream) Ping() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed && !s.failed {
		s.pong = []byte{bitFIN | opPing, 0}
		s.wake()
	}
}

// Push queues whole frames, in order, and returns how many bytes now wait to be written. It neither
// copies nor changes them. After Close it does nothing.
func (s *Stream) Push(frames ...[]byte) (waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.failed {
		return s.waiting
	}
	for _, f := range frames {
		s.queue = append(s.queue, f)
		s.waiting += len(f)
	}
	if s.mark > 0 && s.waiting >= s.mark {
		s.high = true
	}
	s.wake()
	return s.waiting
}

// Close queues a last frame (none when nil), and closes when all is written and the peer has
// answered, or after a short while. Only the first call counts.
func (s *Stream) Close(last []byte) { s.closeWith(last, closeNormal) }

// Refuse is Close after an error of Read: the close frame names its kind.
func (s *Stream) Refuse(last []byte, err error) { s.closeWith(last, closeCode(err)) }

func (s *Stream) closeWith(last []byte, code uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	s.letRead()
	// Both ways: the reader waits for the peer's end no longer than the writer may take.
	_ = s.tls.SetDeadline(time.Now().Add(linger))
	if s.failed {
		return
	}
	if last != nil {
		s.queue = append(s.queue, last)
		s.waiting += len(last)
	}
	s.final = appendServer(nil, opClose, closePayload(code))
	s.wake()
}

// wake starts a goroutine that writes, unless one does. s.mu is held.
func (s *Stream) wake() {
	if !s.writer && (!s.held || s.closed) {
		s.writer = true
		go s.flush()
	}
}

// flush writes until nothing waits.
func (s *Stream) flush() {
	buf := writeBuffers.Get().(*[writeSize]byte) //nolint:forcetypeassert // the pool's only type
	defer writeBuffers.Put(buf)
	var spare *[spareSize]byte // holds the records of one write; nil: each is written at once
	written := 0
	for {
		b, n, drained, next := s.take(buf, written)
		if drained != nil {
			drained()
		}
		if next == nothing {
			return
		}
		if spare == nil && next != done {
			if spare = s.lent.take(); spare != nil {
				s.pipe.begin(spare[:])
			}
		}
		s.stuck.Store(time.Now().UnixNano())
		_, err := s.tls.Write(b)
		if next == goodbye && err == nil {
			err = s.tls.CloseWrite() // which lets nothing be written any more
			_ = s.tls.NetConn().SetWriteDeadline(time.Now().Add(linger))
		}
		if spare != nil && (next != more || err != nil) {
			err = errors.Join(err, s.pipe.end())
			s.lent.put(spare)
			spare = nil
		}
		s.stuck.Store(0)
		if err != nil {
			s.fail()
			return
		}
		written = n
	}
}

// next is what comes after what take has given.
type next uint8

const (
	nothing next = iota // and it gave nothing
	done                // nothing waits now
	more                // something does
	goodbye             // the end of TLS
)

// take accounts for what was written, and fills buf with what waits: n payload bytes of it are frames'.
func (s *Stream) take(buf *[writeSize]byte, written int) (b []byte, n int, drained func(), after next) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting -= written
	if s.waiting < maxWaiting/2 {
		s.letRead()
	}
	if s.high && s.waiting < s.mark {
		s.high, drained = false, s.drain
	}
	b, n = s.fill(buf[:0])
	switch {
	case len(b) > 0 && s.head < len(s.queue):
		return b, n, drained, more
	case len(b) > 0 && s.closed && s.final == nil && s.pong == nil:
		return b, n, drained, goodbye
	case len(b) > 0:
		return b, n, drained, done
	}
	s.writer = false
	if s.closed {
		s.failed = true
		_ = s.tls.CloseWrite()
		closeWrite(s.tls.NetConn())
	}
	return nil, 0, drained, nothing
}

// fill moves what fits from the queue to b. A frame may be cut: the rest of it comes first the next time, so that every
// record is full, whatever the frames. s.mu is held.
func (s *Stream) fill(b []byte) ([]byte, int) {
	n := 0
	if s.cut == 0 && len(s.pong) > 0 {
		b = append(b, s.pong...)
		s.pong = nil
	}
	for s.head < len(s.queue) && len(b)+maxHeader < cap(b) {
		f := s.queue[s.head]
		if s.cut == 0 {
			b = appendHeader(b, opBinary, len(f), false)
		}
		part := f[s.cut:min(len(f), s.cut+cap(b)-len(b))]
		b = append(b, part...)
		n += len(part)
		if s.cut += len(part); s.cut < len(f) {
			return b, n
		}
		s.cut = 0
		s.queue[s.head] = nil
		s.head++
	}
	if s.head == len(s.queue) {
		s.queue, s.head = s.few[:0], 0
		if len(b)+len(s.final) <= cap(b) {
			b = append(b, s.final...)
			s.final = nil
		}
	}
	return b, n
}

// fail gives up writing; the reader sees the end of the connection.
func (s *Stream) fail() {
	s.mu.Lock()
	s.failed, s.writer = true, false
	s.queue, s.head, s.pong, s.final = nil, 0, nil, nil
	drain := s.drain
	if !s.high {
		drain = nil
	}
	s.high, s.waiting = false, 0
	s.letRead()
	s.mu.Unlock()
	_ = s.tls.NetConn().Close()
	if drain != nil {
		drain() // who waits for room must not wait for ever
	}
}

// Finish ends the connection for good. The reader calls it when Read has returned an error and all is said: it
// lets the last frame arrive, which closing at once could make the network drop, and returns after a short while.
func (s *Stream) Finish() {
	s.closeWith(nil, closeNormal)
	_, _ = io.CopyN(io.Discard, s.tls, maxFarewell)
	s.mu.Lock()
	s.failed = true
	s.mu.Unlock()
	s.Abort()
}

// maxFarewell is how much is still read of a peer to whom the last frame is on its way.
const maxFarewell = 4 << 20

// Silent is how long nothing has come.
func (s *Stream) Silent(now time.Time) time.Duration {
	return time.Duration(now.UnixNano() - s.heard.Load())
}

// Stuck is how long the write under way has taken; 0 when none is.
func (s *Stream) Stuck(now time.Time) time.Duration {
	if at := s.stuck.Load(); at != 0 {
		return time.Duration(now.UnixNano() - at)
	}
	return 0
}

// Abort ends the connection at once, whatever waits.
func (s *Stream) Abort() { _ = s.tls.NetConn().Close() }

// closeWrite ends our half of the connection, where the kind of connection can.
func closeWrite(c net.Conn) {
	if h, ok := c.(interface{ CloseWrite() error }); ok {
		_ = h.CloseWrite()
	}
}

var writeBuffers = sync.Pool{New: func() any { return new([writeSize]byte) }}
