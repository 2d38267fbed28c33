package vault

import (
	"errors"

	"huisclos/client"
)

// checkPages reads every page that is in use: its check, and how the pages hang together.
func (v *SQLite) checkPages() error {
	s, _, err := v.db.Prepare("PRAGMA quick_check(1)")
	if err != nil {
		return err
	}
	defer s.Close()
	if s.Step() {
		if text := s.ColumnText(0); text != "ok" {
			return corrupt(v.path, errors.New(text))
		}
	}
	return s.Err()
}

// Check reads everything, page by page and record by record: nil when all of it is as it was written.
func (v *SQLite) Check() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.db == nil {
		return closedError(v.dir)
	}
	if err := v.checkPages(); err != nil {
		return databaseError(v.path, err)
	}
	for _, t := range append(client.Tables(), rootTable) {
		err := (&tx{v: v}).Scan(t, nil, nil, false, func([]byte, []byte) (bool, error) { return true, nil })
		if err != nil {
			return databaseError(v.path, err)
		}
	}
	return nil
}
