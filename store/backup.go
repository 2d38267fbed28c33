package store

import (
	"context"
	"strconv"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
)

// PutBackup implements hub.BackupStore.
func (s *SQLite) PutBackup(ctx context.Context, account chat.AccountID, b hub.Backup) error {
	return s.write(ctx, func(c *conn) error {
		no, newest := int64(0), int64(0)
		err := c.query("SELECT a.no, coalesce(b.serial, 0) FROM accounts a LEFT JOIN backups b ON b.account = a.no WHERE a.account = ?", func(st *sqlite3.Stmt) error {
			no, newest = st.ColumnInt64(0), st.ColumnInt64(1)
			return nil
		}, account[:])
		switch {
		case err != nil:
			return err
		case no == 0:
			return chat.Errorf(chat.CodeNoAccount)
		case int64(b.Serial) <= newest: //nolint:gosec // below 2^63
			return chat.Errorf(chat.CodeConflict, "serial", strconv.FormatInt(newest, 10))
		}
		return c.exec("INSERT INTO backups (account, serial, at, sealed) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET serial = excluded.serial, at = excluded.at, sealed = excluded.sealed",
			no, int64(b.Serial), b.At, b.Sealed) //nolint:gosec // below 2^63
	})
}

// Backup implements hub.BackupStore.
func (s *SQLite) Backup(ctx context.Context, account chat.AccountID) (hub.Backup, error) {
	var b hub.Backup
	err := s.read(ctx, func(c *conn) error {
		b = hub.Backup{}
		return c.query("SELECT b.serial, b.at, b.sealed FROM backups b JOIN accounts a ON a.no = b.account WHERE a.account = ?", func(st *sqlite3.Stmt) error {
			b = hub.Backup{Serial: uint64(st.ColumnInt64(0)), At: milli(st, 1), Sealed: st.ColumnBlob(2, nil)} //nolint:gosec // positive
			return nil
		}, account[:])
	})
	return b, err
}
