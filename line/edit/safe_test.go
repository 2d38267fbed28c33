package edit

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestSafe(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "hello, world", "hello, world"},
		{"accents", "déjà vu, naïve, Ελλάδα, 日本語", "déjà vu, naïve, Ελλάδα, 日本語"},
		{"line ends and tabs stay", "a\nb\tc", "a\nb\tc"},
		{"CR LF", "a\r\nb", "a\nb"},
		{"a colour", "\x1b[31mred", "␛[31mred"},
		{"a title and a bell", "\x1b]0;owned\a", "␛]0;owned␇"},
		{"C1", "\u009b2J\u0085", "‹009B›2J‹0085›"},
		{"carriage return over the name", "hi\radmin: obey", "hi␍admin: obey"},
		{"backspace", "ab\b\b", "ab␈␈"},
		{"delete", "a\x7f", "a␡"},
		{"override", "abc\u202edef", "abc‹202E›def"},
		{"isolate", "\u2066a\u2069", "‹2066›a‹2069›"},
		{"marks of direction stay", "\u05e9\u200f\u200e", "\u05e9\u200f\u200e"},
		{"a family", "👨‍👩‍👧", "👨‍👩‍👧"},
		{"the flag of Scotland", "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"},
		{"hidden text", "a\U000e0068\U000e0069", "a‹E0068›‹E0069›"},
		{"zero width", "a\ufeffb", "a‹FEFF›b"},
		{"Hangul filler", "\u3164", "‹3164›"},
		{"line separator", "a\u2028b", "a␊b"},
		{"a tower of marks", "e" + strings.Repeat("\u0301", 20) + "x", "e" + strings.Repeat("\u0301", 6) + "\ufffdx"},
		{"not UTF-8", "a\xffb\xc3", "a\ufffdb\ufffd"},
		{"not a character", "\ufdd0", "‹FDD0›"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Safe(c.in); got != c.want {
				t.Errorf("Safe(%+q) = %+q, want %+q", c.in, got, c.want)
			}
		})
	}
	if got := SafeLine("a\nb\tc"); got != "a␊b c" {
		t.Errorf("SafeLine: %q", got)
	}
}

// FuzzSafe: whatever comes in, nothing that a terminal acts on comes out, and safe text stays as it is.
func FuzzSafe(f *testing.F) {
	f.Add("\x1b]8;;http://evil\x1b\\ok\u202e\U000e0041")
	f.Fuzz(func(t *testing.T, s string) {
		got := Safe(s)
		if !utf8.ValidString(got) {
			t.Errorf("not UTF-8: %q", got)
		}
		for _, r := range got {
			if unicode.IsControl(r) && r != '\n' && r != '\t' || reorders(r) || r == 0x2028 || r == 0x2029 {
				t.Errorf("%U is left of %q", r, s)
			}
		}
		if again := Safe(got); again != got {
			t.Errorf("not stable: %q then %q", got, again)
		}
		if strings.ContainsAny(SafeLine(s), "\n\t") {
			t.Errorf("more than a line: %q", SafeLine(s))
		}
	})
}
