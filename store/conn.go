package store

import (
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// conn is one connection to the database with the statements that it has prepared. It belongs to one goroutine at a time.
type conn struct {
	*sqlite3.Conn
	statements map[string]*sqlite3.Stmt
}

// exec runs a statement that returns nothing.
func (c *conn) exec(sql string, args ...any) error {
	return c.query(sql, nil, args...)
}

// query runs a statement and calls row for each row; the row's blobs are valid until row returns.
func (c *conn) query(sql string, row func(*sqlite3.Stmt) error, args ...any) error {
	s, err := c.statement(sql)
	if err != nil {
		return err
	}
	for i, a := range args {
		if err := bind(s, i+1, a); err != nil {
			return err
		}
	}
	for err == nil && s.Step() {
		if row != nil {
			err = row(s)
		}
	}
	if e := s.Err(); err == nil {
		err = e
	}
	_ = s.Reset() // repeats the error of Step
	return err
}

// statement prepares sql once.
func (c *conn) statement(sql string) (*sqlite3.Stmt, error) {
	if s := c.statements[sql]; s != nil {
		return s, nil
	}
	s, _, err := c.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", sql, err)
	}
	c.statements[sql] = s
	return s, nil
}

func bind(s *sqlite3.Stmt, i int, a any) error {
	switch a := a.(type) {
	case nil:
		return s.BindNull(i)
	case int64:
		return s.BindInt64(i, a)
	case int:
		return s.BindInt(i, a)
	case bool:
		return s.BindBool(i, a)
	case string:
		return s.BindText(i, a)
	case []byte:
		if a == nil {
			a = []byte{} // an absent value is nil, not a nil slice
		}
		return s.BindBlob(i, a)
	case time.Time:
		return s.BindInt64(i, a.UnixMilli())
	}
	return fmt.Errorf("store: a value of type %T", a)
}

func (c *conn) close() error {
	for _, s := range c.statements {
		_ = s.Close()
	}
	return c.Conn.Close()
}

// milli reads a time.
func milli(s *sqlite3.Stmt, col int) time.Time { return time.UnixMilli(s.ColumnInt64(col)) }

// blob32 reads 32 bytes.
func blob32(s *sqlite3.Stmt, col int) (b [32]byte) {
	copy(b[:], s.ColumnRawBlob(col))
	return b
}
