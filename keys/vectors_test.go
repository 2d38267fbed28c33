package keys

import (
	"bytes"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"encoding/json"
	"os"
	"testing"

	"huisclos/chat"
	"huisclos/wire"
)

type codeVectorEnd struct {
	Party, Nonce, ScalarInput, KEMInput, Data hexBytes
}

// The published exchange, which other code has made: both machines, given the same random bytes, say the same.
func TestCodeVectors(t *testing.T) {
	raw, err := os.ReadFile("../docs/vectors/code.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Typed                       []struct{ Text, Code, Error string }
		Number                      uint32
		PRS                         string
		S, CI, GeneratorString, SID hexBytes
		Inviter, Newcomer           codeVectorEnd
		Hello, Offer, Proof, Gift   hexBytes
		Content                     hexBytes
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	for _, c := range v.Typed {
		code, err := ParseCode(c.Text)
		if string(chat.CodeOf(err)) != c.Error || err == nil && code.Reveal() != c.Code {
			t.Errorf("%q: %v", c.Text, err)
		}
	}
	if len(v.Typed) == 0 {
		t.Error("no codes")
	}
	same := func(what string, got []byte, want hexBytes) {
		t.Helper()
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs:\n%x\n%x", what, got, want)
		}
	}
	same("CI", channel(), v.CI)
	same("generator string", generatorString([]byte(v.PRS), v.CI, v.SID), v.GeneratorString)
	party := func(b []byte) (p Party) {
		if err := wire.UnmarshalStrict(b, &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	var c content
	if err := wire.UnmarshalStrict(v.Content, &c); err != nil {
		t.Fatal(err)
	}
	key, err := Parse(c.Key)
	if err != nil {
		t.Fatal(err)
	}
	code := Code{v.Number, [2]string{"guitare", "ocean"}}
	i, err := NewInviter(code, [32]byte(v.S), party(v.Inviter.Party), Gift{Key: key, Invitation: c.Invitation})
	if err != nil {
		t.Fatal(err)
	}
	i.random = bytes.NewReader(bytes.Join([][]byte{v.Inviter.Nonce, v.Inviter.ScalarInput, v.Inviter.KEMInput}, nil))
	n := NewNewcomer(code, [32]byte(v.S), party(v.Newcomer.Party))
	n.random = bytes.NewReader(bytes.Join([][]byte{v.Newcomer.Nonce, v.Newcomer.ScalarInput}, nil))
	n.encapsulate = func(ek *mlkem.EncapsulationKey768) (secret, ciphertext []byte) {
		secret, ciphertext, err := mlkemtest.Encapsulate768(ek, v.Newcomer.KEMInput)
		if err != nil {
			t.Fatal(err)
		}
		return secret, ciphertext
	}
	hello := n.Hello()
	same("hello", hello, v.Hello)
	offer, err := i.Offer(hello)
	if err != nil {
		t.Fatal(err)
	}
	same("offer", offer, v.Offer)
	proof, err := n.Proof(offer)
	if err != nil {
		t.Fatal(err)
	}
	same("proof", proof, v.Proof)
	who, gift, err := i.Gift(proof)
	if err != nil || who.Name != "bob" {
		t.Fatal(who.Name, err)
	}
	same("gift", gift, v.Gift)
	whose, got, err := n.Gift(gift)
	if err != nil || whose.Name != "alice" || !got.Key.Equal(key) || !bytes.Equal(got.Invitation, c.Invitation) {
		t.Fatal(whose.Name, err)
	}
}
