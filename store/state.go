package store

import (
	"context"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
)

// State implements hub.PrivateStore.
func (s *SQLite) State(ctx context.Context, room chat.RoomID) (hub.State, error) {
	var state hub.State
	err := s.read(ctx, func(c *conn) error {
		r, no, err := findPrivate(c, room)
		if err != nil {
			return err
		}
		state = hub.State{LastCommit: r.LastCommit}
		return c.query("SELECT seq, info, tree FROM room_state WHERE room = ?", func(st *sqlite3.Stmt) error {
			state.Seq, state.Info, state.Tree = chat.Seq(st.ColumnInt64(0)), st.ColumnBlob(1, nil), st.ColumnBlob(2, nil) //nolint:gosec // positive
			return nil
		}, no)
	})
	return state, err
}

// PutState implements hub.PrivateStore.
func (s *SQLite) PutState(ctx context.Context, room chat.RoomID, account chat.AccountID, state hub.State) error {
	return s.write(ctx, func(c *conn) error {
		r, no, err := findPrivate(c, room)
		if err != nil {
			return err
		}
		member := false
		err = c.query("SELECT 1 FROM roster WHERE room = ? AND account = (SELECT no FROM accounts WHERE account = ?)", func(*sqlite3.Stmt) error {
			member = true
			return nil
		}, no, account[:])
		switch {
		case err != nil:
			return err
		case !member:
			return errNotMember(room)
		case state.Seq != r.LastCommit:
			return chat.Errorf(chat.CodeConflict)
		}
		return putState(c, no, state)
	})
}

func putState(c *conn, room int64, s hub.State) error {
	return c.exec("INSERT INTO room_state (room, seq, info, tree) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq, info = excluded.info, tree = excluded.tree",
		room, int64(s.Seq), s.Info, s.Tree) //nolint:gosec // below 2^40
}
