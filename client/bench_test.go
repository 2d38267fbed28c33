package client_test

import (
	"fmt"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/vault"
)

// BenchmarkPipe is what a pipe does: lines queued one after the other, each in the vault before the next, until all are acknowledged.
func BenchmarkPipe(b *testing.B) {
	w := newWorld(b)
	v, err := vault.Open(b.TempDir()+"/alice", vault.Options{})
	if err != nil {
		b.Fatal(err)
	}
	alice := w.person("alice", v)
	alice.join()
	n := 0
	begin := time.Now()
	for b.Loop() {
		if _, err := alice.Queue(w.ctx, chat.Lobby, fmt.Sprint("line ", n)); err != nil {
			b.Fatal(err)
		}
		n++
	}
	if err := alice.Flush(w.ctx); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(n)/time.Since(begin).Seconds(), "messages/s")
}

// BenchmarkRead is what reading costs: a room's messages from the server's log into the vault, verified.
func BenchmarkRead(b *testing.B) {
	const n = 5000
	w := newWorld(b)
	alice := w.person("alice", nil)
	alice.join()
	for i := range n {
		if _, err := alice.Queue(w.ctx, chat.Lobby, fmt.Sprint("line ", i)); err != nil {
			b.Fatal(err)
		}
	}
	if err := alice.Flush(w.ctx); err != nil {
		b.Fatal(err)
	}
	names := 0
	for b.Loop() {
		b.StopTimer()
		v, err := vault.Open(fmt.Sprint(b.TempDir(), "/", names), vault.Options{})
		if err != nil {
			b.Fatal(err)
		}
		names++
		bob := w.reader(fmt.Sprint("bob", names), v, n)
		b.StartTimer()
		if got := len(bob.history()); got != n {
			b.Fatal(got)
		}
		b.StopTimer()
		_ = bob.Close(w.ctx)
		b.StartTimer()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
