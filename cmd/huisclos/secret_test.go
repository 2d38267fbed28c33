package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"huisclos/admin"
	"huisclos/chat"
	"huisclos/client"
	"huisclos/internal/config"
	"huisclos/internal/version"
	"huisclos/keys"
)

// The server's folder, and everything that travels to and from it, outside TLS and inside, hold neither the shared key nor what it
// protects: not at first, not after a rotation, not in any of the ways in which bytes are written down.
func TestTheKeyIsNeitherStoredNorSent(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server on a disk")
	}
	dir, seen := t.TempDir(), &record{}
	var log syncBuffer
	r := startTestServer(t, dir, &log)
	wire := recordTCP(t, r.Addr().String(), seen)
	first := r.keys.key
	alice := member(t, r, wire, "alice", seen)
	bob := member(t, r, wire, "bob", seen)
	say(t, alice, "the cellar door is open")
	events, err := bob.Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	do(t, r, "key rotate")
	do(t, r, "key approve alice bob")
	for e := range events {
		if _, ok := e.(client.KeyGained); ok {
			break
		}
	}
	second := r.keys.key
	if first.Equal(second) {
		t.Fatal("the rotation changed nothing")
	}
	say(t, bob, "the cellar door is shut")
	running := folder(t, dir) // what a thief of the disk gets while the server runs

	for _, c := range []*client.Client{alice, bob} {
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	heaps := map[string][]byte{"disk, running": running, "disk, stopped": folder(t, dir), "network": seen.bytes(), "log": log.bytes()}

	// The search finds what must be there; a search that sees nothing proves nothing.
	public := second.AccessPublic(2)
	for _, where := range []string{"disk, running", "disk, stopped", "network"} {
		if !bytes.Contains(heaps[where], public[:]) {
			t.Errorf("%s: not even the public half of the access key is there: nothing was recorded", where)
		}
	}
	lobby := chat.KeyRoomID(r.Fingerprint(), chat.Lobby)
	secrets := map[string][]byte{
		"K of generation 1": first.Bytes(), "K of generation 2": second.Bytes(),
		"room key 1": first.Room(1, lobby), "room key 2": second.Room(2, lobby),
		"access private key 1": first.Access(1).Seed(), "access private key 2": second.Access(2).Seed(),
		"a message": []byte("the cellar door is"),
	}
	for where, heap := range heaps {
		for what, secret := range secrets {
			if form := found(heap, secret); form != "" {
				t.Errorf("%s: %s is there, %s", where, what, form)
			}
		}
		for _, k := range []keys.Key{first, second} {
			printed := k.Reveal()
			for i := range len(printed) - 16 { // any piece of the printed key that holds ten bytes of it
				if piece := printed[i : i+16]; i >= 40 && bytes.Contains(bytes.ToLower(heap), []byte(piece)) {
					t.Errorf("%s: a piece of a printed key is there", where)
				}
			}
		}
	}
}

// What the test above looks with finds a secret in each form.
func TestFoundFinds(t *testing.T) {
	secret := []byte("thirty-two bytes that are secret")
	for name, text := range map[string]string{
		"raw": string(secret), "hex": hex.EncodeToString(secret), "HEX": strings.ToUpper(hex.EncodeToString(secret)),
		"base64": base64.StdEncoding.EncodeToString(secret), "base64 at 1": base64.StdEncoding.EncodeToString(append([]byte("x"), secret...)),
		"base64 at 2": base64.URLEncoding.EncodeToString(append([]byte("xy"), secret...)), "reversed": string(reversed(secret)),
		"half": string(secret[:16]),
	} {
		if found([]byte("before "+text+" after"), secret) == "" {
			t.Errorf("%s isn't found", name)
		}
	}
	if form := found([]byte("something else that is as long as it needs to be"), secret); form != "" {
		t.Errorf("found %s where nothing is", form)
	}
}

// found looks for a secret, or half of it, as it is and in every usual writing; it returns how it is written, or "".
func found(heap, secret []byte) string {
	lower := bytes.ToLower(heap)
	plain := strings.NewReplacer("-", "+", "_", "/").Replace(string(heap))
	half := len(secret) / 2
	for _, part := range [][]byte{secret[:half], secret[half:]} {
		if bytes.Contains(heap, part) {
			return "raw"
		}
		if bytes.Contains(heap, reversed(part)) {
			return "reversed"
		}
		if bytes.Contains(lower, []byte(hex.EncodeToString(part))) {
			return "hex"
		}
		for shift := range 3 { // base64 looks different at each of three places; the first and last characters hold other bits too
			text := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), part...))
			if strings.Contains(plain, text[shift+1:len(text)-1]) {
				return "base64"
			}
		}
	}
	return ""
}

func reversed(b []byte) []byte {
	r := bytes.Clone(b)
	for i := range len(r) / 2 {
		r[i], r[len(r)-1-i] = r[len(r)-1-i], r[i]
	}
	return r
}

// startTestServer starts a server of the program on a data folder.
func startTestServer(t *testing.T, dir string, log io.Writer) *running {
	t.Helper()
	s := config.DefaultServer()
	s.Listen, s.LAN, s.Data = "127.0.0.1:0", false, dir
	a := &app{ctx: t.Context()}
	r, err := a.startServer(&s, nil, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Shutdown(context.Background()) })
	return r
}

// do carries out a command of the console.
func do(t *testing.T, r *running, command string) admin.Result {
	t.Helper()
	req, err := admin.Parse(command)
	if err != nil {
		t.Fatal(err)
	}
	req.Yes = true
	result, err := r.Desk("test").Do(t.Context(), req)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return result
}

// member is a client in the lobby, whose frames are recorded too.
func member(t *testing.T, r *running, address, name string, seen *record) *client.Client {
	t.Helper()
	c, err := client.Open(client.Config{
		Vault: client.NewMemory(), Address: address, Server: r.Fingerprint(), Key: r.keys.key.Reveal(), Name: name, Software: version.Program,
		Dial: func(ctx context.Context, address string, server chat.Fingerprint) (client.Link, error) {
			link, err := dial(ctx, address, server)
			if err != nil {
				return nil, err
			}
			return &recorded{link, seen}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	if err := c.Online(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Join(t.Context(), chat.Lobby); err != nil {
		t.Fatal(err)
	}
	return c
}

// say sends a text until it is durable.
func say(t *testing.T, c *client.Client, text string) {
	t.Helper()
	if _, err := c.Send(t.Context(), chat.Lobby, text); err != nil {
		t.Fatal(err)
	}
}

// folder is everything that is in the files of a folder, and their names.
func folder(t *testing.T, dir string) []byte {
	t.Helper()
	var all []byte
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		all = append(append(all, path...), b...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// record gathers what travels.
type record struct {
	mu  sync.Mutex // guards all
	all []byte
}

func (r *record) add(b []byte) {
	r.mu.Lock()
	r.all = append(r.all, b...)
	r.mu.Unlock()
}

func (r *record) bytes() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.all)
}

// recorded is a link whose frames are recorded as they are inside TLS.
type recorded struct {
	client.Link
	seen *record
}

func (l *recorded) Read() ([]byte, error) {
	b, err := l.Link.Read()
	l.seen.add(b)
	return b, err
}

func (l *recorded) Write(frames ...[]byte) error {
	for _, f := range frames {
		l.seen.add(f)
	}
	return l.Link.Write(frames...)
}

// recordTCP passes connections on to a server and records both directions as a wiretap does. It returns its own address.
func recordTCP(t *testing.T, server string, seen *record) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var pipes sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		pipes.Wait()
	})
	pass := func(to, from net.Conn) {
		_, _ = io.Copy(to, io.TeeReader(from, writeFunc(seen.add)))
		_, _ = to.Close(), from.Close()
	}
	pipes.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", server)
			if err != nil {
				_ = c.Close()
				continue
			}
			pipes.Go(func() { pass(s, c) })
			pipes.Go(func() { pass(c, s) })
		}
	})
	return l.Addr().String()
}

type writeFunc func([]byte)

func (w writeFunc) Write(b []byte) (int, error) { w(b); return len(b), nil }

// syncBuffer is a buffer for several goroutines.
type syncBuffer struct{ record }

func (b *syncBuffer) Write(p []byte) (int, error) { b.add(p); return len(p), nil }
