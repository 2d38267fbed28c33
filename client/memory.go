package client

import (
	"bytes"
	"slices"
	"sort"
	"sync"

	"huisclos/chat"
)

// Memory is a Vault that keeps nothing on disk: for tests, and where there is no disk.
type Memory struct {
	mu     sync.RWMutex // guards everything below; held by a transaction from its start to its end
	tables map[Table]*memoryTable
	facts  Facts
	closed bool
}

// memoryTable holds its keys in order beside the records.
type memoryTable struct {
	keys   []string
	values map[string][]byte
}

// NewMemory makes an empty one.
func NewMemory() *Memory {
	m := &Memory{tables: make(map[Table]*memoryTable)}
	for _, t := range Tables() {
		m.tables[t] = &memoryTable{values: make(map[string][]byte)}
	}
	return m
}

// View implements Vault.
func (m *Memory) View(f func(Reader) error) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return chat.Errorf(chat.CodeStorage)
	}
	return f(&memoryTx{m: m})
}

// Update implements Vault.
func (m *Memory) Update(_ Durability, f func(Writer) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return chat.Errorf(chat.CodeStorage)
	}
	tx := &memoryTx{m: m}
	if err := f(tx); err != nil {
		tx.rollback()
		return err
	}
	return nil
}

// Protection implements Vault.
func (m *Memory) Protection() Protection { return ProtectedByMemory }

// RolledBack implements Vault: memory has no older copy.
func (m *Memory) RolledBack() bool { return false }

// Settled implements Vault.
func (m *Memory) Settled() error { return nil }

// Scrub implements Vault.
func (m *Memory) Scrub() error { return nil }

// Remember implements Vault.
func (m *Memory) Remember(f Facts) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.facts = f
	return nil
}

// Facts returns what was remembered last.
func (m *Memory) Facts() Facts {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.facts
}

// Close implements Vault.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

// Reopen makes a closed one usable again, with what it holds: a restart of the
// program, for tests.
func (m *Memory) Reopen() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = false
}

// Clone copies it as it is: a backup, for tests.
func (m *Memory) Clone() *Memory {
	m.mu.RLock()
	defer m.mu.RUnlock()
	c := NewMemory()
	c.facts = m.facts
	for t, from := range m.tables {
		to := c.tables[t]
		to.keys = slices.Clone(from.keys)
		for k, v := range from.values {
			to.values[k] = slices.Clone(v)
		}
	}
	return c
}

// memoryTx undoes its changes in reverse order when it fails.
type memoryTx struct {
	m    *Memory
	undo []func()
}

func (tx *memoryTx) rollback() {
	for _, f := range slices.Backward(tx.undo) {
		f()
	}
}

func (tx *memoryTx) Get(t Table, key []byte) ([]byte, error) {
	return slices.Clone(tx.m.tables[t].values[string(key)]), nil
}

func (tx *memoryTx) Scan(t Table, from, to []byte, backwards bool, f func(key, value []byte) (bool, error)) error {
	table := tx.m.tables[t]
	lo := sort.SearchStrings(table.keys, string(from))
	hi := len(table.keys)
	if to != nil {
		hi = sort.SearchStrings(table.keys, string(to))
	}
	if lo >= hi {
		return nil
	}
	keys := slices.Clone(table.keys[lo:hi]) // f may change the table
	if backwards {
		slices.Reverse(keys)
	}
	for _, k := range keys {
		v, ok := table.values[k]
		if !ok {
			continue
		}
		if more, err := f([]byte(k), bytes.Clone(v)); err != nil || !more {
			return err
		}
	}
	return nil
}

func (tx *memoryTx) Put(t Table, key, value []byte) error {
	table, k := tx.m.tables[t], string(key)
	old, had := table.values[k]
	table.values[k] = slices.Clone(value)
	if had {
		tx.undo = append(tx.undo, func() { table.values[k] = old })
		return nil
	}
	i := sort.SearchStrings(table.keys, k)
	table.keys = slices.Insert(table.keys, i, k)
	tx.undo = append(tx.undo, func() { table.remove(k) })
	return nil
}

func (tx *memoryTx) Delete(t Table, key []byte) error {
	table, k := tx.m.tables[t], string(key)
	old, had := table.values[k]
	if !had {
		return nil
	}
	table.remove(k)
	tx.undo = append(tx.undo, func() {
		table.values[k] = old
		table.keys = slices.Insert(table.keys, sort.SearchStrings(table.keys, k), k)
	})
	return nil
}

func (t *memoryTable) remove(k string) {
	delete(t.values, k)
	i := sort.SearchStrings(t.keys, k)
	t.keys = slices.Delete(t.keys, i, i+1)
}
