package server_test

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/conn"
	"huisclos/server"
)

// hangup reads until the server ends c, and says how long that took.
func hangup(c net.Conn) time.Duration {
	begin := time.Now()
	_ = c.SetReadDeadline(begin.Add(30 * time.Second))
	_, _ = io.Copy(io.Discard, c)
	return time.Since(begin)
}

// TestSilentConnectionsKeepNobodyOut: many times more of them than there are places, all from one address, and still
// people from that very address log in at once.
func TestSilentConnectionsKeepNobodyOut(t *testing.T) {
	const places, silent = 200, 1500
	w := newWorld(t, func(c *server.Config) { c.Limits.Waiting = places })
	before := w.mustLogin(newPerson("before"), w.key)
	w.mustRead(before, "pushed before the welcome")

	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for range silent {
			c, err := net.Dial("tcp", w.address)
			if err != nil {
				t.Error(err)
				return
			}
			wg.Go(func() {
				defer c.Close()
				over := make(chan struct{})
				go func() { hangup(c); close(over) }()
				select {
				case <-over:
				case <-stop:
					_ = c.Close()
					<-over
				}
			})
		}
	})
	defer func() { close(stop); wg.Wait() }()

	eventually(t, func() bool { return w.server.Waiting() == places })
	for i, name := range []string{"alice", "bob", "carol", "dave", "erin"} {
		begin := time.Now()
		c, err := w.login(newPerson(name), w.key)
		if err != nil {
			t.Fatalf("login %d: %v", i, err)
		}
		d := time.Since(begin)
		if t.Logf("login %d took %v", i, d); d > 10*time.Second {
			t.Error("too long")
		}
		_ = c.Close()
		w.mustEcho(before, "not disturbed")
	}
	if n := w.server.Waiting(); n > places {
		t.Errorf("%d visitors for %d places", n, places)
	}
}

// TestFiveSeconds: whatever a visitor is slow at, it is gone after five seconds.
func TestFiveSeconds(t *testing.T) {
	w := newWorld(t, nil)
	drip := func(c net.Conn, b []byte) {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for i := range b {
			if _, err := c.Write(b[i : i+1]); err != nil {
				return
			}
			<-tick.C
		}
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	check := func(what string, wait func() time.Duration) {
		wg.Go(func() {
			if d := wait(); d < 3*time.Second || d > 9*time.Second {
				t.Errorf("%s: ended after %v", what, d)
			}
		})
	}
	raw := func(what string, c net.Conn, begin, drops string) {
		_, _ = c.Write([]byte(begin))
		wg.Go(func() { drip(c, []byte(drops)) })
		check(what, func() time.Duration { return hangup(c) })
	}
	raw("nothing", connect(t, w.address), "", "")
	raw("half a ClientHello", connect(t, w.address), "\x16\x03\x01\x06\x00\x01\x00", "")
	raw("a ClientHello by drops", connect(t, w.address), "\x16\x03\x01\x06\x00\x01\x00\x05\xfc\x03\x03", strings.Repeat("x", 200))
	raw("nothing after TLS", dialTLS(t, w.address), "", "")
	raw("a request by drops", dialTLS(t, w.address), "GET /huisclos HTTP/1.1\r\nX: ", strings.Repeat("x", 200))

	told := func(what string, link *conn.Link) {
		check(what, func() time.Duration {
			begin := time.Now()
			if e, err := reason(link); err != nil || e.Code != chat.CodeSlow {
				t.Errorf("%s: %v, %v", what, e, err)
			}
			return time.Since(begin)
		})
	}
	told("nothing after the upgrade", w.dial(t))
	link := w.dial(t)
	exchange(t, link, access.NewClient(w.pin, "x").Hello())
	told("nothing after the challenge", link)
}

func dialTLS(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// dial is a connection before its login.
func (w *world) dial(t *testing.T) *conn.Link {
	t.Helper()
	link, err := conn.Dial(context.Background(), w.address, w.pin, conn.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = link.Close() })
	return link
}

// TestAWrongKeyTriedAThousandTimes: whoever does that waits, and someone else at another address doesn't.
func TestAWrongKeyTriedAThousandTimes(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs a second loopback address, which only Linux has by itself")
	}
	w := newWorld(t, func(c *server.Config) { c.Limits.FailuresAMinute = 300 }) // fifty at once
	elsewhere := forward(t, w.address, "127.0.0.2")
	_, wrong, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	mallory := newPerson("mallory")
	codes := map[chat.Code]int{}
	var told *chat.Error
	for i := range 1000 {
		_, err := w.login(mallory, wrong)
		codes[chat.CodeOf(err)]++
		if chat.CodeOf(err) == chat.CodeRate {
			errors.As(err, &told)
		}
		if i%250 == 249 {
			c, err := w.loginAt(elsewhere, newPerson(string(rune('a'+i/250))), w.key, conn.Config{})
			if err != nil {
				t.Fatal("somebody else: ", err)
			}
			_ = c.Close()
		}
	}
	// Fifty at once, then five a second: a thousand tries take less than a minute here.
	if codes[chat.CodeKeyWrong]+codes[chat.CodeRate] != 1000 || codes[chat.CodeKeyWrong] < 50 || codes[chat.CodeKeyWrong] > 400 {
		t.Fatal(codes)
	}
	if told == nil || told.Params["wait"] == "" || told.Params["wait"] == "0" {
		t.Fatal(told)
	}
	if came, _ := w.hub.count(); came != 4 {
		t.Fatalf("%d came in", came)
	}
}

// forward listens, and passes on from another address of this machine.
func forward(t *testing.T, to, from string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := d.Dial("tcp", to)
			if err != nil {
				_ = a.Close()
				t.Log("another address of this machine can't be used:", err)
				continue
			}
			wg.Go(func() { _, _ = io.Copy(a, b); _ = a.Close() })
			wg.Go(func() { _, _ = io.Copy(b, a); _ = b.Close() })
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return l.Addr().String()
}
