package store

import (
	"context"
	"time"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

// pruneSlice is how many entries one Prune looks at: the messages that wait meanwhile shouldn't notice.
const pruneSlice = 250

// Prune implements hub.Store. It moves the floor over the oldest entries that retention gives up, and takes the envelopes out of
// those that stand behind a Commit which must stay. The floor stays at or below a head that an entry which remains vouches for, so that a newcomer
// can check the cut by a member's word: a room's last message stays until another one has seen it.
func (s *SQLite) Prune(ctx context.Context, room chat.RoomID, keep hub.Retention, now time.Time) (hub.Pruned, error) {
	var gone hub.Pruned
	err := s.write(ctx, func(c *conn) error {
		r, no, err := findRoom(c, room)
		if err != nil {
			return err
		}
		p := &pruning{c: c, room: &r, no: no, keep: keep, now: now}
		gone, err = p.run()
		return err
	})
	return gone, err
}

type pruning struct {
	c    *conn
	room *hub.Room
	no   int64
	keep hub.Retention
	now  time.Time

	excess int64 // bytes over what the room may hold
	gone   hub.Pruned
}

// old is an entry that may go.
type old struct {
	seq    chat.Seq
	at     time.Time
	kind   chat.EntryKind
	pruned bool
	bytes  int64
}

func (p *pruning) run() (hub.Pruned, error) {
	if p.keep.Bytes > 0 {
		p.excess = p.room.Bytes - p.keep.Bytes
	}
	cut, blocked, err := p.front()
	if err != nil {
		return hub.Pruned{}, err
	}
	vouched, err := p.vouched(cut)
	if err != nil {
		return hub.Pruned{}, err
	}
	if vouched < cut {
		cut, blocked = vouched, false
	}
	if err := p.cut(cut); err != nil {
		return hub.Pruned{}, err
	}
	if blocked {
		if err := p.hollow(cut); err != nil {
			return hub.Pruned{}, err
		}
	}
	if p.gone.Bytes > 0 {
		err = p.c.exec("UPDATE rooms SET bytes = bytes - ? WHERE no = ?", p.gone.Bytes, p.no)
	}
	return p.gone, err
}

// expired reports whether retention gives an entry up.
func (p *pruning) expired(e old) bool {
	if e.kind == chat.Commit {
		return p.keep.Commits > 0 && p.now.Sub(e.at) > max(p.keep.Commits, p.keep.Age)
	}
	return e.pruned || p.excess > 0 || p.keep.Age > 0 && p.now.Sub(e.at) > p.keep.Age
}

// front finds how far the floor may move; blocked tells that a Commit which must stay ends it.
func (p *pruning) front() (cut chat.Seq, blocked bool, err error) {
	cut = p.room.Floor
	excess, ended := p.excess, false
	err = p.c.query("SELECT place, at, kind, pruned, length(envelope) FROM entries WHERE place > ? AND place <= ? ORDER BY place LIMIT ?", func(st *sqlite3.Stmt) error {
		e := scanOld(st)
		if ended || !p.expired(e) {
			blocked = blocked || !ended && e.kind == chat.Commit
			ended = true
			return nil
		}
		cut = e.seq
		p.excess -= e.kept()
		return nil
	}, place(p.no, p.room.Floor), place(p.no, p.room.Head), pruneSlice)
	p.excess = excess
	return cut, blocked, err
}

func scanOld(st *sqlite3.Stmt) old {
	return old{
		seq: seqOf(st.ColumnInt64(0)), at: milli(st, 1), kind: chat.EntryKind(st.ColumnInt(2)), pruned: st.ColumnBool(3), bytes: st.ColumnInt64(4), //nolint:gosec // small
	}
}

// kept is how many bytes of an envelope an entry holds.
func (e old) kept() int64 {
	if e.pruned {
		return 0
	}
	return e.bytes
}

// vouched is the newest head up to cut that an entry after it vouches for.
func (p *pruning) vouched(cut chat.Seq) (chat.Seq, error) {
	if cut == p.room.Floor {
		return cut, nil
	}
	const newest = 64 // the newest nearly always have seen what is to be cut
	seen, err := p.seen(max(cut, p.room.Head-min(p.room.Head, newest)))
	if err == nil && seen < cut {
		seen, err = p.seen(cut)
	}
	if err != nil || seen >= cut {
		return cut, err
	}
	err = p.c.query("SELECT place, seen, pruned FROM entries WHERE place > ? AND place <= ? ORDER BY place DESC", func(st *sqlite3.Stmt) error {
		if seen >= cut {
			return nil
		}
		cut = seqOf(st.ColumnInt64(0)) - 1 // this one stays, and vouches
		if !st.ColumnBool(2) {
			seen = max(seen, chat.Seq(st.ColumnInt64(1))) //nolint:gosec // positive
		}
		return nil
	}, place(p.no, p.room.Floor), place(p.no, cut))
	return cut, err
}

// seen is the newest head that an entry after from vouches for.
func (p *pruning) seen(from chat.Seq) (seen chat.Seq, err error) {
	err = p.c.query("SELECT coalesce(max(seen), 0) FROM entries WHERE place > ? AND place <= ? AND pruned = 0", func(st *sqlite3.Stmt) error {
		seen = chat.Seq(st.ColumnInt64(0)) //nolint:gosec // positive
		return nil
	}, place(p.no, from), place(p.no, p.room.Head))
	return seen, err
}

// cut removes the entries up to cut.
func (p *pruning) cut(cut chat.Seq) error {
	if cut <= p.room.Floor {
		return nil
	}
	hash, err := hashAt(p.c, p.room, p.no, cut)
	if err != nil {
		return err
	}
	from, to := place(p.no, p.room.Floor), place(p.no, cut)
	err = p.c.query("SELECT count(*), coalesce(sum(CASE pruned WHEN 0 THEN length(envelope) ELSE 0 END), 0) FROM entries WHERE place > ? AND place <= ?", func(st *sqlite3.Stmt) error {
		p.gone.Entries += st.ColumnInt(0)
		p.gone.Bytes += st.ColumnInt64(1)
		return nil
	}, from, to)
	if err != nil {
		return err
	}
	p.excess -= p.gone.Bytes
	if err := p.retire(from, to); err != nil {
		return err
	}
	if err := p.c.exec("DELETE FROM entries WHERE place > ? AND place <= ?", from, to); err != nil {
		return err
	}
	return p.c.exec("UPDATE rooms SET floor = ?, floor_hash = ? WHERE no = ?", int64(cut), hash[:], p.no) //nolint:gosec // below 2^40
}

// retire keeps of the entries that go what makes sending them again harmless.
func (p *pruning) retire(from, to int64) error {
	return p.c.query("SELECT place, at, hash, pruned, envelope, device, id FROM entries WHERE place > ? AND place <= ?", func(st *sqlite3.Stmt) error {
		hash, envelope := blob32(st, 2), storedHash(st, 3)
		return p.c.exec("INSERT INTO retired (device, id, place, at, hash, envelope) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			st.ColumnInt64(5), st.ColumnBlob(6, nil), st.ColumnInt64(0), milli(st, 1), hash[:], envelope[:])
	}, from, to)
}

// hollow replaces the envelopes of expired content behind an entry that must stay by their hashes. The last entry stays whole.
func (p *pruning) hollow(floor chat.Seq) error {
	type victim struct {
		place    int64
		envelope [32]byte
		bytes    int64
	}
	var victims []victim
	err := p.c.query("SELECT place, at, kind, pruned, length(envelope), envelope FROM entries WHERE place > ? AND place < ? AND pruned = 0 AND kind = ? ORDER BY place LIMIT ?", func(st *sqlite3.Stmt) error {
		e := scanOld(st)
		if p.expired(e) {
			p.excess -= e.bytes
			victims = append(victims, victim{st.ColumnInt64(0), wire.HashEnvelope(st.ColumnRawBlob(5)), e.bytes})
		}
		return nil
	}, place(p.no, floor), place(p.no, p.room.Head), int(chat.Content), pruneSlice)
	if err != nil {
		return err
	}
	for _, v := range victims {
		if err := p.c.exec("UPDATE entries SET pruned = 1, envelope = ? WHERE place = ?", v.envelope[:], v.place); err != nil {
			return err
		}
		p.gone.Entries++
		p.gone.Bytes += v.bytes
	}
	return nil
}
