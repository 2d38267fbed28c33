package server_test

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"huisclos/chat"
	"huisclos/conn"
	"huisclos/server"
)

type netConn = net.Conn

// newProxy is a reverse proxy with TLS of its own before w, as a person would put nginx or Caddy there.
func newProxy(t *testing.T, w *world) (*httptest.Server, conn.Config) {
	t.Helper()
	a, err := w.server.ListenProxy(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := &url.URL{Scheme: "http", Host: a.String()}
	p := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
		r.SetXForwarded()
	}})
	t.Cleanup(p.Close)
	roots := x509.NewCertPool()
	roots.AddCert(p.Certificate())
	return p, conn.Config{Roots: roots}
}

func TestBehindAReverseProxy(t *testing.T) {
	w := newWorld(t, nil)
	proxy, config := newProxy(t, w)
	c, err := w.loginAt(proxy.URL, newPerson("alice"), w.key, config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	w.mustRead(c, "pushed before the welcome")
	for _, n := range []int{1, 4096, 65000, 68 << 10} {
		w.mustEcho(c, strings.Repeat("x", n))
	}
	if p := w.hub.peer(0); !p.Proxied || p.Classical || !strings.HasPrefix(p.Address, "127.0.0.1:") {
		t.Fatalf("%+v", p)
	}
	// The pin holds behind the proxy, whatever its own certificate says.
	if _, err := conn.Dial(context.Background(), proxy.URL, chat.Fingerprint{1}, config); chat.CodeOf(err) != chat.CodeIdentity {
		t.Fatal(err)
	}
	if _, err := conn.Dial(context.Background(), proxy.URL, w.pin, conn.Config{}); chat.CodeOf(err) != chat.CodeTLS {
		t.Fatal("a proxy of an unknown authority:", err)
	}
	if _, err := conn.Dial(context.Background(), proxy.URL+"/elsewhere", w.pin, config); chat.CodeOf(err) != chat.CodeNotHuisclos {
		t.Fatal(err)
	}
}

func TestGoodbyeBehindAReverseProxy(t *testing.T) {
	w := newWorld(t, nil)
	proxy, config := newProxy(t, w)
	c, err := w.loginAt(proxy.URL, newPerson("alice"), w.key, config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	w.mustRead(c, "pushed before the welcome")
	done := make(chan error, 1)
	go func() { done <- w.server.Shutdown(context.Background()) }()
	if e, err := reason(c.Link); err != nil || e.Code != chat.CodeGoodbye {
		t.Fatal(e, err)
	}
	if _, err := c.Read(); err == nil {
		t.Fatal("the connection goes on")
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Dial(context.Background(), proxy.URL, w.pin, config); chat.CodeOf(err) != chat.CodeUnreachable {
		t.Fatal("the proxy alone:", err)
	}
}

// TestTheClientsWordForItsAddress: what a client puts into X-Forwarded-For comes before what the proxy adds.
func TestTheClientsWordForItsAddress(t *testing.T) {
	for header, want := range map[string]string{
		"":                           "127.0.0.1",
		"203.0.113.9":                "203.0.113.9",
		"198.51.100.1, 203.0.113.9":  "203.0.113.9",
		"198.51.100.1,203.0.113.9:8": "203.0.113.9",
		"2001:db8::1":                "2001:db8::1",
		"nonsense":                   "127.0.0.1",
	} {
		r := httptest.NewRequest(http.MethodGet, conn.TunnelPath, nil)
		r.RemoteAddr = "127.0.0.1:99"
		if header != "" {
			r.Header.Set("X-Forwarded-For", header)
		}
		if got, _, err := net.SplitHostPort(server.Forwarded(r).String()); err != nil || got != want {
			t.Errorf("%q: %s, %v; want %s", header, got, err, want)
		}
	}
}

func TestMetricsStayOnThisMachine(t *testing.T) {
	w := newWorld(t, nil)
	w.mustLogin(newPerson("alice"), w.key)
	a, err := w.server.ListenProxy(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	get := func(header string) (int, string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodGet, "http://"+a.String()+server.MetricsPath, nil)
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			r.Header.Set("X-Forwarded-For", header)
		}
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	code, text := get("")
	if code != http.StatusOK || !strings.Contains(text, "huisclos_connections 1\n") {
		t.Fatal(code, text)
	}
	if strings.Contains(text, "alice") || strings.Contains(text, "127.0.0.1") {
		t.Error("metrics tell of people")
	}
	if code, _ := get("203.0.113.9"); code != http.StatusNotFound {
		t.Error("through the proxy:", code)
	}
	resp, err := insecure().Get("https://" + w.address + server.MetricsPath)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Error("on the public port:", resp.StatusCode)
	}
}
