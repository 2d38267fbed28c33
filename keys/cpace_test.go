package keys

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/gtank/ristretto255"
)

// hexBytes are hexadecimal digits in a file.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

// The test vectors of the draft: generator, shares, K, ISK, and what must be refused.
func TestDraftVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/cpace.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		PRS, CI, SID, GeneratorString, G, SecretA, ADa, PublicA, SecretB, ADb, PublicB, K, ISK hexBytes

		Valid   struct{ S, X, Result hexBytes }
		Invalid []hexBytes
	}
	// "ya" and "Ya" are two things in the draft, and one to encoding/json.
	raw = bytes.ReplaceAll(raw, []byte(`"ya"`), []byte(`"secretA"`))
	raw = bytes.ReplaceAll(raw, []byte(`"Ya"`), []byte(`"publicA"`))
	raw = bytes.ReplaceAll(raw, []byte(`"yb"`), []byte(`"secretB"`))
	raw = bytes.ReplaceAll(raw, []byte(`"Yb"`), []byte(`"publicB"`))
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	equal := func(what string, got, want []byte) {
		t.Helper()
		if !bytes.Equal(got, want) {
			t.Errorf("%s is %x, not %x", what, got, want)
		}
	}
	scalar := func(b []byte) *ristretto255.Scalar {
		s := ristretto255.NewScalar()
		if err := s.Decode(b); err != nil {
			t.Fatal(err)
		}
		return s
	}
	equal("generator_string", generatorString(v.PRS, v.CI, v.SID), v.GeneratorString)
	g := generator(v.PRS, v.CI, v.SID)
	equal("g", g.Encode(nil), v.G)
	a, b := shareOf(g, scalar(v.SecretA)), shareOf(g, scalar(v.SecretB))
	equal("Ya", a.public[:], v.PublicA)
	equal("Yb", b.public[:], v.PublicB)
	ka, okA := a.agree(b.public)
	kb, okB := b.agree(a.public)
	if !okA || !okB {
		t.Fatal("the shares don't agree")
	}
	equal("K of a", ka[:], v.K)
	equal("K of b", kb[:], v.K)
	isk := sessionKey(v.SID, ka, a.public, v.ADa, b.public, v.ADb)
	equal("ISK", isk[:], v.ISK)

	s := &share{secret: scalar(v.Valid.S)}
	k, ok := s.agree([32]byte(v.Valid.X))
	if !ok {
		t.Error("a valid element is refused")
	}
	equal("scalar_mult_vfy", k[:], v.Valid.Result)
	if len(v.Invalid) == 0 {
		t.Fatal("no invalid elements")
	}
	for _, y := range v.Invalid {
		if _, ok := s.agree([32]byte(y)); ok {
			t.Errorf("%x is taken", y)
		}
	}
}
