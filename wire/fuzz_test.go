package wire

import (
	"bytes"
	"testing"
)

// What Decode accepts has one form, and the code by hand accepts what the general decoder does.
func FuzzDecode(f *testing.F) {
	for _, w := range every() {
		f.Add(Encode(w))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		compare(t, raw)
		frame, err := Decode(raw)
		if err != nil {
			return
		}
		if again := Encode(frame.(writable)); !bytes.Equal(again, raw) {
			t.Fatalf("%T has two forms: %x, %x", frame, raw, again)
		}
	})
}

func FuzzParseEnvelope(f *testing.F) {
	e := anEnvelope()
	f.Add(Marshal(&e))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := ParseEnvelope(raw)
		if err == nil && !bytes.Equal(Marshal(&e), raw) {
			t.Fatalf("two forms: %x", raw)
		}
		if general := generalStrict(raw, &Envelope{}); err == nil && !general {
			t.Fatalf("the general decoder refuses %x", raw)
		}
	})
}
