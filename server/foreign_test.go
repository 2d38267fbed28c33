package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coder/websocket"

	"huisclos/access"
	"huisclos/conn"
	"huisclos/wire"
)

// foreign is a client of another make.
type foreign struct {
	ws  *websocket.Conn
	tls *tls.Conn
}

func dialForeign(t *testing.T, address string, c *tls.Config) *foreign {
	t.Helper()
	f := &foreign{}
	transport := &http.Transport{DialTLSContext: func(ctx context.Context, network, address string) (_ netConn, err error) {
		raw, err := (&tls.Dialer{Config: c}).DialContext(ctx, network, address)
		if err == nil {
			f.tls = raw.(*tls.Conn)
		}
		return raw, err
	}}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, "wss://"+address+conn.Path, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{conn.Subprotocol},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow(); transport.CloseIdleConnections() })
	f.ws = ws
	return f
}

// login enrols p.
func (f *foreign) login(t *testing.T, w *world, p *person) {
	t.Helper()
	ctx := context.Background()
	state := f.tls.ConnectionState()
	x, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
	if err != nil {
		t.Fatal(err)
	}
	login := access.NewClient(w.pin, "foreign")
	exchange := func(frame []byte) []byte {
		t.Helper()
		if err := f.ws.Write(ctx, websocket.MessageBinary, frame); err != nil {
			t.Fatal(err)
		}
		_, raw, err := f.ws.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	hello, err := login.Challenge(exchange(login.Hello()), x)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := login.Welcome(exchange(login.Auth(p.body(w.pin, hello.Generation, wire.IntentEnrol), w.key, p.device.Key()))); err != nil {
		t.Fatal(err)
	}
}

// authority stands for a public certificate authority.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

// files issues a certificate for host and writes it, with its key.
func (a *authority) files(t *testing.T, host string) (chain, key string) {
	t.Helper()
	return a.write(t, t.TempDir(), host)
}

func (a *authority) write(t *testing.T, dir, host string) (chain, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a.cert, k.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	chain, key = filepath.Join(dir, "chain.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{chain: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return chain, key
}
