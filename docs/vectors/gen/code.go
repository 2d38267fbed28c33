package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/gtank/ristretto255"

	"huisclos/chat"
	"huisclos/keys"
	"huisclos/trust"
	"huisclos/wire"
)

// Code is code.json: the exchange of an invitation code, each step. Alice is the inviter, Bob the newcomer.
type Code struct {
	Typed    []TypedCode
	Number   uint32
	PRS      string
	CI       Hex
	S        Hex // the server's public key, as both see it
	Inviter  CodeEnd
	Newcomer CodeEnd

	Hello           Hex // message 1
	SID             Hex
	GeneratorString Hex
	Generator       Hex
	Offer           Hex // message 2
	K               Hex // of CPace
	ISK             Hex
	KEMSecret       Hex // of ML-KEM-768
	TagKeyNewcomer  Hex
	TagKeyInviter   Hex
	GiftKey         Hex
	TagNewcomer     Hex
	Proof           Hex // message 3
	TagInviter      Hex
	Content         Hex // inside the gift
	Gift            Hex // message 4
}

// CodeEnd is one end of the exchange.
type CodeEnd struct {
	AccountSeed, DeviceSeed Hex
	Name                    string
	Party                   Hex // account, certificate, name and its signature
	Nonce                   Hex
	ScalarInput             Hex // 64 bytes, reduced
	Scalar                  Hex
	Share                   Hex // Ya or Yb
	KEMInput                Hex // the seed d ‖ z of the inviter's key, or the newcomer's random bytes of FIPS 203
	KEM                     Hex // encapsulation key, or ciphertext
	Data                    Hex // ADa or ADb
}

// TypedCode is a code as somebody types it: what it is, or why it isn't one.
type TypedCode struct {
	Text, Code, Error string
}

// lv is lv_cat of the draft.
func lv(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(binary.AppendUvarint(b, uint64(len(p))), p...)
	}
	return b
}

func (w *world) code() Code {
	public := w.identity.Public()
	c := Code{Number: 7, PRS: "guitare-ocean", S: public[:], CI: lv([]byte("huisclos/1 code"), []byte{1}, []byte("inviter"), []byte("newcomer"))}
	for _, text := range []string{
		"7-guitare-ocean", "7 Guitare Océan", " 7 – GUITARE – OCEAN ", "12-drop-down-yo-yo", "7-guitarre-ocean", "7-guitare", "0-guitare-ocean", "guitare-ocean", "10000-guitare-ocean",
	} {
		t := TypedCode{Text: text}
		if code, err := keys.ParseCode(text); err != nil {
			t.Error = string(chat.CodeOf(err))
		} else {
			t.Code = code.Reveal()
		}
		c.Typed = append(c.Typed, t)
	}
	c.Inviter, c.Newcomer = w.codeEnd("alice", "account", "device"), w.codeEnd("bob", "account of the newcomer", "device of the newcomer")
	a, b := &c.Inviter, &c.Newcomer

	c.Hello = wire.Marshal([]any{1, []byte(b.Nonce)})
	sid := sha256.Sum256(slices.Concat([]byte("huisclos/1 code session"), binary.BigEndian.AppendUint32(nil, c.Number), b.Nonce, a.Nonce))
	c.SID = sid[:]
	pad := make([]byte, 128-1-len(lv([]byte(c.PRS)))-len(lv([]byte("CPaceRistretto255"))))
	c.GeneratorString = lv([]byte("CPaceRistretto255"), []byte(c.PRS), pad, c.CI, c.SID)
	uniform := sha512.Sum512(c.GeneratorString)
	g := ristretto255.NewElement().FromUniformBytes(uniform[:])
	c.Generator = g.Encode(nil)

	x := a.share(g)
	private, err := mlkem.NewDecapsulationKey768(a.KEMInput)
	w.note(err)
	a.KEM = private.EncapsulationKey().Bytes()
	a.Data = associated(a, public[:])
	c.Offer = wire.Marshal([]any{[]byte(a.Nonce), []byte(a.Share), []byte(a.Data)})

	y := b.share(g)
	secret, ciphertext, err := mlkemtest.Encapsulate768(private.EncapsulationKey(), b.KEMInput)
	w.note(err)
	c.KEMSecret, b.KEM = secret, ciphertext
	b.Data = associated(b, public[:])
	k := ristretto255.NewElement()
	w.note(k.Decode(a.Share))
	c.K = k.ScalarMult(y, k).Encode(nil)
	w.note(k.Decode(b.Share))
	if !slices.Equal(k.ScalarMult(x, k).Encode(nil), c.K) {
		w.note(errors.New("the two ends of the code differ"))
	}
	isk := sha512.Sum512(slices.Concat(lv([]byte("CPaceRistretto255_ISK"), c.SID, c.K), lv(a.Share, a.Data), lv(b.Share, b.Data)))
	c.ISK = isk[:]
	both := slices.Concat(c.ISK, c.KEMSecret)
	c.TagKeyNewcomer, c.TagKeyInviter = hkdf(both, c.SID, "huisclos/1 code newcomer", 64), hkdf(both, c.SID, "huisclos/1 code inviter", 64)
	c.GiftKey = hkdf(both, c.SID, "huisclos/1 code gift", 32)
	c.TagNewcomer, c.TagInviter = tag(c.TagKeyNewcomer, b), tag(c.TagKeyInviter, a)
	c.Proof = wire.Marshal([]any{[]byte(b.Share), []byte(b.Data), []byte(c.TagNewcomer)})

	c.Content = wire.Marshal([]any{w.keys[1].Reveal(), public[:], []byte("an invitation")})
	block, err := aes.NewCipher(c.GiftKey)
	w.note(err)
	gcm, err := cipher.NewGCM(block)
	w.note(err)
	c.Gift = wire.Marshal([]any{[]byte(c.TagInviter), gcm.Seal(nil, make([]byte, 12), c.Content, c.TagInviter)})
	return c
}

// codeEnd is who takes part.
func (w *world) codeEnd(name, account, device string) CodeEnd {
	e := CodeEnd{Name: name, AccountSeed: seed(account, 32), DeviceSeed: seed(device, 64)}
	a, err := trust.ParseAccount(e.AccountSeed)
	w.note(err)
	d, err := trust.ParseDevice(e.DeviceSeed)
	w.note(err)
	id, sig := a.ID(), a.SignName(w.server, name)
	e.Party = wire.Marshal([]any{id[:], trust.Certify(a, d, 1, now).Marshal(), name, sig[:]})
	e.Nonce, e.ScalarInput, e.KEMInput = seed("code nonce of "+name, 32), seed("code scalar of "+name, 64), seed("code ML-KEM of "+name, 64)
	if name == "bob" {
		e.KEMInput = e.KEMInput[:32]
	}
	return e
}

// associated is an end's data: [party, S, KEM].
func associated(e *CodeEnd, s []byte) []byte {
	return slices.Concat([]byte{0x83}, e.Party, wire.Marshal(s), wire.Marshal([]byte(e.KEM)))
}

// share makes scalar and share.
func (e *CodeEnd) share(g *ristretto255.Element) *ristretto255.Scalar {
	s := ristretto255.NewScalar().FromUniformBytes(e.ScalarInput)
	e.Scalar, e.Share = s.Encode(nil), ristretto255.NewElement().ScalarMult(s, g).Encode(nil)
	return s
}

// tag is an end's, over its own share and data.
func tag(key []byte, e *CodeEnd) []byte {
	m := hmac.New(sha512.New, key)
	m.Write(lv(e.Share, e.Data))
	return m.Sum(nil)
}
