package edit

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestKeys(t *testing.T) {
	typed := func(s string) []Key { return []Key{{Type, s}} }
	for _, c := range []struct {
		name, bytes string
		want        []Key
	}{
		{"letters", "abc", typed("abc")},
		{"accents and emoji", "é👍🏽日本", typed("é👍🏽日本")},
		{"enter", "a\rb\n", []Key{{Type, "a"}, {Accept, ""}, {Type, "b"}, {Accept, ""}}},
		{"alt-enter", "\x1b\r", []Key{{Action: NewLine}}},
		{"shift-enter of kitty", "\x1b[13;2u", []Key{{Action: NewLine}}},
		{"shift-enter of xterm", "\x1b[27;2;13~", []Key{{Action: NewLine}}},
		{"cursor keys", "\x1b[A\x1b[B\x1b[C\x1b[D", []Key{{Action: Up}, {Action: Down}, {Action: Right}, {Action: Left}}},
		{"application cursor keys", "\x1bOA\x1bOD\x1bOH\x1bOF", []Key{{Action: Up}, {Action: Left}, {Action: Home}, {Action: End}}},
		{"ctrl and alt with cursor keys", "\x1b[1;5C\x1b[1;3D\x1bOc", []Key{{Action: WordRight}, {Action: WordLeft}, {Action: WordRight}}},
		{"home and end of VT220 and rxvt", "\x1b[1~\x1b[4~\x1b[7~\x1b[8~", []Key{{Action: Home}, {Action: End}, {Action: Home}, {Action: End}}},
		{"delete", "\x1b[3~\x7f\x08", []Key{{Action: EraseNext}, {Action: EraseBack}, {Action: EraseBack}}},
		{"shift-tab", "\t\x1b[Z", []Key{{Action: Complete}, {Action: CompleteUp}}},
		{"emacs", "\x01\x05\x0b\x15\x17\x19\x1bb\x1bf", []Key{
			{Action: Home}, {Action: End}, {Action: KillEnd}, {Action: KillStart}, {Action: KillWord}, {Action: Yank}, {Action: WordLeft}, {Action: WordRight},
		}},
		{"paste", "\x1b[200~one\r\ntwo\rthree\x1b[201~x", []Key{{Paste, "one\ntwo\nthree"}, {Type, "x"}}},
		{"keys inside a paste", "\x1b[200~\x03\x1b[A/quit\r\x1b[201~", []Key{{Paste, "\x03\x1b[A/quit\n"}}},
		{"function keys", "\x1b[15~\x1b[[A\x1bOP", nil},
		{"mouse that nobody asked for", "\x1b[<0;12;5M", nil},
		{"focus", "\x1b[I", nil},
		{"other controls", "\x00\x1c\x1e", nil},
		{"a C1 control", "\u009b31m", typed("31m")},
		{"invalid UTF-8", "a\xffb", typed("a\ufffdb")},
		{"alt with a letter beyond ASCII", "\x1bé", typed("é")},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d Decoder
			if got := d.Feed([]byte(c.bytes)); !cmp.Equal(got, c.want) {
				t.Error(cmp.Diff(c.want, got))
			}
			if d.Waiting() {
				t.Error("something is left")
			}
		})
	}
}

func TestLoneEscapeAndLostPasteEnd(t *testing.T) {
	var d Decoder
	if k := d.Feed([]byte("\x1b")); k != nil || !d.Waiting() {
		t.Fatalf("ESC alone must wait, got %v", k)
	}
	if k := d.Flush(); !cmp.Equal(k, []Key{{Action: Escape}}) {
		t.Fatalf("got %v", k)
	}
	if k := d.Feed([]byte("\x1b[200~half\x1b[20")); k != nil || !d.Pasting() {
		t.Fatalf("a paste must wait for its end, got %v", k)
	}
	if k := d.Flush(); !cmp.Equal(k, []Key{{Paste, "half\x1b[20"}}) {
		t.Fatalf("got %v", k)
	}
	if k := d.Feed([]byte("x")); !cmp.Equal(k, []Key{{Type, "x"}}) {
		t.Fatalf("after a lost end: %v", k)
	}
}

func TestPasteIsBounded(t *testing.T) {
	var d Decoder
	d.Feed([]byte("\x1b[200~"))
	for range 40 {
		d.Feed([]byte(strings.Repeat("x", maxPaste/30)))
	}
	if k := d.Feed([]byte("\x1b[201~")); len(k) != 1 || len(k[0].Text) != maxPaste {
		t.Fatalf("%d keys", len(k))
	}
}

// FuzzDecoder: it doesn't matter where a read cuts what the terminal sent, and
// nothing but text comes out as text.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte("h\x1b[A\x1b[200~a\rb\x1b[201~\r"), 3)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		var whole, split Decoder
		want := join(whole.Feed(b))
		cut = min(max(cut, 0), len(b))
		got := join(append(split.Feed(b[:cut]), split.Feed(b[cut:])...))
		if !cmp.Equal(got, want) {
			t.Error(cmp.Diff(want, got))
		}
		for _, k := range append(want, whole.Flush()...) {
			if !utf8.ValidString(k.Text) {
				t.Errorf("not UTF-8: %q", k.Text)
			}
			if k.Action == Type && strings.ContainsFunc(k.Text, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) {
				t.Errorf("a control was typed: %q", k.Text)
			}
		}
	})
}

// join makes neighbouring typed text one key, as Feed does within one read.
func join(keys []Key) []Key {
	var all []Key
	for _, k := range keys {
		all = merge(all, k)
	}
	return all
}
