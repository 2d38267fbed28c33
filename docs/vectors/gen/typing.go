package main

import (
	"bytes"
	"crypto/ed25519"
	"slices"

	"huisclos/seal"
	"huisclos/trust"
	"huisclos/wire"
)

// Typing is typing.json: signs of typing in a key room and in a private one, and what isn't one.
type Typing struct {
	Server, DeviceSeed, Device Hex
	Signs                      []TypingSign
	Refused                    []RefusedTyping // for the first of Signs
}

// TypingSign is every step of one.
type TypingSign struct {
	Why       string
	Room      Hex
	Turn      uint64 // the generation, or the epoch
	K, Salt   Hex    `json:",omitempty"` // of a key room
	Key       Hex    // derived from K; or what the group has exported
	Time      int64
	On        bool
	Data      Hex // associated data
	Signed    Hex // what the device signs, Data first
	Signature Hex
	Inner     Hex
	IV        Hex
	Body      Hex // IV ‖ ciphertext ‖ tag
}

// RefusedTyping is a body that is no sign there.
type RefusedTyping struct {
	Why  string
	Body Hex
}

func (w *world) typing() Typing {
	d := w.device.ID()
	v := Typing{Server: w.server[:], DeviceSeed: w.device.Key().Seed(), Device: d[:]}
	key := w.keys[1]
	den := seed("a private room", 16)
	v.Signs = []TypingSign{
		w.sign(TypingSign{Why: "in the lobby", Room: w.lobby[:], Turn: 1, K: key.Bytes(), Salt: salt(w.server, 1), Key: key.Typing(1, w.lobby), Time: 1_700_000_000_000, On: true}),
		w.sign(TypingSign{Why: "no longer", Room: w.lobby[:], Turn: 1, K: key.Bytes(), Salt: salt(w.server, 1), Key: key.Typing(1, w.lobby), Time: 1_700_000_004_000}),
		w.sign(TypingSign{Why: "in a private room, in epoch 9", Room: den, Turn: 9, Key: seed("what a group exports", 64), Time: 1_700_000_008_000, On: true}),
	}
	first := v.Signs[0]
	refuse := func(why string, body []byte) { v.Refused = append(v.Refused, RefusedTyping{why, body}) }
	bad := bytes.Clone(first.Body)
	bad[len(bad)-1] ^= 1
	refuse("another tag", bad)
	refuse("of another room", v.Signs[2].Body)
	forged := func(why string, x TypingSign, label string, by ed25519.PrivateKey) {
		sig := trust.Sign(by, label, x.Signed)
		refuse(why, w.sealSign(x, sig[:]))
	}
	forged("signed for another use", first, "key room message", w.device.Key())
	forged("signed by another member", first, seal.LabelTyping, ed25519.NewKeyFromSeed(seed("mallory", 32)))
	other := first
	other.Signed = slices.Concat(first.Data, wire.Marshal([]any{d[:], first.Time + 1, true}))
	forged("another time than was signed", other, seal.LabelTyping, w.device.Key())
	old := w.sign(TypingSign{Why: "", Room: first.Room, Turn: 1, Key: first.Key, Time: 4_000_000_000, On: true})
	refuse("a time that is too short", old.Body)
	return v
}

// sign makes what follows from the rest.
func (w *world) sign(x TypingSign) TypingSign {
	d := w.device.ID()
	x.Data = wire.Marshal([]any{"huisclos/1 typing", w.server[:], []byte(x.Room), x.Turn})
	x.Signed = slices.Concat(x.Data, wire.Marshal([]any{d[:], x.Time, x.On}))
	sig := trust.Sign(w.device.Key(), seal.LabelTyping, x.Signed)
	x.Signature = sig[:]
	x.Inner = wire.Marshal([]any{d[:], x.Time, x.On, sig[:]})
	x.IV = seed("IV of a sign of typing "+x.Why, 16)
	x.Body = w.sealSign(x, sig[:])
	return x
}

// sealSign seals one under some signature.
func (w *world) sealSign(x TypingSign, sig []byte) []byte {
	d := w.device.ID()
	aead, err := seal.New(x.Key)
	if err != nil {
		w.note(err)
		return nil
	}
	return aead.Seal(bytes.Clone(x.IV), x.IV, wire.Marshal([]any{d[:], x.Time, x.On, sig}), x.Data)
}
