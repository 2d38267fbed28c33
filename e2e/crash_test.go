package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/client"
)

// The server is killed with -9 again and again while four people write. Every message whose acknowledgement came is there
// afterwards, at the place that the acknowledgement named, and nothing is there twice.
func TestKillUnderLoad(t *testing.T) {
	rounds := 8
	if testing.Short() {
		rounds = 3
	}
	ctx, stop := context.WithTimeout(context.Background(), 3*time.Minute)
	defer stop()
	data := t.TempDir()
	server := serveForTest(t, "--listen", "127.0.0.1:0", "--data", data)
	link, addr := server.link, server.addr

	const writers = 4
	var mu sync.Mutex // guards acked
	acked := map[chat.Seq]string{}
	writing, enough := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for w := range writers {
		c := person(t, link, addr, fmt.Sprintf("writer%d", w))
		if err := c.Online(ctx); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for i := 0; writing.Err() == nil; i++ {
				text := fmt.Sprintf("%d of writer %d", i, w)
				r, err := c.Send(ctx, chat.Lobby, text)
				if err != nil {
					continue // it may have arrived all the same, but nobody said so
				}
				mu.Lock()
				if old, ok := acked[r.Seq]; ok {
					t.Errorf("place %d was given to %q and to %q", r.Seq, old, text)
				}
				acked[r.Seq] = text
				mu.Unlock()
			}
		})
	}
	for range rounds {
		pause(ctx, time.Duration(150+rand.IntN(400))*time.Millisecond)
		server.kill(t)
		server = serveForTest(t, "--listen", addr, "--data", data)
	}
	pause(ctx, 500*time.Millisecond)
	enough()
	wg.Wait()

	reader := person(t, link, addr, "reader")
	if err := reader.Online(ctx); err != nil {
		t.Fatal(err)
	}
	seen := map[string]chat.Seq{}
	for m, err := range reader.Read(ctx, chat.Lobby, 0, false) {
		if err != nil {
			t.Fatal(err)
		}
		if m.Form != client.Text {
			t.Errorf("entry %d is %v: %v", m.Seq, m.Form, m.Err)
		}
		if old, twice := seen[m.Text]; twice {
			t.Errorf("%q is there as %d and as %d", m.Text, old, m.Seq)
		}
		seen[m.Text] = m.Seq
		if want, ok := acked[m.Seq]; ok && want != m.Text {
			t.Errorf("place %d holds %q, acknowledged was %q", m.Seq, m.Text, want)
		}
		delete(acked, m.Seq)
	}
	for n, text := range acked {
		t.Errorf("acknowledged and lost: %d, %q", n, text)
	}
	t.Logf("%d messages, %d kills", len(seen), rounds)
	if len(seen) < rounds*10 {
		t.Errorf("only %d messages: that was no load", len(seen))
	}
}

// pause lets the load go on for a while: here the time itself is what is tested with.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
