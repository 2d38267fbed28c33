package store_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"go.uber.org/goleak"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/store"
	"huisclos/store/storetest"
	"huisclos/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, dir string) *store.SQLite {
	t.Helper()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) hub.Store { return open(t, t.TempDir()) })
}

func TestMemory(t *testing.T) {
	storetest.Run(t, func(t *testing.T) hub.Store {
		s, err := store.Memory()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	})
}

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	s := open(t, dir)
	if _, err := store.Open(dir, store.Options{}); !errors.Is(err, chat.CodeDataInUse) {
		t.Errorf("in use: %v", err)
	}
	first := s.Incarnation()
	ctx := t.Context()
	if err := s.Rotate(ctx, hub.Generation{Number: 1}, false, hub.Audit{}); err != nil {
		t.Fatal(err)
	}
	device := chat.DeviceID{1}
	if _, err := s.Enrol(ctx, hub.Enrolment{Account: chat.AccountID{1}, Device: device, Certificate: []byte{1}, Name: "a", Folded: "a", Skeleton: "a", Generation: 1}); err != nil {
		t.Fatal(err)
	}
	packages := []wire.KeyPackage{{Ref: []byte{1}, Data: []byte{1}}, {Ref: []byte{2}, Last: true, Data: []byte{2}}}
	if _, err := s.PutPackages(ctx, device, packages); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if s.Incarnation() != first {
		t.Error("a restart changed the incarnation")
	}
	if err := s.Restored(context.Background(), time.Now(), time.Now().Add(time.Hour)); err != nil || s.Incarnation() == first {
		t.Errorf("a restored backup kept it: %v", err)
	}
	if n, err := s.PackageState(ctx, device); err != nil || n != (hub.PackageCount{Last: true}) {
		t.Errorf("key packages that may have been used: %+v, %v", n, err)
	}
	_ = s.Close()
	if runtime.GOOS != "windows" {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err == nil && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s is open to others: %v", path, info.Mode())
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestNewerAndDamaged(t *testing.T) {
	dir := t.TempDir()
	_ = open(t, dir).Close()
	path := filepath.Join(dir, "huisclos.db")
	db, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	if _, err := store.Open(dir, store.Options{}); !errors.Is(err, chat.CodeDataNewer) {
		t.Errorf("newer: %v", err)
	}
	if err := os.WriteFile(path, make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("this was never a database, and is longer than a header would be, by far; by far, indeed, longer than that"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(dir, store.Options{}); !errors.Is(err, chat.CodeDataCorrupt) {
		t.Errorf("damaged: %v", err)
	}
	if _, err := store.Open(filepath.Join(path, "under a file"), store.Options{}); err == nil {
		t.Error("a folder under a file")
	}
}
