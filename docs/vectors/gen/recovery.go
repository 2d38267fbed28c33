package main

import (
	"crypto/aes"
	"crypto/cipher"
	stdhkdf "crypto/hkdf"
	"crypto/sha512"
	"encoding/binary"
	"slices"
	"strings"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/recovery"
	"huisclos/trust"
	"huisclos/wire"
)

// Recovery is recovery.json: the words of Alice's account, her backup, and how she asks for it.
type Recovery struct {
	Secret          Hex // the account's seed
	English, French string
	Wrong           []WrongWords
	Server          Hex // its fingerprint
	BackupKey       Hex
	Serial          uint64
	Backup          Hex // CBOR
	Padded          Hex
	Nonce           Hex
	Data            Hex // associated
	Sealed          Hex
	TRInput         Hex // of the login in login.json, after its challenge
	TR              Hex
	SigR            Hex
	Recover         Hex   // the frame
	Statements      []Hex // of a device list: the account adds alice's device, that one another, and the account revokes this
	List            Hex
	WrongLists      []WrongList
	Vouching        Vouching
}

// WrongList is a device list that must be refused.
type WrongList struct {
	Why  string
	List Hex
}

// WrongWords is a phrase that must be refused.
type WrongWords struct {
	Words, Code string
	Params      map[string]string
}

func (w *world) recovery() Recovery {
	secret := w.account.Bytes()
	english, french := recovery.Words("en", secret), recovery.Words("fr", secret)
	v := Recovery{Secret: secret, English: strings.Join(english, " "), French: strings.Join(french, " "), Server: w.server[:], Serial: 3}
	exchanged := slices.Clone(english)
	exchanged[0], exchanged[1] = exchanged[1], exchanged[0]
	typo := slices.Clone(english)
	typo[2] = typo[2][:len(typo[2])-1] + "q"
	for _, words := range [][]string{exchanged, typo, english[1:], append(slices.Clone(english[:12]), french[12:]...)} {
		text := strings.Join(words, " ")
		_, err := recovery.Parse(text)
		e, ok := err.(*chat.Error) //nolint:errorlint // its only kind
		if !ok {
			e = &chat.Error{}
		}
		v.Wrong = append(v.Wrong, WrongWords{Words: text, Code: string(e.Code), Params: e.Params})
	}

	b := &recovery.Backup{
		Version: 1, Server: w.server, Account: w.account.ID(), Name: "alice", NameSig: w.account.SignName(w.server, "alice"), Address: "chat.example.org:7540",
		ListVersion: 1, Written: now, Keys: []recovery.Key{{Generation: 1, Secret: [32]byte(w.keys[1].Bytes())}},
		People: []recovery.Person{{Account: chat.AccountID(seed("other account", 32)), Name: "bob", ListVersion: 1, Verified: now, VerifiedBy: "person"}},
		Rooms:  []recovery.Room{{Name: "lobby", Kind: chat.KeyRoom}},
	}
	v.Backup = wire.Marshal(b)
	v.Padded = append(binary.BigEndian.AppendUint32(nil, uint32(len(v.Backup))), v.Backup...) //nolint:gosec // small
	v.Padded = append(v.Padded, make([]byte, (4096-len(v.Padded)%4096)%4096)...)
	key, err := stdhkdf.Key(sha512.New, secret, w.server[:], "huisclos/1 backup key", 32)
	w.note(err)
	v.BackupKey, v.Nonce = key, seed("nonce of the backup", 12)
	head := append([]byte{1}, w.server[:]...)
	a := w.account.ID()
	v.Data = wire.Marshal([]any{"huisclos/1 backup", head, a[:], v.Serial})
	block, err := aes.NewCipher(key)
	w.note(err)
	aead, err := cipher.NewGCM(block)
	w.note(err)
	v.Sealed = aead.Seal(append(slices.Clone(head), v.Nonce...), v.Nonce, v.Padded, v.Data)

	l := w.login()
	t0, sigS := [64]byte(l.T0), [64]byte(l.SigS)
	v.TRInput = wire.Marshal([]any{"huisclos/1 recover", t0[:], sigS[:], a[:]})
	tr := access.TR(t0, sigS, a)
	sig := w.account.Sign(access.LabelRecover, tr[:])
	w.deviceList(&v)
	v.Vouching = w.vouching()
	v.TR, v.SigR, v.Recover = tr[:], sig[:], wire.Encode(&wire.Recover{Account: a, Sig: sig})
	return v
}

// deviceList makes a device list, and some that aren't.
func (w *world) deviceList(v *Recovery) {
	list, other := trust.NewDeviceList(w.server, w.account.ID()), chat.DeviceID(seed("another device", 32))
	step := func(next *trust.DeviceList, err error) {
		w.note(err)
		list = next
	}
	step(list.Change(w.account, trust.ListAdd, w.device.ID(), now))
	step(list.ChangeBy(w.device, trust.ListAdd, other, now+1))
	step(list.Change(w.account, trust.ListRevoke, other, now+2))
	v.List = list.Marshal()
	statements := list.Statements()
	raw := make([][]byte, len(statements))
	for i := range statements {
		raw[i] = wire.Marshal(&statements[i])
		v.Statements = append(v.Statements, raw[i])
	}
	changed := statements[2]
	changed.At++
	v.WrongLists = []WrongList{
		{"a statement left out", wire.Marshal([][]byte{raw[0], raw[2]})},
		{"out of order", wire.Marshal([][]byte{raw[1], raw[0], raw[2]})},
		{"another time", wire.Marshal([][]byte{raw[0], raw[1], wire.Marshal(&changed)})},
		{"nothing", wire.Marshal([][]byte{})},
	}
}

// recoveryFrames are those of the backup.
func (w *world) recoveryFrames(add func(name string, raw []byte, fields ...any), person []any, sig [64]byte) {
	a := w.account.ID()
	account, sealed := Bytes(a[:]), []byte("a sealed backup")
	p := wire.Person{Account: a, Name: "alice", NameSig: sig, Certificates: [][]byte{[]byte("a certificate")}, List: []byte("a list")}
	add("PutBackup", wire.Encode(&wire.PutBackup{Ref: 20, Serial: 3, Sealed: sealed}), 20, 3, Bytes(sealed))
	add("GetBackup", wire.Encode(&wire.GetBackup{Ref: 21}), 21)
	add("Backup", wire.Encode(&wire.Backup{Ref: 21, Serial: 3, Time: now, Sealed: sealed}), 21, 3, now, Bytes(sealed))
	add("Recover", wire.Encode(&wire.Recover{Account: a, Sig: sig}), account, Bytes(sig[:]))
	add("Recovered", wire.Encode(&wire.Recovered{Person: p, Serial: 3, Time: now, Sealed: sealed}), person, 3, now, Bytes(sealed))
	add("Devices", wire.Encode(&wire.Devices{Account: a}), account)
	add("PutList", wire.Encode(&wire.PutList{Ref: 22, List: []byte("a list")}), 22, Bytes("a list"))
}

// openBackup reads a backup as a new device does.
func openBackup(v Recovery) (*recovery.Backup, error) {
	account, err := trust.ParseAccount(v.Secret)
	if err != nil {
		return nil, err
	}
	return recovery.Open(account, chat.Fingerprint(v.Server), v.Serial, v.Sealed)
}
