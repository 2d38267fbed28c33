package trust

import (
	"bytes"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"strings"

	"huisclos/chat"
)

// labelSafety begins what a safety number is made of.
const labelSafety = "huisclos/1 safety number"

// safetyRounds slows down who looks for a key with a similar number, as Signal's do.
const safetyRounds = 5200

// SafetyNumber is what two people compare, aloud or as a QR code, to know that no one stands between them: 60 digits in
// twelve groups of five, 30 for each account, the same for both of them.
//
// The 30 digits of an account are the first 30 bytes of D, by fives big-endian, each modulo 100,000. D begins as SHA-512 of
// "huisclos/1 safety number" ‖ account; 5,199 times more it becomes SHA-512(D ‖ account).
func SafetyNumber(a, b chat.AccountID) string {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return strings.Join(append(safetyDigits(a), safetyDigits(b)...), " ")
}

func safetyDigits(a chat.AccountID) []string {
	d := sha512.Sum512(append([]byte(labelSafety), a[:]...))
	var buf [sha512.Size + len(a)]byte
	copy(buf[sha512.Size:], a[:])
	for range safetyRounds - 1 {
		copy(buf[:], d[:])
		d = sha512.Sum512(buf[:])
	}
	groups := make([]string, 6)
	for i := range groups {
		var n [8]byte
		copy(n[3:], d[5*i:5*i+5])
		groups[i] = fmt.Sprintf("%05d", binary.BigEndian.Uint64(n[:])%100_000)
	}
	return groups
}
