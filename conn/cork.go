package conn

import (
	"bufio"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// cork is the connection under TLS. Records made within gather leave in one write; so do those between hold and release, with those before them
// that no read came after.
type cork struct {
	net.Conn
	dialling bool // between hold and release, which one goroutine calls, and reads between them

	mu      sync.Mutex // guards the rest
	corked  bool
	bounded bool // by the capacity of held
	held    []byte
}

// gather calls f and then writes what f's TLS has written, at once. One call at a time.
func (c *cork) gather(f func() error) error {
	c.mu.Lock()
	c.corked = true
	c.mu.Unlock()
	err := f()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = false
	if werr := c.flush(); err == nil {
		err = werr
	}
	return err
}

// hold begins to hold back what is written until something is read: who answers reads first.
func (c *cork) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dialling, c.corked = true, true
}

// release ends it.
func (c *cork) release() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dialling, c.corked = false, false
	return c.flush()
}

// Read first writes what hold has held back.
func (c *cork) Read(b []byte) (int, error) {
	if c.dialling {
		c.mu.Lock()
		err := c.flush()
		c.mu.Unlock()
		if err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(b)
}

// flush writes what was held back. c.mu is held.
func (c *cork) flush() error {
	if len(c.held) == 0 {
		return nil
	}
	_, err := c.Conn.Write(c.held)
	c.held = c.held[:0]
	if cap(c.held) > 1<<20 {
		c.held = nil
	}
	return err
}

// begin holds back what is written, in spare, until end or until spare is full.
func (c *cork) begin(spare []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked, c.bounded, c.held = true, true, spare[:0]
}

// end writes what begin has held back.
func (c *cork) end() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked, c.bounded = false, false
	err := c.flush()
	c.held = nil
	return err
}

// Greeted passes on what package server wants to know of its connection.
func (c *cork) Greeted() error {
	if g, ok := c.Conn.(Greeted); ok {
		return g.Greeted()
	}
	return nil
}

// CloseWrite ends our half of the connection, where the kind of connection can.
func (c *cork) CloseWrite() error {
	closeWrite(c.Conn)
	return nil
}

// Write holds b back within gather, hold and begin. TLS also writes by itself, to answer a change of keys.
func (c *cork) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bounded && len(c.held)+len(b) > cap(c.held) {
		if err := c.flush(); err != nil {
			return 0, err
		}
	}
	if !c.corked || c.bounded && len(b) > cap(c.held) {
		return c.Conn.Write(b)
	}
	c.held = append(c.held, b...)
	return len(b), nil
}

// listener notes when bytes come.
type listener struct {
	*bufio.Reader
	heard *atomic.Int64
}

func (l *listener) Read(b []byte) (int, error) {
	n, err := l.Reader.Read(b)
	if n > 0 {
		l.heard.Store(time.Now().UnixNano())
	}
	return n, err
}
