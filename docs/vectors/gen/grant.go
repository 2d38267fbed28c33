package main

import (
	"crypto/ecdh"
	stdhkdf "crypto/hkdf"
	"crypto/mlkem"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
)

var errGrant = errors.New("the grant holds another key")

// hkdf is HKDF-SHA-512 (RFC 5869).
func hkdf(secret, salt []byte, info string, n int) []byte {
	out, err := stdhkdf.Key(sha512.New, secret, salt, info, n)
	if err != nil {
		panic(err) // only for lengths that aren't asked for here
	}
	return out
}

// grant was made once with keys.SealGrant, since encapsulation is random.
var grant = mustHex(grantHex)

func mustHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err) // a constant
	}
	return b
}

// kem is the decapsulation of MLKEM768-X25519, step by step as the page has it.
func kem(seed, enc []byte) ([]byte, error) {
	private := sha3.SumSHAKE256(seed, 96)
	lattice, err := mlkem.NewDecapsulationKey768(private[:64])
	if err != nil {
		return nil, err
	}
	curve, err := ecdh.X25519().NewPrivateKey(private[64:])
	if err != nil {
		return nil, err
	}
	theirs, err := ecdh.X25519().NewPublicKey(enc[1088:])
	if err != nil {
		return nil, err
	}
	first, err := lattice.Decapsulate(enc[:1088])
	if err != nil {
		return nil, err
	}
	second, err := curve.ECDH(theirs)
	if err != nil {
		return nil, err
	}
	sum := sha3.Sum256(slices.Concat(first, second, enc[1088:], curve.PublicKey().Bytes(), []byte(`\.//^\`)))
	return sum[:], nil
}

// schedule is HPKE's key schedule in base mode (RFC 9180 §5.1).
func schedule(secret, info []byte) (key, nonce []byte) {
	suite := []byte("HPKE\x64\x7a\x00\x03\x00\x02")
	extract := func(salt []byte, label string, ikm []byte) []byte {
		out, err := stdhkdf.Extract(sha512.New, slices.Concat([]byte("HPKE-v1"), suite, []byte(label), ikm), salt)
		if err != nil {
			panic(err) // only in FIPS mode, for short keys
		}
		return out
	}
	context := slices.Concat([]byte{0}, extract(nil, "psk_id_hash", nil), extract(nil, "info_hash", info))
	prk := extract(secret, "secret", nil)
	expand := func(label string, n int) []byte {
		labeled := slices.Concat(binary.BigEndian.AppendUint16(nil, uint16(n)), []byte("HPKE-v1"), suite, []byte(label), context) //nolint:gosec // small
		out, err := stdhkdf.Expand(sha512.New, prk, string(labeled), n)
		if err != nil {
			panic(err) // only for lengths that aren't asked for here
		}
		return out
	}
	return expand("key", 32), expand("base_nonce", 12)
}
