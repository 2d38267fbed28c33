package wire

import (
	"math"
	"math/bits"

	"huisclos/chat"
)

// The major types of CBOR (RFC 8949 §3.1) that the frames below are made of.
const (
	majorUint     = 0
	majorNegative = 1
	majorBytes    = 2
	majorArray    = 4
)

// The simple values false and true (RFC 8949 §3.3).
const (
	simpleFalse = 0xf4
	simpleTrue  = 0xf5
)

// maxEntries bounds the entries of one frame.
const maxEntries = 1 << 16

// scanner reads the frames that every message goes through without reflection and without copying: byte strings share memory with
// what is read. It accepts what the general decoder accepts, and a test compares the two. After the first fault everything it
// returns is zero, and ok says so at the end.
type scanner struct {
	rest   []byte
	failed bool
}

// ok reports whether everything was read, and nothing is left.
func (s *scanner) ok() bool { return !s.failed && len(s.rest) == 0 }

func (s *scanner) fail() uint64 {
	s.failed, s.rest = true, nil
	return 0
}

// head reads the head of an item of that major type: its argument, in the shortest form (RFC 8949 §4.2.1).
func (s *scanner) head(major byte) uint64 {
	if len(s.rest) == 0 || s.rest[0]>>5 != major {
		return s.fail()
	}
	short := s.rest[0] & 31
	if short < 24 {
		s.rest = s.rest[1:]
		return uint64(short)
	}
	if short > 27 {
		return s.fail()
	}
	size := 1 << (short - 24)
	if len(s.rest) <= size {
		return s.fail()
	}
	var n uint64
	for _, b := range s.rest[1 : 1+size] {
		n = n<<8 | uint64(b)
	}
	if headSize(n) != 1+size {
		return s.fail()
	}
	s.rest = s.rest[1+size:]
	return n
}

// array reads the head of an array of exactly n elements.
func (s *scanner) array(n uint64) {
	if s.head(majorArray) != n {
		s.fail()
	}
}

// uint reads a number of at most most.
func (s *scanner) uint(most uint64) uint64 {
	n := s.head(majorUint)
	if n > most {
		return s.fail()
	}
	return n
}

// int reads a signed number.
func (s *scanner) int() int64 {
	negative := len(s.rest) > 0 && s.rest[0]>>5 == majorNegative
	if !negative {
		return int64(s.uint(math.MaxInt64)) //nolint:gosec // bounded
	}
	n := s.head(majorNegative)
	if n > math.MaxInt64 {
		s.fail()
		return 0
	}
	return -1 - int64(n)
}

func (s *scanner) bool() bool {
	if len(s.rest) == 0 || s.rest[0] != simpleFalse && s.rest[0] != simpleTrue {
		s.fail()
		return false
	}
	v := s.rest[0] == simpleTrue
	s.rest = s.rest[1:]
	return v
}

// bytes reads a byte string of any length.
func (s *scanner) bytes() []byte {
	n := s.head(majorBytes)
	if n > uint64(len(s.rest)) {
		s.fail()
		return nil
	}
	b := s.rest[:n:n]
	s.rest = s.rest[n:]
	return b
}

// fixed reads a byte string of exactly len(dst) bytes.
func (s *scanner) fixed(dst []byte) {
	b := s.bytes()
	if len(b) != len(dst) {
		s.fail()
		return
	}
	copy(dst, b)
}

// headSize is the size of a head with the argument n.
func headSize(n uint64) int {
	switch {
	case n < 24:
		return 1
	case n <= math.MaxUint8:
		return 2
	case n <= math.MaxUint16:
		return 3
	case n <= math.MaxUint32:
		return 5
	}
	return 9
}

// appendHead writes a head in the shortest form.
func appendHead(b []byte, major byte, n uint64) []byte {
	if n < 24 {
		return append(b, major<<5|byte(n))
	}
	size := headSize(n) - 1
	b = append(b, major<<5|byte(24+bits.TrailingZeros(uint(size)))) //nolint:gosec // 24 to 27
	for shift := 8 * (size - 1); shift >= 0; shift -= 8 {
		b = append(b, byte(n>>shift))
	}
	return b
}

func appendUint[N chat.Seq | chat.Generation | chat.EntryKind | Type | uint | uint64](b []byte, n N) []byte {
	return appendHead(b, majorUint, uint64(n))
}

func appendInt(b []byte, n int64) []byte {
	if n < 0 {
		return appendHead(b, majorNegative, uint64(-1-n)) //nolint:gosec // not negative
	}
	return appendHead(b, majorUint, uint64(n))
}

func appendBytes(b, data []byte) []byte {
	return append(appendHead(b, majorBytes, uint64(len(data))), data...)
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, simpleTrue)
	}
	return append(b, simpleFalse)
}
