package trust

import (
	"bytes"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"huisclos/chat"
)

// labelSafety begins what a safety number is made of.
const labelSafety = "huisclos/1 safety number"

// safetyRounds slows down who looks for a key with a similar number, as Signal's do.
const safetyRounds = 5200

// safetyCode begins what stands in a QR code. All of it is capitals, digits, ":" and "-", which a QR code packs well.
const safetyCode = "HUISCLOS-VERIFY:1:"

// ErrSafety is returned for a text that is neither a safety number nor what stands in its QR code.
var ErrSafety = errors.New("trust: not a safety number")

// SafetyNumber is what two people compare, aloud or as a QR code, to know that no one stands between them: 60 digits in
// twelve groups of five, 30 for each account, the same for both of them. The same accounts have another one on another server.
//
// The 30 digits of an account are the first 30 bytes of D, by fives big-endian, each modulo 100,000. D begins as SHA-512 of
// "huisclos/1 safety number" ‖ fingerprint ‖ account; 5,199 times more it becomes SHA-512(D ‖ account). So whoever wants an
// account that reads like another has 100 bits to hit, 5,200 hashes for each try.
func SafetyNumber(server chat.Fingerprint, a, b chat.AccountID) string {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return strings.Join(append(safetyDigits(server, a), safetyDigits(server, b)...), " ")
}

func safetyDigits(server chat.Fingerprint, a chat.AccountID) []string {
	d := sha512.Sum512(append(append([]byte(labelSafety), server[:]...), a[:]...))
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

// SafetyCode is what stands in the QR code of a safety number: "HUISCLOS-VERIFY:1:", the server's fingerprint in capital hexadecimal digits, ":",
// the 60 digits. Both people's codes are the same.
func SafetyCode(server chat.Fingerprint, number string) string {
	return safetyCode + strings.ToUpper(hex.EncodeToString(server[:])) + ":" + strings.ReplaceAll(number, " ", "")
}

// ParseSafety reads a safety number as a person copies it, however the digits are grouped, or a SafetyCode, and returns it as SafetyNumber writes it.
// server is zero for a number alone. ErrSafety.
func ParseSafety(text string) (server chat.Fingerprint, number string, err error) {
	text = strings.Join(strings.Fields(text), "")
	if rest, ok := strings.CutPrefix(text, safetyCode); ok {
		const size = 2 * len(server)
		if len(rest) < size+1 || rest[size] != ':' || rest[:size] != strings.ToUpper(rest[:size]) {
			return server, "", ErrSafety
		}
		if _, err := hex.Decode(server[:], []byte(rest[:size])); err != nil || server.IsZero() {
			return chat.Fingerprint{}, "", ErrSafety
		}
		text = rest[size+1:]
	}
	if len(text) != 60 || strings.Trim(text, "0123456789") != "" {
		return chat.Fingerprint{}, "", ErrSafety
	}
	groups := make([]string, 12)
	for i := range groups {
		groups[i] = text[5*i : 5*i+5]
	}
	return server, strings.Join(groups, " "), nil
}
