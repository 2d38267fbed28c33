package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"hash"
	"math"
	"slices"
	"sync"
)

// Sizes in bytes.
const (
	KeySize   = 64 // 32 for HMAC-SHA-512, then 32 for AES-256
	NonceSize = aes.BlockSize
	TagSize   = 32
)

// ErrOpen is every failure to open: it doesn't say which.
var ErrOpen = errors.New("seal: message authentication failed")

// ErrKey is returned for a key of another length than KeySize, and by NewRoom for one of zero bytes only.
var ErrKey = errors.New("seal: not a key")

// aead is A256CBC-HS512. It may be used by several goroutines.
type aead struct {
	block  cipher.Block
	macKey []byte
	macs   sync.Pool // of *mac
}

// mac is an HMAC with its key already taken in.
type mac struct {
	hash.Hash
	sum [sha512.Size]byte
}

// New returns A256CBC-HS512 (RFC 7518 §5.2.5) with a key of 64 bytes: MAC_KEY ‖ ENC_KEY. The nonce is the IV of
// 16 bytes; Seal appends ciphertext ‖ tag, the ciphertext 1 to 16 bytes longer than the plaintext, the tag 32 bytes.
//
// The IV must be drawn at random for each message (CBC): callers use Room, which does so.
// As with every cipher.AEAD, Seal panics on a nonce of another length; Open returns ErrOpen.
func New(key []byte) (cipher.AEAD, error) { return newAEAD(key) }

func newAEAD(key []byte) (*aead, error) {
	if len(key) != KeySize {
		return nil, ErrKey
	}
	block, err := aes.NewCipher(key[KeySize/2:])
	if err != nil {
		return nil, ErrKey
	}
	a := &aead{block: block, macKey: slices.Clone(key[:KeySize/2])}
	a.macs.New = func() any { return &mac{Hash: hmac.New(sha512.New, a.macKey)} }
	return a, nil
}

func (*aead) NonceSize() int { return NonceSize }

// Overhead is the greatest difference between sealed and plain: a whole block of padding and the tag.
func (*aead) Overhead() int { return aes.BlockSize + TagSize }

func (a *aead) Seal(dst, nonce, plaintext, data []byte) []byte {
	if len(nonce) != NonceSize {
		panic("seal: an IV has 16 bytes")
	}
	pad := aes.BlockSize - len(plaintext)%aes.BlockSize
	n := len(plaintext) + pad
	dst = slices.Grow(dst, n+TagSize)
	out := dst[len(dst) : len(dst)+n+TagSize]
	copy(out, plaintext) // plaintext and out are either the same memory or apart
	for i := len(plaintext); i < n; i++ {
		out[i] = byte(pad)
	}
	cipher.NewCBCEncrypter(a.block, nonce).CryptBlocks(out[:n], out[:n])
	a.tag(out[n:], data, nonce, out[:n])
	return dst[:len(dst)+n+TagSize]
}

func (a *aead) Open(dst, nonce, sealed, data []byte) ([]byte, error) {
	n := len(sealed) - TagSize
	if len(nonce) != NonceSize || n < aes.BlockSize || n%aes.BlockSize != 0 {
		return nil, ErrOpen
	}
	var tag [TagSize]byte
	a.tag(tag[:], data, nonce, sealed[:n])
	if subtle.ConstantTimeCompare(tag[:], sealed[n:]) != 1 {
		return nil, ErrOpen
	}
	start := len(dst)
	dst = slices.Grow(dst, n)[:start+n]
	out := dst[start:]
	cipher.NewCBCDecrypter(a.block, nonce).CryptBlocks(out, sealed[:n])
	pad := int(out[n-1])
	if pad == 0 || pad > aes.BlockSize {
		return nil, wipe(out)
	}
	for _, b := range out[n-pad:] { // authenticated: no oracle
		if int(b) != pad {
			return nil, wipe(out)
		}
	}
	return dst[:start+n-pad], nil
}

// wipe removes what was opened of a message that isn't given out.
func wipe(b []byte) error {
	clear(b)
	return ErrOpen
}

// tag writes HMAC-SHA-512(AAD ‖ IV ‖ ciphertext ‖ AL), cut to 32 bytes; AL is the number of bits of
// AAD, 8 bytes big-endian (RFC 7518 §5.2.2.1).
func (a *aead) tag(dst, data, iv, ciphertext []byte) {
	m := a.macs.Get().(*mac)
	m.Reset()
	m.Write(data)
	m.Write(iv)
	m.Write(ciphertext)
	if uint64(len(data)) > math.MaxUint64/8 {
		panic("seal: too much associated data")
	}
	var al [8]byte
	binary.BigEndian.PutUint64(al[:], uint64(len(data))*8)
	m.Write(al[:])
	copy(dst, m.Sum(m.sum[:0])[:TagSize])
	a.macs.Put(m)
}
