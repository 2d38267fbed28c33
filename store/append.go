package store

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

// seqBits is how much of a place is the sequence number.
const seqBits = 40

func place(room int64, n chat.Seq) int64 { return room<<seqBits | int64(n) } //nolint:gosec // below 2^40

func seqOf(place int64) chat.Seq { return chat.Seq(place & (1<<seqBits - 1)) }

// Append implements hub.Store.
func (s *SQLite) Append(ctx context.Context, batch []hub.Submission) ([]hub.Outcome, error) {
	if len(batch) == 0 {
		return nil, nil
	}
	var outcomes []hub.Outcome
	err := s.write(ctx, func(c *conn) error {
		b := &appending{c: c, sessions: &s.sessions, rooms: map[chat.RoomID]*roomRow{}, devices: map[chat.DeviceID]*deviceRow{}}
		outcomes = make([]hub.Outcome, len(batch))
		for i := range batch {
			if err := b.append(&batch[i], &outcomes[i]); err != nil {
				return err
			}
		}
		return b.finish()
	})
	if err != nil {
		return nil, err
	}
	return outcomes, nil
}

// appending is one Append: the rows that it has read, and changes.
type appending struct {
	c        *conn
	sessions *sessions
	rooms    map[chat.RoomID]*roomRow
	devices  map[chat.DeviceID]*deviceRow
}

// roomRow is what an Append changes of a room.
type roomRow struct {
	no         int64 // 0: there is no such room
	head       chat.Seq
	hash       [32]byte
	lastCommit chat.Seq
	bytes      int64
	changed    bool
}

// deviceRow is what an Append checks of a sender.
type deviceRow struct {
	no      int64 // 0: there is no such device
	account chat.AccountID
	session uint64
	revoked bool
	banned  bool
}

func (b *appending) append(sub *hub.Submission, o *hub.Outcome) error {
	device, err := b.device(sub.Device)
	if err != nil {
		return err
	}
	if o.Err = device.refuse(sub); o.Err != nil {
		return nil
	}
	room, err := b.room(sub.Room)
	if err != nil {
		return err
	}
	if room.no == 0 {
		o.Err = chat.Errorf(chat.CodeRoomUnknown, "name", sub.Room.String())
		return nil
	}
	envelope := wire.HashEnvelope(sub.Envelope)
	if sub.Kind == chat.Commit && sub.Base != room.lastCommit {
		if known, err := b.known(device.no, sub, envelope, o); known || err != nil {
			return err
		}
		o.Err = chat.Errorf(chat.CodeConflict)
		return nil
	}
	fresh, err := b.insert(device.no, room, sub, envelope, o)
	if err == nil && !fresh {
		_, err = b.known(device.no, sub, envelope, o)
	}
	return err
}

// refuse says why a device may not append.
func (d *deviceRow) refuse(sub *hub.Submission) *chat.Error {
	switch {
	case d.no == 0 || d.revoked:
		return chat.Errorf(chat.CodeRevoked)
	case d.account != sub.Account:
		return chat.Errorf(chat.CodeEnvelope)
	case d.banned:
		return chat.Errorf(chat.CodeBanned)
	case d.session != sub.Session:
		return chat.Errorf(chat.CodeSuperseded)
	}
	return nil
}

// known answers a message that was stored before.
func (b *appending) known(device int64, sub *hub.Submission, envelope [32]byte, o *hub.Outcome) (known bool, err error) {
	err = b.c.query("SELECT place, at, hash FROM idempotency WHERE device = ? AND id = ?", func(s *sqlite3.Stmt) error {
		known = true
		both := s.ColumnRawBlob(2)
		at := s.ColumnInt64(0)
		same := len(both) == 64 && subtle.ConstantTimeCompare(both[32:], envelope[:]) == 1
		if room, err := b.roomNo(sub.Room); err != nil || !same || room != at>>seqBits {
			o.Err = chat.Errorf(chat.CodeSame)
			return err
		}
		*o = hub.Outcome{Seq: seqOf(at), At: milli(s, 1), Hash: [32]byte(both[:32]), Duplicate: true}
		return nil
	}, device, sub.ID[:])
	return known, err
}

func (b *appending) roomNo(id chat.RoomID) (int64, error) {
	r, err := b.room(id)
	if err != nil {
		return 0, err
	}
	return r.no, nil
}

// insert stores a message, unless its ID is known: then fresh is false, and nothing has changed.
func (b *appending) insert(device int64, room *roomRow, sub *hub.Submission, envelope [32]byte, o *hub.Outcome) (fresh bool, err error) {
	n := room.head + 1
	if n >= 1<<seqBits {
		return false, errors.New("store: a room is full")
	}
	hash := wire.Chain(room.hash, n, envelope)
	at := sub.At.Truncate(time.Millisecond)
	both := make([]byte, 0, 64)
	both = append(append(both, hash[:]...), envelope[:]...)
	err = b.c.exec("INSERT INTO idempotency (device, id, place, at, hash) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		device, sub.ID[:], place(room.no, n), at, both)
	if err != nil || b.c.Changes() == 0 {
		return false, err
	}
	err = b.c.exec("INSERT INTO entries (place, at, kind, pruned, seen, hash, envelope) VALUES (?, ?, ?, 0, ?, ?, ?)",
		place(room.no, n), at, int(sub.Kind), int64(sub.Seen), hash[:], sub.Envelope) //nolint:gosec // below 2^40
	if err != nil {
		return false, err
	}
	room.head, room.hash, room.changed = n, hash, true
	room.bytes += int64(len(sub.Envelope))
	if sub.Kind == chat.Commit {
		room.lastCommit = n
	}
	*o = hub.Outcome{Seq: n, At: at, Hash: hash}
	return true, nil
}

func (b *appending) room(id chat.RoomID) (*roomRow, error) {
	if r := b.rooms[id]; r != nil {
		return r, nil
	}
	r := &roomRow{}
	err := b.c.query("SELECT no, head, head_hash, last_commit_seq FROM rooms WHERE room = ?", func(s *sqlite3.Stmt) error {
		r.no, r.head, r.hash, r.lastCommit = s.ColumnInt64(0), chat.Seq(s.ColumnInt64(1)), blob32(s, 2), chat.Seq(s.ColumnInt64(3)) //nolint:gosec // positive
		return nil
	}, id[:])
	if err != nil {
		return nil, err
	}
	b.rooms[id] = r
	return r, nil
}

func (b *appending) device(id chat.DeviceID) (*deviceRow, error) {
	if d := b.devices[id]; d != nil {
		return d, nil
	}
	d := &deviceRow{}
	err := b.c.query(`SELECT d.no, a.account, d.session_gen, d.revoked, EXISTS (SELECT 1 FROM bans WHERE account = a.no)
		FROM devices d JOIN accounts a ON a.no = d.account WHERE d.device = ?`, func(s *sqlite3.Stmt) error {
		d.no, d.account, d.session = s.ColumnInt64(0), chat.AccountID(blob32(s, 1)), uint64(s.ColumnInt64(2)) //nolint:gosec // positive
		d.revoked, d.banned = s.ColumnBool(3), s.ColumnBool(4)
		return nil
	}, id[:])
	if err != nil {
		return nil, err
	}
	d.session = b.sessions.appends(id, d.session)
	b.devices[id] = d
	return d, nil
}

// finish takes the sequence numbers of the whole batch, once for each room.
func (b *appending) finish() error {
	for _, r := range b.rooms {
		if !r.changed {
			continue
		}
		if err := b.c.exec("UPDATE rooms SET head = ?, head_hash = ?, last_commit_seq = ?, bytes = bytes + ? WHERE no = ?",
			int64(r.head), r.hash[:], int64(r.lastCommit), r.bytes, r.no); err != nil { //nolint:gosec // below 2^40
			return err
		}
	}
	return nil
}
