package content

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"

	"huisclos/chat"
	"huisclos/wire"
)

// What Parse accepts has one form, is what another decoder takes as deterministic CBOR, and says something that Marshal can say
// again.
func FuzzParse(f *testing.F) {
	for _, m := range everyKind() {
		if raw, err := m.marshal([16]byte{1}); err == nil && len(raw) < 1000 {
			f.Add(raw)
		}
	}
	for _, example := range draft(f) {
		f.Add([]byte(example[1]))
	}
	f.Add(build(func(m *fields) {
		m.extensions = map[any]any{1: "a", 2: "b", -1: []int{1}, "x": map[string]any{"y": nil}}
	}))
	enc, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := Parse(raw)
		if err != nil {
			if chat.CodeOf(err) != chat.CodeFrame {
				t.Fatalf("err = %v", err)
			}
			return
		}
		c, err := parseContainer(raw)
		if err != nil || !bytes.Equal(c.append(nil), raw) {
			t.Fatalf("two forms: %x, %v", raw, err)
		}
		var v any
		if wire.Unmarshal(raw, &v) == nil { // its limits are others, and it takes no bytes as keys
			if again, err := enc.Marshal(v); err != nil || !bytes.Equal(again, raw) {
				t.Fatalf("not deterministic: %x, %x, %v", raw, again, err)
			}
		}
		if !utf8.ValidString(m.Text) || m.Reaction != "" && !IsEmoji(m.Reaction) {
			t.Fatalf("%+v", m)
		}
		m.Rendered(func(chat.AccountID) string { return "" })
		if m.Kind == KindUnsupported {
			return
		}
		again, err := m.Marshal()
		if err != nil {
			t.Fatalf("%+v can't be said again: %v", m, err)
		}
		if back, err := Parse(again); err != nil || !back.equal(&m) {
			t.Fatalf("%+v came back as %+v, %v", m, back, err)
		}
	})
}

// What the reader skips is what another decoder takes as deterministic CBOR, but for what the protocol excludes.
func FuzzSkip(f *testing.F) {
	for _, v := range []any{0, -1, 1 << 40, "é", []byte{1}, []any{1, []any{}}, map[any]any{1: 2, "a": nil, -5: true}, 1.5} {
		f.Add(wire.Marshal(v))
	}
	enc, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := &reader{rest: raw}
		if r.skip(maxDepth); !r.ok() {
			return
		}
		var v any
		if wire.Unmarshal(raw, &v) != nil {
			return // its limits are others, and it takes no bytes as keys
		}
		if again, err := enc.Marshal(v); err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("%x isn't deterministic: %x, %v", raw, again, err)
		}
	})
}
