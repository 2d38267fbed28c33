package content

import (
	"strings"
	"testing"
	"unicode"

	"github.com/rivo/uniseg"
	"pgregory.net/rapid"
)

func TestEmoji(t *testing.T) {
	for _, s := range []string{
		"👍", "👍🏽", "❤", "❤️", "🎸", "🇫🇷", "1️⃣", "#⃣", "©", "👩🏽‍❤️‍💋‍👨🏿", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🏴‍☠️", "👁️‍🗨️",
		"\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "\U0001faf9", // England; one that isn't assigned everywhere
		"👩🏽‍⚕️",
	} {
		if !IsEmoji(s) {
			t.Errorf("%q (%+q) isn't an emoji", s, s)
		}
	}
	for name, s := range map[string]string{
		"nothing": "", "a letter": "a", "a digit": "1", "two": "👍👍", "three flags' letters": "🇫🇷🇬", "half a flag": "🇫", "a word behind": "👍ok",
		"a space": " 👍", "a line feed": "👍\n", "an escape": "\x1b[31m👍", "a direction": "\u202e👍", "a control of C1": "\u009b👍",
		"a joiner at the end": "👍\u200d", "a joiner at the start": "\u200d👍", "two joiners": "👍\u200d\u200d👍", "a skin": "🏽", "text style": "❤\ufe0e",
		"tags without end": "🏴\U000e0067", "an end without tags": "🏴\U000e007f", "combining marks": "👍" + strings.Repeat("\u0301", 10),
		"not UTF-8": "👍\xff", "a key without its cap": "1\ufe0f", "a letter with a cap": "a\u20e3", "too long": strings.Repeat("👨\u200d", 10) + "👨",
		"a variation twice": "❤\ufe0f\ufe0f", "a null": "\x00", "private": "\ue000",
	} {
		if IsEmoji(s) {
			t.Errorf("%s: %+q is an emoji", name, s)
		}
	}
}

// What is accepted is one thing to the eye, and no control.
func TestAnEmojiIsOneCluster(t *testing.T) {
	pieces := []rune{'👍', '❤', '👩', '🏴', '🇫', '🇷', '1', '#', joiner, presentation, keycap, skinFirst, tagFirst + 7, tagEnd, 'a', '\n', '\u202e', '\u0301', '©'}
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 8).Draw(t, "runes"))
		if !IsEmoji(s) {
			return
		}
		if n := uniseg.GraphemeClusterCount(s); n != 1 {
			t.Fatalf("%+q has %d clusters", s, n)
		}
		for _, r := range s {
			if unicode.IsControl(r) || unicode.IsLetter(r) || unicode.IsSpace(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Fatalf("%+q holds %+q", s, r)
			}
		}
	})
}

func TestSameEmoji(t *testing.T) {
	if sameEmoji("❤️") != sameEmoji("❤") || sameEmoji("👍") == sameEmoji("👍🏽") {
		t.Error("which emoji are the same?")
	}
}
