package store

import (
	"context"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

// welcome keeps the Welcomes of a Commit for their devices, and forgets the oldest where a device has too many of a room.
func (b *appending) welcome(sender *deviceRow, room *roomRow, change *hub.Change, o *hub.Outcome) error {
	for i := range change.Welcomes {
		w := &change.Welcomes[i]
		d, err := b.device(w.Device)
		if err != nil {
			return err
		}
		if d.revoked {
			continue
		}
		err = b.c.exec("INSERT INTO welcomes (room, device, seq, hash, sender, at, welcome) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			room.no, d.no, int64(o.Seq), o.Hash[:], sender.no, o.At, w.Welcome) //nolint:gosec // below 2^40
		if err != nil {
			return err
		}
		err = b.c.exec(`DELETE FROM welcomes WHERE device = ?1 AND room = ?2 AND no NOT IN
			(SELECT no FROM welcomes WHERE device = ?1 AND room = ?2 ORDER BY no DESC LIMIT ?3)`, d.no, room.no, hub.MaxWelcomes)
		if err != nil {
			return err
		}
	}
	return nil
}

// Invitations implements hub.PrivateStore.
func (s *SQLite) Invitations(ctx context.Context, device chat.DeviceID, maxBytes int) ([]wire.Invitation, error) {
	var list []wire.Invitation
	err := s.read(ctx, func(c *conn) error {
		list = nil
		bytes := 0
		return c.query(`SELECT r.room, w.seq, w.hash, a.account, d.device, w.at, w.welcome FROM welcomes w
			JOIN rooms r ON r.no = w.room JOIN devices d ON d.no = w.sender JOIN accounts a ON a.no = d.account
			WHERE w.device = (SELECT no FROM devices WHERE device = ?) ORDER BY w.no`, func(st *sqlite3.Stmt) error {
			if bytes += len(st.ColumnRawBlob(6)) + 256; bytes > maxBytes && len(list) > 0 {
				return nil
			}
			i := wire.Invitation{
				Seq: chat.Seq(st.ColumnInt64(1)), Hash: blob32(st, 2), Account: chat.AccountID(blob32(st, 3)), Device: chat.DeviceID(blob32(st, 4)), //nolint:gosec // positive
				Time: st.ColumnInt64(5), Welcome: st.ColumnBlob(6, nil),
			}
			copy(i.Room[:], st.ColumnRawBlob(0))
			list = append(list, i)
			return nil
		}, device[:])
	})
	return list, err
}

// Welcomed implements hub.PrivateStore.
func (s *SQLite) Welcomed(ctx context.Context, device chat.DeviceID, room chat.RoomID, seq chat.Seq) error {
	return s.write(ctx, func(c *conn) error {
		return c.exec(`DELETE FROM welcomes WHERE device = (SELECT no FROM devices WHERE device = ?) AND room = (SELECT no FROM rooms WHERE room = ?) AND seq = ?`,
			device[:], room[:], int64(seq)) //nolint:gosec // no such one beyond 2^40
	})
}
