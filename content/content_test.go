package content

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

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
	raw, err := Say("hi").marshal([16]byte{0: 1, 15: 2})
	if err != nil {
		t.Fatal(err)
	}
	want := "8750" + "01000000000000000000000000000002" + // salt
		"f6" + "40" + "f6" + "f6" + "a0" + // replaces, topic, expires, inReplyTo, extensions
		"85" + "01" + "60" + "01" + "7818" + hex.EncodeToString([]byte(typePlain)) + "42" + "6869"
	if got := hex.EncodeToString(raw); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// id is a message ID for tests.
func id(n byte) chat.MessageID { return chat.MessageID{0: 1, 15: n} }

// account is an account for tests.
func account(n byte) chat.AccountID { return chat.AccountID{0: 1, 31: n} }

// everyKind is one of each, and its variants.
func everyKind() map[string]Message {
	return map[string]Message{
		"text":              Say("hello"),
		"empty":             Say(""),
		"markdown":          Say("*hello*").AsMarkdown(),
		"reply":             Reply(id(1), "yes"),
		"expiring":          Say("soon gone").Expiring(After(time.Hour)),
		"expiring at":       Reply(id(1), "soon gone").AsMarkdown().Expiring(At(time.Unix(1_800_000_000, 0))),
		"mention":           Say("@bob and @élodie!").Mentioning(Mention{0, 4, account(1)}, Mention{9, 17, account(2)}),
		"edit":              Edit(id(1), "hello!"),
		"edit of expiring":  Edit(id(1), "hello!").AsMarkdown().Expiring(After(time.Minute)),
		"delete":            Delete(id(1)),
		"reaction":          React(id(1), "👍🏽"),
		"unreact":           Unreact(id(2)),
		"report":            Report(Status{id(1), Read}, Status{id(2), Delivered}, Status{id(3), 200}),
		"control":           Control([]byte("any bytes")),
		"control, empty":    Control(nil),
		"the whole of text": Edit(id(1), strings.Repeat("x", MaxSize-Overhead-MentionOverhead(1))).AsMarkdown().Expiring(At(time.Unix(1<<32-1, 0))).Mentioning(Mention{0, MaxSize / 2, account(1)}),
	}
}

func TestEveryKindComesBack(t *testing.T) {
	for name, m := range everyKind() {
		raw, err := m.Marshal()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := Parse(raw); err != nil || !got.equal(&m) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if most := len(m.Text) + Overhead + MentionOverhead(len(m.Mentions)); m.Text != "" && len(raw) > most {
			t.Errorf("%s: %d bytes, want at most %d", name, len(raw), most)
		}
	}
}

func TestWhatIsNotWritten(t *testing.T) {
	many := make([]Status, MaxStatuses+1)
	for i := range many {
		many[i] = Status{ID: chat.MessageID{byte(i >> 8), byte(i), 1}}
	}
	for name, m := range map[string]Message{
		"nothing":                      {},
		"unsupported":                  {Kind: KindUnsupported, InReplyTo: id(1)},
		"an unknown kind":              {Kind: 99, Text: "x"},
		"no UTF-8":                     Say("\xff"),
		"a reaction of words":          React(id(1), "yes"),
		"a reaction that breaks lines": React(id(1), "👍\n"),
		"a reaction to nothing":        React(chat.MessageID{}, "👍"),
		"an edit of nothing":           Edit(chat.MessageID{}, "x"),
		"a deletion of nothing":        Delete(chat.MessageID{}),
		"the taking back of nothing":   Unreact(chat.MessageID{}),
		"a text that replaces":         {Kind: KindText, Text: "x", Replaces: id(1)},
		"a deletion that answers":      {Kind: KindDelete, Replaces: id(1), InReplyTo: id(2)},
		"a deletion with words":        {Kind: KindDelete, Replaces: id(1), Text: "x"},
		"a reaction that expires":      React(id(1), "👍").Expiring(After(time.Hour)),
		"an expiry of years":           Say("x").Expiring(Expiry{Relative: true, Seconds: 1 << 31}),
		"an expiry of nothing":         Say("x").Expiring(Expiry{Relative: true}),
		"an empty report":              Report(),
		"a report of nothing":          Report(Status{}),
		"a report twice on one":        Report(Status{id(1), Read}, Status{id(1), Read}),
		"a report too long":            Report(many...),
		"a mention of nobody":          Say("@x").Mentioning(Mention{0, 2, chat.AccountID{}}),
		"a mention of no place":        Say("@x").Mentioning(Mention{1, 1, account(1)}),
		"a mention backwards":          Say("@x").Mentioning(Mention{2, 0, account(1)}),
		"a mention before the text":    Say("@x").Mentioning(Mention{-1, 1, account(1)}),
		"a mention beyond the text":    Say("@x").Mentioning(Mention{0, 3, account(1)}),
		"a mention in a letter":        Say("é").Mentioning(Mention{0, 1, account(1)}),
		"mentions that overlap":        Say("@abc").Mentioning(Mention{0, 3, account(1)}, Mention{2, 4, account(1)}),
		"mentions out of order":        Say("@abc").Mentioning(Mention{2, 4, account(1)}, Mention{0, 2, account(1)}),
		"too many mentions":            Say(strings.Repeat("x", MaxMentions+1)).Mentioning(manyMentions()...),
		"a mention in a reaction":      React(id(1), "👍").Mentioning(Mention{0, 4, account(1)}),
	} {
		if _, err := m.Marshal(); !errors.Is(err, chat.CodeFrame) {
			t.Errorf("%s: err = %v", name, err)
		}
	}
	if _, err := Say(strings.Repeat("x", MaxSize)).Marshal(); !errors.Is(err, chat.CodeTooLarge) {
		t.Errorf("err = %v", err)
	}
}

func manyMentions() (list []Mention) {
	for i := range MaxMentions + 1 {
		list = append(list, Mention{i, i + 1, account(1)})
	}
	return list
}

// fields are those of a message as the wire's encoder writes them, right or wrong.
type fields struct {
	salt, replaces, topic, expires, inReplyTo, extensions, part any
}

func build(change func(*fields)) []byte {
	f := &fields{salt: make([]byte, 16), topic: []byte{}, extensions: map[string]any{}, part: single(1, typePlain, "x")}
	change(f)
	return wire.Marshal([]any{f.salt, f.replaces, f.topic, f.expires, f.inReplyTo, f.extensions, f.part})
}

func single(disposition int, kind, body string) []any {
	return []any{disposition, "", 1, kind, []byte(body)}
}

func rawID(n byte) []byte { x := id(n); return x[:] }

func TestWhatThisVersionCannotShow(t *testing.T) {
	for name, raw := range map[string][]byte{
		"an image":                   build(func(m *fields) { m.part = single(1, "image/png", "…") }),
		"an image instead of a text": build(func(m *fields) { m.part = single(1, "image/png", "…"); m.replaces = rawID(1) }),
		"several parts":              build(func(m *fields) { m.part = []any{1, "", 3, 0, []any{[]any{1, "", 0}, single(1, typePlain, "x")}} }),
		"a later cardinality":        build(func(m *fields) { m.part = []any{1, "", 9, "x", []any{1, map[int]int{1: 2}}} }),
		"an attached text":           build(func(m *fields) { m.part = single(6, typePlain, "x") }),
		"a reaction in words":        build(func(m *fields) { m.part = single(2, typePlain, "LOL"); m.inReplyTo = rawID(1) }),
		"a reaction to nothing":      build(func(m *fields) { m.part = single(2, typePlain, "❤") }),
		"a reaction in place of one": build(func(m *fields) { m.part = single(2, typePlain, "❤"); m.inReplyTo = rawID(1); m.replaces = rawID(2) }),
		"a reaction that expires": build(func(m *fields) {
			m.part = single(2, typePlain, "❤")
			m.inReplyTo = rawID(1)
			m.expires = []any{true, 1}
		}),
		"a picture as reaction":         build(func(m *fields) { m.part = single(2, "image/png", "…"); m.inReplyTo = rawID(1) }),
		"nothing":                       build(func(m *fields) { m.part = []any{1, "", 0} }),
		"text in another character set": build(func(m *fields) { m.part = single(1, "text/plain;charset=latin-1", "x") }),
		"a report that replaces":        build(func(m *fields) { m.part = single(0, typeReport, "\x80"); m.replaces = rawID(1) }),
		"control that replaces":         build(func(m *fields) { m.part = single(0, typeControl, ""); m.replaces = rawID(1) }),
	} {
		if m, err := Parse(raw); err != nil || m.Kind != KindUnsupported {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
		if _, err := Text(raw); !errors.Is(err, chat.CodeLater) {
			t.Errorf("%s: Text: %v", name, err)
		}
	}
}

func TestWhatIsText(t *testing.T) {
	for name, raw := range map[string][]byte{
		"markdown":            build(func(m *fields) { m.part = single(1, typeMarkdown, "*x*") }),
		"another markdown":    build(func(m *fields) { m.part = single(1, "text/markdown;variant=CommonMark", "*x*") }),
		"plain":               build(func(m *fields) { m.part = single(1, "text/plain", "x") }),
		"reply":               build(func(m *fields) { m.inReplyTo = rawID(1) }),
		"no disposition":      build(func(m *fields) { m.part = single(0, typePlain, "x") }),
		"inline":              build(func(m *fields) { m.part = single(4, typePlain, "x") }),
		"a later disposition": build(func(m *fields) { m.part = single(77, typePlain, "x") }),
		"a language":          build(func(m *fields) { m.part = []any{1, "fr", 1, typePlain, []byte("x")} }),
		"a topic":             build(func(m *fields) { m.topic = []byte("Foo 118") }),
		"an extension": build(func(m *fields) {
			m.extensions = map[any]any{1: "mimi://x", "a": []any{[]any{map[string]int{"a": 1}}}, -1: nil}
		}),
		"a name like mentions'": build(func(m *fields) { m.extensions = map[string]any{"huisclos/mention": 1} }),
	} {
		if text, err := Text(raw); err != nil || !strings.Contains(text, "x") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMalformed(t *testing.T) {
	good, _ := FromText("hello")
	deep := any([]any{1, "", 0})
	for range maxDepth {
		deep = []any{1, "", 3, 0, []any{deep, deep}}
	}
	wide := make([]any, maxParts)
	for i := range wide {
		wide[i] = []any{1, "", 0}
	}
	many := map[int]int{}
	for i := range maxExtensions + 1 {
		many[i] = i
	}
	external := func(change func([]any)) []byte {
		return build(func(m *fields) {
			p := []any{6, "", 2, "image/png", "https://x", 0, 5, 1, []byte{}, []byte{}, []byte{}, 1, []byte{}, "", ""}
			change(p)
			m.part = p
		})
	}
	if _, err := Parse(external(func([]any) {})); err != nil {
		t.Fatal(err)
	}
	mentions := func(v any) []byte {
		return build(func(m *fields) { m.extensions = map[string]any{"huisclos/mentions": v} })
	}
	who := account(1)
	if _, err := Parse(mentions([]any{[]any{0, 1, who[:]}})); err != nil {
		t.Fatal(err)
	}
	report := func(v any) []byte {
		return build(func(m *fields) { m.part = single(0, typeReport, string(wire.Marshal(v))) })
	}
	for name, raw := range map[string][]byte{
		"nothing":                  {},
		"no array":                 {0x01},
		"truncated":                good[:len(good)-1],
		"a byte too many":          append(bytes.Clone(good), 0),
		"short salt":               build(func(m *fields) { m.salt = make([]byte, 15) }),
		"long salt":                build(func(m *fields) { m.salt = make([]byte, 17) }),
		"long integer":             bytes.Replace(good, []byte{0x85, 0x01}, []byte{0x85, 0x18, 0x01}, 1),
		"long length":              bytes.Replace(good, []byte{0x45, 'h'}, []byte{0x58, 0x05, 'h'}, 1),
		"no length":                bytes.Replace(good, []byte{0x45, 'h'}, []byte{0x5f, 0x45, 'h'}, 1),
		"bad ID":                   build(func(m *fields) { m.inReplyTo = []byte("short") }),
		"zero ID":                  build(func(m *fields) { m.replaces = make([]byte, 16) }),
		"undefined":                bytes.Replace(good, []byte{0xf6, 0x40}, []byte{0xf7, 0x40}, 1),
		"long topic":               build(func(m *fields) { m.topic = make([]byte, maxTopic+1) }),
		"bad expiry":               build(func(m *fields) { m.expires = "soon" }),
		"expiry of a number":       build(func(m *fields) { m.expires = []any{1, 1} }),
		"expiry at zero":           build(func(m *fields) { m.expires = []any{false, 0} }),
		"expiry after years":       build(func(m *fields) { m.expires = []any{true, 366*24*3600 + 1} }),
		"expiry after an age":      build(func(m *fields) { m.expires = []any{false, 1 << 32} }),
		"no map":                   build(func(m *fields) { m.extensions = []any{} }),
		"many extensions":          build(func(m *fields) { m.extensions = many }),
		"a long extension":         build(func(m *fields) { m.extensions = map[int]any{9: make([]byte, maxExtension)} }),
		"a deep extension":         build(func(m *fields) { m.extensions = map[int]any{9: []any{[]any{[]any{[]any{}}}}} }),
		"an extension of nothing":  build(func(m *fields) { m.extensions = map[string]any{"": 1} }),
		"a long name":              build(func(m *fields) { m.extensions = map[string]any{strings.Repeat("x", 256): 1} }),
		"a great name":             build(func(m *fields) { m.extensions = map[int]any{1 << 53: 1} }),
		"a small name":             build(func(m *fields) { m.extensions = map[int]any{-1 << 53: 1} }),
		"a name in bytes":          bytes.Replace(good, []byte{0xa0}, []byte{0xa1, 0x41, 'x', 0}, 1),
		"a sender in bytes":        build(func(m *fields) { m.extensions = map[int]any{1: []byte("x")} }),
		"a float":                  build(func(m *fields) { m.extensions = map[int]any{9: 1.5} }),
		"a tag":                    bytes.Replace(good, []byte{0xa0}, []byte{0xa1, 9, 0xc1, 0}, 1),
		"names out of order":       bytes.Replace(good, []byte{0xa0}, []byte{0xa2, 9, 0, 8, 0}, 1),
		"a name twice":             bytes.Replace(good, []byte{0xa0}, []byte{0xa2, 9, 0, 9, 0}, 1),
		"inner names out of order": bytes.Replace(good, []byte{0xa0}, []byte{0xa1, 9, 0xa2, 9, 0, 8, 0}, 1),
		"empty part":               build(func(m *fields) { m.part = []any{} }),
		"part of text":             build(func(m *fields) { m.part = []any{"1", "", 0} }),
		"disposition of 256":       build(func(m *fields) { m.part = []any{256, "", 0} }),
		"null with more":           build(func(m *fields) { m.part = []any{1, "", 0, 1} }),
		"single, short":            build(func(m *fields) { m.part = []any{1, "", 1, typePlain} }),
		"single of text":           build(func(m *fields) { m.part = []any{1, "", 1, typePlain, "x"} }),
		"external, short":          build(func(m *fields) { m.part = []any{6, "", 2, "image/png", "https://x", 0, 5} }),
		"external of bytes":        external(func(p []any) { p[4] = []byte("https://x") }),
		"external, algorithm":      external(func(p []any) { p[7] = 1 << 16 }),
		"one of several":           build(func(m *fields) { m.part = []any{1, "", 3, 0, []any{[]any{1, "", 0}}} }),
		"unknown semantics":        build(func(m *fields) { m.part = []any{1, "", 3, 3, []any{[]any{1, "", 0}, []any{1, "", 0}}} }),
		"too deep":                 build(func(m *fields) { m.part = deep }),
		"too many parts":           build(func(m *fields) { m.part = []any{1, "", 3, 0, wide} }),
		"not UTF-8":                build(func(m *fields) { m.part = single(1, typePlain, "\xff") }),
		"type not UTF-8":           bytes.Replace(good, []byte("text/plain"), []byte("text/plai\xff"), 1),
		"mentions of none":         mentions([]any{}),
		"mentions of a number":     mentions(1),
		"a mention beyond":         mentions([]any{[]any{0, 2, who[:]}}),
		"a mention far beyond":     mentions([]any{[]any{1, 1<<32 - 1, who[:]}}),
		"a mention of a device":    mentions([]any{[]any{0, 1, who[:31]}}),
		"an empty report":          report([]any{}),
		"a report and more":        report([]any{[]any{rawID(1), 1, 1}}),
		"a report on two, once":    report([]any{[]any{rawID(1), 1}, []any{rawID(1), 2}}),
		"a great state":            report([]any{[]any{rawID(1), 256}}),
		"too large":                build(func(m *fields) { m.part = single(1, typePlain, strings.Repeat("x", MaxSize)) }),
	} {
		if m, err := Parse(raw); !errors.Is(err, chat.CodeFrame) {
			t.Errorf("%s: %+v, %v", name, m.Kind, err)
		}
		if _, err := Text(raw); !errors.Is(err, chat.CodeFrame) {
			t.Errorf("%s: Text: %v", name, err)
		}
	}
}

func TestSkip(t *testing.T) {
	for s, ok := range map[string]bool{
		"\xa0": true, "\xa1\x41x\x01": true, "\xa3\x01\x80\x20\xf6\x61x\xa0": true, "\x1a\x00\x01\x00\x00": true, "\x3b\x00\x00\x00\x01\x00\x00\x00\x00": true, "\xf5": true,
		"": false, "\xa1": false, "\xa1\x01": false, "\xa1\xf6\x01": false, "\x1a\x00\x00\xff\xff": false, "\x1b\x00\x00\x00\x00\xff\xff\xff\xff": false, "\xf7": false,
		"\xf8\xff": false, "\xf9\x3c\x00": false, "\xfa\x47\xc3\x50\x00": false, "\xfc": false, "\xff": false, "\xbf\xff": false, "\xc0\x00": false, "\x7f\x61x\xff": false, "\x19\x01": false,
	} {
		r := &reader{rest: []byte(s)}
		if r.skip(maxDepth); r.ok() != ok {
			t.Errorf("%x: %v", s, r.ok())
		}
	}
}

func TestHeads(t *testing.T) {
	for n, size := range map[uint64]int{0: 1, 23: 1, 24: 2, 255: 2, 256: 3, 1<<16 - 1: 3, 1 << 16: 5, 1<<32 - 1: 5, 1 << 32: 9, 1<<64 - 1: 9} {
		b := appendNumber(nil, n)
		r := &reader{rest: b}
		if got := r.number(1<<64 - 1); got != n || !r.ok() || len(b) != size {
			t.Errorf("%d: %x, %d", n, b, got)
		}
	}
}

// What was read stays when the bytes that it was read from change.
func TestAMessageOwnsItsMemory(t *testing.T) {
	for name, m := range everyKind() {
		raw, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(raw)
		clear(raw)
		if err != nil || !got.equal(&m) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNamesOfWhatIsUnknown(t *testing.T) {
	if a, b := Kind(99).String(), Standing(99).String(); a != "kind 99" || b != "standing 99" {
		t.Error(a, b)
	}
}

func TestAbout(t *testing.T) {
	for name, want := range map[string]chat.MessageID{
		"text": {}, "reply": {}, "edit": id(1), "delete": id(1), "reaction": id(1), "unreact": id(2), "report": {},
	} {
		if m := everyKind()[name]; m.About() != want {
			t.Errorf("%s is about %s", name, m.About())
		}
	}
}
