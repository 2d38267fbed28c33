package conn

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"

	"huisclos/chat"
)

// Acceptor turns accepted connections into Streams.
type Acceptor struct {
	// TLS is made by ServerTLS.
	TLS *tls.Config
	// MaxFrame is the greatest frame before Stream.Established, bytes.
	MaxFrame int
	// Web answers whatever is asked that isn't the WebSocket: one request for each connection,
	// with no body read and an answer of at most 64 KiB. Nil: nothing but 404.
	Web http.Handler

	spares spares
}

// ErrWeb is returned by Accept when Web has answered.
var ErrWeb = errors.New("conn: a web request was answered")

// Accept does TLS and the WebSocket's beginning with a client. The caller has set a deadline on raw, and
// closes it after an error: CodeTLS, CodeNotHuisclos, ErrWeb, or one of the network. raw may be Greeted.
func (a *Acceptor) Accept(raw net.Conn) (*Stream, error) {
	pipe := &cork{Conn: raw}
	c := tls.Server(pipe, a.TLS)
	if err := c.Handshake(); err != nil { // HandshakeContext would need a goroutine; a deadline does the same
		return nil, handshakeError(err, Target{Host: "client"})
	}
	req, err := readRequest(c)
	if err != nil {
		return nil, err
	}
	if req.URL.Path != Path {
		return nil, a.answer(c, req)
	}
	accept, err := checkUpgrade(req, Subprotocol)
	if err != nil {
		return nil, refuse(c, req, err)
	}
	if _, err := io.WriteString(c, switching(accept, Subprotocol)); err != nil {
		return nil, err
	}
	return newStream(c, pipe, a.MaxFrame, &a.spares), nil
}

// readRequest reads the header of one request and nothing beyond it.
func readRequest(c net.Conn) (*http.Request, error) {
	br := readers.Get().(*bufio.Reader) //nolint:forcetypeassert // the pool's only type
	defer readers.Put(br)
	br.Reset(&io.LimitedReader{R: c, N: maxHTTP})
	defer br.Reset(nil)
	req, err := http.ReadRequest(br)
	if err != nil {
		var network net.Error
		if errors.As(err, &network) || errors.Is(err, io.EOF) {
			return nil, err
		}
		_ = respond(c, http.StatusBadRequest, http.Header{}, []byte("not a request of HTTP\n"))
		return nil, chat.Errorf(chat.CodeNotHuisclos).Because(err)
	}
	if br.Buffered() > 0 && req.URL.Path == Path {
		return nil, refuse(c, req, &upgradeError{http.StatusBadRequest, "a client waits for the answer before it sends"})
	}
	return req, nil
}

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 1<<10) }}

// refuse answers a request that is no good beginning.
func refuse(c net.Conn, req *http.Request, err error) error {
	status := http.StatusBadRequest
	var up *upgradeError
	header := http.Header{}
	if errors.As(err, &up) {
		status = up.status
		if status == http.StatusUpgradeRequired {
			header.Set("Upgrade", "websocket")
			header.Set("Sec-WebSocket-Version", "13")
		}
	}
	if werr := respond(c, status, header, []byte(err.Error()+"\n")); werr != nil {
		return werr
	}
	return chat.Errorf(chat.CodeNotHuisclos).Because(err)
}

// answer lets Web answer.
func (a *Acceptor) answer(c net.Conn, req *http.Request) error {
	w := &response{header: http.Header{}, status: http.StatusOK}
	if a.Web == nil {
		http.NotFound(w, req)
	} else {
		req.RemoteAddr = c.RemoteAddr().String()
		req.Body = http.NoBody
		a.Web.ServeHTTP(w, req)
	}
	body := w.body.Bytes()
	if req.Method == http.MethodHead {
		body = nil
	}
	if err := respond(c, w.status, w.header, body); err != nil {
		return err
	}
	return ErrWeb
}

// maxAnswer bounds what Web may answer.
const maxAnswer = 64 << 10

// response gathers an answer.
type response struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *response) Header() http.Header    { return w.header }
func (w *response) WriteHeader(status int) { w.status = status }
func (w *response) Write(b []byte) (int, error) {
	if w.body.Len()+len(b) > maxAnswer {
		return 0, errors.New("conn: answer too large")
	}
	return w.body.Write(b)
}

// respond writes an answer after which the connection closes, TLS in order.
func respond(c net.Conn, status int, header http.Header, body []byte) error {
	header.Set("Connection", "close")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	header.Set("X-Content-Type-Options", "nosniff")
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 " + strconv.Itoa(status) + " " + http.StatusText(status) + "\r\n")
	_ = header.Write(&b)
	b.WriteString("\r\n")
	b.Write(body)
	if _, err := c.Write(b.Bytes()); err != nil {
		return err
	}
	closeWrite(c)
	return nil
}
