package seal

import (
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"math/bits"

	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

// LabelMessage is the label of a device's signature over a message.
const LabelMessage = "key room message"

// labelData begins the associated data of a message.
const labelData = "huisclos/1 key room message"

// Room seals and opens the messages of one key room under one generation of the key. It may be
// used by several goroutines.
type Room struct {
	server     chat.Fingerprint
	room       chat.RoomID
	generation chat.Generation
	cipher     cipher.AEAD
}

// NewRoom makes a Room. key is that of keys.Key.Room, 64 bytes; ErrKey.
func NewRoom(server chat.Fingerprint, room chat.RoomID, g chat.Generation, key []byte) (*Room, error) {
	if subtle.ConstantTimeCompare(key, make([]byte, KeySize)) == 1 { // a key that nobody has drawn
		return nil, ErrKey
	}
	c, err := New(key)
	if err != nil {
		return nil, err
	}
	return &Room{server: server, room: room, generation: g, cipher: c}, nil
}

// inner is what stands inside the encryption, followed by zero bytes up to the bucket's size (PaddedSize).
type inner struct {
	_         struct{} `cbor:",toarray"`
	Signature [ed25519.SignatureSize]byte
	Content   []byte
}

// Seal signs content with the device's key, seals it under a fresh random IV, and returns the bytes of the envelope. header
// gives the sender, the message ID, the counter, the previous hash and what was seen; its Version, Room, Generation
// and Sealed are set here. The device's public key must be header.Device.
//
// Sealed is IV ‖ ciphertext ‖ tag. The device signs the associated data ‖ SHA-512(content).
func (r *Room) Seal(header wire.Envelope, device ed25519.PrivateKey, content []byte) []byte {
	header.Version, header.Room, header.Generation = 1, r.room, r.generation
	data := r.data(&header)
	plain := wire.Marshal(&inner{Signature: trust.Sign(device, LabelMessage, signed(data, content)), Content: content})
	n := PaddedSize(len(plain))
	sealed := make([]byte, NonceSize, NonceSize+n+r.cipher.Overhead())
	_, _ = rand.Read(sealed) // never fails
	padded := append(sealed[NonceSize:], plain...)[:n]
	clear(padded[len(plain):])
	header.Sealed = r.cipher.Seal(sealed, sealed[:NonceSize], padded, data)
	return wire.Marshal(&header)
}

// Open returns the content of an envelope: it comes from env.Device, was meant for this room under this
// generation, and says what its header says. Whether that device belongs to env.Account, and whether
// counter and seen are right, is for the caller to judge. ErrOpen for everything else.
func (r *Room) Open(env *wire.Envelope) ([]byte, error) {
	if env.Version != 1 || env.Room != r.room || env.Generation != r.generation || len(env.Sealed) < NonceSize {
		return nil, ErrOpen
	}
	data := r.data(env)
	padded, err := r.cipher.Open(nil, env.Sealed[:NonceSize], env.Sealed[NonceSize:], data)
	if err != nil {
		return nil, ErrOpen
	}
	in, ok := unpad(padded)
	if !ok || !trust.Verify(env.Device, LabelMessage, signed(data, in.Content), in.Signature) {
		return nil, ErrOpen
	}
	return in.Content, nil
}

// data is the associated data: deterministic CBOR of the label, the server and the header (PROTOCOL §5).
func (r *Room) data(h *wire.Envelope) []byte {
	return wire.Marshal(&associated{
		Label: labelData, Server: r.server, Room: h.Room, Generation: h.Generation, Account: h.Account, Device: h.Device,
		ID: h.ID, Counter: h.Counter, Previous: h.Previous, SeenSeq: h.SeenSeq, SeenHash: h.SeenHash,
	})
}

// associated is the associated data.
type associated struct {
	_          struct{} `cbor:",toarray"`
	Label      string
	Server     chat.Fingerprint
	Room       chat.RoomID
	Generation chat.Generation
	Account    chat.AccountID
	Device     chat.DeviceID
	ID         chat.MessageID
	Counter    uint64
	Previous   [32]byte
	SeenSeq    chat.Seq
	SeenHash   [32]byte
}

// signed is what the device signs.
func signed(data, content []byte) []byte {
	sum := sha512.Sum512(content)
	return append(data[:len(data):len(data)], sum[:]...)
}

// minBucket is the least difference between two padded sizes, in bytes.
const minBucket = 128

// PaddedSize is the size of the bucket for n bytes: multiples of 128, and beyond 4 KiB of the power of two that loses
// at most 12 % (Padmé, Nikitin et al. 2019, §4).
func PaddedSize(n int) int {
	step := minBucket
	if n > 0 {
		e := bits.Len(uint(n)) - 1
		step = max(step, 1<<(e-bits.Len(uint(e))))
	}
	return (n + step - 1) / step * step
}

// MaxContent is the most content, in bytes, whose envelope has at most limit bytes.
func MaxContent(limit int) int {
	low, high := 0, max(0, limit)
	for low < high {
		if mid := (low + high + 1) / 2; EnvelopeSize(mid) <= limit {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return low
}

// EnvelopeSize bounds the size of the envelope for n bytes of content.
func EnvelopeSize(n int) int {
	const (
		inside  = 1 + 2 + ed25519.SignatureSize + 5                   // array, signature, length of the content
		outside = 1 + 1 + 17 + 5 + 34 + 34 + 17 + 9 + 34 + 9 + 34 + 5 // the header and the length of Sealed
	)
	padded := PaddedSize(n + inside)
	return outside + NonceSize + padded + 16 + TagSize
}

// unpad takes the bucket apart: one deterministic CBOR item, then zero bytes.
func unpad(padded []byte) (in inner, ok bool) {
	n, ok := innerSize(padded)
	if !ok || wire.Unmarshal(padded[:n], &in) != nil || len(padded) != PaddedSize(n) {
		return inner{}, false
	}
	for _, b := range padded[n:] {
		if b != 0 {
			return inner{}, false
		}
	}
	return in, true
}

// innerSize reads how long the CBOR item is: 82 5840 ‖ signature ‖ head of a byte string ‖ content, with the shortest head.
func innerSize(b []byte) (int, bool) {
	const before = 1 + 2 + ed25519.SignatureSize
	if len(b) < before+1 || b[0] != 0x82 || b[1] != 0x58 || b[2] != ed25519.SignatureSize || b[before]>>5 != 2 {
		return 0, false
	}
	extra := 0 // bytes of the length
	length := int(b[before] & 31)
	switch length {
	case 24, 25, 26:
		extra = 1 << (length - 24)
		if len(b) < before+1+extra {
			return 0, false
		}
		length = 0
		for _, x := range b[before+1 : before+1+extra] {
			length = length<<8 | int(x)
		}
		least := map[int]int{1: 24, 2: 1 << 8, 4: 1 << 16}[extra]
		if length < least {
			return 0, false
		}
	default:
		if length > 23 {
			return 0, false
		}
	}
	n := before + 1 + extra + length
	return n, n <= len(b)
}
