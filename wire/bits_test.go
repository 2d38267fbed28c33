package wire

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"huisclos/chat"
)

// No bit of a frame is idle: changing it makes another frame, or none. Otherwise one message would have two forms, and two
// hashes.
func TestNoIdleBits(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, f := range every() {
		f := small(r, f)
		shortenBytes(reflect.ValueOf(f).Elem())
		f.setType()
		raw := Encode(f)
		if len(raw) > 3000 {
			t.Fatalf("%T has %d bytes", f, len(raw))
		}
		for i := range 8 * len(raw) {
			bad := bytes.Clone(raw)
			bad[i/8] ^= 1 << (i % 8)
			got, err := Decode(bad)
			if err != nil {
				continue
			}
			if reflect.DeepEqual(f, got) {
				t.Fatalf("%T: bit %d of %x says nothing", f, i, raw)
			}
			if again := Encode(got.(writable)); !bytes.Equal(again, bad) {
				t.Fatalf("%T: bit %d: %x is written as %x", f, i, bad, again)
			}
		}
	}
}

// shortenBytes cuts the byte strings in v to 30 bytes.
func shortenBytes(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				shortenBytes(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(v.Bytes()[:min(v.Len(), 30)])
			return
		}
		for i := range v.Len() {
			shortenBytes(v.Index(i))
		}
	}
}

// What is inside frames as bytes is strict too.
func TestNoIdleBitsInside(t *testing.T) {
	hello := HelloS{Version: 1, Offered: []uint{1}, Limits: Limits{Frame: 300}, Generation: 1, Policy: Enrol, Prove: true, Time: -1, Software: "x"}
	body := Body{Role: "member", Certificate: []byte{1}, Name: "é", Intent: IntentEnrol}
	envelope := Envelope{Version: 1, Generation: 70000, Counter: 1, Sealed: []byte{1}}
	for _, v := range []any{&hello, &body, &envelope} {
		raw := Marshal(v)
		for i := range 8 * len(raw) {
			bad := bytes.Clone(raw)
			bad[i/8] ^= 1 << (i % 8)
			got := reflect.New(reflect.TypeOf(v).Elem()).Interface()
			if UnmarshalStrict(bad, got) == nil && reflect.DeepEqual(v, got) {
				t.Fatalf("%T: bit %d says nothing", v, i)
			}
		}
		for n := range raw {
			if UnmarshalStrict(raw[:n], reflect.New(reflect.TypeOf(v).Elem()).Interface()) == nil {
				t.Fatalf("%T: %d bytes are enough", v, n)
			}
		}
	}
}

// What an admin is shown of a stranger's program holds nothing that a terminal would obey.
func TestSoftwareName(t *testing.T) {
	for name, good := range map[string]bool{
		"": true, "huisclos 1.0 (linux)": true, "télé 2": true, strings.Repeat("x", 64): true,
		strings.Repeat("x", 65): false, strings.Repeat("é", 33): false, "\x1b[31m": false, "a\nb": false, "a\x00": false, "\u202egnp": false, "\u200b": false, "a\xff": false, "\u0085": false,
	} {
		h := HelloC{Versions: []uint{1}, Client: name}
		if h.fits() != good {
			t.Errorf("%q: %v", name, !good)
		}
	}
}

// The types of frames have one number each, and every number either a frame or none.
func TestTypes(t *testing.T) {
	seen := map[string]Type{}
	for n := range 256 {
		f := empty(Type(n))
		if f == nil {
			if _, err := Decode([]byte{0x81, 0x18, byte(n)}); err == nil {
				t.Errorf("type %d is accepted", n)
			}
			continue
		}
		name := reflect.TypeOf(f).String()
		if other, ok := seen[name]; ok || f.kind() != Type(n) {
			t.Errorf("%s has the types %d, %d, %d", name, n, other, f.kind())
		}
		seen[name] = Type(n)
	}
	if f := empty(TypeSend).(*Send); f.Kind != 0 || f.Room != (chat.RoomID{}) {
		t.Error("frames are shared")
	}
}
