package store

import (
	"context"
	"strconv"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
)

// PutDeviceList implements hub.BackupStore.
func (s *SQLite) PutDeviceList(ctx context.Context, account chat.AccountID, l hub.DeviceList, a hub.Audit) error {
	err := s.writePeople(ctx, func(c *conn) error {
		no, newest := int64(0), int64(0)
		err := c.query("SELECT a.no, coalesce(l.version, 0) FROM accounts a LEFT JOIN device_lists l ON l.account = a.no WHERE a.account = ?", func(st *sqlite3.Stmt) error {
			no, newest = st.ColumnInt64(0), st.ColumnInt64(1)
			return nil
		}, account[:])
		switch {
		case err != nil:
			return err
		case no == 0:
			return chat.Errorf(chat.CodeNoAccount)
		case uint64(newest) != l.After || l.Version <= l.After: //nolint:gosec // positive
			return chat.Errorf(chat.CodeConflict, "version", strconv.FormatInt(newest, 10))
		}
		err = c.exec("INSERT INTO device_lists (account, version, list) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version, list = excluded.list",
			no, int64(l.Version), l.List) //nolint:gosec // small
		if err != nil {
			return err
		}
		for _, d := range l.Revoked {
			if err := s.revoke(c, no, d); err != nil {
				return err
			}
		}
		return writeAudit(c, a)
	})
	s.sessions.forget(l.Revoked...)
	return err
}

// revoke ends a device of an account for good: it may neither log in nor append, nobody can invite it, and no invitation waits for it.
func (s *SQLite) revoke(c *conn, account int64, d chat.DeviceID) error {
	if err := c.exec("UPDATE devices SET revoked = 1, session_gen = ? WHERE account = ? AND device = ?", int64(s.sessions.number()), account, d[:]); err != nil { //nolint:gosec // positive
		return err
	}
	for _, table := range []string{"key_packages", "welcomes"} {
		if err := c.exec("DELETE FROM "+table+" WHERE device = (SELECT no FROM devices WHERE account = ? AND device = ?)", account, d[:]); err != nil {
			return err
		}
	}
	return nil
}
