package edit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestWidth(t *testing.T) {
	for s, want := range map[string]int{
		"": 0, "abc": 3, "é": 1, "e\u0301": 1, "日本": 4, "👍🏽": 2, "👨‍👩‍👧": 2, "🇫🇷": 2, "\x1b[1;31mab\x1b[0m": 2,
	} {
		if got := Width(s); got != want {
			t.Errorf("Width(%q) = %d, want %d", s, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{
		{"hello", 5, "hello"},
		{"hello", 4, "hel…"},
		{"日本語", 4, "日…"},
		{"hello", 0, ""},
		{"\x1b[2mhello\x1b[0m", 4, "\x1b[2mhel…\x1b[0m"},
		{"\x1b[2mhello\x1b[0m", 5, "\x1b[2mhello\x1b[0m"},
	} {
		if got := Clip(c.in, c.width); got != c.want {
			t.Errorf("Clip(%q, %d) = %q, want %q", c.in, c.width, got, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		in    string
		width int
		want  []string
	}{
		{"", 10, []string{""}},
		{"one two three", 7, []string{"one two", "three"}},
		{"one two three", 8, []string{"one two", "three"}},
		{"  indented", 20, []string{"  indented"}},
		{"see https://example.org/a/very/long/link now", 12, []string{"see", "https://example.org/a/very/long/link", "now"}},
		{"a \x1b[1mbold words here\x1b[0m end", 7, []string{"a \x1b[1mbold\x1b[0m", "\x1b[1mwords\x1b[0m", "\x1b[1mhere\x1b[0m", "end"}},
		{"日本 日本 日本", 9, []string{"日本 日本", "日本"}},
	} {
		if got := Wrap(c.in, c.width); !cmp.Equal(got, c.want) {
			t.Errorf("Wrap(%q, %d):\n%s", c.in, c.width, cmp.Diff(c.want, got))
		}
	}
}

// TestClipFits: whatever is clipped fits, and is the beginning of what it was.
func TestClipFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, width := anyText().Draw(t, "s"), rapid.IntRange(1, 30).Draw(t, "width")
		got := Clip(s, width)
		if Width(got) > width {
			t.Fatalf("%q is %d wide, more than %d", got, Width(got), width)
		}
		if !strings.HasPrefix(s, strings.TrimSuffix(got, "…")) {
			t.Fatalf("%q is not the beginning of %q", got, s)
		}
	})
}

// anyText draws text as people type it: words in several scripts, emoji, spaces.
func anyText() *rapid.Generator[string] {
	part := rapid.SampledFrom([]string{
		"a", "b", "word", " ", " ", "é", "e\u0301", "日本", "語", "👍🏽", "👨‍👩‍👧", "🇫🇷", "ß", "-", "/", "שלום", "한국어",
	})
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(part, 0, 30).Draw(t, "parts"), "")
	})
}

func TestWrapTable(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"short", []string{"short"}},
		{"  /key [KEY]  show the link and the code", []string{"  /key [KEY]  show the link", "              and the code"}},
		{"  an indented sentence that is too long", []string{"  an indented sentence that", "  is too long"}},
		{"a first cell that is far too wide  x y z", []string{"a first cell that is far too", "wide  x y z"}},
		{"Link:  huisclos://127.0.0.1:7540/#hc1", []string{"Link:  huisclos://127.0.0.1:7540/#hc1"}},
		{"", []string{""}},
	} {
		got := WrapTable(c.text, 28)
		if strings.Join(got, "|") != strings.Join(c.want, "|") {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

func TestWrapKeepsFrenchMarksWithTheirWord(t *testing.T) {
	for text, want := range map[string]string{
		"Qui est là ? Personne": "Qui est|là ?|Personne",
		"tapez « quit » : fin":  "tapez|« quit » :|fin",
	} {
		if got := strings.Join(Wrap(text, 10), "|"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
