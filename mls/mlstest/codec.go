package mlstest

import (
	"encoding/binary"
	"errors"
)

// Writer writes the presentation language of RFC 9420 §2.1.
type Writer struct{ B []byte }

// U8 to U64 append integers, big-endian.
func (w *Writer) U8(v uint8) { w.B = append(w.B, v) }

// U16 appends two bytes.
func (w *Writer) U16(v uint16) { w.B = binary.BigEndian.AppendUint16(w.B, v) }

// U32 appends four bytes.
func (w *Writer) U32(v uint32) { w.B = binary.BigEndian.AppendUint32(w.B, v) }

// U64 appends eight bytes.
func (w *Writer) U64(v uint64) { w.B = binary.BigEndian.AppendUint64(w.B, v) }

// Raw appends bytes as they are.
func (w *Writer) Raw(b []byte) { w.B = append(w.B, b...) }

// Opaque appends a vector of bytes: its length in the shortest form (RFC 9420 §2.1.2), then the bytes.
func (w *Writer) Opaque(b []byte) {
	switch n := len(b); {
	case n < 1<<6:
		w.U8(uint8(n))
	case n < 1<<14:
		w.U16(1<<14 | uint16(n))
	default:
		w.U32(2<<30 | uint32(n))
	}
	w.Raw(b)
}

// Vector appends what f writes as a vector.
func (w *Writer) Vector(f func(*Writer)) {
	var inner Writer
	f(&inner)
	w.Opaque(inner.B)
}

// Optional appends the presence of a value.
func (w *Writer) Optional(present bool) {
	if present {
		w.U8(1)
	} else {
		w.U8(0)
	}
}

func u16s[T ~uint16](w *Writer, list []T) {
	w.Vector(func(w *Writer) {
		for _, v := range list {
			w.U16(uint16(v))
		}
	})
}

// encoded is what a structure writes.
func encoded(s interface{ encode(*Writer) }) []byte {
	var w Writer
	s.encode(&w)
	return w.B
}

var errEnd = errors.New("mlstest: the bytes end too early")

// reader takes bytes from the front of b; the first failure stays.
type reader struct {
	b   []byte
	err error
}

func (r *reader) take(n int) []byte {
	if r.err != nil || n > len(r.b) {
		if r.err == nil {
			r.err = errEnd
		}
		return make([]byte, min(n, 8))
	}
	p := append([]byte{}, r.b[:n]...)
	r.b = r.b[n:]
	return p
}

func (r *reader) u8() uint8   { return r.take(1)[0] }
func (r *reader) u16() uint16 { return binary.BigEndian.Uint16(r.take(2)) }
func (r *reader) u32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }
func (r *reader) u64() uint64 { return binary.BigEndian.Uint64(r.take(8)) }

func (r *reader) opaque() []byte {
	first := r.u8()
	n := int(first & 0x3f)
	for range 1<<(first>>6) - 1 {
		n = n<<8 | int(r.u8())
	}
	if r.err != nil || n > len(r.b) {
		r.err = errEnd
		return nil
	}
	return r.take(n)
}

func (r *reader) each(f func(*reader)) {
	inner := reader{b: r.opaque(), err: r.err}
	for len(inner.b) > 0 && inner.err == nil {
		f(&inner)
	}
	r.err = inner.err
}

func readU16s[T ~uint16](r *reader) (list []T) {
	r.each(func(r *reader) { list = append(list, T(r.u16())) })
	return list
}
