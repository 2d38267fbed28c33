package trust

import (
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"

	"huisclos/chat"
)

// Device is one device of an account: an Ed25519 key to sign with, whose public half is the DeviceID, and an HPKE
// key (RFC 9180, KEM MLKEM768-X25519) that keys are sealed to.
type Device struct {
	key  ed25519.PrivateKey
	hpke hpke.PrivateKey
	seed []byte // of hpke
}

// hpkeSeedSize is the length of the HPKE private key in bytes.
const hpkeSeedSize = 32

// NewDevice draws one.
func NewDevice() *Device {
	_, key, _ := ed25519.GenerateKey(rand.Reader) // never fails with crypto/rand
	private, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		panic("trust: " + err.Error()) // never: crypto/rand ends the program instead
	}
	seed, err := private.Bytes()
	if err != nil {
		panic("trust: " + err.Error()) // never: it was made here
	}
	return &Device{key: key, hpke: private, seed: seed}
}

// ParseDevice restores one from Bytes. ErrKey when it isn't one.
func ParseDevice(b []byte) (*Device, error) {
	if len(b) != ed25519.SeedSize+hpkeSeedSize {
		return nil, ErrKey
	}
	key, err := parseSeed(b[:ed25519.SeedSize])
	if err != nil {
		return nil, err
	}
	if _, err := parseSeed(b[ed25519.SeedSize:]); err != nil { // not zero
		return nil, err
	}
	seed := append([]byte(nil), b[ed25519.SeedSize:]...)
	private, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
	if err != nil {
		return nil, ErrKey
	}
	return &Device{key: key, hpke: private, seed: seed}, nil
}

// ID is the public signing key.
func (d *Device) ID() chat.DeviceID { return chat.DeviceID(d.key.Public().(ed25519.PublicKey)) }

// Key is the private signing key.
func (d *Device) Key() ed25519.PrivateKey { return d.key }

// HPKE is the private key that others seal to.
func (d *Device) HPKE() hpke.PrivateKey { return d.hpke }

// Bytes are both private keys, 64 bytes, for the vault.
func (d *Device) Bytes() []byte { return append(d.key.Seed(), d.seed...) }

// String hides the keys.
func (*Device) String() string { return redacted }

// GoString hides the keys.
func (*Device) GoString() string { return redacted }

// Format hides the keys from every verb.
func (*Device) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue hides the keys.
func (*Device) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the keys, from JSON too.
func (*Device) MarshalText() ([]byte, error) { return []byte(redacted), nil }
