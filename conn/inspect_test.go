package conn_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/conn"
)

func TestInspect(t *testing.T) {
	ctx := context.Background()
	own := newHost(t, nil, echo)
	r, err := conn.Inspect(ctx, own.address, conn.Config{})
	if err != nil || r.Server != own.pin || r.Public || r.Classical || r.Expires.Year() != 9999 || r.Handshake <= 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	ca := newAuthority(t)
	public := newHost(t, func(a *conn.Acceptor) {
		a.TLS = conn.ServerTLS(func() *tls.Certificate { return ca.issue(t, "localhost") }, false)
	}, echo)
	_, port, err := net.SplitHostPort(public.address)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	r, err = conn.Inspect(ctx, "localhost:"+port, conn.Config{Roots: roots})
	if err != nil || !r.Server.IsZero() || !r.Public {
		t.Fatalf("%+v, %v", r, err)
	}
	if r, err = conn.Inspect(ctx, public.address, conn.Config{Roots: roots}); err != nil || r.Public {
		t.Fatalf("by another name: %+v, %v", r, err)
	}
	weak := newHost(t, func(a *conn.Acceptor) { a.TLS.CurvePreferences = []tls.CurveID{tls.X25519} }, echo)
	if _, err := conn.Inspect(ctx, weak.address, conn.Config{}); chat.CodeOf(err) != chat.CodeTLS {
		t.Fatal(err)
	}
	if r, err = conn.Inspect(ctx, weak.address, conn.Config{Classical: true}); err != nil || !r.Classical {
		t.Fatalf("%+v, %v", r, err)
	}
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	if _, err := conn.Inspect(short, other(t, ""), conn.Config{}); chat.CodeOf(err) != chat.CodeTimeout {
		t.Fatal(err)
	}
}
