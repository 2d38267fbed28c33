package trust

import "crypto/ed25519"

// domain begins everything that is signed anywhere in Huisclos.
const domain = "HUISCLOS-SIG-1"

// Sign is Sig(k, L, x) of PROTOCOL: Ed25519 (RFC 8032) over "HUISCLOS-SIG-1" ‖ u8(len L) ‖ L ‖ x. Every use
// has its own label, of at most 255 bytes; it panics beyond, labels being constants.
func Sign(k ed25519.PrivateKey, label string, x []byte) [ed25519.SignatureSize]byte {
	return [ed25519.SignatureSize]byte(ed25519.Sign(k, labelled(label, x)))
}

// Verify checks what Sign made. The zero public key verifies nothing.
func Verify(public [ed25519.PublicKeySize]byte, label string, x []byte, sig [ed25519.SignatureSize]byte) bool {
	return public != [ed25519.PublicKeySize]byte{} && ed25519.Verify(public[:], labelled(label, x), sig[:])
}

func labelled(label string, x []byte) []byte {
	if label == "" || len(label) > 255 {
		panic("trust: a label has 1 to 255 bytes")
	}
	b := make([]byte, 0, len(domain)+1+len(label)+len(x))
	b = append(b, domain...)
	b = append(b, byte(len(label)))
	b = append(b, label...)
	return append(b, x...)
}
