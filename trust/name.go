package trust

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"huisclos/chat"
)

// The reasons of CodeNameForm, its parameter "reason".
const (
	ReasonEmpty     = "empty"
	ReasonLong      = "long"      // over chat.MaxNameRunes characters or chat.MaxName bytes
	ReasonEncoding  = "encoding"  // not UTF-8, or not in the composed form NFC
	ReasonSpace     = "space"     // a space of any kind
	ReasonInvisible = "invisible" // control, direction, format, private or unassigned characters
	ReasonMark      = "mark"      // begins with a combining mark
	ReasonSymbol    = "symbol"    // begins with "/" or "#", or holds a character that has a meaning in commands, or the mark of those who are verified
)

// CheckName says whether a person may be called so: 1 to 32 characters in NFC, at most 64 bytes, each printable, none
// a space. CodeNameForm (reason).
func CheckName(name string) error {
	reason := nameFault(name)
	if reason == "" {
		return nil
	}
	return chat.Errorf(chat.CodeNameForm, "reason", reason)
}

func nameFault(name string) string {
	switch {
	case name == "":
		return ReasonEmpty
	case len(name) > chat.MaxName || utf8.RuneCountInString(name) > chat.MaxNameRunes:
		return ReasonLong
	case !utf8.ValidString(name):
		return ReasonEncoding
	}
	for i, r := range name {
		switch {
		case unicode.IsSpace(r) || unicode.Is(unicode.Z, r):
			return ReasonSpace
		case isInvisible(r):
			return ReasonInvisible
		case i == 0 && unicode.Is(unicode.M, r):
			return ReasonMark
		case i == 0 && strings.ContainsRune("/#@-", r), strings.ContainsRune(":,\"'`<>\\✓✔", r):
			return ReasonSymbol
		}
	}
	if !norm.NFC.IsNormalString(name) {
		return ReasonEncoding
	}
	return ""
}

// isInvisible: controls, formats (directions, joiners), surrogates, private use, unassigned, and the letters and
// marks that are drawn as nothing.
func isInvisible(r rune) bool {
	if r == utf8.RuneError || !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S) {
		return true
	}
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) || r == 0x2800 // braille blank
}

// NormalizeName is what a person's typing becomes before CheckName: NFC, without spaces around.
func NormalizeName(name string) string { return norm.NFC.String(strings.TrimSpace(name)) }

// FoldName is the form in which names are compared: NFKC with full case folding (RFC 8265 in spirit). Two names of one fold are one name.
func FoldName(name string) string {
	folded := cases.Fold().String(norm.NFKC.String(name))
	return norm.NFKC.String(strings.ToLower(folded)) // the folding of x/text leaves Cherokee in two cases
}
