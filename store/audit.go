package store

import (
	"context"
	"os"
	"time"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
)

// writeAudit adds a row, in the transaction of what it tells. An Audit without an action is none.
func writeAudit(c *conn, a hub.Audit) error {
	if a.Action == "" {
		return nil
	}
	return c.exec("INSERT INTO audit (at, actor, action, detail) VALUES (?, ?, ?, ?)", a.At, a.Actor, a.Action, a.Detail)
}

// AuditLog implements hub.Store.
func (s *SQLite) AuditLog(ctx context.Context, after uint64, limit int) ([]hub.AuditRow, error) {
	var rows []hub.AuditRow
	err := s.read(ctx, func(c *conn) error {
		rows = nil
		return c.query("SELECT number, at, actor, action, detail FROM audit WHERE number > ? ORDER BY number LIMIT ?", func(st *sqlite3.Stmt) error {
			rows = append(rows, hub.AuditRow{
				Number: uint64(st.ColumnInt64(0)), //nolint:gosec // positive
				Audit:  hub.Audit{At: milli(st, 1), Actor: st.ColumnText(2), Action: st.ColumnText(3), Detail: st.ColumnText(4)},
			})
			return nil
		}, int64(after), limit) //nolint:gosec // far from 2^63
	})
	return rows, err
}

// Stats implements hub.Store.
func (s *SQLite) Stats(ctx context.Context) (hub.Stats, error) {
	var stats hub.Stats
	err := s.read(ctx, func(c *conn) error {
		stats = hub.Stats{}
		one := func(sql string, to ...*int64) error {
			return c.query(sql, func(st *sqlite3.Stmt) error {
				for i, v := range to {
					*v = st.ColumnInt64(i)
				}
				return nil
			})
		}
		var pages, size int64
		for _, q := range []struct {
			sql string
			to  []*int64
		}{
			{"SELECT count(*), coalesce(sum(head - floor), 0), coalesce(sum(bytes), 0) FROM rooms", []*int64{&stats.Rooms, &stats.Entries, &stats.EnvelopeBytes}},
			{"SELECT count(*) FROM accounts", []*int64{&stats.Accounts}},
			{"SELECT count(*) FROM devices", []*int64{&stats.Devices}},
			{"PRAGMA page_count", []*int64{&pages}},
			{"PRAGMA page_size", []*int64{&size}},
		} {
			if err := one(q.sql, q.to...); err != nil {
				return err
			}
		}
		if s.dir != "" {
			stats.DiskBytes = pages * size
			if wal, err := os.Stat(s.path + "-wal"); err == nil {
				stats.DiskBytes += wal.Size()
			}
		}
		return nil
	})
	return stats, err
}

// Check implements hub.Store: it writes a row, durably, and reads it back.
func (s *SQLite) Check(ctx context.Context) error {
	now := []byte(time.Now().UTC().Format(time.RFC3339Nano))
	err := s.write(ctx, func(c *conn) error {
		return c.exec("INSERT INTO meta (key, value) VALUES ('checked', ?) ON CONFLICT DO UPDATE SET value = excluded.value", now)
	})
	if err != nil {
		return err
	}
	return s.read(ctx, func(c *conn) error {
		found := false
		err := c.query("SELECT 1 FROM meta WHERE key = 'checked'", func(*sqlite3.Stmt) error { found = true; return nil })
		if err == nil && !found {
			err = chat.Errorf(chat.CodeStorage)
		}
		return err
	})
}
