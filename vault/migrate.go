package vault

import (
	"fmt"
	"strconv"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
)

// migrations bring a database from version i to i+1. They only go forward, and what
// has been released isn't changed any more: a new shape is a new line.
var migrations = []string{
	// 1: one table of records. WITHOUT ROWID keeps a range of keys together, so that a page of
	// history is a few pages of the file. Full-text search will be a table of its own.
	`CREATE TABLE record (
		tab INTEGER NOT NULL,
		key BLOB NOT NULL,
		value BLOB NOT NULL, -- sealed
		PRIMARY KEY (tab, key)
	) WITHOUT ROWID, STRICT`,
}

// migrate runs what is missing, each step in a transaction with its number.
func migrate(db *sqlite3.Conn, path string) error {
	version, err := pragmaInt(db, "user_version")
	if err != nil {
		return err
	}
	if version > len(migrations) {
		return chat.Errorf(chat.CodeVaultNewer, "version", strconv.Itoa(version), "path", path)
	}
	if version < 0 {
		return corrupt(path, fmt.Errorf("version %d", version))
	}
	for i := version; i < len(migrations); i++ {
		sql := fmt.Sprintf("BEGIN IMMEDIATE; %s; PRAGMA user_version = %d; COMMIT", migrations[i], i+1)
		if err := db.Exec(sql); err != nil {
			return err
		}
	}
	return nil
}

func pragmaInt(db *sqlite3.Conn, name string) (int, error) {
	stmt, _, err := db.Prepare("PRAGMA " + name)
	if err != nil {
		return 0, err
	}
	defer stmt.Close()
	n := 0
	if stmt.Step() {
		n = stmt.ColumnInt(0)
	}
	return n, stmt.Err()
}
