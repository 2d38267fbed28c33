package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/ncruces/go-sqlite3"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/store/schema"
)

// The files of a data folder that are ours.
const (
	databaseName = "huisclos.db"
	lockName     = "lock"
)

// Options are for tests; the zero value is right.
type Options struct {
	// VFS names the SQLite VFS to use; empty: the system's files.
	VFS string
	// Unsafe sets synchronous=OFF: a power cut loses what was acknowledged.
	Unsafe bool
}

// SQLite is hub.Store on one database. All methods may be called at the same time; one goroutine writes.
type SQLite struct {
	dir         string // empty in memory
	path        string
	lock        *os.File
	incarnation [16]byte
	writer      *writer
	sessions    sessions
	readers     chan *conn // idle ones; nil in memory, where the writer reads too
	closeOnce   sync.Once
	closeErr    error
}

var _ hub.Store = (*SQLite)(nil)

// Open opens the data folder, and makes it if it isn't there. CodeDataInUse (path), CodeDataNewer (version), CodeDataCorrupt,
// CodePermission, CodeDiskFull, CodeStorage.
func Open(dir string, o Options) (*SQLite, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fileError(dir, err)
	}
	s := &SQLite{dir: dir, path: filepath.Join(dir, databaseName)}
	if s.lock, err = own(dir); err != nil {
		return nil, err
	}
	if err := s.open(o); err != nil {
		_ = s.lock.Close()
		return nil, databaseError(dir, err)
	}
	return s, nil
}

// Memory makes a store that lives in memory.
func Memory() (*SQLite, error) {
	s := &SQLite{}
	if err := s.open(Options{}); err != nil {
		return nil, databaseError("", err)
	}
	return s, nil
}

// own makes the folder, for its owner alone, and takes its lock, which the system frees when the process ends.
func own(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, folderError(dir, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fileError(dir, err)
	}
	ok, err := tryLock(f)
	if ok {
		return f, nil
	}
	_ = f.Close()
	if err != nil {
		return nil, fileError(dir, err)
	}
	return nil, chat.Errorf(chat.CodeDataInUse, "path", dir)
}

func (s *SQLite) open(o Options) error {
	c, err := s.connect(o)
	if err != nil {
		return err
	}
	if err = s.prepare(c, o); err != nil {
		return errors.Join(err, c.close())
	}
	if s.dir != "" {
		s.readers = make(chan *conn, readers)
		for range readers {
			s.readers <- nil // opened when needed
		}
	}
	s.writer = newWriter(c, s.path, o.Unsafe, &s.sessions)
	return nil
}

// readers is how many pages are read at the same time.
const readers = 4

// connect opens one connection.
func (s *SQLite) connect(o Options) (*conn, error) {
	name := ":memory:"
	if s.dir != "" {
		f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o600) // SQLite would make it readable to others
		if err != nil {
			return nil, fileError(s.path, err)
		}
		_ = f.Close()
		name = "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(filepath.ToSlash(s.path))
		if o.VFS != "" {
			name += "?vfs=" + o.VFS
		}
	}
	db, err := sqlite3.OpenFlags(name, sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE|sqlite3.OPEN_URI)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: db, statements: map[string]*sqlite3.Stmt{}}, nil
}

func (s *SQLite) prepare(c *conn, o Options) error {
	synchronous := "FULL"
	if o.Unsafe {
		synchronous = "OFF"
	}
	for _, sql := range []string{
		"PRAGMA busy_timeout = 5000", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = " + synchronous, "PRAGMA foreign_keys = ON",
		"PRAGMA temp_store = MEMORY", "PRAGMA cache_size = -2048", "PRAGMA wal_autocheckpoint = 4000", "PRAGMA journal_size_limit = 67108864",
	} {
		if err := c.Exec(sql); err != nil {
			return err
		}
	}
	if err := migrate(c, s.dir); err != nil {
		return err
	}
	fresh := [16]byte{}
	_, _ = rand.Read(fresh[:]) // never fails
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := c.exec("INSERT INTO meta (key, value) VALUES ('incarnation', ?) ON CONFLICT DO NOTHING", fresh[:]); err != nil {
		return err
	}
	if err := s.sessions.opening(c); err != nil {
		return err
	}
	if err := c.exec("COMMIT"); err != nil {
		return err
	}
	return c.query("SELECT value FROM meta WHERE key = 'incarnation'", func(st *sqlite3.Stmt) error {
		if copy(s.incarnation[:], st.ColumnRawBlob(0)) != len(s.incarnation) {
			return chat.Errorf(chat.CodeDataCorrupt, "path", s.dir)
		}
		return nil
	})
}

// migrate runs what is missing, each step in a transaction with its number.
func migrate(c *conn, dir string) error {
	version := 0
	if err := c.query("PRAGMA user_version", func(st *sqlite3.Stmt) error { version = st.ColumnInt(0); return nil }); err != nil {
		return err
	}
	migrations := schema.Migrations()
	if version > len(migrations) {
		return chat.Errorf(chat.CodeDataNewer, "version", strconv.Itoa(version), "path", dir)
	}
	if version < 0 {
		return chat.Errorf(chat.CodeDataCorrupt, "path", dir)
	}
	for i := version; i < len(migrations); i++ {
		if err := c.Exec(fmt.Sprintf("BEGIN IMMEDIATE; %s; PRAGMA user_version = %d; COMMIT", migrations[i], i+1)); err != nil {
			return err
		}
	}
	return nil
}

// Incarnation implements hub.Store.
func (s *SQLite) Incarnation() [16]byte { return s.incarnation }

// read runs f on a connection of its own, in one consistent state.
func (s *SQLite) read(ctx context.Context, f func(*conn) error) error {
	if s.readers == nil {
		return s.writer.do(ctx, job{read: true, f: f})
	}
	var c *conn
	select {
	case c = <-s.readers:
	case <-ctx.Done():
		return chat.Errorf(chat.CodeStorage).Because(ctx.Err())
	case <-s.writer.over:
		return errClosed()
	}
	defer func() { s.readers <- c }()
	if c == nil {
		var err error
		if c, err = s.reader(); err != nil {
			c = nil
			return databaseError(s.path, err)
		}
	}
	if err := c.exec("BEGIN"); err != nil {
		return databaseError(s.path, err)
	}
	err := f(c)
	return databaseError(s.path, errors.Join(err, c.exec("COMMIT")))
}

func (s *SQLite) reader() (*conn, error) {
	c, err := s.connect(Options{})
	if err != nil {
		return nil, err
	}
	for _, sql := range []string{"PRAGMA busy_timeout = 5000", "PRAGMA query_only = ON", "PRAGMA cache_size = -2048"} {
		if err := c.Exec(sql); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

// write runs f in a transaction, with what else is waiting, and returns when it is durable.
func (s *SQLite) write(ctx context.Context, f func(*conn) error) error {
	return s.writer.do(ctx, job{f: f})
}

// writePeople is write for what changes who may log in.
func (s *SQLite) writePeople(ctx context.Context, f func(*conn) error) error {
	return s.writer.do(ctx, job{people: true, f: f})
}

func errClosed() error { return chat.Errorf(chat.CodeStorage).Because(errors.New("store: closed")) }

// Close implements hub.Store. What was begun is finished first.
func (s *SQLite) Close() error {
	s.closeOnce.Do(func() {
		s.closeErr = errors.Join(s.closeSessions(), s.writer.close())
		for range cap(s.readers) {
			if c := <-s.readers; c != nil {
				s.closeErr = errors.Join(s.closeErr, c.close())
			}
		}
		if s.lock != nil {
			s.closeErr = errors.Join(s.closeErr, s.lock.Close())
		}
	})
	return s.closeErr
}
