package store

import (
	"context"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
)

// Generations implements hub.Store.
func (s *SQLite) Generations(ctx context.Context) ([]hub.Generation, error) {
	var list []hub.Generation
	err := s.read(ctx, func(c *conn) error {
		list = nil
		return c.query("SELECT number, access, key_id, link, at, prove FROM generations ORDER BY number", func(st *sqlite3.Stmt) error {
			list = append(list, scanGeneration(st))
			return nil
		})
	})
	return list, err
}

func scanGeneration(st *sqlite3.Stmt) hub.Generation {
	g := hub.Generation{Number: chat.Generation(st.ColumnInt64(0)), Access: blob32(st, 1), At: milli(st, 4), Prove: st.ColumnBool(5)} //nolint:gosec // small
	copy(g.KeyID[:], st.ColumnRawBlob(2))
	if st.ColumnType(3) != sqlite3.NULL {
		g.Link = st.ColumnBlob(3, nil)
	}
	return g
}

// newestGeneration is the one in force; the zero Generation when there is none.
func newestGeneration(c *conn) (g hub.Generation, err error) {
	err = c.query("SELECT number, access, key_id, link, at, prove FROM generations ORDER BY number DESC LIMIT 1", func(st *sqlite3.Stmt) error {
		g = scanGeneration(st)
		return nil
	})
	return g, err
}

// Rotate implements hub.Store.
func (s *SQLite) Rotate(ctx context.Context, g hub.Generation, prove bool, a hub.Audit) error {
	return s.writePeople(ctx, func(c *conn) error {
		last, err := newestGeneration(c)
		if err != nil {
			return err
		}
		if g.Number != last.Number+1 {
			return chat.Errorf(chat.CodeConflict)
		}
		var link any
		if len(g.Link) > 0 {
			link = g.Link
		}
		if err := c.exec("INSERT INTO generations (number, access, key_id, link, at, prove) VALUES (?, ?, ?, ?, ?, ?)",
			int64(g.Number), g.Access[:], g.KeyID[:], link, g.At, prove); err != nil {
			return err
		}
		if prove {
			if err := c.exec("UPDATE devices SET session_gen = ?", int64(s.sessions.number())); err != nil {
				return err
			}
		}
		return writeAudit(c, a)
	})
}

// PutLink implements hub.Store. CodeKeyUnknown for a generation that isn't here.
func (s *SQLite) PutLink(ctx context.Context, g chat.Generation, link []byte) error {
	return s.write(ctx, func(c *conn) error {
		if err := c.exec("UPDATE generations SET link = coalesce(link, ?) WHERE number = ? AND number > 1", link, int64(g)); err != nil {
			return err
		}
		if c.Changes() == 0 {
			return chat.Errorf(chat.CodeKeyUnknown)
		}
		return nil
	})
}

// PutGrants implements hub.Store. Devices that aren't here are passed over.
func (s *SQLite) PutGrants(ctx context.Context, g chat.Generation, grants map[chat.DeviceID][]byte, a hub.Audit) error {
	return s.write(ctx, func(c *conn) error {
		for device, sealed := range grants {
			if err := c.exec(`INSERT INTO grants (generation, device, sealed) SELECT ?1, no, ?3 FROM devices WHERE device = ?2
				ON CONFLICT DO UPDATE SET sealed = excluded.sealed`, int64(g), device[:], sealed); err != nil {
				return err
			}
		}
		return writeAudit(c, a)
	})
}

// Grant implements hub.Store.
func (s *SQLite) Grant(ctx context.Context, g chat.Generation, device chat.DeviceID) ([]byte, error) {
	var sealed []byte
	err := s.read(ctx, func(c *conn) error {
		sealed = nil
		return c.query("SELECT sealed FROM grants WHERE generation = ? AND device = (SELECT no FROM devices WHERE device = ?)", func(st *sqlite3.Stmt) error {
			sealed = st.ColumnBlob(0, nil)
			return nil
		}, int64(g), device[:])
	})
	return sealed, err
}
