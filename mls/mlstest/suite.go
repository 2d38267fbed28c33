package mlstest

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"

	"huisclos/mls"
)

// Suite has the algorithms of a cipher suite (RFC 9420 §5.1).
type Suite struct {
	ID     mls.CipherSuite
	Nh     int // bytes of a hash and of a secret
	nk, nn int
	kem    hpke.KEM
	kdf    hpke.KDF
	aead   hpke.AEAD
	hash   func() hash.Hash
	sum    crypto.Hash
	chacha bool
	curve  elliptic.Curve // of the signatures; nil: Ed25519
}

// SuiteOf finds a suite; nil when it isn't known.
func SuiteOf(id mls.CipherSuite) *Suite {
	s := &Suite{ID: id, Nh: 32, nk: 16, nn: 12, kem: hpke.DHKEM(ecdh.X25519()), kdf: hpke.HKDFSHA256(), aead: hpke.AES128GCM(), hash: sha256.New, sum: crypto.SHA256}
	switch id {
	case mls.X25519AES128SHA256Ed25519:
	case mls.P256AES128SHA256P256:
		s.kem, s.curve = hpke.DHKEM(ecdh.P256()), elliptic.P256()
	case mls.X25519ChaCha20SHA256Ed25519:
		s.aead, s.nk, s.chacha = hpke.ChaCha20Poly1305(), 32, true
	case mls.P521AES256SHA512P521:
		s.kem, s.curve, s.Nh, s.kdf, s.hash, s.sum = hpke.DHKEM(ecdh.P521()), elliptic.P521(), 64, hpke.HKDFSHA512(), sha512.New, crypto.SHA512
		s.aead, s.nk = hpke.AES256GCM(), 32
	case mls.P384AES256SHA384P384, mls.MLKEM768X25519AES256SHA384Ed25519:
		s.Nh, s.kdf, s.hash, s.sum = 48, hpke.HKDFSHA384(), sha512.New384, crypto.SHA384
		s.aead, s.nk = hpke.AES256GCM(), 32
		if s.kem = hpke.MLKEM768X25519(); id == mls.P384AES256SHA384P384 {
			s.kem, s.curve = hpke.DHKEM(ecdh.P384()), elliptic.P384()
		}
	default:
		return nil
	}
	return s
}

// must is for what can fail only by a fault of this package or of its caller, which is a test.
func must[T any](v T, err error) T {
	if err != nil {
		panic("mlstest: " + err.Error())
	}
	return v
}

// Random draws n bytes.
func Random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// Hash of the parts.
func (s *Suite) Hash(parts ...[]byte) []byte {
	h := s.hash()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// MAC of RFC 9420 §5.1.
func (s *Suite) MAC(key, data []byte) []byte {
	h := hmac.New(s.hash, key)
	h.Write(data)
	return h.Sum(nil)
}

func (s *Suite) extract(salt, ikm []byte) []byte { return must(hkdf.Extract(s.hash, ikm, salt)) }

// Expand is ExpandWithLabel of RFC 9420 §8.
func (s *Suite) Expand(secret []byte, label string, context []byte, n int) []byte {
	var w Writer
	w.U16(uint16(n))
	w.Raw(labelled(label, context))
	return must(hkdf.Expand(s.hash, secret, string(w.B), n))
}

// Derive is DeriveSecret of RFC 9420 §8.
func (s *Suite) Derive(secret []byte, label string) []byte { return s.Expand(secret, label, nil, s.Nh) }

func labelled(label string, content []byte) []byte {
	var w Writer
	w.Opaque([]byte("MLS 1.0 " + label))
	w.Opaque(content)
	return w.B
}

// RefHash of RFC 9420 §5.2.
func (s *Suite) RefHash(label string, value []byte) []byte { return s.Hash(labelled(label, value)) }

func (s *Suite) cipher(key []byte) cipher.AEAD {
	if s.chacha {
		return must(chacha20poly1305.New(key))
	}
	return must(cipher.NewGCM(must(aes.NewCipher(key))))
}

// NewKey draws an HPKE key pair.
func (s *Suite) NewKey() (private, public []byte) {
	k := must(s.kem.GenerateKey())
	return must(k.Bytes()), k.PublicKey().Bytes()
}

// DeriveKey is DeriveKeyPair (RFC 9180 §4).
func (s *Suite) DeriveKey(secret []byte) (private, public []byte) {
	k := must(s.kem.DeriveKeyPair(secret))
	return must(k.Bytes()), k.PublicKey().Bytes()
}

// Seal is EncryptWithLabel of RFC 9420 §5.1.3. To what isn't a public key it "encrypts" random bytes.
func (s *Suite) Seal(public []byte, label string, context, plaintext []byte) Ciphertext {
	k, err := s.kem.NewPublicKey(public)
	if err != nil {
		return Ciphertext{Random(32), Random(64)}
	}
	enc, sender, err := hpke.NewSender(k, s.kdf, s.aead, labelled(label, context))
	if err != nil {
		return Ciphertext{Random(32), Random(64)}
	}
	return Ciphertext{enc, must(sender.Seal(nil, plaintext))}
}

// Open is DecryptWithLabel of RFC 9420 §5.1.3.
func (s *Suite) Open(private []byte, label string, context []byte, c Ciphertext) ([]byte, error) {
	r, err := hpke.NewRecipient(c.KEM, must(s.kem.NewPrivateKey(private)), s.kdf, s.aead, labelled(label, context))
	if err != nil {
		return nil, err
	}
	return r.Open(nil, c.Text)
}

// SendInit makes an init secret for an external key (RFC 9420 §8.3).
func (s *Suite) SendInit(external []byte) (kemOutput, init []byte) {
	enc, sender, err := hpke.NewSender(must(s.kem.NewPublicKey(external)), s.kdf, s.aead, nil)
	if err != nil {
		panic("mlstest: " + err.Error())
	}
	return enc, must(sender.Export("MLS 1.0 external init secret", s.Nh))
}

// Signer is a signature key.
type Signer struct {
	Private, Public []byte
	key             crypto.Signer
	hash            crypto.Hash // 0: Ed25519
}

// NewSigner draws a signature key of the suite.
func (s *Suite) NewSigner() *Signer {
	if s.curve == nil {
		return must(s.Signer(Random(ed25519.SeedSize)))
	}
	return must(s.Signer(must(must(ecdsa.GenerateKey(s.curve, rand.Reader)).Bytes())))
}

// Signer reads what SignatureKey.Private of package mls gives.
func (s *Suite) Signer(private []byte) (*Signer, error) {
	if s.curve == nil {
		if len(private) != ed25519.SeedSize {
			return nil, errEnd
		}
		k := ed25519.NewKeyFromSeed(private)
		return &Signer{private, k.Public().(ed25519.PublicKey), k, 0}, nil
	}
	k, err := ecdsa.ParseRawPrivateKey(s.curve, private)
	if err != nil {
		return nil, err
	}
	return &Signer{private, must(k.PublicKey.Bytes()), k, s.sum}, nil
}

// Sign is SignWithLabel of RFC 9420 §5.1.2.
func (k *Signer) Sign(label string, content []byte) []byte {
	b := labelled(label, content)
	if k.hash != 0 {
		h := k.hash.New()
		h.Write(b)
		b = h.Sum(nil)
	}
	return must(k.key.Sign(rand.Reader, b, k.hash))
}

// Key is the standard library's form of the key, for certificates.
func (k *Signer) Key() crypto.Signer { return k.key }
