package vault

import (
	"bytes"
	"errors"
	"slices"

	"github.com/ncruces/go-sqlite3"

	"huisclos/client"
)

// tx reads and writes inside one transaction; its vault's mutex is held.
type tx struct{ v *SQLite }

var _ client.Writer = (*tx)(nil)

// Get implements client.Reader.
func (t *tx) Get(table client.Table, key []byte) (value []byte, err error) {
	s := t.v.get
	defer func() { err = errors.Join(err, s.Reset()) }()
	if err := bind(s, table, key); err != nil {
		return nil, err
	}
	if !s.Step() {
		return nil, s.Err()
	}
	return t.unseal(table, key, s.ColumnRawBlob(0))
}

// Put implements client.Writer.
func (t *tx) Put(table client.Table, key, value []byte) error {
	s := t.v.put
	if err := errors.Join(bind(s, table, key), s.BindBlob(3, t.v.seal.seal(table, key, value))); err != nil {
		return err
	}
	return s.Exec()
}

// Delete implements client.Writer.
func (t *tx) Delete(table client.Table, key []byte) error {
	if err := bind(t.v.del, table, key); err != nil {
		return err
	}
	return t.v.del.Exec()
}

// Scan implements client.Reader.
func (t *tx) Scan(table client.Table, from, to []byte, backwards bool, f func(key, value []byte) (bool, error)) error {
	sql := "SELECT key, value FROM record WHERE tab = ? AND key >= ?"
	if to != nil {
		sql += " AND key < ?"
	}
	sql += " ORDER BY key"
	if backwards {
		sql += " DESC"
	}
	s, _, err := t.v.db.Prepare(sql)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := bind(s, table, from); err != nil {
		return err
	}
	if to != nil {
		if err := s.BindBlob(3, to); err != nil {
			return err
		}
	}
	for s.Step() {
		key := bytes.Clone(s.ColumnRawBlob(0))
		value, err := t.unseal(table, key, s.ColumnRawBlob(1))
		if err != nil {
			return err
		}
		if more, err := f(key, value); err != nil || !more {
			return err
		}
	}
	return s.Err()
}

// unseal opens a record; one that doesn't open was changed outside the program.
func (t *tx) unseal(table client.Table, key, sealed []byte) ([]byte, error) {
	value, err := t.v.seal.open(table, key, sealed)
	if err != nil {
		return nil, corrupt(t.v.path, err)
	}
	return slices.Clip(value), nil
}

func bind(s *sqlite3.Stmt, table client.Table, key []byte) error {
	if key == nil {
		key = []byte{} // NULL would compare as unknown
	}
	return errors.Join(s.BindInt(1, int(table)), s.BindBlob(2, key))
}
