package wire

import (
	"math"

	"huisclos/chat"
)

// What every message goes through is written and read by hand here: Send, Ack, Entries, Page and Envelope. The bytes are those
// of the general encoder.

// hot is what Marshal writes by hand.
type hot interface {
	size() int // at least what append adds
	append(b []byte) []byte
}

// scanned is a frame that Decode reads by hand.
type scanned interface {
	Frame
	scan(s *scanner)
}

// Bounds for the sizes below.
const (
	maxHead = 9                 // of a head
	sizeID  = 1 + 16            // of a room or message ID
	sizeKey = 2 + 32            // of a hash, an account or a device
	sizeRow = 1 + 9 + 2 + 1 + 5 // of an Entry without its envelope
)

func (f *Send) size() int { return 2 + sizeID + sizeID + 2 + maxHead + maxHead + len(f.Envelope) }

func (f *Send) append(b []byte) []byte {
	b = appendHead(b, majorArray, 6)
	b = appendUint(b, f.Type)
	b = appendBytes(b, f.Room[:])
	b = appendBytes(b, f.ID[:])
	b = appendUint(b, f.Kind)
	b = appendUint(b, f.Base)
	return appendBytes(b, f.Envelope)
}

func (f *Send) scan(s *scanner) {
	s.array(6)
	f.Type = Type(s.uint(math.MaxUint8))
	s.fixed(f.Room[:])
	s.fixed(f.ID[:])
	f.Kind = chat.EntryKind(s.uint(math.MaxUint8))
	f.Base = chat.Seq(s.uint(math.MaxUint64))
	f.Envelope = s.bytes()
}

func (f *Ack) size() int { return 2 + sizeID + sizeID + maxHead + maxHead + sizeKey }

func (f *Ack) append(b []byte) []byte {
	b = appendHead(b, majorArray, 6)
	b = appendUint(b, f.Type)
	b = appendBytes(b, f.Room[:])
	b = appendBytes(b, f.ID[:])
	b = appendUint(b, f.Seq)
	b = appendInt(b, f.Time)
	return appendBytes(b, f.Hash[:])
}

func (f *Ack) scan(s *scanner) {
	s.array(6)
	f.Type = Type(s.uint(math.MaxUint8))
	s.fixed(f.Room[:])
	s.fixed(f.ID[:])
	f.Seq = chat.Seq(s.uint(math.MaxUint64))
	f.Time = s.int()
	s.fixed(f.Hash[:])
}

func (f *Entries) size() int {
	return 2 + sizeID + maxHead + sizeKey + maxHead + sizeEntries(f.Entries)
}

func (f *Entries) append(b []byte) []byte {
	b = appendHead(b, majorArray, 6)
	b = appendUint(b, f.Type)
	b = appendBytes(b, f.Room[:])
	b = appendUint(b, f.First)
	b = appendBytes(b, f.Before[:])
	b = appendUint(b, f.Head)
	return appendEntries(b, f.Entries)
}

func (f *Entries) scan(s *scanner) {
	s.array(6)
	f.Type = Type(s.uint(math.MaxUint8))
	s.fixed(f.Room[:])
	f.First = chat.Seq(s.uint(math.MaxUint64))
	s.fixed(f.Before[:])
	f.Head = chat.Seq(s.uint(math.MaxUint64))
	f.Entries = s.entries()
}

func (f *Page) size() int {
	return 2 + maxHead + sizeID + maxHead + sizeKey + maxHead + sizeEntries(f.Entries)
}

func (f *Page) append(b []byte) []byte {
	b = appendHead(b, majorArray, 7)
	b = appendUint(b, f.Type)
	b = appendUint(b, f.Ref)
	b = appendBytes(b, f.Room[:])
	b = appendUint(b, f.First)
	b = appendBytes(b, f.Before[:])
	b = appendUint(b, f.Head)
	return appendEntries(b, f.Entries)
}

func (f *Page) scan(s *scanner) {
	s.array(7)
	f.Type = Type(s.uint(math.MaxUint8))
	f.Ref = s.uint(math.MaxUint64)
	s.fixed(f.Room[:])
	f.First = chat.Seq(s.uint(math.MaxUint64))
	s.fixed(f.Before[:])
	f.Head = chat.Seq(s.uint(math.MaxUint64))
	f.Entries = s.entries()
}

func sizeEntries(entries []Entry) int {
	n := maxHead
	for i := range entries {
		n += sizeRow + len(entries[i].Envelope)
	}
	return n
}

func appendEntries(b []byte, entries []Entry) []byte {
	b = appendHead(b, majorArray, uint64(len(entries)))
	for i := range entries {
		e := &entries[i]
		b = appendHead(b, majorArray, 4)
		b = appendInt(b, e.Time)
		b = appendUint(b, e.Kind)
		b = appendBool(b, e.Pruned)
		b = appendBytes(b, e.Envelope)
	}
	return b
}

func (s *scanner) entries() []Entry {
	n := s.head(majorArray)
	const least = 5 // bytes of the smallest entry: nobody makes us allocate more than in proportion to what was sent
	if n > maxEntries || n*least > uint64(len(s.rest)) {
		s.fail()
		return nil
	}
	entries := make([]Entry, n)
	for i := range entries {
		e := &entries[i]
		s.array(4)
		e.Time = s.int()
		e.Kind = chat.EntryKind(s.uint(math.MaxUint8))
		e.Pruned = s.bool()
		e.Envelope = s.bytes()
		if s.failed {
			return nil
		}
	}
	return entries
}

func (e *Envelope) size() int {
	return 1 + maxHead + sizeID + 5 + 2*sizeKey + sizeID + maxHead + sizeKey + maxHead + sizeKey + maxHead + len(e.Sealed)
}

func (e *Envelope) append(b []byte) []byte {
	b = appendHead(b, majorArray, 11)
	b = appendUint(b, e.Version)
	b = appendBytes(b, e.Room[:])
	b = appendUint(b, e.Generation)
	b = appendBytes(b, e.Account[:])
	b = appendBytes(b, e.Device[:])
	b = appendBytes(b, e.ID[:])
	b = appendUint(b, e.Counter)
	b = appendBytes(b, e.Previous[:])
	b = appendUint(b, e.SeenSeq)
	b = appendBytes(b, e.SeenHash[:])
	return appendBytes(b, e.Sealed)
}

func (e *Envelope) scan(s *scanner) {
	s.array(11)
	e.Version = uint(s.uint(math.MaxUint))
	s.fixed(e.Room[:])
	e.Generation = chat.Generation(s.uint(math.MaxUint32))
	s.fixed(e.Account[:])
	s.fixed(e.Device[:])
	s.fixed(e.ID[:])
	e.Counter = s.uint(math.MaxUint64)
	s.fixed(e.Previous[:])
	e.SeenSeq = chat.Seq(s.uint(math.MaxUint64))
	s.fixed(e.SeenHash[:])
	e.Sealed = s.bytes()
}
