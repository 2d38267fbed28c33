package trust

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

// LabelName is the label of an account's signature over its name.
const LabelName = "name"

// ErrKey is returned for bytes that are no private key.
var ErrKey = errors.New("trust: not a private key")

// Account is a person's key on one server. Its public half is the AccountID.
type Account struct{ key ed25519.PrivateKey }

// NewAccount draws one.
func NewAccount() *Account {
	_, key, _ := ed25519.GenerateKey(rand.Reader) // never fails with crypto/rand
	return &Account{key}
}

// ParseAccount restores one from Bytes. ErrKey for another length, or for zero bytes only.
func ParseAccount(b []byte) (*Account, error) {
	key, err := parseSeed(b)
	if err != nil {
		return nil, err
	}
	return &Account{key}, nil
}

func parseSeed(b []byte) (ed25519.PrivateKey, error) {
	if len(b) != ed25519.SeedSize || subtle.ConstantTimeCompare(b, make([]byte, ed25519.SeedSize)) == 1 {
		return nil, ErrKey
	}
	return ed25519.NewKeyFromSeed(b), nil
}

// ID is the public key.
func (a *Account) ID() chat.AccountID { return chat.AccountID(a.key.Public().(ed25519.PublicKey)) }

// Bytes is the private key, 32 bytes, for the vault.
func (a *Account) Bytes() []byte { return a.key.Seed() }

// Sign is Sign with the account's key.
func (a *Account) Sign(label string, x []byte) [64]byte { return Sign(a.key, label, x) }

// SignName signs (server, name): the account takes that name there.
func (a *Account) SignName(server chat.Fingerprint, name string) [64]byte {
	return Sign(a.key, LabelName, signedName(server, name))
}

// VerifyName checks what SignName made.
func VerifyName(a chat.AccountID, server chat.Fingerprint, name string, sig [64]byte) bool {
	return Verify(a, LabelName, signedName(server, name), sig)
}

// signedName is fingerprint ‖ name in UTF-8.
func signedName(server chat.Fingerprint, name string) []byte {
	return append(append(make([]byte, 0, len(server)+len(name)), server[:]...), name...)
}

const redacted = "[secret]"

// String hides the key.
func (*Account) String() string { return redacted }

// GoString hides the key.
func (*Account) GoString() string { return redacted }

// Format hides the key from every verb.
func (*Account) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue hides the key.
func (*Account) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the key, from JSON too.
func (*Account) MarshalText() ([]byte, error) { return []byte(redacted), nil }
