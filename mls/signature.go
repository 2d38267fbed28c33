package mls

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
)

// SignatureKey is a member's private signature key, for one scheme. Its zero value signs nothing.
type SignatureKey struct {
	scheme  signatureScheme
	signer  crypto.Signer
	public  []byte
	private Secret
}

// Public is the key in the form of RFC 9420 §5.1.1.
func (k *SignatureKey) Public() []byte { return bytes.Clone(k.public) }

// Private is what Config.SignatureKey takes: the seed of Ed25519, the scalar of ECDSA.
func (k *SignatureKey) Private() Secret { return bytes.Clone(k.private) }

// signatureScheme is the part of a suite that signs (RFC 9420 §5.1.2).
type signatureScheme interface {
	generate() (*SignatureKey, error)
	// parse takes the bytes of Private.
	parse(private []byte) (*SignatureKey, error)
	sign(k *SignatureKey, message []byte) ([]byte, error)
	// verify is false too for a public key that isn't one.
	verify(public, message, signature []byte) bool
	// check tells whether public is a key of the scheme.
	check(public []byte) bool
}

type schemeEd25519 struct{}

func (schemeEd25519) generate() (*SignatureKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed) // never fails: crypto/rand ends the program instead
	return schemeEd25519{}.parse(seed)
}

func (schemeEd25519) parse(private []byte) (*SignatureKey, error) {
	if len(private) != ed25519.SeedSize {
		return nil, misuse("a seed of Ed25519 has 32 bytes, not %d", len(private))
	}
	k := ed25519.NewKeyFromSeed(private)
	return &SignatureKey{scheme: schemeEd25519{}, signer: k, public: []byte(k.Public().(ed25519.PublicKey)), private: bytes.Clone(private)}, nil
}

func (schemeEd25519) sign(k *SignatureKey, message []byte) ([]byte, error) {
	return k.signer.Sign(rand.Reader, message, crypto.Hash(0))
}

func (schemeEd25519) verify(public, message, signature []byte) bool {
	return len(public) == ed25519.PublicKeySize && ed25519.Verify(public, message, signature)
}

func (schemeEd25519) check(public []byte) bool { return len(public) == ed25519.PublicKeySize }

// schemeECDSA signs in DER over the suite's hash; public keys are uncompressed points.
type schemeECDSA struct {
	curve elliptic.Curve
	hash  crypto.Hash
	size  int // bytes of a scalar
}

func (s schemeECDSA) wrap(k *ecdsa.PrivateKey) (*SignatureKey, error) {
	public, err := k.PublicKey.Bytes()
	if err != nil {
		return nil, misuse("%v", err)
	}
	private, err := k.Bytes()
	if err != nil {
		return nil, misuse("%v", err)
	}
	return &SignatureKey{scheme: s, signer: k, public: public, private: private}, nil
}

func (s schemeECDSA) generate() (*SignatureKey, error) {
	k, err := ecdsa.GenerateKey(s.curve, rand.Reader)
	if err != nil {
		return nil, misuse("%v", err)
	}
	return s.wrap(k)
}

func (s schemeECDSA) parse(private []byte) (*SignatureKey, error) {
	k, err := ecdsa.ParseRawPrivateKey(s.curve, leftPad(private, s.size))
	if err != nil {
		return nil, misuse("not a private key of %s", s.curve.Params().Name)
	}
	return s.wrap(k)
}

func (s schemeECDSA) sign(k *SignatureKey, message []byte) ([]byte, error) {
	h := s.hash.New()
	h.Write(message)
	return k.signer.Sign(rand.Reader, h.Sum(nil), s.hash)
}

func (s schemeECDSA) verify(public, message, signature []byte) bool {
	k, err := ecdsa.ParseUncompressedPublicKey(s.curve, public)
	if err != nil {
		return false
	}
	h := s.hash.New()
	h.Write(message)
	return ecdsa.VerifyASN1(k, h.Sum(nil), signature)
}

func (s schemeECDSA) check(public []byte) bool {
	_, err := ecdsa.ParseUncompressedPublicKey(s.curve, public)
	return err == nil
}

// leftPad makes up for leading zero bytes that were dropped.
func leftPad(b []byte, n int) []byte {
	if len(b) >= n {
		return b
	}
	return append(make([]byte, n-len(b)), b...)
}
