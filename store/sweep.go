package store

import (
	"context"
	"time"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
)

// sweepSlice is how many rows one SweepPrivate removes: the messages that wait meanwhile shouldn't notice.
const sweepSlice = 500

// SweepPrivate implements hub.PrivateStore.
func (s *SQLite) SweepPrivate(ctx context.Context, now time.Time) (hub.Swept, error) {
	var swept hub.Swept
	err := s.write(ctx, func(c *conn) error {
		swept = hub.Swept{}
		err := c.exec("DELETE FROM welcomes WHERE no IN (SELECT no FROM welcomes WHERE at < ? ORDER BY no LIMIT ?)", now.Add(-hub.WelcomeLife), sweepSlice)
		if err != nil {
			return err
		}
		swept.More = c.Changes() == sweepSlice
		var id chat.RoomID
		no := int64(0)
		// Nobody appends to a room without a roster: its last entry is the one that emptied it.
		err = c.query(`SELECT r.no, r.room FROM rooms r WHERE r.kind = ? AND NOT EXISTS (SELECT 1 FROM roster WHERE room = r.no)
			AND coalesce((SELECT at FROM entries WHERE place = (r.no << ?) | r.head), r.created) < ? ORDER BY r.no LIMIT 1`, func(st *sqlite3.Stmt) error {
			no = st.ColumnInt64(0)
			copy(id[:], st.ColumnRawBlob(1))
			return nil
		}, int(chat.PrivateRoom), seqBits, now.Add(-hub.EmptyLife))
		if err != nil || no == 0 {
			return err
		}
		swept.More = true
		gone, err := removeRoom(c, no)
		if gone {
			swept.Rooms = append(swept.Rooms, id)
		}
		return err
	})
	return swept, err
}

// removeRoom removes a slice of a room's log, the oldest first, and the room when that was the rest.
func removeRoom(c *conn, no int64) (gone bool, err error) {
	err = c.exec("DELETE FROM entries WHERE place IN (SELECT place FROM entries WHERE place > ? AND place < ? ORDER BY place LIMIT ?)", place(no, 0), place(no+1, 0), sweepSlice)
	if err != nil || c.Changes() == sweepSlice {
		return false, err
	}
	for _, sql := range []string{"DELETE FROM welcomes WHERE room = ?", "DELETE FROM room_state WHERE room = ?", "DELETE FROM room_rules WHERE room = ?", "DELETE FROM texts WHERE room = ?", "DELETE FROM rooms WHERE no = ?"} {
		if err := c.exec(sql, no); err != nil {
			return false, err
		}
	}
	return true, nil
}
