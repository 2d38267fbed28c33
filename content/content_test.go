package content

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"huisclos/chat"
	"huisclos/wire"
)

func TestTextComesBack(t *testing.T) {
	for _, text := range []string{"", "hello", "déjà vu 🎸", strings.Repeat("x", 60_000), "line\nline"} {
		raw, err := FromText(text)
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) > len(text)+Overhead {
			t.Errorf("%d bytes of text make %d", len(text), len(raw))
		}
		got, err := Text(raw)
		if err != nil || got != text {
			t.Errorf("Text = %.20q, %v", got, err)
		}
	}
}

func TestEqualTextsMakeDifferentMessages(t *testing.T) {
	a, _ := FromText("yes")
	b, _ := FromText("yes")
	if bytes.Equal(a, b) {
		t.Error("the salt doesn't differ")
	}
}

func TestTextIsUTF8(t *testing.T) {
	if _, err := FromText("\xff"); !errors.Is(err, chat.CodeFrame) {
		t.Errorf("err = %v", err)
	}
}

// The bytes of a message, so that a change of the format is seen.
func TestBytes(t *testing.T) {
	raw, err := fromText([16]byte{0: 1, 15: 2}, "hi")
	if err != nil {
		t.Fatal(err)
	}
	want := "8750" + "01000000000000000000000000000002" + // salt
		"f6" + "40" + "f6" + "f6" + "a0" + // replaces, topic, expires, inReplyTo, extensions
		"85" + "01" + "60" + "01" + "7818" + hex.EncodeToString([]byte(Plain)) + "42" + "6869"
	if got := hex.EncodeToString(raw); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func build(change func(*message)) []byte {
	m := &message{Replaces: null, Topic: []byte{}, Expires: null, InReplyTo: null, Extensions: emptyMap, Part: part(Render, Plain, "x")}
	change(m)
	return wire.Marshal(m)
}

func part(d Disposition, kind, body string) []byte {
	return wire.Marshal(&single{Disposition: d, Cardinality: Single, Type: kind, Content: []byte(body)})
}

func TestWhatThisVersionCannotShow(t *testing.T) {
	id := wire.Marshal(make([]byte, 16))
	two := wire.Marshal([]any{1, "", 3, 0, []any{[]any{1, "", 0}, []any{1, "", 1, "text/plain", []byte("x")}}})
	for name, raw := range map[string][]byte{
		"reaction":       build(func(m *message) { m.Part = part(Reaction, Plain, "❤"); m.InReplyTo = id }),
		"edit":           build(func(m *message) { m.Replaces = id }),
		"expiring":       build(func(m *message) { m.Expires = wire.Marshal([]any{true, 60}) }),
		"deletion":       build(func(m *message) { m.Replaces = id; m.Part = wire.Marshal([]any{1, "", 0}) }),
		"image":          build(func(m *message) { m.Part = part(Render, "image/png", "…") }),
		"external":       build(func(m *message) { m.Part = wire.Marshal([]any{6, "", 2, "image/png", "https://x", 0, 5}) }),
		"several parts":  build(func(m *message) { m.Part = two }),
		"a later thing":  build(func(m *message) { m.Part = wire.Marshal([]any{1, "", 9, "x"}) }),
		"unknown intent": build(func(m *message) { m.Part = part(77, Plain, "x") }),
	} {
		if _, err := Text(raw); !errors.Is(err, chat.CodeLater) {
			t.Errorf("%s: err = %v", name, err)
		}
	}
	for name, raw := range map[string][]byte{
		"markdown": build(func(m *message) { m.Part = part(Render, Markdown, "*x*") }),
		"reply":    build(func(m *message) { m.InReplyTo = id }),
		"extended": build(func(m *message) { m.Extensions = wire.Marshal(map[string]int{"a": 1}) }),
	} {
		if _, err := Text(raw); err != nil {
			t.Errorf("%s: err = %v", name, err)
		}
	}
}

func TestMalformed(t *testing.T) {
	good, _ := FromText("hello")
	deep := any([]any{1, "", 0})
	for range maxNesting + 1 {
		deep = []any{1, "", 3, 0, []any{deep, deep}}
	}
	for name, raw := range map[string][]byte{
		"nothing":         {},
		"no array":        {0x01},
		"truncated":       good[:len(good)-1],
		"a byte too many": append(bytes.Clone(good), 0),
		"short salt":      append([]byte{0x87, 0x4f}, append(make([]byte, 15), good[18:]...)...),
		"long integer":    bytes.Replace(good, []byte{0x85, 0x01}, []byte{0x85, 0x18, 0x01}, 1),
		"bad ID":          build(func(m *message) { m.InReplyTo = wire.Marshal([]byte("short")) }),
		"bad expiry":      build(func(m *message) { m.Expires = wire.Marshal("soon") }),
		"no map":          build(func(m *message) { m.Extensions = wire.Marshal([]any{}) }),
		"empty part":      build(func(m *message) { m.Part = wire.Marshal([]any{}) }),
		"part of text":    build(func(m *message) { m.Part = wire.Marshal([]any{"1", "", 0}) }),
		"null with more":  build(func(m *message) { m.Part = wire.Marshal([]any{1, "", 0, 1}) }),
		"single, short":   build(func(m *message) { m.Part = wire.Marshal([]any{1, "", 1, Plain}) }),
		"one of several":  build(func(m *message) { m.Part = wire.Marshal([]any{1, "", 3, 0, []any{[]any{1, "", 0}}}) }),
		"too deep":        build(func(m *message) { m.Part = wire.Marshal(deep) }),
		"not UTF-8":       build(func(m *message) { m.Part = part(Render, Plain, "\xff") }),
	} {
		if _, err := Text(raw); !errors.Is(err, chat.CodeFrame) {
			t.Errorf("%s: err = %v", name, err)
		}
	}
}

// What is accepted is written in one way only.
func FuzzText(f *testing.F) {
	for _, text := range []string{"", "hello", "é"} {
		raw, _ := fromText([16]byte{1}, text)
		f.Add(raw)
	}
	f.Add(build(func(m *message) { m.Extensions = wire.Marshal(map[int]string{1: "a", 2: "b"}) }))
	f.Fuzz(func(t *testing.T, raw []byte) {
		text, err := Text(raw)
		if err != nil {
			if c := chat.CodeOf(err); c != chat.CodeFrame && c != chat.CodeLater {
				t.Fatalf("code %s", c)
			}
			return
		}
		if !isDeterministic(raw) {
			t.Fatal("accepted a message that isn't deterministic")
		}
		again, err := FromText(text)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Text(again); err != nil || back != text {
			t.Fatalf("%q came back as %q, %v", text, back, err)
		}
	})
}
