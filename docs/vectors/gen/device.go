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
	"slices"

	"github.com/gtank/ristretto255"

	"huisclos/access"
	"huisclos/trust"
	"huisclos/wire"
)

// Device is device.json: the exchange of a link code, each step, and a box of a history. Alice's old device is A, her new one B.
type Device struct {
	Number uint32
	PRS    string
	CI     Hex
	S      Hex
	Link   string // a link of the code, for 203.0.113.7:7540
	Old    CodeEnd
	New    NewMachine

	Hello          Hex // message 1
	SID            Hex
	Generator      Hex
	Offer          Hex // message 2
	ISK            Hex
	KEMSecret      Hex
	TagKeyNew      Hex
	TagKeyOld      Hex
	MachineKey     Hex
	GiftKey        Hex
	TagNew         Hex
	Proof          Hex // message 3
	TagOld         Hex
	Content        Hex // what is handed over, here 7,000 bytes
	Pieces         []Hex
	ReceiptTag     Hex
	Receipt        Hex // message after the last piece
	HistoryKey     Hex // of the gift
	HistoryAskKey  Hex
	HistoryTellKey Hex
	Box            HistoryBox
}

// NewMachine is the end of the new device.
type NewMachine struct {
	Device         Hex
	HPKE           Hex // its public key
	Name, Software string
	Machine        Hex // what is sealed
	Nonce          Hex
	ScalarInput    Hex
	Scalar         Hex
	Share          Hex
	KEMInput       Hex
	KEM            Hex
	Data           Hex
}

// HistoryBox is a question of the new device on its way.
type HistoryBox struct {
	Request, Nonce, Data, Plain, Box Hex
}

func gcm(w *world, key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	w.note(err)
	g, err := cipher.NewGCM(block)
	w.note(err)
	return g
}

func (w *world) deviceLink() Device {
	public := w.identity.Public()
	c := Device{Number: 7, PRS: "guitare-ocean", S: public[:], CI: lv([]byte("huisclos/1 device link"), []byte{1}, []byte("old device"), []byte("new device"))}
	c.Link = "huisclos://203.0.113.7:7540/#" + access.FormatServer(w.server) + "/7-guitare-ocean"
	c.Old = w.codeEnd("alice", "account", "device")
	device, err := trust.ParseDevice(seed("device of the new machine", 64))
	w.note(err)
	id := device.ID()
	a, b := &c.Old, &c.New
	*b = NewMachine{
		Device: id[:], Name: "laptop, linux", Software: "huisclos 1", Nonce: seed("code nonce of the new machine", 32),
		ScalarInput: seed("code scalar of the new machine", 64), KEMInput: seed("code ML-KEM of the new machine", 32),
	}
	b.HPKE = device.Applicant().HPKE
	b.Machine = wire.Marshal([]any{[]byte(b.Device), []byte(b.HPKE), b.Name, b.Software})

	c.Hello = wire.Marshal([]any{1, []byte(b.Nonce)})
	sid := sha256.Sum256(slices.Concat([]byte("huisclos/1 code session"), binary.BigEndian.AppendUint32(nil, c.Number), b.Nonce, a.Nonce))
	c.SID = sid[:]
	pad := make([]byte, 128-1-len(lv([]byte(c.PRS)))-len(lv([]byte("CPaceRistretto255"))))
	uniform := sha512.Sum512(lv([]byte("CPaceRistretto255"), []byte(c.PRS), pad, c.CI, c.SID))
	g := ristretto255.NewElement().FromUniformBytes(uniform[:])
	c.Generator = g.Encode(nil)

	a.share(g)
	private, err := mlkem.NewDecapsulationKey768(a.KEMInput)
	w.note(err)
	a.KEM = private.EncapsulationKey().Bytes()
	a.Data = associated(a, public[:])
	c.Offer = wire.Marshal([]any{[]byte(a.Nonce), []byte(a.Share), []byte(a.Data)})

	y := ristretto255.NewScalar().FromUniformBytes(b.ScalarInput)
	b.Scalar, b.Share = y.Encode(nil), ristretto255.NewElement().ScalarMult(y, g).Encode(nil)
	secret, ciphertext, err := mlkemtest.Encapsulate768(private.EncapsulationKey(), b.KEMInput)
	w.note(err)
	c.KEMSecret, b.KEM = secret, ciphertext
	b.Data = wire.Marshal([]any{[]byte(b.Device), public[:], []byte(b.KEM)})
	k := ristretto255.NewElement()
	w.note(k.Decode(a.Share))
	isk := sha512.Sum512(slices.Concat(lv([]byte("CPaceRistretto255_ISK"), c.SID, k.ScalarMult(y, k).Encode(nil)), lv(a.Share, a.Data), lv(b.Share, b.Data)))
	c.ISK = isk[:]
	both := slices.Concat(c.ISK, c.KEMSecret)
	c.TagKeyNew, c.TagKeyOld = hkdf(both, c.SID, "huisclos/1 code newcomer", 64), hkdf(both, c.SID, "huisclos/1 code inviter", 64)
	c.MachineKey, c.GiftKey = hkdf(both, c.SID, "huisclos/1 device name", 32), hkdf(both, c.SID, "huisclos/1 code gift", 32)
	c.TagNew, c.TagOld = mac(c.TagKeyNew, b.Share, b.Data), mac(c.TagKeyOld, a.Share, a.Data)
	c.Proof = wire.Marshal([]any{
		[]byte(b.Share), []byte(b.Data), []byte(c.TagNew), gcm(w, c.MachineKey).Seal(nil, make([]byte, 12), b.Machine, c.TagNew),
	})

	c.Content = slices.Concat(seed("what is handed over", 64), make([]byte, 7000-64))
	for i, part := range [][]byte{c.Content[:6144], c.Content[6144:]} {
		index := binary.BigEndian.AppendUint32(nil, uint32(i)) //nolint:gosec // two
		sealed := gcm(w, c.GiftKey).Seal(nil, append(make([]byte, 8), index...), part, slices.Concat(c.TagOld, index, []byte{byte(i)}))
		c.Pieces = append(c.Pieces, wire.Marshal([]any{[]byte(c.TagOld), i, i == 1, sealed}))
	}
	c.ReceiptTag = mac(c.TagKeyNew, []byte("huisclos/1 device receipt"))
	c.Receipt = wire.Marshal([]any{[]byte(c.ReceiptTag)})
	w.history(&c)
	return c
}

// history seals a question: the newest entries of the lobby before 301.
func (w *world) history(c *Device) {
	old, err := trust.ParseDevice(c.Old.DeviceSeed)
	w.note(err)
	give := old.ID()
	c.HistoryKey = seed("key of the history", 32)
	salt := slices.Concat(give[:], c.New.Device)
	c.HistoryAskKey, c.HistoryTellKey = hkdf(c.HistoryKey, salt, "huisclos/1 history new to old", 32), hkdf(c.HistoryKey, salt, "huisclos/1 history old to new", 32)
	b := &c.Box
	b.Request, b.Nonce = seed("request of the history", 16), seed("nonce of the history", 12)
	b.Data = wire.Marshal([]any{"huisclos/1 history", w.server[:], []byte(c.New.Device), give[:], []byte(b.Request)})
	b.Plain = wire.Marshal([]any{2, seed("a private room", 16), 301})
	b.Box = wire.Marshal([]any{1, []byte(b.Request), []byte(b.Nonce), gcm(w, c.HistoryAskKey).Seal(nil, b.Nonce, b.Plain, b.Data)})
}

func mac(key []byte, parts ...[]byte) []byte {
	m := hmac.New(sha512.New, key)
	m.Write(lv(parts...))
	return m.Sum(nil)
}
