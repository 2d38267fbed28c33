package access

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"huisclos/chat"
)

// ErrIdentity is returned for bytes that are no identity.
var ErrIdentity = errors.New("access: not a server's identity")

// Identity is S, the Ed25519 key that a server is known by. The zero Identity is invalid, and prints as every other: [secret].
type Identity struct{ key ed25519.PrivateKey }

// NewIdentity draws one.
func NewIdentity() Identity {
	_, key, _ := ed25519.GenerateKey(rand.Reader) // never fails with crypto/rand
	return Identity{key}
}

// ParseIdentity restores one from Bytes. ErrIdentity for another length or for zero bytes only.
func ParseIdentity(b []byte) (Identity, error) {
	if len(b) != ed25519.SeedSize || subtle.ConstantTimeCompare(b, make([]byte, ed25519.SeedSize)) == 1 {
		return Identity{}, ErrIdentity
	}
	return Identity{ed25519.NewKeyFromSeed(b)}, nil
}

// Bytes is the secret: 32 bytes, for the server's own disk.
func (i Identity) Bytes() []byte { return i.key.Seed() }

// Signer is the private key, for the TLS certificate that is made from it.
func (i Identity) Signer() ed25519.PrivateKey { return i.key }

// Public is S_pub.
func (i Identity) Public() [32]byte { return [32]byte(i.key.Public().(ed25519.PublicKey)) }

// Fingerprint is what clients pin.
func (i Identity) Fingerprint() chat.Fingerprint {
	return chat.FingerprintOf(i.key.Public().(ed25519.PublicKey))
}

// IsZero reports whether i is unset.
func (i Identity) IsZero() bool { return len(i.key) == 0 }

const redacted = "[secret]"

// String hides the key.
func (Identity) String() string { return redacted }

// GoString hides the key.
func (Identity) GoString() string { return redacted }

// Format hides the key from every verb.
func (Identity) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue hides the key.
func (Identity) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the key, from JSON too.
func (Identity) MarshalText() ([]byte, error) { return []byte(redacted), nil }
