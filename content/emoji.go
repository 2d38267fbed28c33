package content

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxEmoji bounds the emoji of a reaction, in bytes. The longest that Unicode recommends has 35.
const MaxEmoji = 64

// The characters that an emoji is joined from (UTS 51 §1.4).
const (
	joiner       = '\u200d' // ZWJ
	presentation = '\ufe0f' // VS16: as a picture
	keycap       = '\u20e3'
	tagFirst     = '\U000e0020'
	tagLast      = '\U000e007e'
	tagEnd       = '\U000e007f'
	skinFirst    = '\U0001f3fb'
	skinLast     = '\U0001f3ff'
	regionFirst  = '\U0001f1e6'
	regionLast   = '\U0001f1ff'
)

// IsEmoji reports whether s is one emoji, of at most MaxEmoji bytes:
//
//	emoji   = region region / key [VS16] U+20E3 / element *( ZWJ element )
//	element = pictograph [ VS16 / skin ] [ 1*tag U+E007F ]
//
// with region U+1F1E6–1F1FF, key one of 0–9 # *, pictograph what has the property Extended_Pictographic, skin U+1F3FB–1F3FF and tag
// U+E0020–E007E. That is one grapheme cluster (UAX 29), and holds no letter, space, control, or direction: a reaction
// can't be made to say or do something else.
func IsEmoji(s string) bool {
	if s == "" || len(s) > MaxEmoji || !utf8.ValidString(s) {
		return false
	}
	runes := []rune(s)
	switch first := runes[0]; {
	case between(first, regionFirst, regionLast):
		return len(runes) == 2 && between(runes[1], regionFirst, regionLast)
	case strings.ContainsRune("0123456789#*", first):
		rest := string(runes[1:])
		return rest == string(keycap) || rest == string(presentation)+string(keycap)
	}
	for {
		var ok bool
		if runes, ok = element(runes); !ok {
			return false
		}
		if len(runes) == 0 {
			return true
		}
		if runes[0] != joiner {
			return false
		}
		runes = runes[1:]
	}
}

// element takes one element off.
func element(runes []rune) (rest []rune, ok bool) {
	if len(runes) == 0 || !unicode.Is(pictographic, runes[0]) {
		return nil, false
	}
	runes = runes[1:]
	if len(runes) > 0 && (runes[0] == presentation || between(runes[0], skinFirst, skinLast)) {
		runes = runes[1:]
	}
	n := 0
	for n < len(runes) && between(runes[n], tagFirst, tagLast) {
		n++
	}
	if n > 0 {
		if n == len(runes) || runes[n] != tagEnd {
			return nil, false
		}
		n++
	}
	return runes[n:], true
}

func between(r, first, last rune) bool { return r >= first && r <= last }

// sameEmoji is what two emoji have in common that a person takes for one: their characters without VS16, which keyboards
// write or leave out (UTS 51, emoji-test.txt: unqualified).
func sameEmoji(s string) string { return strings.ReplaceAll(s, string(presentation), "") }
