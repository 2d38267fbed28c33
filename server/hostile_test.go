package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"testing"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/conn"
	"huisclos/server"
	"huisclos/wire"
)

// TestFramesBeforeTheLogin: nothing but the two frames of the login is taken, in their order and once each.
func TestFramesBeforeTheLogin(t *testing.T) {
	w := newWorld(t, func(c *server.Config) { c.Limits.FailuresAMinute = 0 })
	hello := access.NewClient(w.pin, "x").Hello()
	future := wire.Encode(&wire.HelloC{Versions: []uint{99}, Features: []string{}, Nonce: [32]byte{1}})
	for name, c := range map[string]struct {
		first  []byte
		second []byte // after the challenge
		code   chat.Code
	}{
		"nothing in it":          {first: []byte{}, code: chat.CodeFrame},
		"not CBOR":               {first: []byte("\xff\xff"), code: chat.CodeFrame},
		"truncated":              {first: hello[:len(hello)-1], code: chat.CodeFrame},
		"more than a frame":      {first: append(bytes.Clone(hello), 0), code: chat.CodeFrame},
		"unknown type":           {first: []byte{0x82, 0x18, 0xfe, 0x00}, code: chat.CodeFrameType},
		"oversized":              {first: make([]byte, 16<<10+1), code: chat.CodeTooLarge},
		"of a later version":     {first: future, code: chat.CodeVersion},
		"a request":              {first: wire.Encode(&wire.Rooms{Ref: 1}), code: chat.CodeFrame},
		"the server's own":       {first: wire.Encode(&wire.Welcome{Session: 1}), code: chat.CodeFrame},
		"hello twice":            {first: hello, second: hello, code: chat.CodeFrame},
		"a message":              {first: hello, second: wire.Encode(&wire.Send{Envelope: []byte{1}}), code: chat.CodeFrame},
		"an empty proof":         {first: hello, second: wire.Encode(&wire.Auth{}), code: chat.CodeFrame},
		"oversized after hello":  {first: hello, second: make([]byte, 1<<20), code: chat.CodeTooLarge},
		"truncated after hello":  {first: hello, second: []byte{0x84, 0x03}, code: chat.CodeFrame},
		"goodbye before hello":   {first: wire.Encode(&wire.Bye{Code: chat.CodeGoodbye}), code: chat.CodeFrame},
		"a code before hello":    {first: wire.Encode(&wire.UseCode{Number: 1, Message: []byte{1}}), code: chat.CodeFrame},
		"a code that isn't here": {first: hello, second: wire.Encode(&wire.UseCode{Number: 1, Message: []byte{1}}), code: chat.CodeCodeUnknown},
		"a code cut":             {first: hello, second: []byte{0x83, 0x18, 0x3f, 0x01}, code: chat.CodeFrame},
		"a code's message":       {first: hello, second: wire.Encode(&wire.CodeMessage{Number: 1, Message: []byte{1}}), code: chat.CodeFrame},
		"an unknown after hello": {first: hello, second: []byte{0x82, 0x18, 0xfe, 0x00}, code: chat.CodeFrameType},
	} {
		t.Run(name, func(t *testing.T) {
			link := w.dial(t)
			if err := link.Write(c.first); err != nil {
				t.Fatal(err)
			}
			if c.second != nil {
				if _, err := link.Read(); err != nil { // the challenge
					t.Fatal(err)
				}
				_ = link.Write(c.second) // the server may end it before all is written
			}
			if e, err := reason(link); err != nil || e.Code != c.code {
				t.Fatalf("%v, %v; want %s", e, err, c.code)
			}
			if _, err := link.Read(); err == nil {
				t.Fatal("the connection goes on")
			}
		})
	}
	if came, _ := w.hub.count(); came != 0 {
		t.Fatalf("%d came in", came)
	}
	w.mustLogin(newPerson("alice"), w.key)
}

// TestALoginReplayed: the frames of a login that was good are worth nothing on another connection.
func TestALoginReplayed(t *testing.T) {
	w := newWorld(t, nil)
	alice := newPerson("alice")
	link := w.dial(t)
	x, err := link.Exporter()
	if err != nil {
		t.Fatal(err)
	}
	login := access.NewClient(w.pin, "x")
	hello := login.Hello()
	raw := exchange(t, link, hello)
	if _, err := login.Challenge(raw, x); err != nil {
		t.Fatal(err)
	}
	auth := login.Auth(alice.body(w.pin, 1, wire.IntentEnrol), w.key, alice.device.Key())
	if _, err := login.Welcome(exchange(t, link, auth)); err != nil {
		t.Fatal(err)
	}

	again := w.dial(t)
	exchange(t, again, hello)
	if err := again.Write(auth); err != nil {
		t.Fatal(err)
	}
	if e, err := reason(again); err != nil || e.Code != chat.CodeAuth {
		t.Fatal(e, err)
	}
}

func exchange(t *testing.T, link *conn.Link, frame []byte) []byte {
	t.Helper()
	if err := link.Write(frame); err != nil {
		t.Fatal(err)
	}
	raw, err := link.Read()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestALoginRelayed: a member of two servers logs in at one of them, which passes everything on to the other, to
// be there in the member's name. The proof is bound to S and to the connection.
func TestALoginRelayed(t *testing.T) {
	good, evil := newWorld(t, nil), newWorld(t, nil)
	alice := newPerson("alice")

	// The evil server shows the good one's challenge to its visitor, who knows whom it wants to talk to.
	visitor, behind := evil.dial(t), good.dial(t)
	x, err := visitor.Exporter()
	if err != nil {
		t.Fatal(err)
	}
	login := access.NewClient(evil.pin, "x")
	challenge := exchange(t, behind, login.Hello())
	if _, err := login.Challenge(challenge, x); chat.CodeOf(err) != chat.CodeIdentity {
		t.Fatal("the visitor takes another server's challenge:", err)
	}

	// It makes its own challenge, and passes the answer on.
	login = access.NewClient(evil.pin, "x")
	if _, err := login.Challenge(exchange(t, visitor, login.Hello()), x); err != nil {
		t.Fatal(err)
	}
	auth := login.Auth(alice.body(evil.pin, 1, wire.IntentEnrol), evil.key, alice.device.Key())
	if err := behind.Write(auth); err != nil {
		t.Fatal(err)
	}
	if e, err := reason(behind); err != nil || e.Code != chat.CodeAuth {
		t.Fatal(e, err)
	}
	if came, _ := good.hub.count(); came != 0 {
		t.Fatal("it is in")
	}
}

// TestAManInTheMiddleWithACertificate: somebody has got a public authority's certificate for the server's host. TLS ends at
// them, they pass on the login's frames, and it comes out: the exporters differ.
func TestAManInTheMiddleWithACertificate(t *testing.T) {
	ca := newAuthority(t)
	real := newWorld(t, nil)
	chain, key := ca.files(t, "localhost")
	middle := newWorld(t, func(c *server.Config) { c.Certificate, c.CertificateKey = chain, key })
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	_, port, err := net.SplitHostPort(middle.address)
	if err != nil {
		t.Fatal(err)
	}
	victim, err := conn.Dial(context.Background(), "localhost:"+port, real.pin, conn.Config{Roots: roots})
	if err != nil {
		t.Fatal("TLS alone can't tell:", err)
	}
	defer victim.Close()
	x, err := victim.Exporter()
	if err != nil {
		t.Fatal(err)
	}
	login := access.NewClient(real.pin, "x")
	challenge := exchange(t, real.dial(t), login.Hello()) // passed on
	if _, err := login.Challenge(challenge, x); chat.CodeOf(err) != chat.CodeAuth {
		t.Fatal(err)
	}
}

func TestCertificateFromFiles(t *testing.T) {
	ca := newAuthority(t)
	chain, key := ca.files(t, "localhost")
	w := newWorld(t, func(c *server.Config) { c.Certificate, c.CertificateKey = chain, key })
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	_, port, err := net.SplitHostPort(w.address)
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.loginAt("localhost:"+port, newPerson("alice"), w.key, conn.Config{Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	leaf := func() string {
		t.Helper()
		c, err := tls.Dial("tcp", w.address, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return string(c.ConnectionState().PeerCertificates[0].Raw)
	}
	before := leaf()
	if changed, err := w.server.ReloadCertificate(); changed || err != nil || leaf() != before {
		t.Fatal(changed, err)
	}
	ca.write(t, filepath.Dir(chain), "localhost")
	if changed, err := w.server.ReloadCertificate(); !changed || err != nil || leaf() == before {
		t.Fatal(changed, err)
	}
	before = leaf()
	if err := os.WriteFile(chain, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.server.ReloadCertificate(); chat.CodeOf(err) != chat.CodeConfig || leaf() != before {
		t.Fatal("a torn file was taken over:", err)
	}
	w.mustRead(c, "pushed before the welcome")
	w.mustEcho(c, "nobody was disturbed")
}

func TestClassicalTLSIsShown(t *testing.T) {
	w := newWorld(t, func(c *server.Config) { c.Classical = true })
	foreign := dialForeign(t, w.address, &tls.Config{InsecureSkipVerify: true, CurvePreferences: []tls.CurveID{tls.X25519}})
	foreign.login(t, w, newPerson("old"))
	w.mustLogin(newPerson("new"), w.key)
	if old, fresh := w.hub.peer(0), w.hub.peer(1); !old.Classical || fresh.Classical {
		t.Fatal(old.Classical, fresh.Classical)
	}
	strict := newWorld(t, nil)
	if _, err := tls.Dial("tcp", strict.address, &tls.Config{InsecureSkipVerify: true, CurvePreferences: []tls.CurveID{tls.X25519}}); err == nil {
		t.Fatal("accepted where it isn't allowed")
	}
}
