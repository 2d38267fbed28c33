package keys

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"huisclos/access"
	"huisclos/chat"
)

// Size of K in bytes: the AES-256 key of the specification.
const Size = 32

// Version of the printed key: the lowest version of the protocol that its holder's client accepts.
const Version = 1

// prefix is the human-readable part of the printed key.
const prefix = "hc"

// Length of the printed key in characters.
const Length = 87

// Key is K: 32 random bytes that belong to one server. The zero Key holds no secret, and its methods
// panic rather than derive something from nothing; IsZero tells it apart.
type Key struct {
	server chat.Fingerprint
	secret [Size]byte
}

// New draws a key for a server.
func New(server chat.Fingerprint) Key {
	k := Key{server: server}
	_, _ = rand.Read(k.secret[:]) // never fails: crypto/rand ends the program instead
	return k
}

// FromBytes restores a key from Bytes. CodeKeyFormat for another length, for nothing but zero
// bytes, and for the zero fingerprint.
func FromBytes(server chat.Fingerprint, secret []byte) (Key, error) {
	if len(secret) != Size {
		return Key{}, chat.Errorf(chat.CodeKeyFormat)
	}
	k := Key{server: server, secret: [Size]byte(secret)}
	if k.IsZero() {
		return Key{}, chat.Errorf(chat.CodeKeyFormat)
	}
	return k, nil
}

// Parse reads a printed key; spaces and line breaks around it and inside it are ignored, as e-mail
// programs add them, and capitals are accepted when all are. CodeKeyFormat when it
// isn't a key, CodeKeyChecksum when one has wrong characters (any four are found), CodeKeyVersion (version) when it is of a
// later version of the program.
func Parse(s string) (Key, error) {
	s = strings.Join(strings.Fields(s), "")
	if len(s) < len(prefix)+1 || !strings.EqualFold(s[:len(prefix)+1], prefix+"1") {
		return Key{}, chat.Errorf(chat.CodeKeyFormat)
	}
	version, data, err := access.DecodeBech32m(prefix, s)
	switch {
	case err != nil: // it begins like a key: a letter is wrong, lost or too many
		return Key{}, chat.Errorf(chat.CodeKeyChecksum)
	case version > Version:
		return Key{}, chat.Errorf(chat.CodeKeyVersion, "version", fmt.Sprint(version))
	case version == 0 || len(data) != len(chat.Fingerprint{})+Size:
		return Key{}, chat.Errorf(chat.CodeKeyFormat)
	}
	return FromBytes(chat.Fingerprint(data[:16]), data[16:])
}

// Reveal is the printed key, for a person to share: 87 characters that begin with hc1.
func (k Key) Reveal() string {
	k.mustHold()
	return access.EncodeBech32m(prefix, Version, append(k.server[:], k.secret[:]...))
}

// Bytes is K itself, for the vault.
func (k Key) Bytes() []byte {
	k.mustHold()
	return append([]byte(nil), k.secret[:]...)
}

// Server is the fingerprint of the server that the key belongs to.
func (k Key) Server() chat.Fingerprint { return k.server }

// IsZero reports whether k holds no key.
func (k Key) IsZero() bool {
	var zero [Size]byte
	return k.server.IsZero() || subtle.ConstantTimeCompare(k.secret[:], zero[:]) == 1
}

// Equal compares in constant time.
func (k Key) Equal(o Key) bool {
	return k.server == o.server && subtle.ConstantTimeCompare(k.secret[:], o.secret[:]) == 1
}

func (k Key) mustHold() {
	if k.IsZero() {
		panic("keys: use of the zero Key")
	}
}

const redacted = "[secret]"

// String hides the key.
func (Key) String() string { return redacted }

// GoString hides the key.
func (Key) GoString() string { return redacted }

// Format hides the key from every verb.
func (Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue hides the key.
func (Key) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the key, from JSON too.
func (Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalCBOR refuses: a key is stored as Bytes, on purpose.
func (Key) MarshalCBOR() ([]byte, error) { return nil, errors.New("keys: a key isn't encoded") }
