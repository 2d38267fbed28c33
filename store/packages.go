package store

import (
	"context"
	"strconv"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

// PutPackages implements hub.PrivateStore.
func (s *SQLite) PutPackages(ctx context.Context, device chat.DeviceID, packages []wire.KeyPackage) (hub.PackageCount, error) {
	var count hub.PackageCount
	err := s.write(ctx, func(c *conn) error {
		no, err := unrevoked(c, device)
		if err != nil {
			return err
		}
		for i := range packages {
			if err := putPackage(c, no, &packages[i]); err != nil {
				return err
			}
		}
		count, err = countPackages(c, no)
		if err == nil && count.OneTime > wire.MaxKeyPackages {
			err = chat.Errorf(chat.CodeTooLarge, "limit", strconv.Itoa(wire.MaxKeyPackages))
		}
		return err
	})
	return count, err
}

// unrevoked finds a device; CodeRevoked.
func unrevoked(c *conn, device chat.DeviceID) (no int64, err error) {
	err = c.query("SELECT no FROM devices WHERE device = ? AND revoked = 0", func(st *sqlite3.Stmt) error {
		no = st.ColumnInt64(0)
		return nil
	}, device[:])
	if err == nil && no == 0 {
		err = chat.Errorf(chat.CodeRevoked)
	}
	return no, err
}

func putPackage(c *conn, device int64, p *wire.KeyPackage) error {
	if p.Last {
		if err := c.exec("DELETE FROM key_packages WHERE device = ? AND last = 1", device); err != nil {
			return err
		}
	}
	return c.exec("INSERT INTO key_packages (device, ref, last, data) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", device, p.Ref, p.Last, p.Data)
}

func countPackages(c *conn, device int64) (count hub.PackageCount, err error) {
	err = c.query("SELECT count(*) - coalesce(sum(last), 0), coalesce(sum(last), 0) FROM key_packages WHERE device = ?", func(st *sqlite3.Stmt) error {
		count = hub.PackageCount{OneTime: st.ColumnInt(0), Last: st.ColumnInt(1) > 0}
		return nil
	}, device)
	return count, err
}

// PackageState implements hub.PrivateStore.
func (s *SQLite) PackageState(ctx context.Context, device chat.DeviceID) (hub.PackageCount, error) {
	var count hub.PackageCount
	err := s.read(ctx, func(c *conn) error {
		no, err := deviceNumber(c, device)
		if err == nil {
			count, err = countPackages(c, no)
		}
		return err
	})
	return count, err
}

// deviceNumber finds a device; 0 for an unknown one.
func deviceNumber(c *conn, device chat.DeviceID) (no int64, err error) {
	err = c.query("SELECT no FROM devices WHERE device = ?", func(st *sqlite3.Stmt) error {
		no = st.ColumnInt64(0)
		return nil
	}, device[:])
	return no, err
}

// TakePackages implements hub.PrivateStore.
func (s *SQLite) TakePackages(ctx context.Context, asker chat.DeviceID, accounts []chat.AccountID, maxBytes int) ([]wire.TakenPackage, error) {
	var taken []wire.TakenPackage
	err := s.write(ctx, func(c *conn) error {
		taken = nil
		bytes := 0
		for _, a := range accounts {
			devices, err := reachable(c, a, asker)
			if err != nil {
				return err
			}
			for _, d := range devices {
				p, err := takePackage(c, d.no)
				if err != nil {
					return err
				}
				if p.Data == nil {
					continue
				}
				if bytes += len(p.Data); bytes > maxBytes {
					return chat.Errorf(chat.CodeTooLarge, "limit", strconv.Itoa(maxBytes))
				}
				p.Account, p.Device = a, d.id
				taken = append(taken, p)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return taken, nil
}

// numbered is a device with the number of its row.
type numbered struct {
	no int64
	id chat.DeviceID
}

// reachable lists the unrevoked devices of an account that isn't banned, but for one.
func reachable(c *conn, account chat.AccountID, except chat.DeviceID) (devices []numbered, err error) {
	err = c.query(`SELECT d.no, d.device FROM devices d JOIN accounts a ON a.no = d.account
		WHERE a.account = ? AND d.revoked = 0 AND d.device <> ? AND NOT EXISTS (SELECT 1 FROM bans WHERE account = a.no) ORDER BY d.no`, func(st *sqlite3.Stmt) error {
		devices = append(devices, numbered{st.ColumnInt64(0), chat.DeviceID(blob32(st, 1))})
		return nil
	}, account[:], except[:])
	return devices, err
}

// takePackage takes the oldest one-time package of a device, or reads its last resort; without Data when there is neither.
func takePackage(c *conn, device int64) (p wire.TakenPackage, err error) {
	no := int64(0)
	err = c.query("SELECT no, last, data FROM key_packages WHERE device = ? ORDER BY last, no LIMIT 1", func(st *sqlite3.Stmt) error {
		no, p.Last, p.Data = st.ColumnInt64(0), st.ColumnBool(1), st.ColumnBlob(2, nil)
		return nil
	}, device)
	if err != nil || no == 0 || p.Last {
		return p, err
	}
	return p, c.exec("DELETE FROM key_packages WHERE no = ?", no)
}
