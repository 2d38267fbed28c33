package store

import (
	"context"
	"strconv"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

// findPrivate reads a private room; CodeRoomUnknown.
func findPrivate(c *conn, id chat.RoomID) (r hub.Room, no int64, err error) {
	r, no, err = findRoom(c, id)
	if err == nil && r.Kind != chat.PrivateRoom {
		err = chat.Errorf(chat.CodeRoomUnknown, "name", id.String())
	}
	return r, no, err
}

func errNotMember(room chat.RoomID) *chat.Error {
	return chat.Errorf(chat.CodeNotMember, "room", room.String())
}

// Roster implements hub.PrivateStore.
func (s *SQLite) Roster(ctx context.Context, room chat.RoomID) ([]wire.RosterMember, error) {
	var members []wire.RosterMember
	err := s.read(ctx, func(c *conn) error {
		members = nil
		_, no, err := findPrivate(c, room)
		if err != nil {
			return err
		}
		return c.query("SELECT a.account, r.removed, r.added FROM roster r JOIN accounts a ON a.no = r.account WHERE r.room = ? ORDER BY r.account", func(st *sqlite3.Stmt) error {
			members = append(members, wire.RosterMember{Account: chat.AccountID(blob32(st, 0)), Removed: chat.Seq(st.ColumnInt64(1)), Added: chat.Seq(st.ColumnInt64(2))}) //nolint:gosec // positive
			return nil
		}, no)
	})
	return members, err
}

// PrivateRooms implements hub.PrivateStore.
func (s *SQLite) PrivateRooms(ctx context.Context, account chat.AccountID) ([]hub.Room, error) {
	var rooms []hub.Room
	err := s.read(ctx, func(c *conn) error {
		rooms = nil
		return c.query("SELECT "+roomColumns+" FROM rooms WHERE no IN (SELECT room FROM roster WHERE account = (SELECT no FROM accounts WHERE account = ?)) ORDER BY no", func(st *sqlite3.Stmt) error {
			r, _ := scanRoom(st)
			rooms = append(rooms, r)
			return nil
		}, account[:])
	})
	return rooms, err
}

// placing is one account in one room.
type placing struct {
	room, account int64
}

// standing is what the roster says of an account.
type standing uint8

const (
	absent  standing = iota
	leaving          // its removal doesn't count yet
	present
)

// standing reads where an account stands. In one batch it is read once, as long as no roster changes.
func (b *appending) standing(room, account int64) (standing, error) {
	key := placing{room, account}
	if s, ok := b.standings[key]; ok {
		return s, nil
	}
	s := absent
	err := b.c.query("SELECT removed FROM roster WHERE room = ? AND account = ?", func(st *sqlite3.Stmt) error {
		s = present
		if st.ColumnInt64(0) > 0 {
			s = leaving
		}
		return nil
	}, room, account)
	if err != nil {
		return absent, err
	}
	if b.standings == nil {
		b.standings = map[placing]standing{}
	}
	b.standings[key] = s
	return s, nil
}

// admit says whether a message may go into a private room, before it is stored: from is where its sender stands.
func (b *appending) admit(room *roomRow, sub *hub.Submission, from standing) (*chat.Error, error) {
	switch {
	case from == absent:
		return errNotMember(room.id), nil
	case conflicts(room, sub):
		return chat.Errorf(chat.CodeConflict), nil
	case sub.Kind != chat.Commit && (sub.Base > room.lastCommit || sub.Change != nil):
		return chat.Errorf(chat.CodeEnvelope), nil
	case sub.Change == nil:
		return nil, nil
	}
	return b.admitChange(room, sub.Change)
}

// admitChange says whether a change can be made.
func (b *appending) admitChange(room *roomRow, change *hub.Change) (*chat.Error, error) {
	added := map[int64]bool{}
	var welcomed []int64
	for _, a := range change.Add {
		no, err := b.account(a)
		if err != nil {
			return nil, err
		}
		if no == 0 {
			return chat.Errorf(chat.CodeNoSuchPerson, "name", a.String()), nil
		}
		s, err := b.standing(room.no, no)
		if err != nil {
			return nil, err
		}
		if s == absent {
			added[no] = true
		}
	}
	for i := range change.Welcomes {
		d, err := b.device(change.Welcomes[i].Device)
		if err != nil {
			return nil, err
		}
		if d.no == 0 {
			return chat.Errorf(chat.CodeNoSuchPerson, "name", d.id.String()), nil
		}
		if s, err := b.standing(room.no, d.accountNo); err != nil || s == absent && !added[d.accountNo] {
			return chat.Errorf(chat.CodeEnvelope), err
		}
		welcomed = append(welcomed, d.accountNo)
	}
	if refused, err := b.admitGuests(room, guests(added, welcomed)); refused != nil || err != nil {
		return refused, err
	}
	if len(added) == 0 {
		return nil, nil
	}
	count := 0
	err := b.c.query("SELECT count(*) FROM roster WHERE room = ?", func(st *sqlite3.Stmt) error { count = st.ColumnInt(0); return nil }, room.no)
	if err == nil && count+len(added) > wire.MaxRoster {
		return chat.Errorf(chat.CodeTooLarge, "limit", strconv.Itoa(wire.MaxRoster)), nil
	}
	return nil, err
}

// account finds an account; 0 for an unknown one.
func (b *appending) account(id chat.AccountID) (no int64, err error) {
	err = b.c.query("SELECT no FROM accounts WHERE account = ?", func(st *sqlite3.Stmt) error { no = st.ColumnInt64(0); return nil }, id[:])
	return no, err
}

// enrich makes what goes with a message that was just stored in a private room: additions, the removals that count from now on, the rules, new removals, Welcomes and state.
func (b *appending) enrich(device *deviceRow, room *roomRow, sub *hub.Submission, from standing, o *hub.Outcome) error {
	change := sub.Change
	if change != nil {
		if err := b.add(device, room, change, o); err != nil {
			return err
		}
	}
	if from == present && sub.Base > 0 {
		if err := b.leave(room, o, "removed > 0 AND removed <= ?1 AND remover <> ?2", int64(sub.Base), device.accountNo); err != nil { //nolint:gosec // below 2^40
			return err
		}
	}
	if err := b.rule(device, room, sub, from, o); err != nil {
		return err
	}
	if change == nil {
		return b.noteText(device, room, sub)
	}
	if err := b.remove(device, room, change, o); err != nil {
		return err
	}
	if err := b.welcome(device, room, change, o); err != nil {
		return err
	}
	if len(change.Info) == 0 {
		return nil
	}
	return putState(b.c, room.no, hub.State{Seq: o.Seq, Info: change.Info, Tree: change.Tree})
}

// add puts accounts on the roster, and takes removals back that don't count yet, except the sender's own.
func (b *appending) add(device *deviceRow, room *roomRow, change *hub.Change, o *hub.Outcome) error {
	for _, a := range change.Add {
		no, err := b.account(a)
		if err != nil {
			return err
		}
		if no == device.accountNo {
			continue
		}
		err = b.c.exec(`INSERT INTO roster (room, account, removed, remover, added) VALUES (?, ?, 0, 0, ?)
			ON CONFLICT DO UPDATE SET removed = 0, remover = 0, added = excluded.added WHERE removed > 0`, room.no, no, int64(o.Seq)) //nolint:gosec // below 2^40
		if err != nil {
			return err
		}
		if b.c.Changes() > 0 {
			b.rostered(o)
		}
	}
	return nil
}

// remove notes who is to leave the roster; the sender's own account leaves it at once.
func (b *appending) remove(device *deviceRow, room *roomRow, change *hub.Change, o *hub.Outcome) error {
	for _, a := range change.Remove {
		no, err := b.account(a)
		if err != nil {
			return err
		}
		if no == device.accountNo {
			if err := b.leave(room, o, "account = ?1 AND ?2", no, true); err != nil {
				return err
			}
			continue
		}
		err = b.c.exec("UPDATE roster SET removed = ?, remover = ? WHERE room = ? AND account = ? AND removed = 0",
			int64(o.Seq), device.accountNo, room.no, no) //nolint:gosec // below 2^40
		if err != nil {
			return err
		}
		if b.c.Changes() > 0 {
			b.rostered(o)
		}
	}
	return nil
}

// leave takes those off the roster for whom a condition with two values holds, with what waits for them.
func (b *appending) leave(room *roomRow, o *hub.Outcome, where string, first, second any) error {
	var gone []int64
	err := b.c.query("DELETE FROM roster WHERE room = ?3 AND "+where+" RETURNING account", func(st *sqlite3.Stmt) error {
		gone = append(gone, st.ColumnInt64(0))
		return nil
	}, first, second, room.no)
	if err != nil {
		return err
	}
	for _, no := range gone {
		err := b.c.query("SELECT account FROM accounts WHERE no = ?", func(st *sqlite3.Stmt) error {
			o.Left = append(o.Left, chat.AccountID(blob32(st, 0)))
			return nil
		}, no)
		if err != nil {
			return err
		}
		if err := b.c.exec("DELETE FROM welcomes WHERE room = ? AND device IN (SELECT no FROM devices WHERE account = ?)", room.no, no); err != nil {
			return err
		}
		b.rostered(o)
	}
	return nil
}

// rostered notes that a roster has changed.
func (b *appending) rostered(o *hub.Outcome) {
	o.Roster = true
	clear(b.standings)
}
