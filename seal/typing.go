package seal

import (
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/rand"

	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

// LabelTyping is the label of a device's signature over a sign of typing.
const LabelTyping = "typing"

// labelTypingData begins the associated data of one.
const labelTypingData = "huisclos/1 typing"

// Typing is the sign that a device is writing, or has stopped.
type Typing struct {
	Device chat.DeviceID
	Time   int64 // by the device's clock, ms since 1970; after 1970-02-19, so that its encoding always has the same size
	On     bool
}

// Typists seals and opens the signs of typing in one room, under one generation of the key or in one epoch of its group. It may be used by several
// goroutines.
type Typists struct {
	server chat.Fingerprint
	room   chat.RoomID
	turn   uint64
	cipher cipher.AEAD
}

// NewTypists makes one. turn is the generation or the epoch; key is that of keys.Key.Typing or what the group exports for it, 64 bytes. ErrKey.
func NewTypists(server chat.Fingerprint, room chat.RoomID, turn uint64, key []byte) (*Typists, error) {
	c, err := New(key)
	if err != nil {
		return nil, err
	}
	return &Typists{server: server, room: room, turn: turn, cipher: c}, nil
}

// typing is what stands inside the encryption: 111 bytes.
type typing struct {
	_         struct{} `cbor:",toarray"`
	Device    chat.DeviceID
	Time      int64
	On        bool
	Signature [ed25519.SignatureSize]byte
}

// typingData is the associated data.
type typingData struct {
	_      struct{} `cbor:",toarray"`
	Label  string
	Server chat.Fingerprint
	Room   chat.RoomID
	Turn   uint64
}

// signedTyping is what follows the associated data in what the device signs.
type signedTyping struct {
	_      struct{} `cbor:",toarray"`
	Device chat.DeviceID
	Time   int64
	On     bool
}

// leastTime is the first time whose encoding has nine bytes.
const leastTime = 1 << 32

func (t *Typists) data() []byte {
	return wire.Marshal(&typingData{Label: labelTypingData, Server: t.server, Room: t.room, Turn: t.turn})
}

// signed is what the device signs: members share the key, and none of them can write in another's name.
func (t *Typists) signed(x *Typing) []byte {
	return append(t.data(), wire.Marshal(&signedTyping{Device: x.Device, Time: x.Time, On: x.On})...)
}

// Seal makes wire.TypingSize bytes: a fresh random IV ‖ ciphertext ‖ tag.
func (t *Typists) Seal(device ed25519.PrivateKey, at int64, on bool) []byte {
	x := Typing{Device: chat.DeviceID(device.Public().(ed25519.PublicKey)), Time: max(at, leastTime), On: on} //nolint:forcetypeassert // it is one
	plain := wire.Marshal(&typing{Device: x.Device, Time: x.Time, On: x.On, Signature: trust.Sign(device, LabelTyping, t.signed(&x))})
	sealed := make([]byte, NonceSize, wire.TypingSize)
	_, _ = rand.Read(sealed) // never fails
	return t.cipher.Seal(sealed, sealed[:NonceSize], plain, t.data())
}

// Open reads what Seal made: it comes from that device, for this room and turn. Whose device it is, whether its time is near, and whether it came before, is for
// the caller to judge. ErrOpen for everything else.
func (t *Typists) Open(body []byte) (Typing, error) {
	if len(body) != wire.TypingSize {
		return Typing{}, ErrOpen
	}
	plain, err := t.cipher.Open(nil, body[:NonceSize], body[NonceSize:], t.data())
	var in typing
	if err != nil || wire.UnmarshalStrict(plain, &in) != nil || in.Time < leastTime {
		return Typing{}, ErrOpen
	}
	x := Typing{Device: in.Device, Time: in.Time, On: in.On}
	if !trust.Verify(in.Device, LabelTyping, t.signed(&x), in.Signature) {
		return Typing{}, ErrOpen
	}
	return x, nil
}
