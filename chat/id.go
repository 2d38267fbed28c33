package chat

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"
)

// Fingerprint names a server: the first 16 bytes of SHA-256 of
// "huisclos/1 server" ‖ its Ed25519 identity key (32 bytes).
//
// 16 bytes resist a second preimage (2^128 work), which is what a pin needs.
type Fingerprint [16]byte

// FingerprintOf returns the fingerprint of a server identity key. It panics if
// pub is not 32 bytes long; keys are checked where they are decoded.
func FingerprintOf(pub ed25519.PublicKey) Fingerprint {
	if len(pub) != ed25519.PublicKeySize {
		panic("chat: a server identity key is 32 bytes")
	}
	sum := sha256.Sum256(append([]byte("huisclos/1 server"), pub...))
	return Fingerprint(sum[:16])
}

func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// IsZero reports whether f is unset.
func (f Fingerprint) IsZero() bool { return f == Fingerprint{} }

// AccountID is the Ed25519 public key of a person's account.
type AccountID [32]byte

func (a AccountID) String() string { return hex.EncodeToString(a[:]) }

// IsZero reports whether a is unset.
func (a AccountID) IsZero() bool { return a == AccountID{} }

// DeviceID is the Ed25519 public key of one device of an account.
type DeviceID [32]byte

func (d DeviceID) String() string { return hex.EncodeToString(d[:]) }

// IsZero reports whether d is unset.
func (d DeviceID) IsZero() bool { return d == DeviceID{} }

// RoomID names a room on its server. The ID of a key room follows from its
// name (KeyRoomID), so that a server can't show one room under another's name.
type RoomID [16]byte

func (r RoomID) String() string { return hex.EncodeToString(r[:]) }

// IsZero reports whether r is unset.
func (r RoomID) IsZero() bool { return r == RoomID{} }

// KeyRoomID is the ID of the key room with that name (without "#") on the server:
// the first 16 bytes of SHA-256 of "huisclos/1 key room" ‖ fingerprint ‖ name.
func KeyRoomID(server Fingerprint, name string) RoomID {
	h := sha256.New()
	h.Write([]byte("huisclos/1 key room"))
	h.Write(server[:])
	h.Write([]byte(name))
	return RoomID(h.Sum(nil)[:16])
}

// MessageID is chosen by the sender, once for each message: 48 bits of
// milliseconds since 1970, big-endian, and 80 random bits. The time makes the
// server's index of them grow at one end; it is signed with the message.
type MessageID [16]byte

// NewMessageID makes an ID for a message written at t.
func NewMessageID(t time.Time) MessageID {
	var id MessageID
	ms := uint64(t.UnixMilli()) //nolint:gosec // after 1970
	binary.BigEndian.PutUint64(id[:8], ms<<16)
	_, _ = rand.Read(id[6:]) // never fails: crypto/rand ends the program instead
	return id
}

// Time is when the sender says that the message was written.
func (m MessageID) Time() time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(m[:8]) >> 16)) //nolint:gosec // 48 bits
}

func (m MessageID) String() string { return hex.EncodeToString(m[:]) }

// IsZero reports whether m is unset.
func (m MessageID) IsZero() bool { return m == MessageID{} }

// ErrIDLength is returned by the Parse functions for text that is not an ID.
var ErrIDLength = errors.New("chat: not an identifier")

// ParseAccountID reads the 64 hexadecimal digits of String.
func ParseAccountID(s string) (a AccountID, err error) { return a, unhex(a[:], s) }

// ParseDeviceID reads the 64 hexadecimal digits of String.
func ParseDeviceID(s string) (d DeviceID, err error) { return d, unhex(d[:], s) }

// ParseFingerprint reads the 32 hexadecimal digits of String.
func ParseFingerprint(s string) (f Fingerprint, err error) { return f, unhex(f[:], s) }

// ParseRoomID reads the 32 hexadecimal digits of String.
func ParseRoomID(s string) (r RoomID, err error) { return r, unhex(r[:], s) }

// ParseMessageID reads the 32 hexadecimal digits of String.
func ParseMessageID(s string) (m MessageID, err error) { return m, unhex(m[:], s) }

func unhex(dst []byte, s string) error {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(dst) {
		return ErrIDLength
	}
	copy(dst, b)
	return nil
}
