package keys

import (
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/sethvargo/go-diceware/diceware"
	"golang.org/x/text/unicode/norm"

	"huisclos/chat"
)

// MaxCode is the greatest number of an invitation code.
const MaxCode = 9999

// listSize is how many words each list has: five dice, so that two words hold 25.8 bits.
const listSize = 7776

// Code is an invitation code, 7-guitare-ocean: a number that tells the server which code is meant, and two words that the server never
// learns. The zero Code is invalid.
type Code struct {
	number uint32
	words  [2]string
}

// NewCode draws the words for a number. lang is "fr" for French ones; all others are English.
func NewCode(number uint32, lang string) Code {
	if number == 0 || number > MaxCode {
		panic("keys: no number of a code")
	}
	list := english()
	if lang == "fr" {
		list = french()
	}
	return Code{number, [2]string{list.draw(), list.draw()}}
}

// IsCode tells whether s looks like a code rather than a key, a link or a host: a number and words.
func IsCode(s string) bool {
	parts := codeParts(s)
	if len(parts) < 2 || !isNumber(parts[0]) {
		return false
	}
	for _, p := range parts[1:] {
		for _, r := range p {
			if r < 'a' || r > 'z' {
				return false
			}
		}
	}
	return true
}

// ParseCode reads a code as people type it: in capitals, with accents, with spaces or hyphens between. CodeCodeFormat when it isn't
// one; CodeCodeWord (value, suggestion) for a word that isn't in the lists, with the most similar one that is.
func ParseCode(s string) (Code, error) {
	parts := codeParts(s)
	if len(parts) < 2 || !isNumber(parts[0]) {
		return Code{}, chat.Errorf(chat.CodeCodeFormat)
	}
	number, err := strconv.ParseUint(parts[0], 10, 32)
	if err != nil || number == 0 || number > MaxCode {
		return Code{}, chat.Errorf(chat.CodeCodeFormat)
	}
	words := parts[1:]
	// A word of the lists may be typed with a hyphen in it: each way to make two words is tried.
	for i := 1; i < len(words); i++ {
		pair := [2]string{strings.Join(words[:i], ""), strings.Join(words[i:], "")}
		if english().hasBoth(pair) || french().hasBoth(pair) {
			return Code{uint32(number), pair}, nil
		}
	}
	if len(words) != 2 {
		return Code{}, chat.Errorf(chat.CodeCodeFormat)
	}
	return Code{}, wrongWord([2]string(words))
}

// wrongWord says which of two words isn't one, in the list that has the other.
func wrongWord(pair [2]string) error {
	list := english()
	if f := french(); f.likes(pair) > list.likes(pair) {
		list = f
	}
	for _, w := range pair {
		if !list.has(w) {
			return chat.Errorf(chat.CodeCodeWord, "value", w, "suggestion", list.nearest(w))
		}
	}
	return chat.Errorf(chat.CodeCodeFormat)
}

// codeParts cuts a code at spaces and hyphens, small and without accents.
func codeParts(s string) []string {
	if len(s) > 200 {
		return nil
	}
	return strings.FieldsFunc(foldWord(s), func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Dash, r) })
}

func isNumber(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return len(s) <= 9
}

// foldWord makes letters small and takes their accents off.
func foldWord(s string) string {
	s = strings.NewReplacer("œ", "oe", "æ", "ae").Replace(strings.ToLower(norm.NFC.String(s)))
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(s))
}

// Number is what the server is told of the code.
func (c Code) Number() uint32 { return c.number }

// Reveal is the code as people say it.
func (c Code) Reveal() string {
	c.mustHold()
	return fmt.Sprintf("%d-%s-%s", c.number, c.words[0], c.words[1])
}

// password is the PRS of CPace: the two words with a hyphen between.
func (c Code) password() []byte {
	c.mustHold()
	return []byte(c.words[0] + "-" + c.words[1])
}

// IsZero reports whether c holds no code.
func (c Code) IsZero() bool { return c.number == 0 || c.words[0] == "" || c.words[1] == "" }

// Equal compares the words in constant time.
func (c Code) Equal(o Code) bool {
	if c.IsZero() || o.IsZero() {
		return c.IsZero() && o.IsZero()
	}
	return c.number == o.number && subtle.ConstantTimeCompare(c.password(), o.password()) == 1
}

func (c Code) mustHold() {
	if c.IsZero() {
		panic("keys: use of the zero Code")
	}
}

// String hides the words.
func (Code) String() string { return redacted }

// GoString hides the words.
func (Code) GoString() string { return redacted }

// Format hides the words from every verb.
func (Code) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue hides the words.
func (Code) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the words, from JSON too.
func (Code) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// wordList is one language's words, and which places they have.
type wordList struct {
	words []string
	known map[string]bool
}

func newWordList(words []string) *wordList {
	l := &wordList{words: words, known: make(map[string]bool, len(words))}
	for _, w := range words {
		l.known[w] = true
	}
	if len(l.words) != listSize {
		panic("keys: a list of words is damaged") // a constant of the build, which a test looks at
	}
	return l
}

//go:embed words/french.txt
var frenchText string

// The lists are made when somebody first needs them.
var (
	english = sync.OnceValue(func() *wordList { return newWordList(englishWords()) })
	french  = sync.OnceValue(func() *wordList {
		words := strings.Fields(frenchText) // behind the words of the head
		return newWordList(words[max(0, len(words)-listSize):])
	})
)

// englishWords is the long list of the Electronic Frontier Foundation, without the hyphens that four of its words have; yo-yo and yoyo are
// then one.
func englishWords() []string {
	list := diceware.WordListEffLarge()
	words := make([]string, 0, listSize)
	for i := range listSize {
		roll := 0
		for n, unit := i, 1; unit < 100_000; n, unit = n/6, unit*10 {
			roll += (n%6 + 1) * unit
		}
		words = append(words, strings.ReplaceAll(list.WordAt(roll), "-", ""))
	}
	return words
}

// draw takes a word at random.
func (l *wordList) draw() string {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(len(l.words))))
	if err != nil {
		panic("keys: " + err.Error()) // never: crypto/rand ends the program instead
	}
	return l.words[n.Int64()]
}

func (l *wordList) has(w string) bool { return l.known[w] }

func (l *wordList) hasBoth(pair [2]string) bool { return l.has(pair[0]) && l.has(pair[1]) }

// likes is how many of two words it has, or, when it has none, how near they are.
func (l *wordList) likes(pair [2]string) int {
	score := 0
	for _, w := range pair {
		if l.has(w) {
			score += 100
		} else {
			score -= distance(w, l.nearest(w))
		}
	}
	return score
}

// nearest is the word that w is most likely to be meant for.
func (l *wordList) nearest(w string) string {
	best, least := "", 1<<30
	for _, k := range l.words {
		if d := distance(w, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance counts the letters to change, add, remove or swap with the next, as people mistype (Damerau and Levenshtein).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
