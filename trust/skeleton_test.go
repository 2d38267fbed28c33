package trust

import (
	"testing"
	"unicode/utf8"
)

// The table is in order, whole, and none of its prototypes is empty.
func TestConfusables(t *testing.T) {
	const letters = len(confusableFrom) / 3
	if letters < 6000 || len(confusableEnd) != 2*letters || confusableEndOf(letters-1) != len(confusableTo) || !utf8.ValidString(confusableTo) {
		t.Fatalf("%d letters", letters)
	}
	for i := range letters {
		if i > 0 && confusable(i) <= confusable(i-1) {
			t.Fatalf("%U after %U", confusable(i), confusable(i-1))
		}
		to, ok := prototype(confusable(i))
		if !ok || to == "" || !utf8.ValidString(to) {
			t.Fatalf("%U: %q", confusable(i), to)
		}
	}
}

// Lines of confusables.txt, the first and the last of it among them.
func TestPrototypes(t *testing.T) {
	for from, to := range map[rune]string{
		'"': "''", '0': "O", '1': "l", 'I': "l", 'm': "rn", '|': "l", 'а': "a", 'Ν': "N", 'ο': "o", 0x2FA1D: "\U0002A600",
	} {
		if got, ok := prototype(from); !ok || got != to {
			t.Errorf("%q: %q, want %q", from, got, to)
		}
	}
	for _, r := range []rune{'a', 'z', 'é', 0, -1, utf8.MaxRune} {
		if got, ok := prototype(r); ok {
			t.Errorf("%U: %q", r, got)
		}
	}
}
