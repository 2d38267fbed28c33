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
