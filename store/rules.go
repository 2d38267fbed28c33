package store

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

// What a rule is about, as room_rules has it.
const (
	ruleSlow   int64 = 0
	ruleFree   int64 = 1
	ruleMuted  int64 = 2
	ruleBanned int64 = 3
)

// ruleKey is one rule of a room: of an account, or with none the slow mode.
type ruleKey struct {
	what, account int64
}

// rule is how strict it is: the greater the stricter, 0 when nothing is said.
type rule struct {
	value int64    // counts
	next  int64    // will count when somebody has gone on from seq
	seq   chat.Seq // 0: nothing is noted
	maker int64
}

// noted is what it will be.
func (r rule) noted() int64 {
	if r.seq > 0 {
		return r.next
	}
	return r.value
}

// after is what it is once an account that confirms rules has gone on from a Commit: nobody confirms what is stricter for himself.
func (r rule) after(k ruleKey, account int64, base chat.Seq) rule {
	if r.seq > 0 && r.seq <= base && r.maker != account && (k.account != account || !r.restricts()) {
		return rule{value: r.next}
	}
	return r
}

// restricts reports whether something stricter is noted.
func (r rule) restricts() bool { return r.seq > 0 && r.next > r.value }

// Rules implements hub.PrivateStore.
func (s *SQLite) Rules(ctx context.Context, room chat.RoomID) (now, noted wire.RoomRules, err error) {
	err = s.read(ctx, func(c *conn) error {
		now, noted = wire.RoomRules{}, wire.RoomRules{}
		_, no, err := findPrivate(c, room)
		if err != nil {
			return err
		}
		return c.query(`SELECT r.what, r.account, r.value, r.next, r.seq, a.account FROM room_rules r LEFT JOIN accounts a ON a.no = r.account
			WHERE r.room = ? ORDER BY r.what, a.account`, func(st *sqlite3.Stmt) error {
			k, r := scanRule(st)
			a := chat.AccountID(blob32(st, 5))
			addRule(&now, k.what, r.value, a)
			addRule(&noted, k.what, r.noted(), a)
			return nil
		}, no)
	})
	return now, noted, err
}

func scanRule(st *sqlite3.Stmt) (ruleKey, rule) {
	return ruleKey{st.ColumnInt64(0), st.ColumnInt64(1)}, rule{value: st.ColumnInt64(2), next: st.ColumnInt64(3), seq: chat.Seq(st.ColumnInt64(4))} //nolint:gosec // positive
}

// addRule writes one into the form that members know.
func addRule(r *wire.RoomRules, what, value int64, a chat.AccountID) {
	switch {
	case value == 0:
	case what == ruleSlow:
		r.Slow = uint32(value) //nolint:gosec // bounded by the frame
	case what == ruleFree:
		r.Free = append(r.Free, a)
	case what == ruleMuted:
		r.Muted = append(r.Muted, a)
	case what == ruleBanned:
		r.Banned = append(r.Banned, a)
	}
}

// ruled reports whether anything stands in a room's rules: in most rooms nothing does, and nothing is asked of their messages.
func (b *appending) ruled(room *roomRow) (bool, error) {
	if room.rules == 0 {
		room.rules = 1
		err := b.c.query("SELECT EXISTS (SELECT 1 FROM room_rules WHERE room = ?)", func(st *sqlite3.Stmt) error {
			if st.ColumnBool(0) {
				room.rules = 2
			}
			return nil
		}, room.no)
		if err != nil {
			return false, err
		}
	}
	return room.rules == 2, nil
}

// ruleRows reads rules of a room: those of one account and the slow mode, or with 0 all.
func (b *appending) ruleRows(room *roomRow, account int64) (map[ruleKey]rule, error) {
	rows := map[ruleKey]rule{}
	err := b.c.query("SELECT what, account, value, next, seq, maker FROM room_rules WHERE room = ?1 AND (?2 = 0 OR account IN (0, ?2))", func(st *sqlite3.Stmt) error {
		k, r := scanRule(st)
		r.maker = st.ColumnInt64(5)
		rows[k] = r
		return nil
	}, room.no, account)
	return rows, err
}

// confirms reports whether somebody confirms rules: who waits for a mute or a ban of his own, or for his removal, confirms nobody's.
func confirms(rows map[ruleKey]rule, account int64, from standing) bool {
	return from == present && !rows[ruleKey{ruleMuted, account}].restricts() && !rows[ruleKey{ruleBanned, account}].restricts()
}

// admitText says whether the rules let a text into a room, as they will be when it has come.
func (b *appending) admitText(device *deviceRow, room *roomRow, sub *hub.Submission, from standing) (*chat.Error, error) {
	if sub.Kind == chat.Commit || sub.Service {
		return nil, nil
	}
	some, err := b.ruled(room)
	if err != nil || !some {
		return nil, err
	}
	rows, err := b.ruleRows(room, device.accountNo)
	if err != nil {
		return nil, err
	}
	may := confirms(rows, device.accountNo, from)
	value := func(k ruleKey) int64 {
		if r := rows[k]; may {
			return r.after(k, device.accountNo, sub.Base).value
		}
		return rows[k].value
	}
	if value(ruleKey{ruleMuted, device.accountNo}) > 0 {
		return chat.Errorf(chat.CodeMuted, "name", device.account.String()), nil
	}
	slow := value(ruleKey{ruleSlow, 0})
	if slow <= 0 || value(ruleKey{ruleFree, device.accountNo}) < 0 {
		return nil, nil
	}
	var wait time.Duration
	err = b.c.query("SELECT at FROM texts WHERE room = ? AND account = ?", func(st *sqlite3.Stmt) error {
		wait = milli(st, 0).Add(time.Duration(slow) * time.Second).Sub(sub.At.Truncate(time.Millisecond))
		return nil
	}, room.no, device.accountNo)
	if err != nil || wait <= 0 {
		return nil, err
	}
	if wait > time.Duration(slow)*time.Second { // the clock was put back: nobody waits longer than the room says
		wait = time.Duration(slow) * time.Second
	}
	seconds := (wait + time.Second - 1) / time.Second
	return chat.Errorf(chat.CodeSlowMode, "name", device.account.String(), "wait", strconv.FormatInt(int64(seconds), 10)), nil
}

// noteText notes when a text came that slow mode is about.
func (b *appending) noteText(device *deviceRow, room *roomRow, sub *hub.Submission) error {
	if sub.Kind == chat.Commit || sub.Service {
		return nil
	}
	if some, err := b.ruled(room); err != nil || !some {
		return err
	}
	return b.c.exec(`INSERT INTO texts (room, account, at) SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM room_rules WHERE room = ?1 AND what = 0 AND value > 0)
		ON CONFLICT DO UPDATE SET at = excluded.at`, room.no, device.accountNo, sub.At.Truncate(time.Millisecond))
}

// admitGuests says whether a room's rules let those in for whom a Commit has Welcomes.
func (b *appending) admitGuests(room *roomRow, guests []int64) (*chat.Error, error) {
	some, err := b.ruled(room)
	if err != nil || !some {
		return nil, err
	}
	for _, no := range guests {
		var banned *chat.Error
		err := b.c.query("SELECT a.account FROM room_rules r JOIN accounts a ON a.no = r.account WHERE r.room = ? AND r.what = ? AND r.account = ? AND r.value > 0", func(st *sqlite3.Stmt) error {
			banned = chat.Errorf(chat.CodeRole, "name", chat.AccountID(blob32(st, 0)).String())
			return nil
		}, room.no, ruleBanned, no)
		if err != nil || banned != nil {
			return banned, err
		}
	}
	return nil, nil
}

// rule makes what an entry that was just stored does to a room's rules: what it loosens, what its base confirms, what it restricts.
func (b *appending) rule(device *deviceRow, room *roomRow, sub *hub.Submission, from standing, o *hub.Outcome) error {
	some, err := b.ruled(room)
	if err != nil {
		return err
	}
	var next *wire.RoomRules
	if sub.Change != nil {
		next = sub.Change.Rules
	}
	if !some && next == nil || next == nil && (from != present || sub.Base == 0) {
		return nil
	}
	about := device.accountNo
	if next != nil {
		about = 0
	}
	rows, err := b.ruleRows(room, about)
	if err != nil {
		return err
	}
	var wanted map[ruleKey]int64
	if next != nil {
		if wanted, err = b.wanted(next, rows); err != nil {
			return err
		}
		if err := b.loosen(device, room, rows, wanted); err != nil {
			return err
		}
	}
	if confirms(rows, device.accountNo, from) && sub.Base > 0 {
		err := b.c.exec("UPDATE room_rules SET value = next, seq = 0, maker = 0 WHERE room = ?1 AND seq > 0 AND seq <= ?2 AND maker <> ?3 AND (account <> ?3 OR next <= value)", room.no, int64(sub.Base), device.accountNo) //nolint:gosec // below 2^40
		if err != nil {
			return err
		}
		for k, r := range rows {
			rows[k] = r.after(k, device.accountNo, sub.Base)
		}
	}
	for k, v := range wanted {
		r := rows[k]
		own := k.what == ruleSlow || k.account == device.accountNo
		if v == r.noted() || v <= r.value && !own || v == r.value || v < r.value && r.seq > 0 {
			continue
		}
		if err := b.putRule(room, k, rule{value: r.value, next: v, seq: o.Seq, maker: device.accountNo}); err != nil {
			return err
		}
	}
	return b.c.exec("DELETE FROM room_rules WHERE room = ? AND value = 0 AND seq = 0", room.no)
}

// wanted is what rules say of everything that they, or those that there are, say something of. Who isn't here is left out.
func (b *appending) wanted(next *wire.RoomRules, rows map[ruleKey]rule) (map[ruleKey]int64, error) {
	wanted := make(map[ruleKey]int64, len(rows))
	for k := range rows {
		wanted[k] = 0
	}
	wanted[ruleKey{ruleSlow, 0}] = int64(next.Slow)
	for what, list := range [...][]chat.AccountID{ruleFree: next.Free, ruleMuted: next.Muted, ruleBanned: next.Banned} {
		value := int64(1)
		if int64(what) == ruleFree {
			value = -1
		}
		for _, a := range list {
			no, err := b.account(a)
			if err != nil {
				return nil, err
			}
			if no > 0 {
				wanted[ruleKey{int64(what), no}] = value
			}
		}
	}
	return wanted, nil
}

// loosen makes what counts at once: whatever isn't stricter than what counts, if the sender isn't the one whom it binds. What isn't confirmed yet of slow mode anybody takes back.
func (b *appending) loosen(device *deviceRow, room *roomRow, rows map[ruleKey]rule, wanted map[ruleKey]int64) error {
	free := rows[ruleKey{ruleFree, device.accountNo}].value < 0
	for k, v := range wanted {
		r := rows[k]
		may := k.account != device.accountNo
		if k.what == ruleSlow {
			may = free || v == r.value
		}
		if v == r.noted() || v > r.value || !may {
			continue
		}
		rows[k] = rule{value: v}
		if err := b.putRule(room, k, rows[k]); err != nil {
			return err
		}
	}
	return nil
}

func (b *appending) putRule(room *roomRow, k ruleKey, r rule) error {
	room.rules = 2
	return b.c.exec(`INSERT INTO room_rules (room, what, account, value, next, seq, maker) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET value = excluded.value, next = excluded.next, seq = excluded.seq, maker = excluded.maker`,
		room.no, k.what, k.account, r.value, r.next, int64(r.seq), r.maker) //nolint:gosec // below 2^40
}

// guests are the accounts among those that come onto a roster for which a Commit has Welcomes.
func guests(added map[int64]bool, welcomed []int64) []int64 {
	return slices.DeleteFunc(welcomed, func(no int64) bool { return !added[no] })
}
