package conn

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxTunnelMessage is the greatest message of the outer WebSocket that is read: more than any TLS record.
const maxTunnelMessage = 64 << 10

// AcceptTunnel answers a reverse proxy's request for TunnelPath and returns the byte stream within, in
// which the client speaks TLS to us. remote is the client's address as the proxy tells it.
// After an error the request has been answered.
func AcceptTunnel(w http.ResponseWriter, r *http.Request, remote net.Addr) (net.Conn, error) {
	accept, err := checkUpgrade(r, TunnelSubprotocol)
	if err != nil {
		status := http.StatusBadRequest
		if up, ok := err.(*upgradeError); ok { //nolint:errorlint // made by the callee, unwrapped
			status = up.status
		}
		http.Error(w, err.Error(), status)
		return nil, err
	}
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "this connection can't become a WebSocket", http.StatusInternalServerError)
		return nil, err
	}
	_ = c.SetDeadline(time.Time{})
	if _, err := io.WriteString(c, switching(accept, TunnelSubprotocol)); err != nil {
		_ = c.Close()
		return nil, err
	}
	return &inner{Conn: c, remote: remote, in: scanner{r: rw.Reader, fromC: true, limit: maxTunnelMessage}}, nil
}

// inner is the byte stream in the binary messages of an outer WebSocket.
type inner struct {
	net.Conn
	remote net.Addr
	in     scanner // of the goroutine that reads
	rest   []byte  // of the last message

	mu  sync.Mutex // guards buf and writes
	buf []byte
}

func (c *inner) RemoteAddr() net.Addr { return c.remote }

func (c *inner) Read(b []byte) (int, error) {
	for len(c.rest) == 0 {
		msg, err := c.in.message(c.control)
		if err != nil {
			if err == errPeerClosed { //nolint:errorlint // as made
				err = io.EOF
			}
			return 0, err
		}
		c.rest = msg
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	if len(c.rest) == 0 {
		c.rest = nil
	}
	return n, nil
}

func (c *inner) control(op byte, payload []byte) {
	if op == opPing {
		_ = c.message(opPong, payload)
	}
}

func (c *inner) Write(b []byte) (int, error) {
	if err := c.message(opBinary, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (c *inner) message(op byte, payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf = appendServer(c.buf[:0], op, payload)
	_, err := c.Conn.Write(c.buf)
	if cap(c.buf) > writeSize {
		c.buf = nil // an idle connection keeps no buffer
	}
	return err
}

// CloseWrite says goodbye: an outer WebSocket has no half-closed state, so the peer answers and closes.
func (c *inner) CloseWrite() error { return c.message(opClose, closePayload(closeNormal)) }
