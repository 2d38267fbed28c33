package recovery

import (
	"crypto/sha256"
	_ "embed" // the lists
	"fmt"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"huisclos/chat"
)

// WordCount is how many words a phrase has: 256 bits and a checksum of 8, by eleven.
const WordCount = 24

// SecretSize is the length of what they carry: an account's private key (trust.Account.Bytes).
const SecretSize = 32

// The lists are those of BIP 39 (bitcoin/bips, bip-0039/english.txt and french.txt), byte by byte: 2,048 words each, chosen so that no two
// are alike and four letters tell each from the others.
var (
	//go:embed english.txt
	english string
	//go:embed french.txt
	french string
)

// list is the words of one language.
type list struct {
	words []string       // as they are shown, in NFC
	at    map[string]int // by their fold
}

// lists are English and French, in this order.
var lists = sync.OnceValue(func() []list {
	return []list{newList(english), newList(french)}
})

func newList(text string) list {
	l := list{words: strings.Fields(norm.NFC.String(text))}
	l.at = make(map[string]int, len(l.words))
	for i, w := range l.words {
		l.at[fold(w)] = i
	}
	return l
}

// fold is a word without accents and capitals, as some write it.
func fold(word string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(word) {
		if !unicode.Is(unicode.Mn, r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// Words writes a secret as 24 words: of the French list for "fr" and what begins so, otherwise of the English one. It panics unless the secret has 32 bytes.
func Words(language string, secret []byte) []string {
	if len(secret) != SecretSize {
		panic("recovery: a secret has 32 bytes")
	}
	l := lists()[0]
	if strings.HasPrefix(strings.ToLower(language), "fr") {
		l = lists()[1]
	}
	sum := sha256.Sum256(secret)
	bits := append(append(make([]byte, 0, SecretSize+1), secret...), sum[0])
	words := make([]string, WordCount)
	for i := range words {
		words[i] = l.words[eleven(bits, i)]
	}
	return words
}

// eleven reads the i-th group of eleven bits.
func eleven(bits []byte, i int) int {
	n := 0
	for b := 11 * i; b < 11*(i+1); b++ {
		n = n<<1 | int(bits[b/8]>>(7-b%8)&1)
	}
	return n
}

// Matches reports whether a word is the one at a place of the secret's phrase, counted from 1, in either language; accents and capitals don't matter.
func Matches(secret []byte, place int, word string) bool {
	if len(secret) != SecretSize || place < 1 || place > WordCount {
		return false
	}
	for _, language := range []string{"en", "fr"} {
		if fold(Words(language, secret)[place-1]) == fold(word) {
			return true
		}
	}
	return false
}

// Split takes the words out of what a person typed or pasted: numbers, commas and line breaks between them don't matter.
func Split(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.Is(unicode.Mn, r) })
}

// Parse reads 24 words of one of the lists; accents and capitals don't matter. CodePhraseLength (count), CodePhraseWord (number, word, and nearest where there is
// one that is near), CodePhraseChecksum.
func Parse(text string) ([]byte, error) {
	words := Split(text)
	if err := Known(words); err != nil {
		return nil, err
	}
	if len(words) != WordCount {
		return nil, chat.Errorf(chat.CodePhraseLength, "count", fmt.Sprint(len(words)))
	}
	for _, l := range lists() {
		if secret, ok := l.secret(words); ok {
			return secret, nil
		}
	}
	return nil, chat.Errorf(chat.CodePhraseChecksum)
}

// Known checks that words are of one list, whatever their number: a person who types them hears of a wrong one at once. CodePhraseWord.
func Known(words []string) error {
	best, most := lists()[0], -1
	for _, l := range lists() {
		n := 0
		for _, w := range words {
			if _, ok := l.at[fold(w)]; ok {
				n++
			}
		}
		if n > most {
			best, most = l, n
		}
	}
	for i, w := range words {
		if _, ok := best.at[fold(w)]; ok {
			continue
		}
		e := chat.Errorf(chat.CodePhraseWord, "number", fmt.Sprint(i+1), "word", w)
		if near := best.nearest(fold(w)); near != "" {
			e.Params["nearest"] = near
		}
		return e
	}
	return nil
}

// secret reads the words as those of this list.
func (l list) secret(words []string) ([]byte, bool) {
	bits := make([]byte, SecretSize+1)
	for i, w := range words {
		n, ok := l.at[fold(w)]
		if !ok {
			return nil, false
		}
		for b := range 11 {
			at := 11*i + b
			bits[at/8] |= byte(n>>(10-b)&1) << (7 - at%8)
		}
	}
	sum := sha256.Sum256(bits[:SecretSize])
	return bits[:SecretSize:SecretSize], sum[0] == bits[SecretSize]
}

// nearest finds the word that a mistyped one is most likely to be; "" when none is near.
func (l list) nearest(typed string) string {
	found, least := "", 3 // two slips at most
	for _, w := range l.words {
		if d := distance([]rune(typed), []rune(fold(w))); d < least {
			found, least = w, d
		}
	}
	if found == "" && len(typed) >= 4 { // the first four letters name one
		for _, w := range l.words {
			if strings.HasPrefix(fold(w), typed[:4]) {
				return w
			}
		}
	}
	return found
}

// distance counts the slips between two words: a letter too many, missing, wrong, or two exchanged.
func distance(a, b []rune) int {
	if max(len(a)-len(b), len(b)-len(a)) > 2 {
		return 3
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(row[j]+1, last[j+1]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
