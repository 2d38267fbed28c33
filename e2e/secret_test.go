package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/keys"
)

// recorder forwards TCP connections and keeps every byte.
type recorder struct {
	mu    sync.Mutex // guards bytes
	bytes bytes.Buffer
	l     net.Listener
	to    string
}

func record(t *testing.T, to string) *recorder {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{l: l, to: to}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go r.forward(c)
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return r
}

func (r *recorder) forward(c net.Conn) {
	defer c.Close()
	up, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	defer up.Close()
	done := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{c, up}, {up, c}} {
		go func() {
			_, _ = io.Copy(pair[1], io.TeeReader(pair[0], r))
			done <- struct{}{}
		}()
	}
	<-done
}

// Write keeps what passes.
func (r *recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bytes.Write(b)
}

// forms are the ways in which a secret could stand somewhere.
func forms(name string, secret []byte) map[string][]byte {
	return map[string][]byte{
		name:                         secret,
		name + " in hexadecimal":     []byte(hex.EncodeToString(secret)),
		name + " in base64":          []byte(base64.RawStdEncoding.EncodeToString(secret)),
		name + " in base64 for URLs": []byte(base64.RawURLEncoding.EncodeToString(secret)),
	}
}

// The server never writes the key, nor what is derived from it, to its disk, and none of it passes the network; nor does a text.
func TestKeyIsNeitherOnDiskNorOnTheWire(t *testing.T) {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	data := t.TempDir()
	server := serveForTest(t, "--listen", "127.0.0.1:0", "--data", data)
	tap := record(t, server.addr)
	link := keys.Link{Address: tap.l.Addr().String(), Key: server.link.Key}

	const text = "a sentence that stands nowhere else"
	alice, bob := person(t, link, link.Address, "alice"), person(t, link, link.Address, "bob")
	for range 20 {
		if _, err := alice.Send(ctx, chat.Lobby, text); err != nil {
			t.Fatal(err)
		}
	}
	read := 0
	for m, err := range bob.Read(ctx, chat.Lobby, 0, false) {
		if err != nil || m.Text != text {
			t.Fatal(m.Text, err)
		}
		read++
	}
	if read != 20 {
		t.Fatalf("read %d", read)
	}

	lobby := chat.KeyRoomID(link.Key.Server(), chat.Lobby)
	secrets := map[string][]byte{"the printed key": []byte(link.Key.Reveal()), "its letters": []byte(link.Key.Reveal()[35:80]), "the text": []byte(text)}
	for name, secret := range map[string][]byte{
		"the key": link.Key.Bytes(), "the access key": link.Key.Access(1).Seed(),
		"the room's MAC key": link.Key.Room(1, lobby)[:32], "the room's AES key": link.Key.Room(1, lobby)[32:],
	} {
		for form, b := range forms(name, secret) {
			secrets[form] = b
		}
	}
	look := func(where string, b []byte) {
		for name, secret := range secrets {
			if bytes.Contains(b, secret) {
				t.Errorf("%s: %s", where, name)
			}
		}
	}
	files := 0
	err := filepath.WalkDir(data, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		look(d.Name(), b)
		return nil
	})
	if err != nil || files < 2 {
		t.Fatalf("%d files, %v", files, err)
	}
	tap.mu.Lock()
	defer tap.mu.Unlock()
	if tap.bytes.Len() < 20_000 {
		t.Errorf("only %d bytes were recorded", tap.bytes.Len())
	}
	look("the network", tap.bytes.Bytes())
	// The server's own words don't say it either, but where it was asked to print it.
	server.mu.Lock()
	defer server.mu.Unlock()
	if n := bytes.Count(server.all, []byte(link.Key.Reveal())); n != 2 {
		t.Errorf("the server printed its key %d times", n)
	}
}
