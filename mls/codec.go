package mls

import (
	"encoding/binary"
	"math"
)

// The presentation language of RFC 9420 §2.1: big-endian integers, and vectors behind a length of 1, 2 or 4 bytes (§2.1.2).

// reader takes bytes from the front of b. The first failure stays in err, and everything after it gives zero values, so that
// a structure is read in one go and checked once. What it gives aliases b.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(check, format string, args ...any) {
	if r.err == nil {
		r.err = malformed(check, format, args...)
	}
	r.b = nil
}

func (r *reader) take(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n > len(r.b) {
		r.fail("2.1/truncated", "%d bytes wanted, %d left", n, len(r.b))
		return nil
	}
	p := r.b[:n:n]
	r.b = r.b[n:]
	return p
}

func (r *reader) u8() uint8 {
	if p := r.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if p := r.take(2); p != nil {
		return binary.BigEndian.Uint16(p)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if p := r.take(4); p != nil {
		return binary.BigEndian.Uint32(p)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if p := r.take(8); p != nil {
		return binary.BigEndian.Uint64(p)
	}
	return 0
}

// length reads the header of a vector (RFC 9420 §2.1.2): the two highest bits say how long it is; the shortest form is the only one.
func (r *reader) length() int {
	first := r.u8()
	if r.err != nil {
		return 0
	}
	n := uint32(first & 0x3f)
	switch first >> 6 {
	case 0:
		return int(n)
	case 1:
		n = n<<8 | uint32(r.u8())
		if r.err == nil && n < 1<<6 {
			r.fail("2.1.2/shortest", "a length of %d in two bytes", n)
		}
	case 2:
		p := r.take(3)
		if p == nil {
			return 0
		}
		n = n<<24 | uint32(p[0])<<16 | uint32(p[1])<<8 | uint32(p[2])
		if n < 1<<14 {
			r.fail("2.1.2/shortest", "a length of %d in four bytes", n)
		}
	default:
		r.fail("2.1.2/prefix", "a length of eight bytes")
	}
	return int(n)
}

// opaque reads a vector of bytes.
func (r *reader) opaque() []byte {
	n := r.length()
	if r.err != nil {
		return nil
	}
	p := r.take(n)
	if p == nil && r.err == nil {
		p = []byte{}
	}
	return p
}

// each reads a vector whose elements are read by f, each of a byte at least.
func (r *reader) each(f func(*reader)) {
	sub := reader{b: r.opaque(), err: r.err}
	for len(sub.b) > 0 && sub.err == nil {
		f(&sub)
	}
	if r.err == nil && sub.err != nil {
		r.err, r.b = sub.err, nil
	}
}

// optional reads the presence of an optional value (RFC 9420 §2.1.1).
func (r *reader) optional() bool {
	switch p := r.u8(); p {
	case 0:
		return false
	case 1:
		return true
	default:
		r.fail("2.1.1/presence", "a presence of %d", p)
		return false
	}
}

// end makes bytes that are left over an error.
func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		r.fail("2.1/trailing", "%d bytes too many", len(r.b))
	}
	return r.err
}

// writer appends to b.
type writer struct{ b []byte }

func (w *writer) u8(v uint8)   { w.b = append(w.b, v) }
func (w *writer) u16(v uint16) { w.b = binary.BigEndian.AppendUint16(w.b, v) }
func (w *writer) u32(v uint32) { w.b = binary.BigEndian.AppendUint32(w.b, v) }
func (w *writer) u64(v uint64) { w.b = binary.BigEndian.AppendUint64(w.b, v) }
func (w *writer) raw(p []byte) { w.b = append(w.b, p...) }

// maxVector is the longest vector in bytes (RFC 9420 §2.1.2).
const maxVector = 1<<30 - 1

// length writes the header of a vector of n bytes. A vector that nobody could read is a fault of this package's caller's
// caller, who hands in at most what maxVector allows: see checkSize.
func (w *writer) length(n int) {
	switch {
	case n < 1<<6:
		w.u8(uint8(n))
	case n < 1<<14:
		w.u16(1<<14 | uint16(n))
	case n <= maxVector:
		w.u32(2<<30 | uint32(n))
	default:
		panic("mls: a vector of more than 2^30 bytes")
	}
}

func (w *writer) opaque(p []byte) {
	w.length(len(p))
	w.raw(p)
}

// vector writes what f writes, behind its length.
func (w *writer) vector(f func()) {
	start := len(w.b)
	w.b = append(w.b, 0)
	f()
	n := len(w.b) - start - 1
	extra := lengthSize(n) - 1
	if extra > 0 {
		w.b = append(w.b, make([]byte, extra)...)
		copy(w.b[start+1+extra:], w.b[start+1:start+1+n])
	}
	head := writer{b: w.b[:start]}
	head.length(n)
}

func lengthSize(n int) int {
	switch {
	case n < 1<<6:
		return 1
	case n < 1<<14:
		return 2
	}
	return 4
}

func (w *writer) optional(present bool) {
	if present {
		w.u8(1)
	} else {
		w.u8(0)
	}
}

// encoder is a structure of the RFC that writes itself.
type encoder interface{ encode(*writer) }

func marshal(e encoder) []byte {
	w := writer{b: make([]byte, 0, 128)}
	e.encode(&w)
	return w.b
}

// readList reads a vector of structures.
func readList[T any](r *reader, decode func(*reader) T) []T {
	var list []T
	r.each(func(r *reader) { list = append(list, decode(r)) })
	return list
}

// readU16s and writeU16s are vectors of code points.
func readU16s[T ~uint16](r *reader) []T {
	b := r.opaque()
	if len(b)%2 != 0 {
		r.fail("2.1/truncated", "half a code point")
		return nil
	}
	list := make([]T, len(b)/2)
	for i := range list {
		list[i] = T(binary.BigEndian.Uint16(b[2*i:]))
	}
	return list
}

func writeU16s[T ~uint16](w *writer, list []T) {
	w.length(2 * len(list))
	for _, v := range list {
		w.u16(uint16(v))
	}
}

func readU32s(r *reader) []uint32 {
	b := r.opaque()
	if len(b)%4 != 0 {
		r.fail("2.1/truncated", "half a leaf index")
		return nil
	}
	list := make([]uint32, len(b)/4)
	for i := range list {
		list[i] = binary.BigEndian.Uint32(b[4*i:])
	}
	return list
}

func writeU32s(w *writer, list []uint32) {
	w.length(4 * len(list))
	for _, v := range list {
		w.u32(v)
	}
}

// checkSize refuses what a caller hands in when no vector could hold it.
func checkSize(what string, n int) error {
	if n > math.MaxInt32/4 {
		return misuse("%s of %d bytes is too long", what, n)
	}
	return nil
}
