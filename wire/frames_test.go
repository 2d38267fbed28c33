package wire

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"huisclos/chat"
)

// writable is a frame as Encode takes it.
type writable interface {
	Frame
	setType()
}

// every lists one empty frame of each type.
func every() []writable {
	var all []writable
	for t := range 256 {
		if f := empty(Type(t)); f != nil {
			all = append(all, f.(writable))
		}
	}
	return all
}

// fill puts random values into v: short lists, lengths and numbers around the limits of their encodings.
func fill(r *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				fill(r, v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			b := make([]byte, []int{0, 1, 23, 24, 255, 256, 65535, 65536}[min(r.IntN(24), r.IntN(8))])
			for i := range b {
				b[i] = byte(i)
			}
			v.SetBytes(b)
			return
		}
		n := r.IntN(4)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(r, v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(r, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 1 + r.IntN(3) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(r, key)
			fill(r, value)
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		v.SetString([]string{"", "a", "é", "#lobby", strings.Repeat("x", 23), strings.Repeat("y", 24)}[r.IntN(6)])
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int64:
		v.SetInt([]int64{0, 1, -1, -24, -25, -1 << 63, 1<<63 - 1, 1 << 40}[r.IntN(8)])
	default:
		v.SetUint([]uint64{0, 1, 23, 24, 255, 256, 65535, 65536, 1<<32 - 1, 1 << 32, 1<<64 - 1}[r.IntN(11)] >> (64 - v.Type().Bits()))
	}
}

// random fills a new frame of the type of f.
func random(r *rand.Rand, f writable) writable {
	v := reflect.New(reflect.TypeOf(f).Elem())
	fill(r, v.Elem())
	n := v.Interface().(writable)
	n.setType()
	seemly(n)
	return n
}

// equal compares frames; it needn't look at the empty field that makes them arrays.
func equal(a, b any) string {
	if reflect.DeepEqual(a, b) {
		return ""
	}
	return cmp.Diff(a, b, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == "._" }, cmp.Ignore()))
}

func TestEveryFrameComesBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	all := every()
	if len(all) != 70 {
		t.Fatalf("%d types of frames", len(all))
	}
	for _, f := range all {
		for range 30 {
			f := random(r, f)
			raw := Encode(f)
			if len(raw) > maxSize(f.kind()) {
				continue
			}
			got, err := Decode(raw)
			if err != nil {
				t.Fatalf("%T: %v", f, err)
			}
			if diff := equal(f, got); diff != "" {
				t.Fatalf("%T: %s", f, diff)
			}
			if !bytes.Equal(Encode(got.(writable)), raw) {
				t.Fatalf("%T: two forms", f)
			}
		}
	}
}

// The frames that are written and read by hand have the bytes of the general encoder.
func TestByHandIsTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, f := range every() {
		if _, ok := f.(hot); !ok {
			continue
		}
		for range 200 {
			f := random(r, f)
			raw := Encode(f)
			if !bytes.Equal(raw, marshal(f)) {
				t.Fatalf("%T: %x, want %x", f, raw, marshal(f))
			}
			if n := f.(hot).size(); n < len(raw) || n > len(raw)+64+20*32 {
				t.Errorf("%T: %d bytes were thought to be %d", f, len(raw), n)
			}
		}
	}
	for range 200 {
		var e Envelope
		fill(r, reflect.ValueOf(&e).Elem())
		if !bytes.Equal(Marshal(&e), marshal(&e)) {
			t.Fatal("an envelope")
		}
	}
}

// Whatever the two decoders are given, they agree.
func TestByHandRefusesTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, kind := range []writable{&Send{}, &Ack{}, &Entries{}, &Page{}} {
		for range 1500 {
			raw := mutate(r, Encode(small(r, kind)))
			compare(t, raw)
		}
	}
}

// small is a random frame with short byte strings, so that changes hit its shape.
func small(r *rand.Rand, f writable) writable {
	n := random(r, f)
	switch n := n.(type) {
	case *Send:
		n.Envelope = n.Envelope[:min(len(n.Envelope), 3)]
	case *Entries:
		shorten(n.Entries)
	case *Page:
		shorten(n.Entries)
	}
	return n
}

func shorten(entries []Entry) {
	for i := range entries {
		entries[i].Envelope = entries[i].Envelope[:min(len(entries[i].Envelope), 3)]
	}
}

// mutate changes, inserts or removes a few bytes.
func mutate(r *rand.Rand, raw []byte) []byte {
	raw = bytes.Clone(raw)
	for range 1 + r.IntN(2) {
		i := r.IntN(len(raw))
		switch r.IntN(4) {
		case 0:
			raw[i] ^= 1 << r.IntN(8)
		case 1:
			raw[i] = []byte{0, 0x18, 0x19, 0x1b, 0x3b, 0x40, 0x58, 0x9f, 0xf4, 0xf6, 0xff}[r.IntN(11)]
		case 2:
			raw = append(raw[:i:i], raw[i+1:]...)
		case 3:
			raw = append(raw[:i:i], append([]byte{byte(r.Uint32())}, raw[i:]...)...)
		}
		if len(raw) == 0 {
			return []byte{0}
		}
	}
	return raw
}

// compare fails when Decode and the general decoder differ about raw.
func compare(t *testing.T, raw []byte) {
	t.Helper()
	kind, ok := typeOf(raw)
	if !ok {
		return
	}
	f := empty(kind)
	if _, ok := f.(scanned); !ok {
		return
	}
	want := UnmarshalStrict(raw, f)
	got, err := Decode(raw)
	if (want == nil) != (err == nil) {
		t.Fatalf("%x: %v, the general decoder says %v", raw, err, want)
	}
	if err == nil {
		if diff := equal(f, got); diff != "" {
			t.Fatalf("%x: %s", raw, diff)
		}
	}
}

func TestEveryTruncationIsRefused(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, f := range every() {
		raw := Encode(small(r, f))
		for n := range min(len(raw), 4096) {
			if _, err := Decode(raw[:n]); err == nil {
				t.Fatalf("%T: %d of %d bytes are enough", f, n, len(raw))
			}
		}
		if _, err := Decode(append(bytes.Clone(raw), 0)); err == nil {
			t.Fatalf("%T: a byte too many", f)
		}
	}
}

func TestBadFrames(t *testing.T) {
	ack := Encode(&Ack{Room: chat.RoomID{1}, ID: chat.MessageID{2}, Seq: 3, Time: 4})
	subscribe := Encode(&Subscribe{Ref: 1, Room: chat.RoomID{1}})
	change := func(raw []byte, from, to string) []byte {
		if !bytes.Contains(raw, []byte(from)) {
			t.Fatalf("%x has no %x", raw, from)
		}
		return bytes.Replace(raw, []byte(from), []byte(to), 1)
	}
	for name, c := range map[string]struct {
		raw  []byte
		code chat.Code
	}{
		"nothing":                  {nil, chat.CodeFrame},
		"one byte":                 {[]byte{0x82}, chat.CodeFrame},
		"no array":                 {[]byte{0x01, 0x01}, chat.CodeFrame},
		"a map":                    {[]byte{0xa1, 0x01, 0x01}, chat.CodeFrame},
		"text as type":             {[]byte{0x82, 0x61, 'x'}, chat.CodeFrame},
		"unknown type":             {[]byte{0x82, 0x09, 0x01}, chat.CodeFrameType},
		"unknown type, two bytes":  {[]byte{0x82, 0x18, 0xff}, chat.CodeFrameType},
		"type zero":                {[]byte{0x82, 0x00, 0x01}, chat.CodeFrameType},
		"type not shortest":        {change(subscribe, "\x85\x0d", "\x85\x18\x0d"), chat.CodeFrame},
		"array of unknown length":  {append(change(subscribe, "\x85", "\x9f"), 0xff), chat.CodeFrame},
		"element missing":          {[]byte{0x82, 0x12}[:2], chat.CodeFrame},
		"element too many":         {[]byte{0x83, 0x12, 0x01, 0x01}, chat.CodeFrame},
		"short ID":                 {change(subscribe, "\x50\x01\x00", "\x4f\x01"), chat.CodeFrame},
		"long ID":                  {change(subscribe, "\x50\x01\x00", "\x51\x01\x00\x00"), chat.CodeFrame},
		"text for bytes":           {change(subscribe, "\x50\x01\x00", "\x70\x01\x00"), chat.CodeFrame},
		"null for a number":        {[]byte{0x82, 0x12, 0xf6}, chat.CodeFrame},
		"float for a number":       {[]byte{0x82, 0x12, 0xf9, 0x3c, 0x00}, chat.CodeFrame},
		"a negative number":        {[]byte{0x82, 0x12, 0x20}, chat.CodeFrame},
		"a tag":                    {[]byte{0x82, 0x12, 0xc1, 0x01}, chat.CodeFrame},
		"number not shortest":      {[]byte{0x82, 0x12, 0x18, 0x01}, chat.CodeFrame},
		"deep":                     {append(bytes.Repeat([]byte{0x81}, 100), 0x01), chat.CodeFrame},
		"short hash by hand":       {append(change(ack[:len(ack)-34], "\x86", "\x86"), append([]byte{0x58, 31}, make([]byte, 31)...)...), chat.CodeFrame},
		"bad UTF-8":                {append([]byte{0x83, 0x14, 0x01}, 0x61, 0xff), chat.CodeFrame},
		"over the type's size":     {Encode(&Create{Ref: 1, Name: strings.Repeat("x", MaxLogin)}), chat.CodeTooLarge},
		"over any size":            {Encode(&Send{Envelope: make([]byte, MaxFrame)}), chat.CodeTooLarge},
		"hello without a version":  {Encode(&HelloC{}), chat.CodeFrame},
		"hello of too many":        {Encode(&HelloC{Versions: make([]uint, 9)}), chat.CodeFrame},
		"hello with an escape":     {Encode(&HelloC{Versions: []uint{1}, Client: "\x1b[2J"}), chat.CodeFrame},
		"hello with a long client": {Encode(&HelloC{Versions: []uint{1}, Client: strings.Repeat("x", 65)}), chat.CodeFrame},
		"parameter twice": {
			change(Encode(&Bye{Code: "x", Params: map[string]string{"a": "1", "b": "1"}}), "\x61b", "\x61a"), chat.CodeFrame,
		},
		"parameters out of order": {
			change(change(Encode(&Bye{Code: "x", Params: map[string]string{"a": "1", "b": "1"}}), "\x61a", "\x61c"), "\x61c", "\x61c"), chat.CodeFrame,
		},
	} {
		_, err := Decode(c.raw)
		if !errors.Is(err, c.code) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	var tooLarge *chat.Error
	_, err := Decode(Encode(&Create{Name: strings.Repeat("x", MaxLogin)}))
	if !errors.As(err, &tooLarge) || tooLarge.Params["limit"] != strconv.Itoa(MaxLogin) {
		t.Errorf("the limit isn't told: %v", err)
	}
}

// A frame that promises many entries costs no more memory than what was sent of it.
func TestPromisesCostNothing(t *testing.T) {
	raw := Encode(&Entries{Entries: []Entry{{Envelope: []byte{1}}}})
	i := bytes.LastIndex(raw, []byte{0x81, 0x84})
	raw = append(raw[:i:i], 0x9a, 0x00, 0x01, 0x00, 0x00, 0x84, 0x00)
	if n := testing.AllocsPerRun(10, func() {
		if _, err := Decode(raw); err == nil {
			t.Error("accepted")
		}
	}); n > 4 {
		t.Errorf("%v allocations", n)
	}
}
