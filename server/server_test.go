package server_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/conn"
	"huisclos/server"
)

func TestLoginAndTalk(t *testing.T) {
	w := newWorld(t, nil)
	alice := newPerson("alice")
	c := w.mustLogin(alice, w.key)
	if c.welcome.Session != 1 || c.welcome.Incarnation != [16]byte{7} || len(c.welcome.Rooms) != 1 {
		t.Fatalf("%+v", c.welcome)
	}
	if c.hello.Software != "test server" || c.hello.Limits.Message != 64<<10 || c.hello.Limits.Idle != 90 {
		t.Fatalf("%+v", c.hello)
	}
	w.mustRead(c, "pushed before the welcome") // and yet the welcome came first
	w.mustEcho(c, "hello")
	p := w.hub.peer(0)
	if p.Name != "alice" || p.Account != alice.account.ID() || p.Client != "test client" || p.Classical || p.Proxied || p.Session != 1 {
		t.Fatalf("%+v", p)
	}
	// The device comes back without the key.
	again := w.mustLogin(alice, nil)
	if again.welcome.Session != 2 {
		t.Fatalf("session %d", again.welcome.Session)
	}
}

func TestFramesUpToTheLimit(t *testing.T) {
	w := newWorld(t, func(c *server.Config) { c.Limits.Message = 100_000 })
	c := w.mustLogin(newPerson("alice"), w.key)
	w.mustRead(c, "pushed before the welcome")
	w.mustEcho(c, strings.Repeat("x", int(c.hello.Limits.Frame)))
	if err := c.Write(make([]byte, c.hello.Limits.Frame+1)); err != nil {
		t.Fatal(err)
	}
	e, err := reason(c.Link)
	if err != nil || e.Code != chat.CodeTooLarge || e.Params["limit"] != "104096" {
		t.Fatal(e, err)
	}
	if _, err := c.Read(); err == nil {
		t.Fatal("the connection goes on")
	}
}

func TestHubEndsAConnection(t *testing.T) {
	w := newWorld(t, nil)
	c := w.mustLogin(newPerson("alice"), w.key)
	w.mustRead(c, "pushed before the welcome")
	if err := c.Write([]byte("leave")); err != nil {
		t.Fatal(err)
	}
	w.mustRead(c, "left")
	if _, err := c.Read(); err == nil {
		t.Fatal("the connection goes on")
	}
}

func TestShutdownSaysGoodbyeToEveryone(t *testing.T) {
	w := newWorld(t, nil)
	var all []*connected
	for _, name := range []string{"alice", "bob", "carol"} {
		c := w.mustLogin(newPerson(name), w.key)
		w.mustRead(c, "pushed before the welcome")
		all = append(all, c)
	}
	silent := connect(t, w.address)
	done := make(chan error, 1)
	go func() { done <- w.server.Shutdown(context.Background()) }()
	for _, c := range all {
		if e, err := reason(c.Link); err != nil || e.Code != chat.CodeGoodbye {
			t.Error(e, err)
		}
		_ = c.Close()
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(silent); err != nil && !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
		t.Fatal(err)
	}
	if came, left := w.hub.count(); came != 3 || left != 3 {
		t.Fatalf("%d came, %d left", came, left)
	}
	if _, err := w.login(newPerson("late"), w.key); chat.CodeOf(err) != chat.CodeRefused {
		t.Fatal(err)
	}
	if _, err := w.server.Listen(context.Background(), "127.0.0.1:0"); chat.CodeOf(err) != chat.CodeGoodbye {
		t.Fatal(err)
	}
}

func TestPortInUse(t *testing.T) {
	w := newWorld(t, nil)
	_, err := w.server.Listen(context.Background(), w.address)
	var e *chat.Error
	if !errors.As(err, &e) || e.Code != chat.CodePortInUse || e.Params["address"] != w.address {
		t.Fatal(err)
	}
}

func TestHealth(t *testing.T) {
	w := newWorld(t, nil)
	get := func() int {
		t.Helper()
		resp, err := insecure().Get("https://" + w.address + server.HealthPath)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		if strings.Contains(string(body), "disk on fire") {
			t.Error("the cause is told to strangers")
		}
		return resp.StatusCode
	}
	if code := get(); code != http.StatusOK {
		t.Error(code)
	}
	w.store.mu.Lock()
	w.store.broken = errors.New("disk on fire")
	w.store.mu.Unlock()
	if code := get(); code != http.StatusServiceUnavailable {
		t.Error(code)
	}
}

func TestLimitsChangeWhileRunning(t *testing.T) {
	w := newWorld(t, nil)
	first := w.mustLogin(newPerson("alice"), w.key)
	l := server.DefaultLimits()
	l.Message, l.Connections = 1000, 1
	if err := w.server.Apply(context.Background(), server.Settings{Limits: l}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.login(newPerson("bob"), w.key); chat.CodeOf(err) != chat.CodeFull {
		t.Fatal(err)
	}
	w.mustRead(first, "pushed before the welcome")
	w.mustEcho(first, "still here")
	l.Connections = 2
	if err := w.server.Apply(context.Background(), server.Settings{Limits: l}); err != nil {
		t.Fatal(err)
	}
	if c := w.mustLogin(newPerson("bob"), w.key); c.hello.Limits.Message != 1000 {
		t.Fatal(c.hello.Limits)
	}
}

func TestOneAddressTakesNoMoreThanItsShare(t *testing.T) {
	w := newWorld(t, func(c *server.Config) { c.Limits.PerAddress = 2 })
	a := w.mustLogin(newPerson("a"), w.key)
	w.mustLogin(newPerson("b"), w.key)
	if _, err := w.login(newPerson("c"), w.key); chat.CodeOf(err) != chat.CodeFull {
		t.Fatal(err)
	}
	w.mustRead(a, "pushed before the welcome")
	if err := a.Write([]byte("leave")); err != nil {
		t.Fatal(err)
	}
	w.mustRead(a, "left")
	_ = a.Close()
	eventually(t, func() bool {
		c, err := w.login(newPerson("c"), w.key)
		if err != nil {
			return false
		}
		_ = c.Close()
		return true
	})
}

func TestRotationIsSeenByTheNextLogin(t *testing.T) {
	w := newWorld(t, nil)
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.store.mu.Lock()
	w.store.generations = append(w.store.generations, gen(2, [32]byte(pub)))
	w.store.mu.Unlock()
	// This node hasn't heard of it: the first login fails, and that is how it hears.
	if _, err := w.login(newPerson("alice"), w.key); chat.CodeOf(err) != chat.CodeKeyOld {
		t.Fatal(err)
	}
	if _, err := w.login(newPerson("alice"), w.key); chat.CodeOf(err) != chat.CodeKeyWrong {
		t.Fatal(err)
	}
	if c := w.mustLogin(newPerson("alice"), key); c.hello.Generation != 2 {
		t.Fatal(c.hello.Generation)
	}
}

func TestIdentityIsKept(t *testing.T) {
	dir := t.TempDir()
	first, err := server.LoadIdentity(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := server.LoadIdentity(dir)
	if err != nil || again.Fingerprint() != first.Fingerprint() {
		t.Fatal(err)
	}
	path := filepath.Join(dir, server.IdentityFile)
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Fatal(info, err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Fatal("left behind:", files)
	}
	for name, text := range map[string]string{
		"empty": "", "text": "hello", "other": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := server.LoadIdentity(dir); chat.CodeOf(err) != chat.CodeDataCorrupt {
			t.Errorf("%s: %v", name, err)
		}
	}
	if fresh, err := server.LoadIdentity(""); err != nil || fresh.Fingerprint() == first.Fingerprint() {
		t.Fatal(err)
	}
	if _, err := server.LoadIdentity(filepath.Join(dir, "nowhere")); chat.CodeOf(err) != chat.CodeStorage {
		t.Fatal(err)
	}
}

func TestReturningUnderAnotherName(t *testing.T) {
	w := newWorld(t, nil)
	p := newPerson("alice")
	c := w.mustLogin(p, w.key)
	_ = c.Close()
	p.name = "alicia"
	if _, err := w.login(p, nil); chat.CodeOf(err) != chat.CodeNameOther {
		t.Fatal(err)
	}
}

func TestIdlePeersArePinged(t *testing.T) {
	w := newWorld(t, func(c *server.Config) { c.Limits.Idle = 900 * time.Millisecond })
	// Our own client answers pings and stays, without sending any of its own in this time.
	alive, err := w.loginAt(w.address, newPerson("alice"), w.key, conn.Config{Idle: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	w.mustRead(alive, "pushed before the welcome")
	// This one reads nothing, so it doesn't answer.
	gone, err := w.loginAt(w.address, newPerson("bob"), w.key, conn.Config{Idle: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	frames := make(chan error, 1)
	go func() { _, err := alive.Read(); frames <- err }()
	eventually(t, func() bool { _, left := w.hub.count(); return left == 1 })
	select {
	case err := <-frames:
		t.Fatal("the living one was ended:", err)
	default:
	}
	w.mustRead(gone, "pushed before the welcome")
	if e, err := reason(gone.Link); err != nil || e.Code != chat.CodeSlow {
		t.Fatal(e, err)
	}
	_ = alive.Close()
	<-frames
}
