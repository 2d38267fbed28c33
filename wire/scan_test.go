package wire

import (
	"bytes"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The examples of RFC 8949, Appendix A, that are of the types that the scanner reads.
func TestRFC8949Numbers(t *testing.T) {
	for _, c := range []struct {
		n   int64
		raw string
	}{
		{0, "\x00"}, {1, "\x01"}, {10, "\x0a"}, {23, "\x17"}, {24, "\x18\x18"}, {25, "\x18\x19"}, {100, "\x18\x64"}, {1000, "\x19\x03\xe8"},
		{1000000, "\x1a\x00\x0f\x42\x40"}, {1000000000000, "\x1b\x00\x00\x00\xe8\xd4\xa5\x10\x00"},
		{-1, "\x20"}, {-10, "\x29"}, {-100, "\x38\x63"}, {-1000, "\x39\x03\xe7"},
		{math.MaxInt64, "\x1b\x7f\xff\xff\xff\xff\xff\xff\xff"}, {math.MinInt64, "\x3b\x7f\xff\xff\xff\xff\xff\xff\xff"},
	} {
		if got := appendInt(nil, c.n); string(got) != c.raw {
			t.Errorf("%d is written as %x", c.n, got)
		}
		s := scanner{rest: []byte(c.raw)}
		if got := s.int(); got != c.n || !s.ok() {
			t.Errorf("%x is read as %d, %v", c.raw, got, s.ok())
		}
	}
	s := scanner{rest: []byte("\x1b\xff\xff\xff\xff\xff\xff\xff\xff")}
	if n := s.uint(math.MaxUint64); n != math.MaxUint64 || !s.ok() {
		t.Errorf("2^64-1 is read as %d", n)
	}
}

// What a scanner must refuse, and by which of its methods.
func TestScannerRefuses(t *testing.T) {
	uint64s := func(s *scanner) { s.uint(math.MaxUint64) }
	int64s := func(s *scanner) { s.int() }
	fixed := func(s *scanner) { s.fixed(make([]byte, 2)) }
	for name, c := range map[string]struct {
		raw  string
		read func(*scanner)
	}{
		"nothing":                    {"", uint64s},
		"24 in two bytes too few":    {"\x18", uint64s},
		"23 in two bytes":            {"\x18\x17", uint64s},
		"255 in three":               {"\x19\x00\xff", uint64s},
		"65535 in five":              {"\x1a\x00\x00\xff\xff", uint64s},
		"2^32-1 in nine":             {"\x1b\x00\x00\x00\x00\xff\xff\xff\xff", uint64s},
		"nine bytes, eight there":    {"\x1b\xff\xff\xff\xff\xff\xff\xff", uint64s},
		"reserved 28":                {"\x1c", uint64s},
		"reserved 29":                {"\x1d", uint64s},
		"reserved 30":                {"\x1e", uint64s},
		"unknown length 31":          {"\x1f", uint64s},
		"negative":                   {"\x20", uint64s},
		"bytes for a number":         {"\x41\x01", uint64s},
		"256 where 255 is the most":  {"\x19\x01\x00", func(s *scanner) { s.uint(255) }},
		"2^63":                       {"\x1b\x80\x00\x00\x00\x00\x00\x00\x00", int64s},
		"-2^63-1":                    {"\x3b\x80\x00\x00\x00\x00\x00\x00\x00", int64s},
		"-1 in two bytes":            {"\x38\x00", int64s},
		"null for a number":          {"\xf6", int64s},
		"half a float":               {"\xf9\x00\x00", int64s},
		"0 for false":                {"\x00", func(s *scanner) { s.bool() }},
		"null for false":             {"\xf6", func(s *scanner) { s.bool() }},
		"false in two bytes":         {"\xf8\x14", func(s *scanner) { s.bool() }},
		"one byte of two":            {"\x41\x01", fixed},
		"three bytes of two":         {"\x43\x01\x02\x03", fixed},
		"text":                       {"\x62\x01\x02", fixed},
		"chunks":                     {"\x5f\x42\x01\x02\xff", fixed},
		"two bytes, one there":       {"\x42\x01", fixed},
		"2^64-1 bytes":               {"\x5b\xff\xff\xff\xff\xff\xff\xff\xff", func(s *scanner) { s.bytes() }},
		"an array of three":          {"\x83\x01\x02\x03", func(s *scanner) { s.array(2) }},
		"a map of two":               {"\xa1\x01\x02", func(s *scanner) { s.array(2) }},
		"something left":             {"\x01\x01", uint64s},
		"entries without end":        {"\x9f\xff", func(s *scanner) { s.entries() }},
		"more entries than there is": {"\x82\x84\x00\x01\xf4\x40", func(s *scanner) { s.entries() }},
		"more than 65,536 entries":   {"\x9a\x00\x01\x00\x01" + string(bytes.Repeat([]byte("\x84\x00\x01\xf4\x40"), 1<<16+1)), func(s *scanner) { s.entries() }},
		"an entry of three":          {"\x81\x83\x00\x01\xf4\x00", func(s *scanner) { s.entries() }},
	} {
		s := scanner{rest: []byte(c.raw)}
		if c.read(&s); s.ok() {
			t.Errorf("%s: accepted", name)
		}
	}
	most := scanner{rest: []byte("\x9a\x00\x01\x00\x00" + string(bytes.Repeat([]byte("\x84\x00\x01\xf4\x40"), 1<<16)))}
	if n := len(most.entries()); n != 1<<16 || !most.ok() {
		t.Errorf("65,536 entries: %d", n)
	}
}

// After a fault nothing more is read, and nothing comes right again.
func TestScannerStaysFailed(t *testing.T) {
	s := scanner{rest: []byte("\x20\x01\x41\x01\xf5\x81")}
	s.uint(10)
	if s.uint(10) != 0 || s.int() != 0 || s.bool() || s.bytes() != nil || s.head(majorArray) != 0 || s.ok() {
		t.Error("it reads on")
	}
}

// Whatever is written is read back, with nothing left over, and by the general encoder's bytes.
func TestScannerReadsWhatIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64().Draw(t, "n") >> rapid.IntRange(0, 63).Draw(t, "shift")
		i := rapid.Int64().Draw(t, "i") >> rapid.IntRange(0, 63).Draw(t, "shift")
		b := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "b")
		yes := rapid.Bool().Draw(t, "yes")
		var four [4]byte
		copy(four[:], b)
		raw := appendHead(nil, majorArray, 5)
		raw = appendUint(raw, n)
		raw = appendInt(raw, i)
		raw = appendBytes(raw, b)
		raw = appendBool(raw, yes)
		raw = appendBytes(raw, four[:])
		if want := marshal([]any{n, i, b, yes, four[:]}); !bytes.Equal(raw, want) {
			t.Fatalf("%x, want %x", raw, want)
		}
		s := scanner{rest: raw}
		s.array(5)
		var got [4]byte
		if s.uint(math.MaxUint64) != n || s.int() != i || !bytes.Equal(s.bytes(), b) || s.bool() != yes {
			t.Fatal("read as something else")
		}
		if s.fixed(got[:]); got != four || !s.ok() {
			t.Fatal("the end is wrong")
		}
	})
}
