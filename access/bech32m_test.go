package access

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The valid strings of BIP 350. Not all of them hold whole bytes, which ours must; their checksums are right.
func TestBIP350Valid(t *testing.T) {
	for _, s := range []string{
		"A1LQFN3A",
		"a1lqfn3a",
		"an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
		"abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
		"11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr8",
		"split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
		"?1v759aa",
	} {
		lower := strings.ToLower(s)
		hrp, rest := lower[:strings.LastIndex(lower, "1")], lower[strings.LastIndex(lower, "1")+1:]
		values := make([]byte, len(rest))
		for i := range rest {
			values[i] = byte(strings.IndexByte(charset, rest[i]))
		}
		if polymod(append(expand(hrp), values...)) != bech32mConstant {
			t.Errorf("%s: the checksum is thought to be wrong", s)
		}
		if _, _, err := DecodeBech32m(hrp, s); errors.Is(err, ErrBech32mChecksum) {
			t.Errorf("%s: %v", s, err)
		}
	}
	version, data, err := DecodeBech32m("abcdef", "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx")
	if err != nil || version != 31 || len(data) != 19 {
		t.Error(version, data, err)
	}
}

// The invalid ones of BIP 350, but for the one that is only too long: ours may have 95 characters.
func TestBIP350Invalid(t *testing.T) {
	for s, hrp := range map[string]string{
		"\x201xj0phk":   "\x20",
		"\x7f1g6xzxy":   "\x7f",
		"\x801vctc34":   "\x80",
		"qyrz8wqd2c9m":  "",
		"1qyrz8wqd2c9m": "",
		"y1b0jsk6g":     "y",
		"lt1igcx5c0":    "lt",
		"in1muywd":      "in",
		"mm1crxm3i":     "mm",
		"au1s5cgom":     "au",
		"M1VUXWEZ":      "m",
		"16plkw9":       "",
		"1p2gdwpf":      "",
	} {
		if _, _, err := DecodeBech32m(hrp, s); err == nil {
			t.Errorf("%q is accepted", s)
		}
	}
}

func TestBech32mComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		version := rapid.Byte().Draw(t, "version") & 31
		data := rapid.SliceOfN(rapid.Byte(), 0, 48).Draw(t, "data")
		s := EncodeBech32m("hc", version, data)
		for _, form := range []string{s, strings.ToUpper(s)} {
			v, got, err := DecodeBech32m("hc", form)
			if err != nil || v != version || !bytes.Equal(got, data) {
				t.Fatalf("%s: %d %x %v", form, v, got, err)
			}
		}
		if _, _, err := DecodeBech32m("hcs", s); err == nil {
			t.Fatal("it reads as another kind of string")
		}
		mixed := strings.ToUpper(s[:1]) + s[1:]
		if _, _, err := DecodeBech32m("hc", mixed); !errors.Is(err, ErrBech32mForm) {
			t.Fatal("mixed case is accepted")
		}
	})
}

// Any four wrong letters are found.
func TestFourWrongLettersAreFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := []byte(EncodeBech32m("hc", 1, rapid.SliceOfN(rapid.Byte(), 48, 48).Draw(t, "data")))
		n := rapid.IntRange(1, 4).Draw(t, "wrong")
		for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(3, len(s)-1), n, n, rapid.ID).Draw(t, "places") {
			other := rapid.IntRange(1, 31).Draw(t, "by")
			s[i] = charset[(strings.IndexByte(charset, s[i])+other)%32]
		}
		if _, _, err := DecodeBech32m("hc", string(s)); !errors.Is(err, ErrBech32mChecksum) {
			t.Fatal(err)
		}
	})
}

func TestTooLong(t *testing.T) {
	s := EncodeBech32m("hcp", 1, make([]byte, 52))
	if len(s) != maxBech32m {
		t.Fatalf("%d characters", len(s))
	}
	if _, _, err := DecodeBech32m("hcp", s+"q"); !errors.Is(err, ErrBech32mForm) {
		t.Error(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a longer string is written")
		}
	}()
	EncodeBech32m("hcp", 1, make([]byte, 53))
}

func TestPaddingBitsAreZero(t *testing.T) {
	values := []byte{1, 31, 31} // version, then one byte and two bits that should be zero
	sum := polymod(append(expand("hc"), append(values, 0, 0, 0, 0, 0, 0)...)) ^ bech32mConstant
	s := "hc1"
	for _, v := range values {
		s += charset[v : v+1]
	}
	for shift := 25; shift >= 0; shift -= 5 {
		s += charset[sum>>shift&31 : sum>>shift&31+1]
	}
	if _, _, err := DecodeBech32m("hc", s); !errors.Is(err, ErrBech32mForm) {
		t.Error(err)
	}
}

func FuzzDecodeBech32m(f *testing.F) {
	f.Add("hc", EncodeBech32m("hc", 1, make([]byte, 48)))
	f.Add("hcs", EncodeBech32m("hcs", 1, make([]byte, 16)))
	f.Fuzz(func(t *testing.T, hrp, s string) {
		version, data, err := DecodeBech32m(hrp, s)
		if err == nil && EncodeBech32m(hrp, version, data) != strings.ToLower(s) {
			t.Fatal("two forms of one string")
		}
	})
}
