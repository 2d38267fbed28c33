package conn

import (
	"bufio"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// cork is the connection under TLS. Records made within gather leave in one write.
type cork struct {
	net.Conn

	mu     sync.Mutex // guards the rest
	corked bool
	held   []byte
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
	if len(c.held) == 0 {
		return err
	}
	_, werr := c.Conn.Write(c.held)
	c.held = c.held[:0]
	if cap(c.held) > 1<<20 {
		c.held = nil
	}
	if err == nil {
		err = werr
	}
	return err
}

// Write holds b back within gather. TLS also writes by itself, to answer a change of keys.
func (c *cork) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.corked {
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
