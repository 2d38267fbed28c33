package vault

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"

	"huisclos/client"
)

// recordVersion is bound into every sealed record; a new way of sealing is a new number.
const recordVersion = 1

// sealer seals records, bound to the vault by its key, and to (table, key, version) by
// the associated data: a record moved to another place doesn't open.
type sealer struct{ aead cipher.AEAD }

func newSealer(key master, id ID) sealer { return sealer{newAEAD(key.derive(id, "records"))} }

// place is the associated data: version ‖ table ‖ key. The first two have one byte each, so
// that no two places give the same bytes.
func place(t client.Table, key []byte) []byte {
	return append([]byte{recordVersion, byte(t)}, key...)
}

func (s sealer) seal(t client.Table, key, value []byte) []byte {
	return s.aead.Seal(nil, nil, value, place(t, key))
}

func (s sealer) open(t client.Table, key, sealed []byte) ([]byte, error) {
	return s.aead.Open(nil, nil, sealed, place(t, key))
}

// root is the record that every transaction rewrites. Its place is table 0, which no client has.
type root struct {
	counter    uint64
	rolledBack bool
}

var rootKey = []byte("root")

const rootTable client.Table = 0

var errRoot = errors.New("vault: no root record")

func (r root) marshal() []byte {
	b := binary.BigEndian.AppendUint64(nil, r.counter)
	if r.rolledBack {
		return append(b, 1)
	}
	return append(b, 0)
}

func parseRoot(b []byte) (root, error) {
	if len(b) != 9 || b[8] > 1 {
		return root{}, errRoot
	}
	return root{counter: binary.BigEndian.Uint64(b), rolledBack: b[8] == 1}, nil
}
