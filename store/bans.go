package store

import (
	"context"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
)

// Ban implements hub.Store. CodeNoSuchPerson for an account that isn't here.
func (s *SQLite) Ban(ctx context.Context, account chat.AccountID, reason string, a hub.Audit) error {
	return s.writePeople(ctx, func(c *conn) error {
		err := c.exec(`INSERT INTO bans (account, reason, by, at) SELECT no, ?2, ?3, ?4 FROM accounts WHERE account = ?1
			ON CONFLICT DO UPDATE SET reason = excluded.reason, by = excluded.by, at = excluded.at`, account[:], reason, a.Actor, a.At)
		if err != nil {
			return err
		}
		if c.Changes() == 0 {
			return chat.Errorf(chat.CodeNoSuchPerson, "name", account.String())
		}
		if err := s.endSessions(c, account); err != nil {
			return err
		}
		return writeAudit(c, a)
	})
}

// Unban implements hub.Store.
func (s *SQLite) Unban(ctx context.Context, account chat.AccountID, a hub.Audit) error {
	return s.writePeople(ctx, func(c *conn) error {
		if err := c.exec("DELETE FROM bans WHERE account = (SELECT no FROM accounts WHERE account = ?)", account[:]); err != nil {
			return err
		}
		if c.Changes() == 0 {
			return chat.Errorf(chat.CodeNotBanned, "name", account.String())
		}
		return writeAudit(c, a)
	})
}

// Bans implements hub.Store.
func (s *SQLite) Bans(ctx context.Context) ([]hub.Ban, error) {
	var bans []hub.Ban
	err := s.read(ctx, func(c *conn) error {
		bans = nil
		return c.query("SELECT a.account, a.name, b.reason, b.by, b.at FROM bans b JOIN accounts a ON a.no = b.account ORDER BY b.at, a.name", func(st *sqlite3.Stmt) error {
			bans = append(bans, hub.Ban{
				Account: chat.AccountID(blob32(st, 0)), Name: st.ColumnText(1), Reason: st.ColumnText(2), By: st.ColumnText(3), At: milli(st, 4),
			})
			return nil
		})
	})
	return bans, err
}
