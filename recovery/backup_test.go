package recovery

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

func account(t testing.TB) *trust.Account {
	t.Helper()
	a, err := trust.ParseAccount(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

var server = chat.Fingerprint{1, 2, 3}

func example(a *trust.Account) *Backup {
	return &Backup{
		Server: server, Account: a.ID(), Name: "anna", NameSig: a.SignName(server, "anna"), Address: "chat.example.org:7540", ListVersion: 2, Written: 1_790_000_000_000,
		Keys:   []Key{{Generation: 1, Secret: [32]byte{1}}, {Generation: 3, Secret: [32]byte{3}}},
		People: []Person{{Account: chat.AccountID{9}, Name: "bob", ListVersion: 1, Verified: 5, VerifiedBy: "person"}, {Account: chat.AccountID{8}, Name: "carl", Changed: true}},
		Rooms:  []Room{{Name: "lobby", Kind: chat.KeyRoom}, {Name: "a private one", Kind: chat.PrivateRoom}},
	}
}

func sealed(t testing.TB, serial uint64) (*trust.Account, []byte) {
	t.Helper()
	a := account(t)
	raw, err := Seal(a, serial, example(a))
	if err != nil {
		t.Fatal(err)
	}
	return a, raw
}

func TestBackup(t *testing.T) {
	a, raw := sealed(t, 5)
	b, err := Open(a, server, 5, raw)
	if err != nil {
		t.Fatal(err)
	}
	want := example(a)
	want.Version = 1
	if diff := cmp.Diff(want, b, cmpopts.IgnoreUnexported(Backup{}, Key{}, Person{}, Room{})); diff != "" {
		t.Error(diff)
	}
	if (len(raw)-headSize-16)%bucket != 0 {
		t.Errorf("%d bytes", len(raw))
	}
	_, again := sealed(t, 5)
	if bytes.Equal(raw, again) || len(raw) != len(again) {
		t.Error("the same backup is sealed to the same bytes, or of another size")
	}
}

// One bit anywhere, another number, account or server: refused.
func TestDamagedBackup(t *testing.T) {
	a, raw := sealed(t, 5)
	for i := 0; i < len(raw); i += max(1, len(raw)/700) {
		bad := bytes.Clone(raw)
		bad[i] ^= 0x80 >> (i % 8)
		if _, err := Open(a, server, 5, bad); err == nil {
			t.Fatalf("with another bit in byte %d", i)
		}
	}
	want := func(what string, err error, code chat.Code) {
		t.Helper()
		if !errors.Is(err, code) {
			t.Errorf("%s: %v, want %s", what, err, code)
		}
	}
	_, err := Open(a, server, 4, raw)
	want("another number", err, chat.CodeBackupDamaged)
	_, err = Open(trust.NewAccount(), server, 5, raw)
	want("another account", err, chat.CodeBackupDamaged)
	_, err = Open(a, chat.Fingerprint{9}, 5, raw)
	want("another server", err, chat.CodeIdentity)
	moved := bytes.Clone(raw)
	copy(moved[1:], bytes.Repeat([]byte{9}, 16))
	_, err = Open(a, chat.Fingerprint(bytes.Repeat([]byte{9}, 16)), 5, moved)
	want("carried to another server", err, chat.CodeBackupDamaged)
	newer := bytes.Clone(raw)
	newer[0] = 2
	_, err = Open(a, server, 5, newer)
	want("a newer seal", err, chat.CodeBackupNewer)
	for _, n := range []int{0, 1, headSize, headSize + bucket, len(raw) - 1} {
		_, err = Open(a, server, 5, raw[:n])
		want("cut", err, chat.CodeBackupDamaged)
	}
	_, err = Open(a, server, 5, make([]byte, wire.MaxBackup+1))
	want("too large", err, chat.CodeBackupDamaged)
}

// reseal seals bytes that Seal wouldn't.
func reseal(a *trust.Account, padded []byte) []byte {
	out := make([]byte, headSize)
	out[0] = sealVersion
	copy(out[1:], server[:])
	return NewSealer(a, server).aead().Seal(out, out[17:headSize], padded, data(out[:17], a.ID(), 1))
}

func pad(plain []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(plain)))
	b = append(b, plain...)
	return append(b, make([]byte, (bucket-len(b)%bucket)%bucket)...)
}

// What a faulty or later program has sealed is told apart from damage, and never half believed.
func TestSealedNonsense(t *testing.T) {
	a := account(t)
	open := func(padded []byte) error {
		_, err := Open(a, server, 1, reseal(a, padded))
		return err
	}
	good := example(a)
	good.Version = 1
	if err := open(pad(wire.Marshal(good))); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*Backup){
		"another account":   func(b *Backup) { b.Account = chat.AccountID{1} },
		"another server":    func(b *Backup) { b.Server = chat.Fingerprint{9} },
		"no name":           func(b *Backup) { b.Name = "" },
		"no list version":   func(b *Backup) { b.ListVersion = 0 },
		"a key of nothing":  func(b *Backup) { b.Keys[0].Secret = [32]byte{} },
		"generation 0":      func(b *Backup) { b.Keys[0].Generation = 0 },
		"keys out of order": func(b *Backup) { b.Keys[0].Generation = 3 },
		"a person twice":    func(b *Backup) { b.People[1].Account = b.People[0].Account },
		"a bad name":        func(b *Backup) { b.People[1].Name = "\u202ebob" },
		"before time":       func(b *Backup) { b.People[1].Verified = -1 },
		"a bad room":        func(b *Backup) { b.Rooms[0].Name = "Lobby" },
	} {
		b := example(a)
		b.Version = 1
		change(b)
		if err := open(pad(wire.Marshal(b))); !errors.Is(err, chat.CodeBackupDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	later := example(a)
	later.Version = 2
	if err := open(pad(wire.Marshal(later))); !errors.Is(err, chat.CodeBackupNewer) {
		t.Errorf("version 2: %v", err)
	}
	plain := wire.Marshal(good)
	behind := pad(plain)
	behind[len(behind)-1] = 1
	long := append(pad(plain), make([]byte, bucket)...)
	short := pad(plain)
	binary.BigEndian.PutUint32(short, uint32(len(short)))
	for what, padded := range map[string][]byte{"something behind it": behind, "too much padding": long, "a length beyond": short, "no CBOR": make([]byte, bucket)} {
		if err := open(padded); !errors.Is(err, chat.CodeBackupDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestBackupIsBounded(t *testing.T) {
	a := account(t)
	b := example(a)
	for i := range 4000 {
		b.People = append(b.People, Person{Account: chat.AccountID{200, byte(i >> 8), byte(i)}, Name: fmt.Sprintf("p%d", i)})
	}
	if _, err := Seal(a, 1, b); !errors.Is(err, chat.CodeTooLarge) {
		t.Errorf("%v", err)
	}
	b.People = b.People[:1500]
	raw, err := Seal(a, 1, b)
	if err != nil || len(raw) > wire.MaxBackup {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	if got, err := Open(a, server, 1, raw); err != nil || len(got.People) != 1500 {
		t.Errorf("%v", err)
	}
}

func TestKeysAreHidden(t *testing.T) {
	b := example(account(t))
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", b.Keys[0])
	for _, text := range []string{fmt.Sprint(b.Keys), fmt.Sprintf("%v %+v %#v %x", b.Keys[0], b.Keys[0], b.Keys[0], b.Keys[0]), b.Keys[0].String(), b.Keys[0].GoString(), log.String()} {
		if !strings.Contains(text, "[secret]") || strings.Contains(text, "0100") || strings.Contains(text, "1 0 0") {
			t.Error(text)
		}
	}
}

// What opens is written in one way only: parse, then marshal, gives the same bytes.
func FuzzParseBackup(f *testing.F) {
	a := account(f)
	b := example(a)
	b.Version = 1
	f.Add(pad(wire.Marshal(b)))
	b.Keys, b.People, b.Rooms = nil, nil, nil
	f.Add(pad(wire.Marshal(b)))
	f.Fuzz(func(t *testing.T, padded []byte) {
		b, err := parse(padded)
		if err == nil && !bytes.Equal(pad(wire.Marshal(b)), padded) {
			t.Fatal("two forms of one backup")
		}
	})
}

// Nothing but what was sealed opens.
func FuzzOpen(f *testing.F) {
	a, raw := sealed(f, 5)
	want := example(a)
	want.Version = 1
	f.Add(raw)
	f.Add(raw[:headSize])
	f.Fuzz(func(t *testing.T, other []byte) {
		b, err := Open(a, server, 5, other)
		if err == nil && !bytes.Equal(wire.Marshal(b), wire.Marshal(want)) { // each process of the fuzzer has sealed the same under its own nonce
			t.Fatal("it opens")
		}
	})
}
