package keys

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"

	"huisclos/chat"
)

// The labels of the derivations: HKDF-SHA-512 (RFC 5869) of K with the salt fingerprint ‖ generation as 4 bytes
// big-endian, and one of these as info.
const (
	labelAccess = "huisclos/1 access key" // 32 bytes: the seed of the Ed25519 pair A_g
	labelRoom   = "huisclos/1 key room"   // ‖ room ID; 64 bytes: the key of A256CBC-HS512
	labelTyping = "huisclos/1 typing"     // ‖ room ID; 64 bytes: the key of A256CBC-HS512 for signs of typing in a key room
	labelLink   = "huisclos/1 key link"   // 32 bytes: the AES-256-GCM key of a link between generations
)

// RoomKeySize is the length in bytes of a key room's key, as seal.New takes it.
const RoomKeySize = 64

func (k Key) derive(g chat.Generation, info string, n int) []byte {
	k.mustHold()
	salt := binary.BigEndian.AppendUint32(append([]byte(nil), k.server[:]...), uint32(g))
	out, err := hkdf.Key(sha512.New, k.secret[:], salt, info, n)
	if err != nil {
		panic("keys: " + err.Error()) // only for lengths that aren't asked for here
	}
	return out
}

// Access is the access key pair A_g, with which a newcomer proves to hold K (PROTOCOL §4).
func (k Key) Access(g chat.Generation) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(k.derive(g, labelAccess, ed25519.SeedSize))
}

// AccessPublic is what the server knows of A_g.
func (k Key) AccessPublic(g chat.Generation) [32]byte {
	return [32]byte(k.Access(g).Public().(ed25519.PublicKey))
}

// Fits reports whether public is the access key of k in generation g: whether k is the key in force.
func (k Key) Fits(g chat.Generation, public [32]byte) bool {
	own := k.AccessPublic(g)
	return subtle.ConstantTimeCompare(own[:], public[:]) == 1
}

// Room is the key of a key room in generation g, RoomKeySize bytes for seal.New.
func (k Key) Room(g chat.Generation, room chat.RoomID) []byte {
	return k.derive(g, labelRoom+string(room[:]), RoomKeySize)
}

// Typing is the key of the signs of typing in a key room in generation g, RoomKeySize bytes for seal.NewTypists.
func (k Key) Typing(g chat.Generation, room chat.RoomID) []byte {
	return k.derive(g, labelTyping+string(room[:]), RoomKeySize)
}
