package access

import (
	"errors"
	"strings"
)

// The errors of DecodeBech32m. Text that isn't of this form at all, and text of
// the form with a wrong character, need different advice.
var (
	ErrBech32mForm     = errors.New("access: not a Bech32m string")
	ErrBech32mChecksum = errors.New("access: a Bech32m string with a wrong character")
)

// charset gives each value of five bits its character (BIP 173).
const charset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// bech32mConstant is what the checksum of a right string comes to (BIP 350).
const bech32mConstant = 0x2bc830a3

// maxBech32m is the length of our longest string, hcp1…. Up to 90 characters, where BIP 350 ends, the code finds any four wrong
// ones; beyond, any three.
const maxBech32m = 95

// EncodeBech32m writes a version of five bits and data as a Bech32m string (BIP 350) with that human-readable
// part, which is lower case. It panics when the string would be over 95 characters: sizes here are fixed.
func EncodeBech32m(hrp string, version byte, data []byte) string {
	values := append([]byte{version & 31}, regroup(data, 8, 5, true)...)
	if len(hrp)+1+len(values)+6 > maxBech32m {
		panic("access: too long for Bech32m")
	}
	sum := polymod(append(expand(hrp), append(values, 0, 0, 0, 0, 0, 0)...)) ^ bech32mConstant
	for shift := 25; shift >= 0; shift -= 5 {
		values = append(values, byte(sum>>shift)&31)
	}
	var b strings.Builder
	b.WriteString(hrp)
	b.WriteByte('1')
	for _, v := range values {
		b.WriteByte(charset[v])
	}
	return b.String()
}

// DecodeBech32m reads what EncodeBech32m wrote, in lower or in upper case but not in both, and
// nothing else: padding bits are zero. At most 95 characters; any four wrong ones of 90, any three of 95 are
// found. ErrBech32mForm, ErrBech32mChecksum.
func DecodeBech32m(hrp, s string) (version byte, data []byte, err error) {
	lower := strings.ToLower(s)
	if s != lower && s != strings.ToUpper(s) {
		return 0, nil, ErrBech32mForm
	}
	rest, ok := strings.CutPrefix(lower, hrp+"1")
	if !ok || hrp == "" || len(lower) > maxBech32m || len(rest) < 7 {
		return 0, nil, ErrBech32mForm
	}
	values := make([]byte, len(rest))
	for i := range len(rest) {
		v := strings.IndexByte(charset, rest[i])
		if v < 0 {
			return 0, nil, ErrBech32mChecksum
		}
		values[i] = byte(v)
	}
	if polymod(append(expand(hrp), values...)) != bech32mConstant {
		return 0, nil, ErrBech32mChecksum
	}
	values = values[:len(values)-6]
	data = regroup(values[1:], 5, 8, false)
	if data == nil {
		return 0, nil, ErrBech32mForm
	}
	return values[0], data, nil
}

// expand spreads the human-readable part over values of five bits (BIP 173).
func expand(hrp string) []byte {
	out := make([]byte, 0, 2*len(hrp)+1)
	for i := range len(hrp) {
		out = append(out, hrp[i]>>5)
	}
	out = append(out, 0)
	for i := range len(hrp) {
		out = append(out, hrp[i]&31)
	}
	return out
}

// polymod is the BCH code's remainder (BIP 173).
func polymod(values []byte) uint32 {
	generator := [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3}
	sum := uint32(1)
	for _, v := range values {
		top := sum >> 25
		sum = (sum&0x1ffffff)<<5 ^ uint32(v)
		for i, g := range generator {
			sum ^= g * (top >> i & 1)
		}
	}
	return sum
}

// regroup turns groups of from bits into groups of to bits. With pad, zero bits fill the last one; without, what is
// left over must be zero bits, fewer than a group of from: otherwise it returns nil.
func regroup(in []byte, from, to uint, pad bool) []byte {
	out := make([]byte, 0, (uint(len(in))*from+to-1)/to)
	var acc, bits uint
	for _, v := range in {
		acc = acc<<from | uint(v)
		bits += from
		for bits >= to {
			bits -= to
			out = append(out, byte(acc>>bits&(1<<to-1)))
		}
		acc &= 1<<bits - 1
	}
	if pad {
		if bits > 0 {
			out = append(out, byte(acc<<(to-bits)))
		}
		return out
	}
	if bits >= from || acc != 0 {
		return nil
	}
	return out
}
