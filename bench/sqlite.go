package main

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// bareSQLite is the rate in rows a second of transactions of group rows of size bytes into the simplest table, durable.
func bareSQLite(dir string, n, group, size int) (float64, error) {
	db, err := sqlite3.Open(filepath.Join(dir, fmt.Sprintf("bare%d.db", time.Now().UnixNano())))
	if err != nil {
		return 0, err
	}
	defer db.Close()
	if err := db.Exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE log (room INTEGER, seq INTEGER, body BLOB, PRIMARY KEY (room, seq)) WITHOUT ROWID`); err != nil {
		return 0, err
	}
	stmt, _, err := db.Prepare(`INSERT INTO log VALUES (1, ?, ?)`)
	if err != nil {
		return 0, err
	}
	defer stmt.Close()
	body := make([]byte, size)
	_, _ = rand.Read(body)
	begin := time.Now()
	for i := 0; i < n; i += group {
		if err := db.Exec(`BEGIN IMMEDIATE`); err != nil {
			return 0, err
		}
		for k := range group {
			if err := stmt.BindInt64(1, int64(i+k)); err != nil {
				return 0, err
			}
			if err := stmt.BindBlob(2, body); err != nil {
				return 0, err
			}
			if err := stmt.Exec(); err != nil {
				return 0, err
			}
		}
		if err := db.Exec(`COMMIT`); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(begin).Seconds(), nil
}
