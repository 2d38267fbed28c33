package admin

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
)

// Secret is the printed key or its link, on its way to a person who asked for it. It
// prints, logs and marshals as [secret]; only Reveal shows it, and Marshal, for the socket
// and for who asks for JSON.
type Secret struct{ text string }

// NewSecret wraps text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text.
func (s Secret) Reveal() string { return s.text }

// IsZero reports whether there is none.
func (s Secret) IsZero() bool { return s.text == "" }

// Equal compares in constant time.
func (s Secret) Equal(t Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.text), []byte(t.text)) == 1
}

const redacted = "[secret]"

func (s Secret) String() string { return redacted }

// GoString is String.
func (s Secret) GoString() string { return redacted }

// Format is String, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is String: a Secret leaves the program only by Reveal and Marshal.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText refuses: what marshalled isn't there any more.
func (s *Secret) UnmarshalText([]byte) error {
	return errors.New("admin: a secret can't be read from its marshalled form")
}
