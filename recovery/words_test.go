package recovery

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"huisclos/chat"
)

// The lists are those of BIP 39, as published.
func TestLists(t *testing.T) {
	for text, want := range map[string]string{
		english: "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda",
		french:  "ebc3959ab7801a1df6bac4fa7d970652f1df76b683cd2f4003c941c63d517e59",
	} {
		sum := sha256.Sum256([]byte(text))
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%.20q: %s", text, got)
		}
	}
	for i, l := range lists() {
		if len(l.words) != 2048 || len(l.at) != 2048 {
			t.Errorf("list %d: %d words, %d folds", i, len(l.words), len(l.at))
		}
		for _, w := range l.words {
			if !norm.NFC.IsNormalString(w) {
				t.Errorf("%q", w)
			}
		}
	}
}

// The vectors of BIP 39 with 256 bits (github.com/trezor/python-mnemonic, vectors.json).
func TestVectorsOfBIP39(t *testing.T) {
	for secret, words := range map[string]string{
		strings.Repeat("00", 32): strings.Repeat("abandon ", 23) + "art",
		strings.Repeat("7f", 32): "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth title",
		strings.Repeat("80", 32): "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless",
		strings.Repeat("ff", 32): strings.Repeat("zoo ", 23) + "vote",
		"68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c": "hamster diagram private dutch cause delay private meat slide toddler razor book happy fancy gospel tennis maple dilemma loan word shrug inflict delay length",
		"f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f": "void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol group space point ten exist slush involve unfold",
	} {
		raw, err := hex.DecodeString(secret)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(Words("en", raw), " "); got != words {
			t.Errorf("%s: %s", secret, got)
		}
		if got, err := Parse(words); err != nil || !bytes.Equal(got, raw) {
			t.Errorf("%s: %x, %v", words, got, err)
		}
	}
}

// What is shown is read again, however it is typed.
func TestWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.SliceOfN(rapid.Byte(), SecretSize, SecretSize).Draw(t, "secret")
		language := rapid.SampledFrom([]string{"en", "fr", "fr_FR", "de", ""}).Draw(t, "language")
		words := Words(language, secret)
		for _, text := range []string{
			strings.Join(words, " "), strings.ToUpper(strings.Join(words, "\n")), "1. " + strings.Join(words, ", 2) "), fold(strings.Join(words, "  ")),
			norm.NFD.String(strings.Join(words, " ")),
		} {
			if got, err := Parse(text); err != nil || !bytes.Equal(got, secret) {
				t.Fatalf("%q: %x, %v", text, got, err)
			}
		}
		// A slip is found: another word, or two exchanged.
		i := rapid.IntRange(0, WordCount-2).Draw(t, "i")
		if words[i] != words[i+1] {
			words[i], words[i+1] = words[i+1], words[i]
			if got, err := Parse(strings.Join(words, " ")); err == nil && bytes.Equal(got, secret) {
				t.Fatal("exchanged words give the same secret")
			}
		}
	})
}

func TestBadWords(t *testing.T) {
	words := strings.Fields(strings.Repeat("abandon ", 23) + "art")
	french := Words("fr", make([]byte, 32))
	change := func(all []string, i int, w string) string {
		all = append([]string(nil), all...)
		all[i] = w
		return strings.Join(all, " ")
	}
	for _, c := range []struct {
		text   string
		code   chat.Code
		params map[string]string
	}{
		{"", chat.CodePhraseLength, map[string]string{"count": "0"}},
		{"abandon abandon", chat.CodePhraseLength, map[string]string{"count": "2"}},
		{strings.Join(words, " ") + " zoo", chat.CodePhraseLength, map[string]string{"count": "25"}},
		{change(words, 4, "abandn"), chat.CodePhraseWord, map[string]string{"number": "5", "word": "abandn", "nearest": "abandon"}},
		{change(words, 4, "abadnon"), chat.CodePhraseWord, map[string]string{"number": "5", "word": "abadnon", "nearest": "abandon"}},
		{change(words, 4, "abanzzzzzz"), chat.CodePhraseWord, map[string]string{"number": "5", "word": "abanzzzzzz", "nearest": "abandon"}},
		{change(words, 0, "qqqqqqqqqq"), chat.CodePhraseWord, map[string]string{"number": "1", "word": "qqqqqqqqqq"}},
		{change(words, 2, "zoologie"), chat.CodePhraseWord, map[string]string{"number": "3", "word": "zoologie"}}, // the other list's
		{change(french, 2, "zoologi"), chat.CodePhraseWord, map[string]string{"number": "3", "word": "zoologi", "nearest": "zoologie"}},
		{change(french, 2, "École"), chat.CodePhraseChecksum, nil},
		{change(words, 23, "zoo"), chat.CodePhraseChecksum, nil},
		{change(words, 0, "\x1b[31mabandon"), chat.CodePhraseWord, map[string]string{"number": "1", "word": "mabandon", "nearest": "abandon"}},
	} {
		_, err := Parse(c.text)
		var e *chat.Error
		if !errors.As(err, &e) || e.Code != c.code {
			t.Errorf("%q: %v, want %s", c.text, err, c.code)
			continue
		}
		for k, v := range c.params {
			if e.Params[k] != v {
				t.Errorf("%q: %v, want %s=%s", c.text, err, k, v)
			}
		}
	}
}

func TestWordsWantASecret(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a secret of 31 bytes has words")
		}
	}()
	Words("en", make([]byte, 31))
}

// Whatever is read as a secret gives words that are read as the same.
func FuzzParse(f *testing.F) {
	f.Add(strings.Repeat("abandon ", 23) + "art")
	f.Add(strings.Join(Words("fr", bytes.Repeat([]byte{7}, 32)), " "))
	f.Fuzz(func(t *testing.T, text string) {
		secret, err := Parse(text)
		if err != nil {
			return
		}
		typed := Split(text)
		for _, language := range []string{"en", "fr"} {
			words := Words(language, secret)
			if got, err := Parse(strings.Join(words, " ")); err != nil || !bytes.Equal(got, secret) {
				t.Fatalf("%v: %v", words, err)
			}
			if fold(strings.Join(words, " ")) == fold(strings.Join(typed, " ")) {
				return
			}
		}
		t.Fatalf("%q is read, and never shown", text)
	})
}
