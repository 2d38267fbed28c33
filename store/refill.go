package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

// Restored implements hub.RefillStore.
func (s *SQLite) Restored(ctx context.Context, now, until time.Time) error {
	var fresh [16]byte
	_, _ = rand.Read(fresh[:]) // never fails
	err := s.write(ctx, func(c *conn) error {
		for _, sql := range []string{
			"DELETE FROM key_packages WHERE last = 0", "DELETE FROM refill", "DELETE FROM refill_rooms",
			"INSERT INTO refill_rooms (room, base, head) SELECT no, head, head FROM rooms",
		} {
			if err := c.exec(sql); err != nil {
				return err
			}
		}
		if err := c.exec("INSERT INTO refill (no, at, newest, until) SELECT 1, ?, coalesce(max(at), 0), ? FROM entries", now, until); err != nil {
			return err
		}
		if err := writeAudit(c, hub.Audit{Actor: "server", Action: "restored", At: now}); err != nil {
			return err
		}
		return c.exec("UPDATE meta SET value = ? WHERE key = 'incarnation'", fresh[:])
	})
	if err == nil {
		s.incarnation = fresh
	}
	return err
}

// Refill implements hub.RefillStore.
func (s *SQLite) Refill(ctx context.Context) (hub.Refill, error) {
	var r hub.Refill
	err := s.read(ctx, func(c *conn) error {
		r = hub.Refill{}
		err := c.query("SELECT at, newest, until FROM refill", func(st *sqlite3.Stmt) error {
			r = hub.Refill{At: milli(st, 0), Until: milli(st, 2), Rooms: map[chat.RoomID]chat.Seq{}}
			if st.ColumnInt64(1) > 0 {
				r.Newest = milli(st, 1)
			}
			return nil
		})
		if err != nil || r.At.IsZero() {
			return err
		}
		return c.query("SELECT r.room, f.base FROM refill_rooms f JOIN rooms r ON r.no = f.room WHERE r.head = f.head", func(st *sqlite3.Stmt) error {
			var id chat.RoomID
			copy(id[:], st.ColumnRawBlob(0))
			r.Rooms[id] = chat.Seq(st.ColumnInt64(1)) //nolint:gosec // positive
			return nil
		})
	})
	return r, err
}

// PutBack implements hub.RefillStore.
func (s *SQLite) PutBack(ctx context.Context, room chat.RoomID, after chat.Seq, before [32]byte, entries []hub.PutBack) (hub.Room, error) {
	var row hub.Room
	err := s.write(ctx, func(c *conn) error {
		r, no, err := findRoom(c, room)
		if err != nil {
			return err
		}
		free := false
		if err := c.query("SELECT 1 FROM refill_rooms WHERE room = ? AND head = ?", func(*sqlite3.Stmt) error { free = true; return nil }, no, int64(r.Head)); err != nil { //nolint:gosec // below 2^40
			return err
		}
		if !free || r.Head != after || r.HeadHash != before {
			return chat.Errorf(chat.CodeConflict)
		}
		b := &appending{c: c, sessions: &s.sessions}
		if b.insertion, err = c.statement(insertEntry); err != nil {
			return err
		}
		rr, err := b.room(room)
		if err != nil {
			return err
		}
		for i := range entries {
			if err := b.putBack(rr, &entries[i]); err != nil {
				return err
			}
		}
		if err := b.finish(); err != nil {
			return err
		}
		if err := c.exec("UPDATE refill_rooms SET head = ? WHERE room = ?", int64(rr.head), no); err != nil { //nolint:gosec // below 2^40
			return err
		}
		row, _, err = findRoom(c, room)
		return err
	})
	return row, err
}

// putBack stores one entry after the head.
func (b *appending) putBack(room *roomRow, entry *hub.PutBack) error {
	device, err := b.device(entry.Device)
	if err != nil {
		return err
	}
	sender := *device
	if sender.no == 0 {
		sender.no = absentDevice(entry.Device)
	}
	sub := &hub.Submission{Room: room.id, ID: entry.ID, Device: entry.Device, Kind: entry.Kind, Seen: entry.Seen, Envelope: entry.Envelope, At: entry.At}
	fresh, err := b.insert(&sender, room, sub, wire.HashEnvelope(entry.Envelope), new(hub.Outcome))
	if err == nil && !fresh {
		err = chat.Errorf(chat.CodeSame)
	}
	return err
}

// absentDevice stands for a device that the backup doesn't know, until it enrols: below zero, where no row's number is.
func absentDevice(id chat.DeviceID) int64 {
	h := sha256.Sum256(id[:])
	return -1 - int64(binary.BigEndian.Uint64(h[:8])>>1) //nolint:gosec // 63 bits
}

// adopt gives a device that has just enrolled its entries that came back before.
func adopt(c *conn, id chat.DeviceID, no int64) error {
	return c.exec("UPDATE entries SET device = ? WHERE device = ?", no, absentDevice(id))
}

// EndRefill implements hub.RefillStore.
func (s *SQLite) EndRefill(ctx context.Context, a hub.Audit) error {
	return s.write(ctx, func(c *conn) error {
		if err := c.exec("DELETE FROM refill"); err != nil {
			return err
		}
		if c.Changes() == 0 {
			return nil
		}
		if err := c.exec("DELETE FROM refill_rooms"); err != nil {
			return err
		}
		return writeAudit(c, a)
	})
}

// Note implements hub.RefillStore.
func (s *SQLite) Note(ctx context.Context, a hub.Audit) error {
	return s.write(ctx, func(c *conn) error { return writeAudit(c, a) })
}
