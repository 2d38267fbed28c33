package trust

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"huisclos/chat"
)

func TestSafetyNumber(t *testing.T) {
	s, a, b := chat.Fingerprint{7}, chat.AccountID{1}, chat.AccountID{2}
	n := SafetyNumber(s, a, b)
	if !regexp.MustCompile(`^\d{5}( \d{5}){11}$`).MatchString(n) {
		t.Errorf("%q", n)
	}
	if SafetyNumber(s, b, a) != n {
		t.Error("the two read different numbers")
	}
	if SafetyNumber(s, a, chat.AccountID{3}) == n || SafetyNumber(s, a, a)[:35] != n[:35] {
		t.Error("it isn't made of the two accounts")
	}
	other := SafetyNumber(chat.Fingerprint{8}, a, b)
	if other[:35] == n[:35] || other[36:] == n[36:] {
		t.Error("it is the same on another server")
	}
}

func TestSafetyCode(t *testing.T) {
	s := chat.Fingerprint{7, 0xab}
	n := SafetyNumber(s, chat.AccountID{1}, chat.AccountID{2})
	code := SafetyCode(s, n)
	if !regexp.MustCompile(`^HUISCLOS-VERIFY:1:[0-9A-F]{32}:\d{60}$`).MatchString(code) {
		t.Errorf("%q", code)
	}
	if got, number, err := ParseSafety(code); err != nil || got != s || number != n {
		t.Errorf("%v, %q, %v", got, number, err)
	}
	for _, typed := range []string{n, strings.ReplaceAll(n, " ", ""), "  " + strings.ReplaceAll(n, " ", "\n") + "\n"} {
		if got, number, err := ParseSafety(typed); err != nil || !got.IsZero() || number != n {
			t.Errorf("%q: %v, %q, %v", typed, got, number, err)
		}
	}
	for _, bad := range []string{
		"", "yes", n[1:], n + "1", strings.Replace(n, n[:1], "x", 1), strings.ToLower(code), code[:len(code)-1], safetyCode + n,
		strings.Replace(code, "AB", "ab", 1), SafetyCode(chat.Fingerprint{}, n), strings.Replace(code, ":1:", ":2:", 1), strings.Replace(n, n[:1], "٣", 1),
	} {
		if got, number, err := ParseSafety(bad); !errors.Is(err, ErrSafety) || !got.IsZero() || number != "" {
			t.Errorf("%q: %v, %q, %v", bad, got, number, err)
		}
	}
}

// What is read back is written in one way only.
func FuzzParseSafety(f *testing.F) {
	n := SafetyNumber(chat.Fingerprint{7}, chat.AccountID{1}, chat.AccountID{2})
	f.Add(n)
	f.Add(SafetyCode(chat.Fingerprint{7}, n))
	f.Fuzz(func(t *testing.T, text string) {
		server, number, err := ParseSafety(text)
		if err != nil {
			return
		}
		_, again, err := ParseSafety(number)
		if err != nil || again != number || len(number) != 71 {
			t.Fatalf("%q gives %q, that gives %q", text, number, again)
		}
		if joined := strings.Join(strings.Fields(text), ""); !server.IsZero() && SafetyCode(server, number) != joined {
			t.Fatalf("two forms of one code: %q", text)
		}
	})
}
