package vault

import (
	"bytes"
	"crypto/rand"
	"os"
	"testing"

	"github.com/ncruces/go-sqlite3/ext/serdes"

	"huisclos/client"
)

// pages are the database's, as they are under the encryption of the file.
func (v *SQLite) pages(t *testing.T) []byte {
	t.Helper()
	b, err := serdes.Serialize(v.db, "main")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What was deleted is in the files for a while, and after Scrub it isn't; what is there stays readable, also by the next process.
func TestScrub(t *testing.T) {
	dir := t.TempDir()
	v := mustOpen(t, dir, Options{})
	fill(t, v, 500)
	want, err := all(v)
	if err != nil {
		t.Fatal(err)
	}
	secret := make([]byte, 3000) // it doesn't fit into one page with others
	_, _ = rand.Read(secret)
	put := func(value []byte) {
		t.Helper()
		if err := v.Update(client.Durable, func(w client.Writer) error { return w.Put(client.TableSelf, []byte("self"), value) }); err != nil {
			t.Fatal(err)
		}
	}
	put(secret)
	before := v.pages(t)
	stmt, _, err := v.db.Prepare("SELECT value FROM record WHERE tab = 1")
	if err != nil || !stmt.Step() {
		t.Fatal(err)
	}
	sealed := stmt.ColumnBlob(0, nil)
	if err := stmt.Close(); err != nil {
		t.Fatal(err)
	}
	piece := sealed[len(sealed)-64:]
	if !bytes.Contains(before, piece) {
		t.Fatal("the test looks in the wrong place")
	}
	put([]byte("without the secret"))
	if !bytes.Contains(v.pages(t), piece) {
		t.Log("it is gone before") // as SQLite likes: no promise
	}
	if err := v.Scrub(); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(v.pages(t), piece) {
		t.Error("the secret is still in the file")
	}
	if info, err := os.Stat(v.path + "-wal"); err != nil || info.Size() != 0 {
		t.Errorf("the log isn't empty: %v, %v", info, err)
	}
	put([]byte("and on")) // the vault goes on
	mustClose(t, v)
	v = mustOpen(t, dir, Options{})
	if got, err := all(v); err != nil || got != want {
		t.Errorf("after it: %d bytes, %v", len(got), err)
	}
	if v.RolledBack() {
		t.Error("it counts as put back")
	}
	mustClose(t, v)
	if err := v.Scrub(); err == nil {
		t.Error("a closed one is scrubbed")
	}
}
