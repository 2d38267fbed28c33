package store

import (
	"context"
	"strconv"
	"time"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
)

// Enrol implements hub.Store.
func (s *SQLite) Enrol(ctx context.Context, e hub.Enrolment) (hub.Login, error) {
	var login hub.Login
	err := s.write(ctx, func(c *conn) error {
		newest, err := newestGeneration(c)
		if err != nil {
			return err
		}
		if e.Generation == 0 || e.Generation != newest.Number {
			return chat.Errorf(chat.CodeKeyOld)
		}
		account, name, err := enrolAccount(c, &e)
		if err != nil {
			return err
		}
		device, fresh, err := enrolDevice(c, &e, account)
		if err != nil {
			return err
		}
		proven := e.Generation
		if e.Unproven {
			proven = 0
		}
		login, err = s.enrolSession(c, device, proven, e.At)
		if err == nil && newest.Prove && login.Proven < newest.Number {
			return chat.Errorf(chat.CodeKeyNeeded)
		}
		login.Name, login.New = name, fresh
		return err
	})
	s.sessions.forget(e.Device)
	return login, err
}

// enrolAccount finds or makes the account, and its name.
func enrolAccount(c *conn, e *hub.Enrolment) (no int64, name string, err error) {
	err = c.query("SELECT a.no, a.name, b.account, b.reason FROM accounts a LEFT JOIN bans b ON b.account = a.no WHERE a.account = ?", func(st *sqlite3.Stmt) error {
		no, name = st.ColumnInt64(0), st.ColumnText(1)
		return banned(st, 2)
	}, e.Account[:])
	switch {
	case err != nil:
		return 0, "", err
	case no != 0 && name != e.Name:
		return 0, "", chat.Errorf(chat.CodeNameOther, "name", name)
	case no != 0:
		return no, name, nil
	case e.Unproven:
		return 0, "", chat.Errorf(chat.CodeKeyNeeded)
	}
	if err := nameFree(c, e); err != nil {
		return 0, "", err
	}
	err = c.exec("INSERT INTO accounts (account, name, folded, skeleton, name_sig, enrolled, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
		e.Account[:], e.Name, e.Folded, e.Skeleton, e.NameSig[:], int64(e.Generation), e.At)
	if err != nil {
		return 0, "", err
	}
	no = c.LastInsertRowID()
	return no, e.Name, writeAudit(c, hub.Audit{Actor: e.Account.String(), Action: "enrol", Detail: e.Name, At: e.At})
}

// banned makes the refusal of a row that has a ban's account and reason in the columns from i on; nil when there is no ban.
func banned(st *sqlite3.Stmt, i int) error {
	if st.ColumnType(i) == sqlite3.NULL {
		return nil
	}
	return chat.Errorf(chat.CodeBanned, "reason", st.ColumnText(i+1))
}

// nameFree refuses a name that is another's, or looks like it.
func nameFree(c *conn, e *hub.Enrolment) error {
	var refused error
	err := c.query("SELECT name, folded FROM accounts WHERE folded = ?1 OR skeleton = ?2 ORDER BY folded <> ?1 LIMIT 1", func(st *sqlite3.Stmt) error {
		if st.ColumnText(1) == e.Folded {
			refused = chat.Errorf(chat.CodeNameTaken, "name", e.Name)
		} else {
			refused = chat.Errorf(chat.CodeNameLookalike, "name", e.Name, "other", st.ColumnText(0))
		}
		return nil
	}, e.Folded, e.Skeleton)
	if err != nil {
		return err
	}
	return refused
}

// enrolDevice finds or makes the device of an account.
func enrolDevice(c *conn, e *hub.Enrolment, account int64) (no int64, fresh bool, err error) {
	var owner int64
	revoked := false
	err = c.query("SELECT no, account, revoked FROM devices WHERE device = ?", func(st *sqlite3.Stmt) error {
		no, owner, revoked = st.ColumnInt64(0), st.ColumnInt64(1), st.ColumnBool(2)
		return nil
	}, e.Device[:])
	switch {
	case err != nil:
		return 0, false, err
	case no != 0 && owner != account:
		return 0, false, chat.Errorf(chat.CodeAuth)
	case revoked:
		return 0, false, chat.Errorf(chat.CodeRevoked)
	case no != 0:
		return no, false, nil
	}
	if err := sameList(c, account, e.List); err != nil {
		return 0, false, err
	}
	err = c.exec("INSERT INTO devices (device, account, certificate, list_version, session_gen, proven, revoked, last_login) VALUES (?, ?, ?, ?, 0, 0, 0, ?)",
		e.Device[:], account, e.Certificate, int64(e.ListVersion), e.At) //nolint:gosec // stored as it is
	if err != nil {
		return 0, false, err
	}
	no = c.LastInsertRowID()
	if err := adopt(c, e.Device, no); err != nil {
		return 0, false, err
	}
	return no, true, writeAudit(c, hub.Audit{Actor: e.Account.String(), Action: "device", Detail: e.Device.String(), At: e.At})
}

// sameList refuses an enrolment that was allowed by another list than the one that is there; version 0 was allowed by none.
func sameList(c *conn, account int64, version uint64) error {
	if version == 0 {
		return nil
	}
	newest := int64(0)
	err := c.query("SELECT version FROM device_lists WHERE account = ?", func(st *sqlite3.Stmt) error {
		newest = st.ColumnInt64(0)
		return nil
	}, account)
	if err == nil && uint64(newest) != version { //nolint:gosec // positive
		err = chat.Errorf(chat.CodeConflict, "version", strconv.FormatInt(newest, 10))
	}
	return err
}

// enrolSession begins a session with an enrolment.
func (s *SQLite) enrolSession(c *conn, device int64, proven chat.Generation, at time.Time) (hub.Login, error) {
	login := hub.Login{Session: s.sessions.number()}
	err := c.query("UPDATE devices SET session_gen = ?, proven = max(proven, ?), last_login = ? WHERE no = ? RETURNING proven", func(st *sqlite3.Stmt) error {
		login.Proven = chat.Generation(st.ColumnInt64(0)) //nolint:gosec // small
		return nil
	}, int64(login.Session), int64(proven), at, device) //nolint:gosec // positive
	return login, err
}

// EndSessions implements hub.Store.
func (s *SQLite) EndSessions(ctx context.Context, account chat.AccountID, a hub.Audit) error {
	return s.write(ctx, func(c *conn) error {
		if err := s.endSessions(c, account); err != nil {
			return err
		}
		return writeAudit(c, a)
	})
}

func (s *SQLite) endSessions(c *conn, account chat.AccountID) error {
	return c.exec("UPDATE devices SET session_gen = ? WHERE account = (SELECT no FROM accounts WHERE account = ?)", int64(s.sessions.number()), account[:]) //nolint:gosec // positive
}

const personColumns = `SELECT a.no, a.account, a.name, a.name_sig, a.enrolled, a.at, EXISTS (SELECT 1 FROM bans WHERE account = a.no), l.list FROM accounts a LEFT JOIN device_lists l ON l.account = a.no `

// People implements hub.Store.
func (s *SQLite) People(ctx context.Context, accounts []chat.AccountID, devices []chat.DeviceID, names []string) ([]hub.Person, error) {
	var people []hub.Person
	err := s.read(ctx, func(c *conn) error {
		people = nil
		seen := map[chat.AccountID]bool{}
		find := func(where string, arg any) error {
			found, err := readPeople(c, where, arg)
			for _, p := range found {
				if !seen[p.Account] {
					seen[p.Account] = true
					people = append(people, p)
				}
			}
			return err
		}
		for _, a := range accounts {
			if err := find("WHERE a.account = ?", a[:]); err != nil {
				return err
			}
		}
		for _, d := range devices {
			if err := find("WHERE a.no = (SELECT account FROM devices WHERE device = ?)", d[:]); err != nil {
				return err
			}
		}
		for _, n := range names {
			if err := find("WHERE a.name = ?", n); err != nil {
				return err
			}
		}
		return nil
	})
	s.sessions.recent(people)
	return people, err
}

// AllPeople implements hub.Store.
func (s *SQLite) AllPeople(ctx context.Context) ([]hub.Person, error) {
	var people []hub.Person
	err := s.read(ctx, func(c *conn) (err error) {
		people, err = readPeople(c, "ORDER BY a.name")
		return err
	})
	s.sessions.recent(people)
	return people, err
}

// readPeople reads accounts with their devices.
func readPeople(c *conn, where string, args ...any) ([]hub.Person, error) {
	var people []hub.Person
	var numbers []int64
	err := c.query(personColumns+where, func(st *sqlite3.Stmt) error {
		p := hub.Person{Account: chat.AccountID(blob32(st, 1)), Name: st.ColumnText(2), Enrolled: chat.Generation(st.ColumnInt64(4)), At: milli(st, 5), Banned: st.ColumnBool(6), List: st.ColumnBlob(7, nil)} //nolint:gosec // small
		copy(p.NameSig[:], st.ColumnRawBlob(3))
		people = append(people, p)
		numbers = append(numbers, st.ColumnInt64(0))
		return nil
	}, args...)
	if err != nil {
		return nil, err
	}
	for i := range people {
		err := c.query("SELECT device, certificate, session_gen, proven, revoked, last_login FROM devices WHERE account = ? ORDER BY no", func(st *sqlite3.Stmt) error {
			people[i].Devices = append(people[i].Devices, hub.Device{
				ID: chat.DeviceID(blob32(st, 0)), Certificate: st.ColumnBlob(1, nil), Session: uint64(st.ColumnInt64(2)), //nolint:gosec // positive
				Proven: chat.Generation(st.ColumnInt64(3)), Revoked: st.ColumnBool(4), LastLogin: milli(st, 5), //nolint:gosec // small
			})
			return nil
		}, numbers[i])
		if err != nil {
			return nil, err
		}
	}
	return people, nil
}
