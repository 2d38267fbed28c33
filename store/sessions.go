package store

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
)

// sessions makes a login cheap: it begins a device's next session without a transaction.
//
// A session's number is of its opening of the store (the upper half, counted durably before the first login) and, within it, the next one.
// So no number is ever given twice and each is greater than those before, whatever end this process takes; and a session of
// an earlier opening, whose connection is gone, is over. What Append compares is the greater of the row's number (an enrolment, a kick, a ban)
// and the one here. What is here is written to the rows soon after, many at once, for those who look at them.
type sessions struct {
	mu      sync.Mutex // guards what follows
	base    uint64     // the numbers of this opening are greater
	last    uint64     // the newest number given
	newest  map[chat.DeviceID]begun
	timer   *time.Timer // will write newest; nil when nothing waits
	closed  bool
	known   map[chat.DeviceID]facts
	version uint64 // of the rows that known was read from
	busy    map[chat.DeviceID]struct{}
	over    chan struct{} // closed when the transaction that busy appends in has ended; nil when nobody waits
}

// begun is a session that its device's row doesn't know yet.
type begun struct {
	no      int64
	session uint64
	at      time.Time
}

// facts are what a login has to know of a device.
type facts struct {
	no      int64 // 0: there is no such device
	account chat.AccountID
	name    string
	proven  chat.Generation
	must    chat.Generation // the generation to have proven; 0: none
	revoked bool
	ban     error // nil: there is none
}

const (
	openingBits = 32
	// writeAfter is how long a session waits to be written, for others to come along.
	writeAfter = time.Second
	// writeAgain is the same after a failure.
	writeAgain = 30 * time.Second
	// writeSlice is how many are written in one transaction: the messages that wait meanwhile shouldn't notice.
	writeSlice = 256
	// maxKnown bounds known, some 200 bytes each.
	maxKnown = 1 << 16
)

// opening counts one more opening of the store. Before the writer begins.
func (x *sessions) opening(c *conn) error {
	n := uint64(0)
	err := c.query("SELECT value FROM meta WHERE key = 'openings'", func(st *sqlite3.Stmt) error {
		if b := st.ColumnRawBlob(0); len(b) == 8 {
			n = binary.BigEndian.Uint64(b)
		}
		return nil
	})
	if err != nil {
		return err
	}
	n++
	x.base = n << openingBits
	x.last = x.base
	x.newest, x.known, x.busy = map[chat.DeviceID]begun{}, map[chat.DeviceID]facts{}, map[chat.DeviceID]struct{}{}
	return c.exec("INSERT INTO meta (key, value) VALUES ('openings', ?) ON CONFLICT DO UPDATE SET value = excluded.value", binary.BigEndian.AppendUint64(nil, n))
}

// number is the next session's.
func (x *sessions) number() uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.last++
	return x.last
}

// appends tells which session of a device may append in the transaction under way; stored is that of its row. Until the transaction has ended,
// the device's next session doesn't begin: who has logged in finds all in the log that his earlier session will ever have stored.
func (x *sessions) appends(device chat.DeviceID, stored uint64) (session uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.busy[device] = struct{}{}
	session = max(stored, x.newest[device].session)
	if session <= x.base {
		return 0 // nobody has logged in since the store was opened
	}
	return session
}

// ended lets those begin that appends has held up.
func (x *sessions) ended() {
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.busy)
	if x.over != nil {
		close(x.over)
		x.over = nil
	}
}

// forget forgets what was known of a device, or of all when there is none.
func (x *sessions) forget(devices ...chat.DeviceID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.version++
	if len(devices) == 0 {
		clear(x.known)
	}
	for _, d := range devices {
		delete(x.known, d)
	}
}

// look finds what is known of a device, and the version to say to keep and begin.
func (x *sessions) look(device chat.DeviceID) (f facts, version uint64, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f, ok = x.known[device]
	return f, x.version, ok
}

// keep remembers what was read since look, unless it may have changed.
func (x *sessions) keep(device chat.DeviceID, f facts, version uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if version != x.version || f.no == 0 {
		return
	}
	if len(x.known) >= maxKnown {
		clear(x.known)
	}
	x.known[device] = f
}

// begin begins the next session of a device, unless what was read since look may have changed. What was on its way for the
// earlier one has come to its end when wait, if there is one, is closed.
func (x *sessions) begin(device chat.DeviceID, f facts, version uint64, at time.Time, soon func()) (session uint64, wait <-chan struct{}, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if version != x.version {
		return 0, nil, false
	}
	x.last++
	x.newest[device] = begun{no: f.no, session: x.last, at: at}
	if x.timer == nil && !x.closed {
		x.timer = time.AfterFunc(writeAfter, soon)
	}
	if _, ok := x.busy[device]; ok {
		if x.over == nil {
			x.over = make(chan struct{})
		}
		wait = x.over
	}
	return x.last, wait, true
}

// slice takes some that are to be written.
func (x *sessions) slice() map[chat.DeviceID]begun {
	x.mu.Lock()
	defer x.mu.Unlock()
	some := make(map[chat.DeviceID]begun, min(writeSlice, len(x.newest)))
	for d, b := range x.newest {
		if len(some) == writeSlice {
			break
		}
		some[d] = b
	}
	return some
}

// written lets go of those that the rows know now, and reports how many remain.
func (x *sessions) written(some map[chat.DeviceID]begun) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	for d, b := range some {
		if x.newest[d].session == b.session {
			delete(x.newest, d)
		}
	}
	return len(x.newest)
}

// again sets the timer anew, or ends it.
func (x *sessions) again(after time.Duration, soon func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.timer = nil; len(x.newest) > 0 && !x.closed {
		x.timer = time.AfterFunc(after, soon)
	}
}

// stop ends the timer for good.
func (x *sessions) stop() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed = true; x.timer != nil {
		x.timer.Stop()
	}
}

// recent adds what the rows don't know yet.
func (x *sessions) recent(people []hub.Person) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, p := range people {
		for i := range p.Devices {
			d := &p.Devices[i]
			if b, ok := x.newest[d.ID]; ok && b.session > d.Session {
				d.Session, d.LastLogin = b.session, time.UnixMilli(b.at.UnixMilli())
			}
		}
	}
}

// writeSessions writes what waits. It needn't be durable: see sessions.
func (s *SQLite) writeSessions() error {
	for {
		some := s.sessions.slice()
		if len(some) == 0 {
			return nil
		}
		err := s.writer.do(context.Background(), job{lazy: true, f: func(c *conn) error {
			for b := range maps.Values(some) {
				err := c.exec("UPDATE devices SET session_gen = max(session_gen, ?), last_login = max(last_login, ?) WHERE no = ?", int64(b.session), b.at, b.no) //nolint:gosec // positive
				if err != nil {
					return err
				}
			}
			return nil
		}})
		if err != nil {
			return err
		}
		s.sessions.written(some)
	}
}

// writeSoon is what the timer does.
func (s *SQLite) writeSoon() {
	after := writeAfter
	if s.writeSessions() != nil {
		after = writeAgain // a full disk, perhaps: it is no promise
	}
	s.sessions.again(after, s.writeSoon)
}

// OpenSession implements hub.Store. It writes nothing, but the newest generation that a device has proven, once.
func (s *SQLite) OpenSession(ctx context.Context, account chat.AccountID, device chat.DeviceID, name string, proven chat.Generation, at time.Time) (hub.Login, error) {
	for {
		f, version, ok := s.sessions.look(device)
		if !ok {
			var err error
			if f, err = s.facts(ctx, device); err != nil {
				return hub.Login{}, err
			}
			s.sessions.keep(device, f, version)
		}
		if err := f.refuse(account, name, proven); err != nil {
			return hub.Login{}, err
		}
		if proven > f.proven {
			if err := s.prove(ctx, device, f.no, proven); err != nil {
				return hub.Login{}, err
			}
			continue
		}
		session, wait, ok := s.sessions.begin(device, f, version, at, s.writeSoon)
		if !ok {
			continue
		}
		if wait != nil {
			select {
			case <-wait:
			case <-s.writer.over:
				return hub.Login{}, errClosed()
			case <-ctx.Done():
				return hub.Login{}, chat.Errorf(chat.CodeStorage).Because(ctx.Err())
			}
		}
		return hub.Login{Session: session, Name: f.name, Proven: f.proven}, nil
	}
}

// facts reads what a login has to know.
func (s *SQLite) facts(ctx context.Context, device chat.DeviceID) (f facts, err error) {
	err = s.read(ctx, func(c *conn) error {
		f = facts{}
		return c.query(`SELECT d.no, a.account, d.revoked, d.proven, a.name,
			coalesce((SELECT CASE WHEN prove THEN number END FROM generations ORDER BY number DESC LIMIT 1), 0), b.account, b.reason
			FROM devices d JOIN accounts a ON a.no = d.account LEFT JOIN bans b ON b.account = a.no WHERE d.device = ?`, func(st *sqlite3.Stmt) error {
			f = facts{
				no: st.ColumnInt64(0), account: chat.AccountID(blob32(st, 1)), revoked: st.ColumnBool(2), proven: chat.Generation(st.ColumnInt64(3)), //nolint:gosec // small
				name: st.ColumnText(4), must: chat.Generation(st.ColumnInt64(5)), ban: banned(st, 6), //nolint:gosec // small
			}
			return nil
		}, device[:])
	})
	return f, err
}

// refuse says why a device may not log in.
func (f *facts) refuse(account chat.AccountID, name string, proven chat.Generation) error {
	switch {
	case f.no == 0:
		return chat.Errorf(chat.CodeKeyNeeded)
	case f.account != account:
		return chat.Errorf(chat.CodeAuth)
	case f.revoked:
		return chat.Errorf(chat.CodeRevoked)
	case f.ban != nil:
		return f.ban
	case max(proven, f.proven) < f.must:
		return chat.Errorf(chat.CodeKeyNeeded)
	case f.name != name:
		return chat.Errorf(chat.CodeNameOther, "name", f.name)
	}
	return nil
}

// prove records the newest generation that a device has proven. It needn't survive a power cut: the device proves it again.
func (s *SQLite) prove(ctx context.Context, device chat.DeviceID, no int64, proven chat.Generation) error {
	err := s.writer.do(ctx, job{lazy: true, f: func(c *conn) error {
		return c.exec("UPDATE devices SET proven = max(proven, ?) WHERE no = ?", int64(proven), no)
	}})
	s.sessions.forget(device)
	return err
}

// closeSessions writes the last ones.
func (s *SQLite) closeSessions() error {
	s.sessions.stop()
	err := s.writeSessions()
	if errors.Is(err, chat.CodeStorage) || errors.Is(err, chat.CodeDiskFull) {
		return nil // it is no promise
	}
	return err
}
