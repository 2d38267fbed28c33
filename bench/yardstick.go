package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"sync"

	"huisclos/access"
	"huisclos/conn"
)

// yardstick is the least server that a chat server can be: TLS 1.3 as Huisclos speaks it, frames of a length (4 bytes) and a body,
// each written to every connection. Nothing is checked, stored or told apart.
//
//	-fan direct   one write for each delivery
//	-fan queue    what waits for a connection is written in one go: the budget of the fan-out is compared with this
func yardstick(args []string) error {
	fs := flag.NewFlagSet("yardstick", flag.ContinueOnError)
	fan := fs.String("fan", "queue", "direct or queue")
	if err := fs.Parse(args); err != nil {
		return err
	}
	cert, err := conn.SelfCertificate(access.NewIdentity().Signer())
	if err != nil {
		return err
	}
	config := conn.ServerTLS(func() *tls.Certificate { return cert }, false)
	config.DynamicRecordSizingDisabled = true
	plain, err := (&net.ListenConfig{KeepAlive: -1}).Listen(context.Background(), "tcp", "127.0.0.1:0") // as ours
	if err != nil {
		return err
	}
	l := tls.NewListener(plain, config)
	fmt.Println("listening", l.Addr())
	y := &echo{queued: *fan == "queue", members: map[sink]struct{}{}}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go y.serve(c)
	}
}

// sink takes whole frames for one connection.
type sink interface{ put(frame []byte) }

// echo is the one room.
type echo struct {
	queued  bool
	mu      sync.RWMutex // guards members
	members map[sink]struct{}
}

func (y *echo) serve(c net.Conn) {
	defer c.Close()
	if _, err := c.Write([]byte{0}); err != nil { // the handshake, and a sign of life
		return
	}
	var s sink = direct{c}
	if y.queued {
		q := &queue{wake: make(chan struct{}, 1)}
		go q.drain(c)
		s = q
	}
	y.mu.Lock()
	y.members[s] = struct{}{}
	y.mu.Unlock()
	defer func() {
		y.mu.Lock()
		delete(y.members, s)
		y.mu.Unlock()
	}()
	r := bufio.NewReaderSize(c, 512)
	for {
		var head [4]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		n := binary.BigEndian.Uint32(head[:])
		if n > 1<<16 {
			return
		}
		frame := append(make([]byte, 0, 4+n), head[:]...)[:4+n]
		if _, err := io.ReadFull(r, frame[4:]); err != nil {
			return
		}
		y.mu.RLock()
		for m := range y.members {
			m.put(frame)
		}
		y.mu.RUnlock()
	}
}

type direct struct{ net.Conn }

func (d direct) put(frame []byte) { _, _ = d.Write(frame) }

// queue gathers frames for one connection.
type queue struct {
	mu     sync.Mutex // guards frames
	frames [][]byte
	wake   chan struct{}
}

func (q *queue) put(frame []byte) {
	q.mu.Lock()
	q.frames = append(q.frames, frame)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) drain(w io.Writer) {
	var spare [][]byte
	var all []byte
	for range q.wake {
		q.mu.Lock()
		frames := q.frames
		q.frames = spare[:0]
		q.mu.Unlock()
		all = all[:0]
		for _, f := range frames {
			all = append(all, f...)
		}
		if len(all) > 0 {
			if _, err := w.Write(all); err != nil {
				return
			}
		}
		clear(frames)
		spare = frames
	}
}

// bare is a connection to a yardstick.
type bare struct {
	*tls.Conn
	r *bufio.Reader
}

func dialBare(address string) (*bare, error) {
	c, err := tls.Dial("tcp", address, &tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // a yardstick on the loopback
		MinVersion:         tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.X25519MLKEM768}, NextProtos: []string{"http/1.1"},
	})
	if err != nil {
		return nil, err
	}
	b := &bare{c, bufio.NewReaderSize(c, 64<<10)}
	_, err = b.r.ReadByte()
	return b, err
}

// post writes a frame of size bytes with that number.
func (b *bare) post(number uint64, size int) error {
	f := make([]byte, 4+size)
	binary.BigEndian.PutUint32(f, uint32(size)) //nolint:gosec // small
	copy(f[4:], marker)
	binary.BigEndian.PutUint64(f[4+len(marker):], number)
	_, err := b.Write(f)
	return err
}

// receive calls each with the number of every frame that arrives.
func (b *bare) receive(each func(number uint64)) {
	for {
		var head [4]byte
		if _, err := io.ReadFull(b.r, head[:]); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[:]))
		if _, err := io.ReadFull(b.r, body); err != nil {
			return
		}
		each(binary.BigEndian.Uint64(body[len(marker):]))
	}
}
