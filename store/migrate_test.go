package store

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/store/schema"
)

// A data folder of version 1 is brought to the newest one, with what is in it.
func TestFolderOfVersion1(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, databaseName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sqlite3.Open(filepath.Join(dir, databaseName))
	if err != nil {
		t.Fatal(err)
	}
	a := chat.AccountID{1}
	for _, sql := range []string{
		schema.Migrations()[0], "PRAGMA user_version = 1",
		"INSERT INTO accounts (account, name, folded, skeleton, name_sig, enrolled, at) VALUES (x'01" + "00000000000000000000000000000000000000000000000000000000000000" + "', 'anna', 'anna', 'anna', zeroblob(64), 1, 0)",
	} {
		if err := db.Exec(sql); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := context.Background()
	if err := s.PutBackup(ctx, a, hub.Backup{Serial: 1, At: time.Unix(1, 0), Sealed: []byte("x")}); err != nil {
		t.Error(err)
	}
	if people, err := s.AllPeople(ctx); err != nil || len(people) != 1 || people[0].Name != "anna" || len(people[0].List) != 0 {
		t.Errorf("%+v, %v", people, err)
	}
}
