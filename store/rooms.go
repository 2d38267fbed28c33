package store

import (
	"context"
	"time"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
)

// Entries implements hub.Store.
func (s *SQLite) Entries(ctx context.Context, room chat.RoomID, after chat.Seq, limit, maxBytes int) (hub.Page, error) {
	var page hub.Page
	err := s.read(ctx, func(c *conn) error {
		page = hub.Page{}
		r, no, err := findRoom(c, room)
		if err != nil {
			return err
		}
		page.Head = r.Head
		after = min(max(after, r.Floor), r.Head)
		if page.Before, err = hashAt(c, &r, no, after); err != nil {
			return err
		}
		bytes := 0
		return c.query("SELECT place, at, kind, pruned, envelope FROM entries WHERE place > ? AND place <= ? ORDER BY place LIMIT ?",
			func(st *sqlite3.Stmt) error {
				if bytes > maxBytes {
					return nil
				}
				e := hub.Entry{Seq: seqOf(st.ColumnInt64(0)), At: milli(st, 1), Kind: chat.EntryKind(st.ColumnInt(2)), Pruned: st.ColumnBool(3)} //nolint:gosec // small
				if bytes += len(st.ColumnRawBlob(4)); bytes > maxBytes && len(page.Entries) > 0 {
					return nil
				}
				e.Envelope = st.ColumnBlob(4, nil)
				page.Entries = append(page.Entries, e)
				return nil
			}, place(no, after), place(no, r.Head), limit)
	})
	return page, err
}

// hashAt is H of an entry that is kept, or of the floor.
func hashAt(c *conn, r *hub.Room, no int64, n chat.Seq) (hash [32]byte, err error) {
	if n == r.Floor {
		return r.FloorHash, nil
	}
	err = c.query("SELECT hash FROM entries WHERE place = ?", func(st *sqlite3.Stmt) error {
		hash = blob32(st, 0)
		return nil
	}, place(no, n))
	return hash, err
}

const roomColumns = `no, room, name, kind, floor, floor_hash, head, head_hash, last_commit_seq, bytes, created, keep, keep_age, keep_bytes, keep_commits`

// scanRoom reads a row of roomColumns.
func scanRoom(st *sqlite3.Stmt) (r hub.Room, no int64) {
	r = hub.Room{
		Name: st.ColumnText(2), Kind: chat.RoomKind(st.ColumnInt(3)), //nolint:gosec // small
		Floor: chat.Seq(st.ColumnInt64(4)), FloorHash: blob32(st, 5), Head: chat.Seq(st.ColumnInt64(6)), HeadHash: blob32(st, 7), //nolint:gosec // positive
		LastCommit: chat.Seq(st.ColumnInt64(8)), Bytes: st.ColumnInt64(9), Created: milli(st, 10), //nolint:gosec // positive
	}
	copy(r.ID[:], st.ColumnRawBlob(1))
	if st.ColumnBool(11) {
		r.Retention = &hub.Retention{
			Age: time.Duration(st.ColumnInt64(12)) * time.Millisecond, Bytes: st.ColumnInt64(13), Commits: time.Duration(st.ColumnInt64(14)) * time.Millisecond,
		}
	}
	return r, st.ColumnInt64(0)
}

// findRoom reads a room; CodeRoomUnknown.
func findRoom(c *conn, id chat.RoomID) (r hub.Room, no int64, err error) {
	err = c.query("SELECT "+roomColumns+" FROM rooms WHERE room = ?", func(st *sqlite3.Stmt) error {
		r, no = scanRoom(st)
		return nil
	}, id[:])
	if err == nil && no == 0 {
		err = chat.Errorf(chat.CodeRoomUnknown, "name", id.String())
	}
	return r, no, err
}

// Rooms implements hub.Store.
func (s *SQLite) Rooms(ctx context.Context) ([]hub.Room, error) {
	var rooms []hub.Room
	err := s.read(ctx, func(c *conn) error {
		rooms = nil
		return c.query("SELECT "+roomColumns+" FROM rooms ORDER BY no", func(st *sqlite3.Stmt) error {
			r, _ := scanRoom(st)
			rooms = append(rooms, r)
			return nil
		})
	})
	return rooms, err
}

// CreateRoom implements hub.Store.
func (s *SQLite) CreateRoom(ctx context.Context, n hub.NewRoom, most int) (hub.Room, error) {
	var room hub.Room
	var exists *chat.Error
	err := s.write(ctx, func(c *conn) error {
		exists = nil
		count, own := 0, 0
		err := c.query("SELECT count(*), coalesce(sum(creator IS ?), 0) FROM rooms WHERE kind = ?", func(st *sqlite3.Stmt) error {
			count, own = st.ColumnInt(0), st.ColumnInt(1)
			return nil
		}, n.Creator[:], int(n.Kind))
		if err != nil {
			return err
		}
		err = c.query("SELECT "+roomColumns+" FROM rooms WHERE room = ?1 OR name = ?2 AND ?2 <> ''", func(st *sqlite3.Stmt) error {
			room, _ = scanRoom(st)
			exists = chat.Errorf(chat.CodeRoomExists, "name", n.Name)
			return nil
		}, n.ID[:], n.Name)
		if err != nil || exists != nil {
			return err
		}
		if count >= most || n.Most > 0 && own >= n.Most {
			return chat.Errorf(chat.CodeRoomLimit)
		}
		if err := insertRoom(c, n); err != nil {
			return err
		}
		room, _, err = findRoom(c, n.ID)
		return err
	})
	if err == nil && exists != nil {
		return room, exists
	}
	return room, err
}

func insertRoom(c *conn, n hub.NewRoom) error {
	var name, creator any
	if n.Name != "" {
		name = n.Name
	}
	if !n.Creator.IsZero() {
		creator = n.Creator[:]
	}
	err := c.exec(`INSERT INTO rooms (room, name, kind, floor, floor_hash, head, head_hash, last_commit_seq, bytes, creator, created, keep, keep_age, keep_bytes, keep_commits)
		VALUES (?1, ?2, ?3, 0, ?4, 0, ?4, 0, 0, ?5, ?6, 0, 0, 0, 0)`, n.ID[:], name, int(n.Kind), n.Start[:], creator, n.At)
	if err != nil {
		return err
	}
	if n.Creator.IsZero() {
		return nil
	}
	if n.Kind == chat.PrivateRoom {
		return enlistCreator(c, n)
	}
	return writeAudit(c, hub.Audit{Actor: n.Creator.String(), Action: "create room", Detail: n.Name, At: n.At})
}

// SetRetention implements hub.Store.
func (s *SQLite) SetRetention(ctx context.Context, room chat.RoomID, keep hub.Retention) error {
	return s.write(ctx, func(c *conn) error {
		if _, _, err := findRoom(c, room); err != nil {
			return err
		}
		return c.exec("UPDATE rooms SET keep = 1, keep_age = ?, keep_bytes = ?, keep_commits = ? WHERE room = ?",
			keep.Age.Milliseconds(), keep.Bytes, keep.Commits.Milliseconds(), room[:])
	})
}

// enlistCreator puts the creator of a private room on its roster. Who makes which is nothing for the audit log.
func enlistCreator(c *conn, n hub.NewRoom) error {
	err := c.exec("INSERT INTO roster (room, account, removed, remover) SELECT ?, no, 0, 0 FROM accounts WHERE account = ?", c.LastInsertRowID(), n.Creator[:])
	if err == nil && c.Changes() == 0 {
		err = chat.Errorf(chat.CodeNoSuchPerson, "name", n.Creator.String())
	}
	return err
}
