package conn_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/conn"
)

// TestReaderThatRests: Push never waits for a peer that doesn't read; once it reads, everything arrives in order, and
// the hub is told when there is room again, once for each time that there was none.
func TestReaderThatRests(t *testing.T) {
	const mark, frames, size = 64 << 10, 3000, 10_000
	var drained atomic.Int32
	pushed := make(chan int, 1)
	crossed := 0 // pushes that returned mark or more
	empty := make(chan struct{}, frames)
	h := newHost(t, nil, func(s *conn.Stream) {
		s.Established(1<<20, mark, nil, func() { drained.Add(1); empty <- struct{}{} })
		waiting := 0
		for i := range frames {
			f := make([]byte, size)
			binary.BigEndian.PutUint32(f, uint32(i))
			if waiting = s.Push(f); waiting >= mark {
				crossed++
			}
		}
		pushed <- waiting
		_, _ = s.Read()
	})
	l := h.mustDial(conn.Config{})
	if waiting := <-pushed; waiting < mark || waiting > frames*size {
		t.Fatalf("%d bytes wait", waiting)
	}
	for i := range frames {
		f, err := l.Read()
		if err != nil || len(f) != size || binary.BigEndian.Uint32(f) != uint32(i) {
			t.Fatalf("frame %d: %d bytes, %v", i, len(f), err)
		}
	}
	<-empty
	if n := int(drained.Load()); n < 1 || n > crossed || crossed < frames/2 {
		t.Fatalf("told %d times, for %d", n, crossed)
	}
}

// TestWhoAsksAndDoesNotListen: a peer that sends and sends and reads no answer is not read from any more; once it
// listens, everything is there.
func TestWhoAsksAndDoesNotListen(t *testing.T) {
	const frames, size = 1500, 60_000
	l := newHost(t, nil, echo).mustDial(conn.Config{})
	var sent atomic.Int64
	done := make(chan error, 1)
	go func() {
		for i := range frames {
			f := make([]byte, size)
			binary.BigEndian.PutUint32(f, uint32(i))
			if err := l.Write(f); err != nil {
				done <- err
				return
			}
			sent.Add(1)
		}
		done <- nil
	}()
	for before := int64(-1); before != sent.Load(); { // until it stalls
		before = sent.Load()
		<-time.After(300 * time.Millisecond)
	}
	if n := sent.Load(); n > frames/2 { // what the system's buffers hold, and a mebibyte
		t.Fatalf("%d of %d frames were taken in", n, frames)
	}
	for i := range frames {
		f, err := l.Read()
		if err != nil || len(f) != size || binary.BigEndian.Uint32(f) != uint32(i) {
			t.Fatalf("frame %d: %d bytes, %v", i, len(f), err)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestCloseOfAReaderThatRests: whoever reads nothing is let go all the same, after a short while.
func TestCloseOfAReaderThatRests(t *testing.T) {
	over := make(chan time.Duration, 1)
	h := newHost(t, nil, func(s *conn.Stream) {
		for range 3000 {
			s.Push(make([]byte, 10_000))
		}
		begin := time.Now()
		s.Close([]byte("bye"))
		_, err := s.Read()
		if err == nil {
			t.Error("a frame from nobody")
		}
		s.Finish()
		over <- time.Since(begin)
	})
	l := h.mustDial(conn.Config{})
	select {
	case <-over:
	case <-time.After(20 * time.Second):
		t.Fatal("it hangs")
	}
	_ = l.Close()
}

// pipeline forwards bytes between a client and address until it is frozen; then it keeps both
// connections open and forwards nothing, like a network that has gone away.
type pipeline struct {
	l      net.Listener
	frozen atomic.Bool
	wg     sync.WaitGroup
	mu     sync.Mutex
	conns  []net.Conn
}

func newPipeline(t *testing.T, address string) *pipeline {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &pipeline{l: l}
	p.wg.Go(func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", address)
			if err != nil {
				t.Error(err)
				return
			}
			p.mu.Lock()
			p.conns = append(p.conns, a, b)
			p.mu.Unlock()
			p.wg.Go(func() { p.copy(a, b) })
			p.wg.Go(func() { p.copy(b, a) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		for _, c := range p.conns {
			_ = c.Close()
		}
		p.mu.Unlock()
		p.wg.Wait()
	})
	return p
}

func (p *pipeline) copy(to, from net.Conn) {
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if !p.frozen.Load() {
			_, _ = to.Write(b[:n])
		}
	}
}

func TestAServerThatVanishesIsNoticed(t *testing.T) {
	h := newHost(t, nil, echo)
	p := newPipeline(t, h.address)
	h.address = p.l.Addr().String()
	l := h.mustDial(conn.Config{Idle: 600 * time.Millisecond})
	read := make(chan error, 1)
	go func() { _, err := l.Read(); read <- err }()
	select {
	case err := <-read: // pings keep it alive for two idle times
		t.Fatal(err)
	case <-time.After(1200 * time.Millisecond):
	}
	p.frozen.Store(true)
	select {
	case err := <-read:
		if chat.CodeOf(err) != chat.CodeTimeout {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("not noticed")
	}
	if err := l.Write([]byte("x")); chat.CodeOf(err) != chat.CodeTimeout {
		t.Fatal(err)
	}
}

func TestManyWritersAndAClose(t *testing.T) {
	arrived := make(chan int, 1)
	h := newHost(t, nil, func(s *conn.Stream) {
		s.Established(1<<20, 64<<10, nil, func() {})
		got := 0
		defer func() { arrived <- got }()
		for {
			f, err := s.Read()
			if err != nil {
				return
			}
			if len(f) != 5000 || f[0] != f[4999] {
				t.Error("frames are mixed")
			}
			got++
		}
	})
	l := h.mustDial(conn.Config{})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			f := make([]byte, 5000)
			for i := range f {
				f[i] = byte(w)
			}
			for range 50 {
				if err := l.Write(f, f); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	_ = l.Close()
	if err := l.Write([]byte("late")); chat.CodeOf(err) != chat.CodeUnreachable {
		t.Error(err)
	}
	if _, err := l.Read(); !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if n := <-arrived; n != 800 {
		t.Errorf("%d frames arrived, 800 were written", n)
	}
}
