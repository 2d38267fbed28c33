package store_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/store"
)

// BenchmarkAppend appends groups of messages of 480 bytes, each group beside a bare transaction of as many rows of that size in
// the same run. The budget of DESIGN §9: at least half as many messages as rows.
func BenchmarkAppend(b *testing.B) {
	for _, group := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint(group), func(b *testing.B) { benchmarkAppend(b, group) })
	}
}

func benchmarkAppend(b *testing.B, group int) {
	s, err := store.Open(b.TempDir(), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	ctx, now := b.Context(), time.Now()
	if err := s.Rotate(ctx, hub.Generation{Number: 1, At: now}, false, hub.Audit{}); err != nil {
		b.Fatal(err)
	}
	if _, err := s.CreateRoom(ctx, hub.NewRoom{ID: lobby, Name: "lobby", Kind: chat.KeyRoom, At: now}, 10); err != nil {
		b.Fatal(err)
	}
	l, err := s.Enrol(ctx, hub.Enrolment{Account: chat.AccountID{1}, Device: chat.DeviceID{1}, Certificate: []byte{1}, Name: "a", Folded: "a", Skeleton: "a", Generation: 1, At: now})
	if err != nil {
		b.Fatal(err)
	}
	bare := newBare(b)
	batch := make([]hub.Submission, group)
	var ours, floor time.Duration
	n := 0
	for b.Loop() {
		for i := range batch {
			envelope := make([]byte, 480)
			copy(envelope, fmt.Sprint(n))
			n++
			batch[i] = hub.Submission{
				Room: lobby, ID: chat.NewMessageID(time.Now()), Account: chat.AccountID{1}, Device: chat.DeviceID{1}, Session: l.Session,
				Kind: chat.Content, Envelope: envelope, At: now,
			}
		}
		begin := time.Now()
		bare.insert(b, batch)
		mid := time.Now()
		if _, err := s.Append(ctx, batch); err != nil {
			b.Fatal(err)
		}
		floor, ours = floor+mid.Sub(begin), ours+time.Since(mid)
	}
	b.ReportMetric(float64(n)/ours.Seconds(), "messages/s")
	b.ReportMetric(float64(n)/floor.Seconds(), "bare-rows/s")
	b.ReportMetric(floor.Seconds()/ours.Seconds(), "ratio")
}

// bareTable is the simplest durable table there is.
type bareTable struct {
	db   *sqlite3.Conn
	stmt *sqlite3.Stmt
	n    int64
}

func newBare(b *testing.B) *bareTable {
	db, err := sqlite3.Open(filepath.Join(b.TempDir(), "bare.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	if err := db.Exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE log (seq INTEGER PRIMARY KEY, body BLOB)"); err != nil {
		b.Fatal(err)
	}
	stmt, _, err := db.Prepare("INSERT INTO log VALUES (?, ?)")
	if err != nil {
		b.Fatal(err)
	}
	return &bareTable{db: db, stmt: stmt}
}

func (t *bareTable) insert(b *testing.B, batch []hub.Submission) {
	if err := t.db.Exec("BEGIN IMMEDIATE"); err != nil {
		b.Fatal(err)
	}
	for i := range batch {
		t.n++
		if t.stmt.BindInt64(1, t.n) != nil || t.stmt.BindBlob(2, batch[i].Envelope) != nil || t.stmt.Exec() != nil {
			b.Fatal("insert")
		}
	}
	if err := t.db.Exec("COMMIT"); err != nil {
		b.Fatal(err)
	}
}
