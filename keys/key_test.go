package keys

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"huisclos/chat"
)

var server = chat.Fingerprint{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

// anyKey draws a key of any server.
func anyKey(t *rapid.T) Key {
	b := rapid.SliceOfN(rapid.Byte(), 48, 48).Draw(t, "key")
	b[0], b[47] = b[0]|1, b[47]|1
	k, err := FromBytes(chat.Fingerprint(b[:16]), b[16:])
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestPrintedKeyComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := anyKey(t)
		s := k.Reveal()
		if len(s) != Length || !strings.HasPrefix(s, "hc1") {
			t.Fatalf("%d characters: %.4s", len(s), s)
		}
		for _, form := range []string{s, strings.ToUpper(s), " " + s[:40] + "\r\n" + s[40:] + "\n"} {
			got, err := Parse(form)
			if err != nil || !got.Equal(k) {
				t.Fatalf("Parse(%q) = %v", form, err)
			}
		}
	})
}

// Up to four wrong letters in any places are always found (BIP 173's code at up to 90 characters).
func TestFourWrongLetters(t *testing.T) {
	const charset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	rapid.Check(t, func(t *rapid.T) {
		s := []byte(anyKey(t).Reveal())
		n := rapid.IntRange(1, 4).Draw(t, "wrong")
		for _, at := range rand.Perm(len(s) - 3)[:n] {
			old := s[3+at]
			for s[3+at] == old {
				s[3+at] = charset[rand.IntN(32)]
			}
		}
		if _, err := Parse(string(s)); !errors.Is(err, chat.CodeKeyChecksum) {
			t.Fatalf("%d wrong letters: %v", n, err)
		}
	})
}

func TestWhatIsNotAKey(t *testing.T) {
	good := New(server).Reveal()
	for _, c := range []struct {
		text string
		want chat.Code
	}{
		{"", chat.CodeKeyFormat},
		{"hello", chat.CodeKeyFormat},
		{"hcs1" + good[3:], chat.CodeKeyFormat},
		{good[:len(good)-1], chat.CodeKeyChecksum},                     // a letter was lost
		{good + "q", chat.CodeKeyChecksum},                             // one too many
		{good[:10] + "b" + good[11:], chat.CodeKeyChecksum},            // not a letter of the code
		{good[:10] + "é" + good[11:], chat.CodeKeyChecksum},            //
		{strings.ToUpper(good[:20]) + good[20:], chat.CodeKeyChecksum}, // both cases
		{"hc1", chat.CodeKeyChecksum},
		{strings.Repeat("hc1", 10_000), chat.CodeKeyChecksum},
	} {
		if _, err := Parse(c.text); !errors.Is(err, c.want) {
			t.Errorf("Parse(%.20q…): %v, want %s", c.text, err, c.want)
		}
	}
}

func TestSecretsAreRefusedWhenEmpty(t *testing.T) {
	if _, err := FromBytes(server, make([]byte, Size)); err == nil {
		t.Error("a key of zero bytes")
	}
	if _, err := FromBytes(chat.Fingerprint{}, append(make([]byte, Size-1), 1)); err == nil {
		t.Error("a key of no server")
	}
	if _, err := FromBytes(server, make([]byte, Size-1)); err == nil {
		t.Error("a short key")
	}
	defer func() {
		if recover() == nil {
			t.Error("the zero Key derives something")
		}
	}()
	Key{}.Access(1)
}

func TestKeysNeverPrint(t *testing.T) {
	k := New(server)
	l := Link{Address: "localhost:7540", Key: k}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", k, "link", l)
	text, _ := json.Marshal(map[string]any{"k": k, "l": l})
	for _, s := range []string{
		fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %x %s %q %d", k, k, k, k, k, k, k), fmt.Sprintf("%v %x %#v", l, l, l),
		fmt.Sprint(&k), fmt.Sprint([]Key{k}), fmt.Sprintf("%x", struct{ K Key }{k}), log.String(), string(text),
	} {
		if strings.Contains(s, k.Reveal()) || strings.Contains(s, fmt.Sprintf("%x", k.Bytes())) || !strings.Contains(s, "[secret]") {
			t.Errorf("prints %s", s)
		}
	}
}

func TestEqual(t *testing.T) {
	a := New(server)
	b, _ := FromBytes(server, a.Bytes())
	other := server
	other[0]++
	c, _ := FromBytes(other, a.Bytes())
	if !a.Equal(b) || a.Equal(c) || a.Equal(New(server)) {
		t.Error("Equal is wrong")
	}
}

func FuzzParse(f *testing.F) {
	k, _ := FromBytes(server, append(make([]byte, Size-1), 1))
	f.Add(k.Reveal())
	f.Add("hc1")
	f.Add("HC1QQQQ")
	f.Fuzz(func(t *testing.T, s string) {
		k, err := Parse(s)
		if err != nil {
			if !k.IsZero() {
				t.Fatal("an error with a key")
			}
			return
		}
		if got := k.Reveal(); got != strings.ToLower(strings.Join(strings.Fields(s), "")) {
			t.Fatalf("%q parses, but is written %q", s, got)
		}
	})
}
