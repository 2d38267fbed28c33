package conn_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"huisclos/chat"
	"huisclos/conn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host is a listening end whose streams go to serve.
type host struct {
	t        *testing.T
	identity ed25519.PrivateKey
	pin      chat.Fingerprint
	acceptor *conn.Acceptor
	address  string
	errs     chan error // of accepting, when anyone looks
	wg       sync.WaitGroup
}

// newHost starts one; change may be nil.
func newHost(t *testing.T, change func(*conn.Acceptor), serve func(*conn.Stream)) *host {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := conn.SelfCertificate(key)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{
		t: t, identity: key, pin: chat.FingerprintOf(pub), errs: make(chan error, 100),
		acceptor: &conn.Acceptor{TLS: conn.ServerTLS(func() *tls.Certificate { return cert }, false), MaxFrame: 16 << 10},
	}
	if change != nil {
		change(h.acceptor)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.address = l.Addr().String()
	h.wg.Go(func() {
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			h.wg.Go(func() { h.handle(raw, serve) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); h.wg.Wait() })
	return h
}

func (h *host) handle(raw net.Conn, serve func(*conn.Stream)) {
	_ = raw.SetDeadline(time.Now().Add(20 * time.Second))
	s, err := h.acceptor.Accept(raw)
	select {
	case h.errs <- err:
	default:
	}
	if err != nil {
		_ = raw.Close()
		return
	}
	serve(s)
	s.Finish()
}

func (h *host) dial(c conn.Config) (*conn.Link, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return conn.Dial(ctx, h.address, h.pin, c)
}

func (h *host) mustDial(c conn.Config) *conn.Link {
	h.t.Helper()
	l, err := h.dial(c)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = l.Close() })
	return l
}

// echo answers every frame with itself.
func echo(s *conn.Stream) {
	s.Established(1<<20, 64<<10, nil, func() {})
	for {
		msg, err := s.Read()
		if err != nil {
			return
		}
		s.Push(msg)
	}
}

func TestFramesOfEverySizeArriveWholeAndInOrder(t *testing.T) {
	l := newHost(t, nil, echo).mustDial(conn.Config{})
	var frames [][]byte
	for _, n := range []int{0, 1, 125, 126, 127, 4096, 4097, 65535, 65536, 1 << 20} {
		frames = append(frames, bytes.Repeat([]byte{byte(n), byte(n >> 8)}, n/2+1)[:n])
	}
	sent := make(chan error, 1)
	go func() { sent <- l.Write(frames...) }()
	for i, want := range frames {
		got, err := l.Read()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("frame %d: %d bytes, want %d", i, len(got), len(want))
		}
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

func TestBothEndsExportTheSame(t *testing.T) {
	exported := make(chan []byte, 1)
	h := newHost(t, nil, func(s *conn.Stream) {
		x, err := s.Exporter()
		if err != nil || s.Classical() {
			t.Errorf("exporter: %v, classical: %v", err, s.Classical())
		}
		exported <- x
		echo(s)
	})
	l := h.mustDial(conn.Config{})
	x, err := l.Exporter()
	if err != nil {
		t.Fatal(err)
	}
	if y := <-exported; len(x) != 32 || !bytes.Equal(x, y) || l.Classical() {
		t.Fatalf("%x and %x, classical: %v", x, y, l.Classical())
	}
	if other, err := h.mustDial(conn.Config{}).Exporter(); err != nil || bytes.Equal(x, other) {
		t.Fatal("two connections export the same")
	}
	<-exported
}

func TestLastFrameArrivesBeforeTheEnd(t *testing.T) {
	h := newHost(t, nil, func(s *conn.Stream) {
		s.Push([]byte("one"), []byte("two"))
		s.Close([]byte("bye"))
		s.Close([]byte("bye again"))
		s.Push([]byte("late"))
		if _, err := s.Read(); err == nil {
			t.Error("a frame after the end")
		}
	})
	l := h.mustDial(conn.Config{})
	for _, want := range []string{"one", "two", "bye"} {
		got, err := l.Read()
		if err != nil || string(got) != want {
			t.Fatalf("%q, %v; want %q", got, err, want)
		}
	}
	if got, err := l.Read(); chat.CodeOf(err) != chat.CodeUnreachable {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestAnotherServersKeyIsRefused(t *testing.T) {
	h := newHost(t, nil, echo)
	ctx := context.Background()
	_, err := conn.Dial(ctx, h.address, chat.Fingerprint{1}, conn.Config{})
	var e *chat.Error
	if !errors.As(err, &e) || e.Code != chat.CodeIdentity || e.Params["got"] != h.pin.String() || e.Params["address"] != h.address {
		t.Fatal(err)
	}
	if _, err := conn.Dial(ctx, h.address, chat.Fingerprint{}, conn.Config{}); chat.CodeOf(err) != chat.CodeIdentity {
		t.Fatalf("no pin at all: %v", err)
	}
}

// other is a listener that isn't Huisclos: it says something and hangs up when the client has.
func other(t *testing.T, says string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, says)
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

func TestWhatElseMayAnswer(t *testing.T) {
	pin := chat.Fingerprint{1}
	closed := other(t, "")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nothing := free.Addr().String()
	_ = free.Close()
	for _, c := range []struct {
		name, address string
		code          chat.Code
	}{
		{"nothing", nothing, chat.CodeRefused},
		{"ssh", other(t, "SSH-2.0-OpenSSH_9.9\r\n"), chat.CodeNotHuisclos},
		{"http", other(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), chat.CodeNotHuisclos},
		{"silence", closed, chat.CodeTimeout},
		{"tls alert", other(t, "\x15\x03\x03\x00\x02\x02\x28"), chat.CodeTLS},
		{"bad address", "host:port:more", chat.CodeResolve},
		{"bad name", "no-such-host.invalid", chat.CodeResolve},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			defer cancel()
			_, err := conn.Dial(ctx, c.address, pin, conn.Config{})
			if chat.CodeOf(err) != c.code {
				t.Fatalf("%v, want %s", err, c.code)
			}
			var e *chat.Error
			if errors.As(err, &e); e.Params["address"] == "" {
				t.Fatal("no address in the error")
			}
		})
	}
}

// oldTLS dials with the configuration of a client that isn't ours.
func oldTLS(h *host, change func(*tls.Config)) error {
	c := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}
	change(c)
	s, err := tls.Dial("tcp", h.address, c)
	if err != nil {
		return err
	}
	return s.Close()
}

func TestOnlyHybridTLS13(t *testing.T) {
	strict := newHost(t, nil, echo)
	classical := func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519} }
	if err := oldTLS(strict, classical); err == nil {
		t.Error("X25519 alone was accepted")
	}
	if err := oldTLS(strict, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }); err == nil {
		t.Error("TLS 1.2 was accepted")
	}
	if err := oldTLS(strict, func(*tls.Config) {}); err != nil {
		t.Error(err)
	}
	loose := newHost(t, func(a *conn.Acceptor) {
		cfg := a.TLS.Clone()
		a.TLS = conn.ServerTLS(func() *tls.Certificate { c, _ := cfg.GetCertificate(nil); return c }, true)
	}, echo)
	if err := oldTLS(loose, classical); err != nil {
		t.Error("allowed and refused:", err)
	}
	if err := oldTLS(loose, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }); err == nil {
		t.Error("TLS 1.2 was accepted")
	}
	// A server that can only do X25519 is refused by our client, unless it is told otherwise.
	weak := newHost(t, func(a *conn.Acceptor) { a.TLS.CurvePreferences = []tls.CurveID{tls.X25519} }, echo)
	if _, err := weak.dial(conn.Config{}); chat.CodeOf(err) != chat.CodeTLS {
		t.Error("a weak server:", err)
	}
	if l := weak.mustDial(conn.Config{Classical: true}); !l.Classical() {
		t.Error("classical TLS is not reported")
	}
}

func TestCertificateOfAPublicAuthority(t *testing.T) {
	ca := newAuthority(t)
	h := newHost(t, func(a *conn.Acceptor) {
		a.TLS = conn.ServerTLS(func() *tls.Certificate { return ca.issue(t, "localhost") }, false)
	}, echo)
	_, port, err := net.SplitHostPort(h.address)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	l, err := conn.Dial(ctx, "localhost:"+port, h.pin, conn.Config{Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if _, err := conn.Dial(ctx, h.address, h.pin, conn.Config{Roots: roots}); chat.CodeOf(err) != chat.CodeIdentity {
		t.Errorf("a certificate for another name: %v", err)
	}
	if _, err := conn.Dial(ctx, "localhost:"+port, h.pin, conn.Config{Roots: x509.NewCertPool()}); chat.CodeOf(err) != chat.CodeIdentity {
		t.Errorf("an unknown authority: %v", err)
	}
}

func TestWebRequests(t *testing.T) {
	h := newHost(t, func(a *conn.Acceptor) {
		a.Web = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" {
				http.NotFound(w, r)
				return
			}
			_, _ = io.WriteString(w, "hello\n")
		})
	}, echo)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
	}}
	for path, want := range map[string]int{"/": 200, "/else": 404, conn.Path: http.StatusUpgradeRequired} {
		resp, err := client.Get("https://" + h.address + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != want || len(body) == 0 {
			t.Errorf("%s: %d, %q, %v", path, resp.StatusCode, body, err)
		}
	}
}
