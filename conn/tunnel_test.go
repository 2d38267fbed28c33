//go:build !js

package conn_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/conn"
)

// newTunnel is a host behind an outer WebSocket in plain HTTP.
func newTunnel(t *testing.T, h *host) string {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/chat"+conn.TunnelPath {
			http.NotFound(w, r)
			return
		}
		raw, err := conn.AcceptTunnel(w, r, &net.TCPAddr{IP: net.IPv4(203, 0, 113, 9), Port: 7})
		if err != nil {
			return
		}
		h.wg.Go(func() { h.handle(raw, echo) })
	}))
	t.Cleanup(web.Close)
	return web.URL + "/chat"
}

func TestTunnel(t *testing.T) {
	h := newHost(t, nil, echo)
	h.address = newTunnel(t, h)
	l := h.mustDial(conn.Config{})
	if l.Classical() {
		t.Error("the inner TLS is classical")
	}
	// Large frames are many messages of the outer WebSocket, both ways.
	for _, n := range []int{0, 1, 5000, 1 << 20} {
		want := bytes.Repeat([]byte{byte(n + 1)}, n)
		sent := make(chan error, 1)
		go func() { sent <- l.Write(want) }()
		got, err := l.Read()
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: %d, %v", n, len(got), err)
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.Dial(context.Background(), h.address, chat.Fingerprint{9}, conn.Config{}); chat.CodeOf(err) != chat.CodeIdentity {
		t.Error("another identity:", err)
	}
	if r, err := conn.Inspect(context.Background(), h.address, conn.Config{}); err != nil || r.Server != h.pin {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestAnswersOfAProxy: what a proxy says when the server behind it is away is told apart.
func TestAnswersOfAProxy(t *testing.T) {
	for status, want := range map[int]chat.Code{
		http.StatusNotFound: chat.CodeNotHuisclos, http.StatusOK: chat.CodeNotHuisclos, http.StatusFound: chat.CodeNotHuisclos,
		http.StatusBadGateway: chat.CodeUnreachable, http.StatusGatewayTimeout: chat.CodeUnreachable,
		http.StatusServiceUnavailable: chat.CodeFull,
	} {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(status)
		}))
		if _, err := conn.Dial(context.Background(), web.URL, chat.Fingerprint{1}, conn.Config{}); chat.CodeOf(err) != want {
			t.Errorf("%d: %v, want %s", status, err, want)
		}
		web.Close()
	}
}

// TestATunnelThatBreaksTheRules: the outer WebSocket is held to RFC 6455 as well, and ends the inner connection with it.
func TestATunnelThatBreaksTheRules(t *testing.T) {
	h := newHost(t, nil, echo)
	address := strings.TrimPrefix(newTunnel(t, h), "http://")
	host, path, _ := strings.Cut(address, "/")
	begin := "GET /" + path + conn.TunnelPath + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: "
	open := func(subprotocol string) (net.Conn, *http.Response) {
		t.Helper()
		c, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = io.WriteString(c, begin+subprotocol+"\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		return c, resp
	}
	if _, resp := open(conn.Subprotocol); resp.StatusCode != http.StatusBadRequest {
		t.Error("the inner subprotocol outside:", resp.Status)
	}
	for name, raw := range map[string]string{
		"text":      "\x81\x80aaaa",
		"unmasked":  "\x82\x03abc",
		"oversized": "\x82\xff\x00\x00\x00\x00\x00\x10\x00\x00aaaa",
		"no TLS":    "\x82\x85\x00\x00\x00\x00hello",
		"goodbye":   "\x88\x80aaaa",
	} {
		c, resp := open(conn.TunnelSubprotocol)
		if resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatal(resp.Status)
		}
		_, _ = io.WriteString(c, raw)
		if _, err := io.Copy(io.Discard, c); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: it isn't ended: %v", name, err)
		}
		if err := <-h.errs; err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
