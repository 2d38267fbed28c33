package vault

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"io"
)

// master is the 32-byte key of a vault, from which the others are derived.
type master [32]byte

func newMaster() master {
	var m master
	_, _ = rand.Read(m[:]) // never fails: crypto/rand ends the program instead
	return m
}

// derive makes a 32-byte key for one purpose (HKDF-SHA-512, RFC 5869), salted with the vault's ID.
func (m master) derive(id ID, purpose string) []byte {
	key, err := hkdf.Key(sha512.New, m[:], id[:], "huisclos/1 vault "+purpose, 32)
	if err != nil {
		panic("vault: " + err.Error()) // constant length
	}
	return key
}

func (m master) isZero() bool { return subtle.ConstantTimeCompare(m[:], make([]byte, len(m))) == 1 }

// String keeps the key out of logs.
func (m master) String() string { return "[secret]" }

// GoString keeps the key out of logs.
func (m master) GoString() string { return "[secret]" }

// Format keeps the key out of logs, whatever the verb.
func (m master) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[secret]") }

// MarshalText keeps the key out of encodings.
func (m master) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// Passphrase is what a person types to open a locked vault. It prints as [secret].
type Passphrase []byte

// String keeps it out of logs.
func (p Passphrase) String() string { return "[secret]" }

// GoString keeps it out of logs.
func (p Passphrase) GoString() string { return "[secret]" }

// Format keeps it out of logs, whatever the verb.
func (p Passphrase) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[secret]") }

// MarshalText keeps it out of encodings.
func (p Passphrase) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// Format keeps what a key file may hold out of logs.
func (f keyFile) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "key file of vault %s, guarded by %s", f.ID, f.Guard)
}

// Format keeps the key out of logs.
func (g guarded) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "key of vault %s, guarded by %s: [secret]", g.id, g.file.Guard)
}
