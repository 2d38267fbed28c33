package mls

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"
)

// CipherSuite names the algorithms of a group (RFC 9420 §5.1 and §17.1).
type CipherSuite uint16

// The suites of RFC 9420 §17.1 that this package has, and the post-quantum one of draft-ietf-mls-pq-ciphersuites-06.
const (
	X25519AES128SHA256Ed25519   CipherSuite = 0x0001
	P256AES128SHA256P256        CipherSuite = 0x0002
	X25519ChaCha20SHA256Ed25519 CipherSuite = 0x0003
	P521AES256SHA512P521        CipherSuite = 0x0005
	P384AES256SHA384P384        CipherSuite = 0x0007
	// MLKEM768X25519AES256SHA384Ed25519 is hybrid: a group stays private as long as ML-KEM-768 or X25519 holds. Its signatures are
	// classical. IANA has assigned no code point; this one is for private use, and Config.PostQuantum names another.
	MLKEM768X25519AES256SHA384Ed25519 CipherSuite = 0xF002
)

// String is the suite's name as in RFC 9420 §17.1.
func (c CipherSuite) String() string {
	if s := suiteFor(c, MLKEM768X25519AES256SHA384Ed25519); s != nil {
		return s.name
	}
	return fmt.Sprintf("cipher suite 0x%04X", uint16(c))
}

// suite holds the algorithms of one cipher suite.
type suite struct {
	id   CipherSuite
	name string
	kem  hpke.KEM
	kdf  hpke.KDF
	aead hpke.AEAD

	hash    crypto.Hash
	newHash func() hash.Hash
	nh      int // KDF.Nh: bytes of a secret and of a hash
	nk, nn  int // AEAD.Nk, AEAD.Nn
	newAEAD func(key []byte) (cipher.AEAD, error)
	sig     signatureScheme
	kemPriv int // bytes of a KEM private key; shorter ones are padded on the left
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// suiteFor finds the algorithms; pq is the code point of the post-quantum suite. nil when it isn't known.
func suiteFor(id, pq CipherSuite) *suite {
	switch {
	case id == pq && id != 0:
		return &suite{id: id, name: "MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519", kem: hpke.MLKEM768X25519(), kdf: hpke.HKDFSHA384(),
			aead: hpke.AES256GCM(), hash: crypto.SHA384, newHash: sha512.New384, nh: 48, nk: 32, nn: 12, newAEAD: newGCM, sig: schemeEd25519{}, kemPriv: 32}
	case id == X25519AES128SHA256Ed25519:
		return &suite{id: id, name: "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519", kem: hpke.DHKEM(ecdh.X25519()), kdf: hpke.HKDFSHA256(),
			aead: hpke.AES128GCM(), hash: crypto.SHA256, newHash: sha256.New, nh: 32, nk: 16, nn: 12, newAEAD: newGCM, sig: schemeEd25519{}, kemPriv: 32}
	case id == P256AES128SHA256P256:
		return &suite{id: id, name: "MLS_128_DHKEMP256_AES128GCM_SHA256_P256", kem: hpke.DHKEM(ecdh.P256()), kdf: hpke.HKDFSHA256(),
			aead: hpke.AES128GCM(), hash: crypto.SHA256, newHash: sha256.New, nh: 32, nk: 16, nn: 12, newAEAD: newGCM,
			sig: schemeECDSA{elliptic.P256(), crypto.SHA256, 32}, kemPriv: 32}
	case id == X25519ChaCha20SHA256Ed25519:
		return &suite{id: id, name: "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519", kem: hpke.DHKEM(ecdh.X25519()), kdf: hpke.HKDFSHA256(),
			aead: hpke.ChaCha20Poly1305(), hash: crypto.SHA256, newHash: sha256.New, nh: 32, nk: 32, nn: 12, newAEAD: chacha20poly1305.New,
			sig: schemeEd25519{}, kemPriv: 32}
	case id == P521AES256SHA512P521:
		return &suite{id: id, name: "MLS_256_DHKEMP521_AES256GCM_SHA512_P521", kem: hpke.DHKEM(ecdh.P521()), kdf: hpke.HKDFSHA512(),
			aead: hpke.AES256GCM(), hash: crypto.SHA512, newHash: sha512.New, nh: 64, nk: 32, nn: 12, newAEAD: newGCM,
			sig: schemeECDSA{elliptic.P521(), crypto.SHA512, 66}, kemPriv: 66}
	case id == P384AES256SHA384P384:
		return &suite{id: id, name: "MLS_256_DHKEMP384_AES256GCM_SHA384_P384", kem: hpke.DHKEM(ecdh.P384()), kdf: hpke.HKDFSHA384(),
			aead: hpke.AES256GCM(), hash: crypto.SHA384, newHash: sha512.New384, nh: 48, nk: 32, nn: 12, newAEAD: newGCM,
			sig: schemeECDSA{elliptic.P384(), crypto.SHA384, 48}, kemPriv: 48}
	}
	return nil
}

// digest is Hash of RFC 9420 §5.1 over the parts, one after the other.
func (s *suite) digest(parts ...[]byte) []byte {
	h := s.newHash()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(make([]byte, 0, s.nh))
}

// extract is KDF.Extract (RFC 9420 §8).
func (s *suite) extract(salt, ikm []byte) Secret {
	prk, err := hkdf.Extract(s.newHash, ikm, salt)
	if err != nil { // only in FIPS mode, for short inputs
		panic("mls: " + err.Error())
	}
	return prk
}

// zero is the all-zero vector of Nh bytes that stands for an absent secret (RFC 9420 §8).
func (s *suite) zero() Secret { return make(Secret, s.nh) }

// aeadFor makes the AEAD for a key of the right length.
func (s *suite) aeadFor(key Secret) cipher.AEAD {
	a, err := s.newAEAD(key)
	if err != nil { // the length is wrong: a fault of this package
		panic("mls: " + err.Error())
	}
	return a
}
