package recovery

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"

	"huisclos/chat"
	"huisclos/trust"
)

// Sealer seals and opens the backups of one account on one server. It holds the backup key, which comes from the account's key and not the other way
// round: a device that has let the account's key go can still renew the backup, and can't sign with it. It is a secret.
type Sealer struct {
	account chat.AccountID
	server  chat.Fingerprint
	key     [SealerSize]byte
}

// SealerSize is the length of a backup key in bytes.
const SealerSize = 32

// NewSealer derives the backup key.
func NewSealer(account *trust.Account, server chat.Fingerprint) *Sealer {
	key, err := hkdf.Key(sha512.New, account.Bytes(), server[:], labelKey, SealerSize)
	if err != nil {
		panic("recovery: " + err.Error()) // only for lengths that aren't asked for here
	}
	return &Sealer{account: account.ID(), server: server, key: [SealerSize]byte(key)}
}

// ParseSealer restores one from Bytes. trust.ErrKey for another length, or for zero bytes only.
func ParseSealer(account chat.AccountID, server chat.Fingerprint, b []byte) (*Sealer, error) {
	if len(b) != SealerSize || subtle.ConstantTimeCompare(b, make([]byte, SealerSize)) == 1 {
		return nil, trust.ErrKey
	}
	return &Sealer{account: account, server: server, key: [SealerSize]byte(b)}, nil
}

// Bytes is the backup key, 32 bytes, for the vault.
func (s *Sealer) Bytes() []byte { return append([]byte(nil), s.key[:]...) }

// aead is AES-256-GCM under the backup key. Nonces are random: an account writes far fewer backups than the 2^32 that they are good for.
func (s *Sealer) aead() cipher.AEAD {
	block, err := aes.NewCipher(s.key[:])
	if err == nil {
		var a cipher.AEAD
		if a, err = cipher.NewGCM(block); err == nil {
			return a
		}
	}
	panic("recovery: " + err.Error()) // never: the key has 32 bytes
}

// String hides the key.
func (*Sealer) String() string { return redacted }

// GoString hides the key.
func (*Sealer) GoString() string { return redacted }

// Format hides the key from every verb.
func (*Sealer) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue hides the key.
func (*Sealer) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the key, from JSON too.
func (*Sealer) MarshalText() ([]byte, error) { return []byte(redacted), nil }
