package conn

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"io"
	"net"
	"reflect"
	"testing"
)

// TestSlim fails when a release of Go has changed what slim reaches for.
func TestSlim(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := SelfCertificate(key)
	if err != nil {
		t.Fatal(err)
	}
	a, b := net.Pipe()
	client := tls.Client(a, &tls.Config{InsecureSkipVerify: true})
	server := tls.Server(b, ServerTLS(func() *tls.Certificate { return cert }, false))
	defer client.NetConn().Close()
	defer server.NetConn().Close()
	wrote := make(chan error, 1)
	go func() {
		_, err := client.Write([]byte("first"))
		wrote <- err
	}()
	got := make([]byte, 5)
	if _, err := io.ReadFull(server, got[:2]); err != nil {
		t.Fatal(err)
	}
	if slim(server) {
		t.Fatal("it dropped bytes that were not read yet")
	}
	if _, err := io.ReadFull(server, got[2:]); err != nil || string(got) != "first" {
		t.Fatalf("%q, %v", got, err)
	}
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	if !slim(server) {
		t.Fatal("nothing was done")
	}
	if b := field[bytes.Buffer](reflect.ValueOf(server).Elem(), "hand"); b.Cap() != 0 {
		t.Fatal("the buffer is still there")
	}
	for _, n := range []int{1, 5000, 100_000} {
		want := bytes.Repeat([]byte{byte(n)}, n)
		go func() {
			_, err := client.Write(want)
			wrote <- err
		}()
		got := make([]byte, n)
		if _, err := io.ReadFull(server, got); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes after it: %v", n, err)
		}
		if err := <-wrote; err != nil {
			t.Fatal(err)
		}
		if !slim(server) {
			t.Fatal("nothing was done")
		}
	}
	if field[int](reflect.ValueOf(server).Elem(), "hand") != nil || field[int](reflect.ValueOf(server).Elem(), "none") != nil {
		t.Fatal("a field of another type or name was found")
	}
}
