package store

import (
	"bytes"
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
		b := &appending{c: c, sessions: &s.sessions}
		var err error
		if b.insertion, err = c.statement(insertEntry); err != nil {
			return err
		}
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

// appending is one Append: the rows that it has read, and changes. They are few: the rooms and the senders of one batch.
type appending struct {
	c         *conn
	sessions  *sessions
	insertion *sqlite3.Stmt // insertEntry
	rooms     map[chat.RoomID]*roomRow
	devices   map[chat.DeviceID]*deviceRow
	standings map[placing]standing // read since a roster changed

	lastRoom   *roomRow // those of the message before, most often this one's too
	lastDevice *deviceRow
}

// roomRow is what an Append changes of a room.
type roomRow struct {
	id         chat.RoomID
	no         int64 // 0: there is no such room
	private    bool
	head       chat.Seq
	hash       [32]byte
	lastCommit chat.Seq
	bytes      int64
	changed    bool
	rules      int // whether it has any: 0 not read yet, 1 none, 2 some
}

// deviceRow is what an Append checks of a sender.
type deviceRow struct {
	id        chat.DeviceID
	no        int64 // 0: there is no such device
	account   chat.AccountID
	accountNo int64
	session   uint64
	revoked   bool
	banned    bool
	retired   []byte // the greatest ID among its messages that retention has removed; nil: none
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
	if room.private {
		return b.appendPrivate(device, room, sub, o)
	}
	envelope := wire.HashEnvelope(sub.Envelope)
	if conflicts(room, sub) {
		if known, err := b.known(device, room, sub, envelope, o); known || err != nil {
			return err
		}
		o.Err = chat.Errorf(chat.CodeConflict)
		return nil
	}
	_, err = b.store(device, room, sub, envelope, o)
	return err
}

// conflicts reports whether another Commit came first.
func conflicts(room *roomRow, sub *hub.Submission) bool {
	return sub.Kind == chat.Commit && sub.Base != room.lastCommit
}

// store stores a message, or answers with what is stored under its ID.
func (b *appending) store(device *deviceRow, room *roomRow, sub *hub.Submission, envelope [32]byte, o *hub.Outcome) (fresh bool, err error) {
	if bytes.Compare(sub.ID[:], device.retired) <= 0 {
		if known, err := b.known(device, room, sub, envelope, o); known || err != nil {
			return false, err
		}
	}
	fresh, err = b.insert(device, room, sub, envelope, o)
	if err == nil && !fresh {
		_, err = b.known(device, room, sub, envelope, o)
	}
	return fresh, err
}

// appendPrivate is append for a private room. What is known is answered whatever has become of its sender and of the room.
func (b *appending) appendPrivate(device *deviceRow, room *roomRow, sub *hub.Submission, o *hub.Outcome) error {
	from, err := b.standing(room.no, device.accountNo)
	if err != nil {
		return err
	}
	envelope := wire.HashEnvelope(sub.Envelope)
	if from == absent || sub.Kind == chat.Commit {
		if known, err := b.known(device, room, sub, envelope, o); known || err != nil {
			return err
		}
	}
	if o.Err, err = b.admit(room, sub, from); o.Err != nil || err != nil {
		return err
	}
	if refused, err := b.admitText(device, room, sub, from); err != nil {
		return err
	} else if refused != nil {
		if known, err := b.known(device, room, sub, envelope, o); known || err != nil {
			return err
		}
		o.Err = refused
		return nil
	}
	fresh, err := b.store(device, room, sub, envelope, o)
	if err != nil || !fresh {
		return err
	}
	return b.enrich(device, room, sub, from, o)
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

// known answers a message that was stored before, whether it still is there or retention has removed it.
func (b *appending) known(device *deviceRow, room *roomRow, sub *hub.Submission, envelope [32]byte, o *hub.Outcome) (known bool, err error) {
	answer := func(s *sqlite3.Stmt, before [32]byte) {
		known = true
		at := s.ColumnInt64(0)
		if subtle.ConstantTimeCompare(before[:], envelope[:]) != 1 || room.no != at>>seqBits {
			o.Err = chat.Errorf(chat.CodeSame)
			return
		}
		*o = hub.Outcome{Seq: seqOf(at), At: milli(s, 1), Hash: blob32(s, 2), Duplicate: true}
	}
	err = b.c.query("SELECT place, at, hash, pruned, envelope FROM entries WHERE device = ? AND id = ?", func(s *sqlite3.Stmt) error {
		answer(s, storedHash(s, 3))
		return nil
	}, device.no, sub.ID[:])
	if known || err != nil {
		return known, err
	}
	err = b.c.query("SELECT place, at, hash, envelope FROM retired WHERE device = ? AND id = ?", func(s *sqlite3.Stmt) error {
		answer(s, blob32(s, 3))
		return nil
	}, device.no, sub.ID[:])
	return known, err
}

// storedHash is the hash of an entry's envelope, of which the columns pruned and envelope are from i on.
func storedHash(s *sqlite3.Stmt, i int) [32]byte {
	if s.ColumnBool(i) {
		return blob32(s, i+1)
	}
	return wire.HashEnvelope(s.ColumnRawBlob(i + 1))
}

const insertEntry = "INSERT INTO entries (place, at, kind, pruned, seen, device, id, hash, envelope) VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"

// insert stores a message, unless its ID is known: then fresh is false, and nothing has changed.
func (b *appending) insert(device *deviceRow, room *roomRow, sub *hub.Submission, envelope [32]byte, o *hub.Outcome) (fresh bool, err error) {
	n := room.head + 1
	if n >= 1<<seqBits {
		return false, errors.New("store: a room is full")
	}
	hash := wire.Chain(room.hash, n, envelope)
	at := sub.At.Truncate(time.Millisecond)
	body := sub.Envelope
	if body == nil {
		body = []byte{} // not NULL
	}
	st := b.insertion
	for i, v := range [...]int64{place(room.no, n), at.UnixMilli(), int64(sub.Kind), int64(sub.Seen), device.no} { //nolint:gosec // below 2^40
		if err := st.BindInt64(i+1, v); err != nil {
			return false, err
		}
	}
	for i, v := range [...][]byte{sub.ID[:], hash[:], body} {
		if err := st.BindBlob(i+6, v); err != nil {
			return false, err
		}
	}
	if err := st.Exec(); err != nil || b.c.Changes() == 0 {
		return false, err
	}
	room.head, room.hash, room.changed = n, hash, true
	room.bytes += int64(len(body))
	if sub.Kind == chat.Commit {
		room.lastCommit = n
	}
	*o = hub.Outcome{Seq: n, At: at, Hash: hash}
	return true, nil
}

func (b *appending) room(id chat.RoomID) (*roomRow, error) {
	if r := b.lastRoom; r != nil && r.id == id {
		return r, nil
	}
	r := b.rooms[id]
	if r == nil {
		r = &roomRow{id: id}
		err := b.c.query("SELECT no, head, head_hash, last_commit_seq, kind FROM rooms WHERE room = ?", func(s *sqlite3.Stmt) error {
			r.no, r.head, r.hash, r.lastCommit = s.ColumnInt64(0), chat.Seq(s.ColumnInt64(1)), blob32(s, 2), chat.Seq(s.ColumnInt64(3)) //nolint:gosec // positive
			r.private = s.ColumnInt(4) == int(chat.PrivateRoom)
			return nil
		}, id[:])
		if err != nil {
			return nil, err
		}
		if b.rooms == nil {
			b.rooms = map[chat.RoomID]*roomRow{}
		}
		b.rooms[id] = r
	}
	b.lastRoom = r
	return r, nil
}

func (b *appending) device(id chat.DeviceID) (*deviceRow, error) {
	if d := b.lastDevice; d != nil && d.id == id {
		return d, nil
	}
	d := b.devices[id]
	if d == nil {
		d = &deviceRow{id: id}
		err := b.c.query(`SELECT d.no, a.account, d.session_gen, d.revoked, EXISTS (SELECT 1 FROM bans WHERE account = a.no),
			(SELECT max(id) FROM retired WHERE device = d.no), a.no
			FROM devices d JOIN accounts a ON a.no = d.account WHERE d.device = ?`, func(s *sqlite3.Stmt) error {
			d.no, d.account, d.session = s.ColumnInt64(0), chat.AccountID(blob32(s, 1)), uint64(s.ColumnInt64(2)) //nolint:gosec // positive
			d.revoked, d.banned, d.retired = s.ColumnBool(3), s.ColumnBool(4), s.ColumnBlob(5, nil)
			d.accountNo = s.ColumnInt64(6)
			return nil
		}, id[:])
		if err != nil {
			return nil, err
		}
		d.session = b.sessions.appends(id, d.session)
		if b.devices == nil {
			b.devices = map[chat.DeviceID]*deviceRow{}
		}
		b.devices[id] = d
	}
	b.lastDevice = d
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
