package content

import (
	"bytes"
	"math"
	"math/bits"
	"unicode/utf8"

	"huisclos/chat"
)

// The major types of CBOR (RFC 8949 §3.1).
const (
	majorUint     = 0
	majorNegative = 1
	majorBytes    = 2
	majorText     = 3
	majorArray    = 4
	majorMap      = 5
	majorSimple   = 7
)

// The simple values (RFC 8949 §3.3), as their heads' arguments.
const (
	simpleFalse = 20
	simpleTrue  = 21
	simpleNull  = 22
)

// reader reads deterministic CBOR (RFC 8949 §4.2.1) and nothing else, so that whatever it accepts has one form: signatures
// cover these bytes. What it returns shares memory with what is read. After the first fault everything it returns is zero, and ok
// says so at the end.
type reader struct {
	rest   []byte
	failed bool
}

// ok reports whether everything was read, and nothing is left.
func (r *reader) ok() bool { return !r.failed && len(r.rest) == 0 }

func (r *reader) fail() { r.failed, r.rest = true, nil }

// check fails unless what was read is allowed.
func (r *reader) check(allowed bool) {
	if !allowed {
		r.fail()
	}
}

// head reads an item's head; the argument stands in its shortest form.
func (r *reader) head() (major byte, n uint64) {
	if len(r.rest) == 0 {
		r.fail()
		return 0, 0
	}
	first := r.rest[0]
	major, n = first>>5, uint64(first&31)
	r.rest = r.rest[1:]
	if n < 24 {
		return major, n
	}
	size := 1 << (n - 24)
	if n > 27 || len(r.rest) < size { // no indefinite lengths
		r.fail()
		return 0, 0
	}
	n = 0
	for _, b := range r.rest[:size] {
		n = n<<8 | uint64(b)
	}
	r.rest = r.rest[size:]
	if n < 24 || size > 1 && bits.Len64(n) <= size*4 {
		r.fail()
		return 0, 0
	}
	return major, n
}

// expect reads the head of an item of that major type.
func (r *reader) expect(major byte) uint64 {
	got, n := r.head()
	if got != major {
		r.fail()
	}
	if r.failed {
		return 0
	}
	return n
}

// isNull takes a null when it comes next.
func (r *reader) isNull() bool {
	if len(r.rest) == 0 || r.rest[0] != majorSimple<<5|simpleNull {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

func (r *reader) boolean() bool {
	n := r.expect(majorSimple)
	r.check(n == simpleFalse || n == simpleTrue)
	return n == simpleTrue
}

func (r *reader) number(most uint64) uint64 {
	n := r.expect(majorUint)
	r.check(n <= most)
	if r.failed {
		return 0
	}
	return n
}

// array reads an array's head: how many items follow, at least and at most so many.
func (r *reader) array(least, most int) int { return r.count(majorArray, least, most) }

func (r *reader) count(major byte, least, most int) int {
	n := r.expect(major)
	r.check(n >= uint64(least) && n <= uint64(most)) //nolint:gosec // constants
	if r.failed {
		return 0
	}
	return int(n) //nolint:gosec // at most most
}

func (r *reader) bytes(most int) []byte { return r.take(majorBytes, most) }

func (r *reader) text(most int) string {
	b := r.take(majorText, most)
	r.check(utf8.Valid(b))
	return string(b)
}

func (r *reader) take(major byte, most int) []byte {
	n := r.expect(major)
	if r.failed || n > uint64(most) || n > uint64(len(r.rest)) { //nolint:gosec // a constant
		r.fail()
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// id reads a message ID, which is never zero.
func (r *reader) id() (id chat.MessageID) {
	b := r.bytes(len(id))
	if len(b) != len(id) {
		r.fail()
		return id
	}
	id = chat.MessageID(b)
	r.check(!id.IsZero())
	return id
}

// skip reads an item of any kind whose arrays and maps are nested at most depth deep.
func (r *reader) skip(depth int) {
	if r.failed || len(r.rest) == 0 {
		r.fail()
		return
	}
	switch r.rest[0] >> 5 {
	case majorUint, majorNegative:
		r.head()
	case majorBytes:
		r.bytes(MaxSize)
	case majorText:
		r.text(MaxSize)
	case majorArray:
		r.check(depth > 0)
		for range r.count(majorArray, 0, len(r.rest)) {
			r.skip(depth - 1)
		}
	case majorMap:
		r.check(depth > 0)
		r.entries(len(r.rest), (*reader).mapKey, func([]byte) { r.skip(depth - 1) })
	default:
		n := r.expect(majorSimple) // not a tag; no floating-point number is as small
		r.check(n == simpleFalse || n == simpleTrue || n == simpleNull)
	}
}

// entries reads a map of at most so many pairs in the bytewise order of their keys' encodings; value gets the key's.
func (r *reader) entries(most int, key func(*reader), value func(key []byte)) {
	var last []byte
	for range r.count(majorMap, 0, most) {
		before := r.rest
		key(r)
		if r.failed {
			return
		}
		k := before[:len(before)-len(r.rest)]
		r.check(last == nil || bytes.Compare(last, k) < 0)
		last = k
		value(k)
	}
}

// mapKey is a key of a map within an extension: a number, text or bytes (MIMI content §6.2).
func (r *reader) mapKey() {
	if len(r.rest) > 0 && r.rest[0]>>5 == majorBytes {
		r.bytes(MaxSize)
		return
	}
	r.name(0, MaxSize)
}

// maxInteger is the greatest number that a floating-point number holds exactly (MIMI content §6.2).
const maxInteger = 1<<53 - 1

// name is a number, or text of so many bytes.
func (r *reader) name(least, most int) {
	if len(r.rest) == 0 {
		r.fail()
		return
	}
	switch r.rest[0] >> 5 {
	case majorUint:
		r.number(maxInteger)
	case majorNegative:
		r.check(r.expect(majorNegative) < maxInteger)
	default:
		r.check(len(r.text(most)) >= least)
	}
}

// appendHead writes an item's head in its shortest form.
func appendHead(b []byte, major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n <= math.MaxUint8:
		return append(b, major|24, byte(n))
	case n <= math.MaxUint16:
		return append(b, major|25, byte(n>>8), byte(n))
	case n <= math.MaxUint32:
		return append(b, major|26, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(b, major|27, byte(n>>56), byte(n>>48), byte(n>>40), byte(n>>32), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

func appendNumber(b []byte, n uint64) []byte { return appendHead(b, majorUint, n) }

func appendArray(b []byte, n int) []byte { return appendHead(b, majorArray, uint64(n)) } //nolint:gosec // a length

func appendNull(b []byte) []byte { return append(b, majorSimple<<5|simpleNull) }

func appendBytes(b, s []byte) []byte { return append(appendHead(b, majorBytes, uint64(len(s))), s...) }

func appendText(b []byte, s string) []byte {
	return append(appendHead(b, majorText, uint64(len(s))), s...)
}

// appendID writes an ID, or null for the zero one.
func appendID(b []byte, id chat.MessageID) []byte {
	if id.IsZero() {
		return appendNull(b)
	}
	return appendBytes(b, id[:])
}
