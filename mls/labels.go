package mls

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"encoding/hex"
)

// prefix stands before every label (RFC 9420 §5.1.2, §5.1.3, §8).
const prefix = "MLS 1.0 "

// expandWithLabel is ExpandWithLabel of RFC 9420 §8.
func (s *suite) expandWithLabel(secret Secret, label string, context []byte, length int) Secret {
	w := writer{b: make([]byte, 0, 2+1+len(prefix)+len(label)+4+len(context))}
	w.u16(uint16(length))
	w.length(len(prefix) + len(label))
	w.b = append(append(w.b, prefix...), label...)
	w.opaque(context)
	out, err := hkdf.Expand(s.newHash, secret, string(w.b), length)
	if err != nil { // longer than 255 hashes: callers check
		panic("mls: " + err.Error())
	}
	return out
}

// deriveSecret is DeriveSecret of RFC 9420 §8.
func (s *suite) deriveSecret(secret Secret, label string) Secret {
	return s.expandWithLabel(secret, label, nil, s.nh)
}

// deriveTreeSecret is DeriveTreeSecret of RFC 9420 §9.1.
func (s *suite) deriveTreeSecret(secret Secret, label string, generation uint32, length int) Secret {
	var w writer
	w.u32(generation)
	return s.expandWithLabel(secret, label, w.b, length)
}

// signContent is SignContent of RFC 9420 §5.1.2; EncryptContext of §5.1.3 has the same form.
func signContent(label string, content []byte) []byte {
	w := writer{b: make([]byte, 0, len(prefix)+len(label)+len(content)+5)}
	w.length(len(prefix) + len(label))
	w.b = append(append(w.b, prefix...), label...)
	w.opaque(content)
	return w.b
}

func (s *suite) signWithLabel(k *SignatureKey, label string, content []byte) ([]byte, error) {
	if k == nil || k.signer == nil {
		return nil, misuse("no signature key")
	}
	return s.sig.sign(k, signContent(label, content))
}

func (s *suite) verifyWithLabel(public []byte, label string, content, signature []byte) bool {
	return s.sig.verify(public, signContent(label, content), signature)
}

// refHash is RefHash of RFC 9420 §5.2. Its labels already have their prefix there.
func (s *suite) refHash(label string, value []byte) []byte {
	var head writer
	head.length(len(label))
	head.b = append(head.b, label...)
	head.length(len(value))
	return s.digest(head.b, value)
}

// mac is MAC of RFC 9420 §5.1: HMAC with the suite's hash.
func (s *suite) mac(key Secret, parts ...[]byte) []byte {
	h := hmac.New(s.newHash, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// hpkeCiphertext is HPKECiphertext of RFC 9420 §7.6.
type hpkeCiphertext struct {
	kemOutput  []byte
	ciphertext []byte
}

func (c hpkeCiphertext) encode(w *writer) {
	w.opaque(c.kemOutput)
	w.opaque(c.ciphertext)
}

func decodeHPKECiphertext(r *reader) hpkeCiphertext {
	return hpkeCiphertext{kemOutput: r.opaque(), ciphertext: r.opaque()}
}

// encryptWithLabel is EncryptWithLabel of RFC 9420 §5.1.3. The public key is somebody's: it may be none.
func (s *suite) encryptWithLabel(public []byte, label string, context, plaintext []byte) (hpkeCiphertext, error) {
	k, err := s.kem.NewPublicKey(public)
	if err != nil {
		return hpkeCiphertext{}, invalid("5.1.1/hpke-key", "not a public key of the suite")
	}
	return s.encryptTo(k, label, context, plaintext)
}

// encryptTo is encryptWithLabel for a key that was read.
func (s *suite) encryptTo(k hpke.PublicKey, label string, context, plaintext []byte) (hpkeCiphertext, error) {
	enc, sender, err := hpke.NewSender(k, s.kdf, s.aead, signContent(label, context))
	if err != nil {
		return hpkeCiphertext{}, invalid("5.1.1/hpke-key", "nothing can be encrypted to this key")
	}
	ct, err := sender.Seal(nil, plaintext)
	if err != nil {
		return hpkeCiphertext{}, misuse("%v", err)
	}
	return hpkeCiphertext{enc, ct}, nil
}

// decryptWithLabel is DecryptWithLabel of RFC 9420 §5.1.3.
func (s *suite) decryptWithLabel(private hpke.PrivateKey, label string, context []byte, c hpkeCiphertext) ([]byte, error) {
	r, err := hpke.NewRecipient(c.kemOutput, private, s.kdf, s.aead, signContent(label, context))
	if err != nil {
		return nil, invalid("5.1.3/open", "the KEM output isn't one")
	}
	plaintext, err := r.Open(nil, c.ciphertext)
	if err != nil {
		return nil, invalid("5.1.3/open", "doesn't open with this key")
	}
	return plaintext, nil
}

// deriveKeyPair is KEM.DeriveKeyPair (RFC 9180 §4).
func (s *suite) deriveKeyPair(secret Secret) (hpke.PrivateKey, error) {
	k, err := s.kem.DeriveKeyPair(secret)
	if err != nil {
		return nil, misuse("no key pair comes from this secret")
	}
	return k, nil
}

// privateKey reads a KEM private key.
func (s *suite) privateKey(b []byte) (hpke.PrivateKey, error) {
	k, err := s.kem.NewPrivateKey(leftPad(b, s.kemPriv))
	if err != nil {
		return nil, misuse("not a private key of the suite")
	}
	return k, nil
}

// checkHPKEKey reads a public key, and refuses one that nothing could be encrypted to: whoever had it in the tree would keep all others from
// committing.
func (s *suite) checkHPKEKey(public []byte) (hpke.PublicKey, error) {
	k, err := s.kem.NewPublicKey(public)
	if err != nil {
		return nil, invalid("5.1.1/hpke-key", "not a public key of the suite")
	}
	switch s.kem.ID() {
	case 0x0020, 0x647a: // X25519, alone or behind the key of ML-KEM-768
		if lowOrder(public[len(public)-32:]) {
			return nil, invalid("5.1.1/hpke-key", "a point of low order")
		}
	}
	return k, nil
}

// lowOrder tells whether X25519 with this point gives zero, whatever the private key is. These are all of them (RFC 7748 §6.1 and §7), but for the
// highest bit, which doesn't count.
func lowOrder(point []byte) bool {
	p := [32]byte(point)
	p[31] &= 0x7f
	switch hex.EncodeToString(p[:]) {
	case "0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f":
		return true
	}
	return false
}
