//go:build !js

package conn_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"

	"huisclos/chat"
	"huisclos/conn"
)

// These tests hold our framing against another implementation of RFC 6455.

func TestForeignClient(t *testing.T) {
	h := newHost(t, nil, echo)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	c, _, err := websocket.Dial(ctx, "wss://"+h.address+conn.Path, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{"other", conn.Subprotocol},
		CompressionMode: websocket.CompressionContextTakeover, // offered, and not taken
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	c.SetReadLimit(1 << 20)
	for _, n := range []int{0, 1, 126, 65536, 300_000} {
		want := bytes.Repeat([]byte{7}, n)
		w, err := c.Writer(ctx, websocket.MessageBinary) // in fragments
		if err != nil {
			t.Fatal(err)
		}
		for rest := want; len(rest) > 0; rest = rest[min(1000, len(rest)):] {
			if _, err := w.Write(rest[:min(1000, len(rest))]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		_, got, err := c.Read(ctx)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: %d, %v", n, len(got), err)
		}
	}
	ctx = c.CloseRead(ctx)
	if err := c.Ping(ctx); err != nil {
		t.Fatal("no pong:", err)
	}
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Fatal("no answer to the close frame:", err)
	}
}

func TestForeignClientThatBreaksTheRules(t *testing.T) {
	h := newHost(t, nil, func(s *conn.Stream) {
		_, err := s.Read()
		s.Refuse([]byte("why"), err)
	})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	for kind, want := range map[websocket.MessageType]websocket.StatusCode{
		websocket.MessageText:   websocket.StatusProtocolError,
		websocket.MessageBinary: websocket.StatusMessageTooBig,
	} {
		c, _, err := websocket.Dial(ctx, "wss://"+h.address+conn.Path, &websocket.DialOptions{
			HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{conn.Subprotocol},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Write(ctx, kind, make([]byte, 16<<10+1)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.Read(ctx); err != nil || string(got) != "why" {
			t.Fatalf("%q, %v", got, err)
		}
		if _, _, err := c.Read(ctx); websocket.CloseStatus(err) != want {
			t.Errorf("%v: %v, want %v", kind, err, want)
		}
		_ = c.CloseNow()
	}
}

func TestForeignServer(t *testing.T) {
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := conn.SelfCertificate(key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{conn.Subprotocol}})
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(1 << 20)
		ctx := context.Background()
		for {
			kind, msg, err := c.Read(ctx)
			if err != nil {
				if websocket.CloseStatus(err) != websocket.StatusNormalClosure {
					t.Error(err)
				}
				return
			}
			if err := c.Write(ctx, kind, msg); err != nil {
				t.Error(err)
				return
			}
		}
	})}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = web.Serve(tls.NewListener(l, conn.ServerTLS(func() *tls.Certificate { return cert }, false)))
	}()
	defer func() { _ = web.Close(); <-served }()
	link, err := conn.Dial(context.Background(), l.Addr().String(), chat.FingerprintOf(pub), conn.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 125, 126, 65535, 65536, 300_000} {
		want := bytes.Repeat([]byte{9}, n)
		if err := link.Write(want); err != nil {
			t.Fatal(err)
		}
		if got, err := link.Read(); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: %d, %v", n, len(got), err)
		}
	}
	_ = link.Close()
	<-done
}
