package main

import (
	stdhkdf "crypto/hkdf"
	"crypto/sha512"
	"encoding/hex"
	"errors"
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
