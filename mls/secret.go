package mls

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// Secret is a key or what keys come from. It never prints, and compares in constant time. Go can't wipe memory reliably: secrets are
// short-lived instead, and dropped when they are used up.
type Secret []byte

// Equal compares in constant time; two empty secrets aren't equal, since the zero value is no secret.
func (s Secret) Equal(other Secret) bool {
	return len(s) > 0 && subtle.ConstantTimeCompare(s, other) == 1
}

// String is "[secret]".
func (s Secret) String() string { return "[secret]" }

// GoString is "[secret]".
func (s Secret) GoString() string { return "[secret]" }

// Format writes "[secret]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[secret]")) }

// LogValue is "[secret]".
func (s Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// MarshalText is "[secret]".
func (s Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// wipe zeroes what this slice still reaches, as far as Go allows.
func wipe(secrets ...Secret) {
	for _, s := range secrets {
		clear(s)
	}
}
