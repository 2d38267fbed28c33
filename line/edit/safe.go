package edit

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many combining characters one character may carry; languages need three.
const maxMarks = 6

// Safe makes foreign text harmless to show in a terminal, and what it takes away visible.
// Controls become their pictures (ESC is ␛), so no escape sequence survives; what reorders text
// (embeddings, overrides, isolates: U+202A–202E, U+2066–2069) and what hides in it (tags, invisible operators)
// becomes its code point in ‹›; bytes that aren't UTF-8 become U+FFFD; a tower of combining marks is cut.
// Line feeds and tabs are kept: the caller lays them out.
func Safe(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	marks := 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case marks > maxMarks && !variation(r):
			if marks == maxMarks+1 {
				b.WriteRune(utf8.RuneError)
			}
		case r == '\n' || r == '\t':
			b.WriteRune(r)
		case r == '\r' && strings.HasPrefix(s[i+n:], "\n"):
			// CR LF is one line end.
		case flagTag(s[:i], r):
			b.WriteRune(r)
		default:
			b.WriteString(harmless(r))
		}
		i += n
	}
	return b.String()
}

// SafeLine is Safe on one row: line ends and tabs become visible too.
func SafeLine(s string) string {
	s = Safe(s)
	if !strings.ContainsAny(s, "\n\t") {
		return s
	}
	return strings.NewReplacer("\n", "␊", "\t", " ").Replace(s)
}

// plain reports that s is printable ASCII, as most text is.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\n' || s[i] > '~' {
			return false
		}
	}
	return true
}

// harmless is r, or what stands for it.
func harmless(r rune) string {
	switch {
	case r < ' ':
		return string('\u2400' + r) // the picture of the control
	case r == 0x7f:
		return "\u2421"
	case r == utf8.RuneError:
		return "\ufffd"
	case r == '\u2028' || r == '\u2029': // line and paragraph separator
		return "\u240a"
	case reorders(r), hides(r), unicode.Is(unicode.Cc, r), unicode.Is(unicode.Noncharacter_Code_Point, r):
		return fmt.Sprintf("‹%04X›", r)
	}
	return string(r)
}

// reorders: the explicit formatting characters of the bidirectional algorithm (UAX 9 §2).
// The marks (LRM, RLM, ALM) are left: they move nothing but themselves.
func reorders(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// hides: format characters that show nothing and that no script needs to be written. The joiners
// (U+200C, U+200D), the marks above, the word joiner and the soft hyphen are needed.
func hides(r rune) bool {
	switch {
	case !unicode.Is(unicode.Cf, r):
		return r == 0x115f || r == 0x1160 || r == 0x3164 || r == 0xffa0 // Hangul fillers
	case r == 0x200c, r == 0x200d, r == 0x200e, r == 0x200f, r == 0x061c, r == 0x2060, r == 0x00ad:
		return false
	case r >= 0x0600 && r <= 0x06dd, r == 0x070f, r >= 0x0890 && r <= 0x08e2, r == 0x110bd, r == 0x110cd:
		return false // these are seen: signs over Arabic, Syriac and Kaithi numbers
	}
	return true
}

// variation selectors say how an emoji looks.
func variation(r rune) bool { return r >= 0xfe00 && r <= 0xfe0f }

// flagTag reports that r is a tag inside an emoji flag, as in the flag of Scotland: a black flag and
// tag letters up to the cancel tag (UTS 51 §C.1). Anywhere else tags hide text.
func flagTag(before string, r rune) bool {
	const first, cancel, flag, most = 0xe0020, 0xe007f, 0x1f3f4, 8
	if r < first || r > cancel {
		return false
	}
	for range most {
		p, n := utf8.DecodeLastRuneInString(before)
		if p == flag {
			return true
		}
		if p < first || p >= cancel {
			return false
		}
		before = before[:len(before)-n]
	}
	return false
}
