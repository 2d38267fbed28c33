package keys

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"huisclos/chat"
)

func mustCode(t testing.TB, s string) Code {
	t.Helper()
	c, err := ParseCode(s)
	if err != nil {
		t.Fatal(s, err)
	}
	return c
}

// Each list has 7,776 words that can be typed without accents; the French ones have 4 to 8 letters.
func TestWordLists(t *testing.T) {
	for name, want := range map[string]string{"english": `^[a-z]{3,9}$`, "french": `^[a-z]{4,8}$`} {
		list := english()
		if name == "french" {
			list = french()
		}
		form := regexp.MustCompile(want)
		if len(list.words) != 7776 {
			t.Errorf("%s has %d words", name, len(list.words))
		}
		seen := map[string]bool{}
		for _, w := range list.words {
			if !form.MatchString(w) || seen[w] && w != "yoyo" {
				t.Errorf("%s: %q", name, w)
			}
			seen[w] = true
		}
	}
	if !slices.IsSorted(french().words) {
		t.Error("the French list isn't in order")
	}
	for _, w := range french().words {
		for i := range w {
			for c := byte('a'); c <= 'z'; c++ {
				if other := w[:i] + string(c) + w[i+1:]; other != w && french().has(other) {
					t.Errorf("%s and %s are mistaken for each other", w, other)
				}
			}
		}
	}
}

// What is printed is read again, however people write it.
func TestCodeComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := NewCode(uint32(rapid.IntRange(1, MaxCode).Draw(t, "number")), rapid.SampledFrom([]string{"en", "fr", ""}).Draw(t, "language"))
		said := c.Reveal()
		for _, form := range []string{said, strings.ToUpper(said), strings.ReplaceAll(said, "-", " "), "  " + strings.ReplaceAll(said, "-", " - ") + "\n"} {
			if got, err := ParseCode(form); err != nil || !got.Equal(c) || !IsCode(form) {
				t.Fatalf("%q: %v", form, err)
			}
		}
	})
}

func TestCodesAsTyped(t *testing.T) {
	want := mustCode(t, "7-guitare-ocean")
	for _, s := range []string{"7 Guitare Océan", "7–guitare–océan", "7 GUITARE-OCÉAN", "7\tguitare oce\u0301an"} {
		if got, err := ParseCode(s); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v", s, err)
		}
	}
	if a, b := mustCode(t, "12-drop-down-yo-yo"), mustCode(t, "12-dropdown-yoyo"); !a.Equal(b) {
		t.Error("hyphens in words matter")
	}
	for _, s := range []string{"192.168.1.20", "example.org", "7-eleven.example", "localhost:7540", "hc1qqqq", "huisclos://a/#hc1", "guitare-ocean", "7"} {
		if IsCode(s) {
			t.Errorf("%q looks like a code", s)
		}
	}
}

func TestBadCodes(t *testing.T) {
	for s, want := range map[string]chat.Code{
		"": chat.CodeCodeFormat, "7": chat.CodeCodeFormat, "guitare-ocean": chat.CodeCodeFormat, "0-guitare-ocean": chat.CodeCodeFormat,
		"10000-guitare-ocean": chat.CodeCodeFormat, "7-guitare": chat.CodeCodeFormat, "7-guitare-ocean-ocean": chat.CodeCodeFormat,
		"99999999999999999999-guitare-ocean": chat.CodeCodeFormat, "7-guitarre-ocean": chat.CodeCodeWord,
	} {
		if _, err := ParseCode(s); !errors.Is(err, want) {
			t.Errorf("%q: %v", s, err)
		}
	}
	for typed, near := range map[string]string{
		"7-guitarre-ocean": "guitare", "7-guitare-ocaen": "ocean", "3-abacuss-zoom": "abacus", "3-abacus-zooom": "zoom",
	} {
		_, err := ParseCode(typed)
		var e *chat.Error
		if !errors.As(err, &e) || e.Params["suggestion"] != near {
			t.Errorf("%q: %v", typed, err)
		}
	}
}

// A code's words show nowhere by themselves.
func TestCodeDoesNotPrint(t *testing.T) {
	c := mustCode(t, "7-guitare-ocean")
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "code", c)
	raw, err := json.Marshal(map[string]any{"c": c})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{c.String(), fmt.Sprintf("%v %+v %#v %s %q %x %d", c, c, c, c, c, c, c), log.String(), string(raw)} {
		if strings.Contains(s, "guitare") || strings.Contains(s, "ocean") || strings.Contains(s, fmt.Sprintf("%x", "ocean")) {
			t.Errorf("it prints: %s", s)
		}
	}
	if !(Code{}).IsZero() || (Code{}).Equal(c) {
		t.Error("the zero Code is one")
	}
	defer func() {
		if recover() == nil {
			t.Error("the zero Code can be used")
		}
	}()
	(Code{}).password()
}

// What is read is a code that reads the same again.
func FuzzParseCode(f *testing.F) {
	if seeds, err := os.ReadDir("testdata/fuzz/FuzzParseCode"); err != nil || len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCode(s)
		if err != nil {
			if chat.CodeOf(err) == chat.CodeInternal {
				t.Fatal(err)
			}
			return
		}
		again, err := ParseCode(c.Reveal())
		if err != nil || !again.Equal(c) || again.Reveal() != c.Reveal() {
			t.Fatalf("%q: %q", s, c.Reveal())
		}
	})
}
