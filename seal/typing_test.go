package seal_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"

	"huisclos/chat"
	"huisclos/seal"
	"huisclos/trust"
	"huisclos/wire"
)

func typists(t testing.TB, server byte, room byte, turn uint64, key byte) *seal.Typists {
	t.Helper()
	x, err := seal.NewTypists(chat.Fingerprint{server}, chat.RoomID{room}, turn, bytes.Repeat([]byte{key}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// A sign of typing is read where it was made for, and nowhere else; all have one size and none comes twice.
func TestTyping(t *testing.T) {
	const now = 1_700_000_000_000
	alice := trust.NewDevice()
	here := typists(t, 1, 1, 1, 1)
	body := here.Seal(alice.Key(), now, true)
	off := here.Seal(alice.Key(), now, false)
	if len(body) != wire.TypingSize || len(off) != wire.TypingSize || bytes.Equal(body[16:32], here.Seal(alice.Key(), now, true)[16:32]) {
		t.Error("a sign shows what it says")
	}
	got, err := here.Open(body)
	if want := (seal.Typing{Device: alice.ID(), Time: now, On: true}); err != nil || got != want {
		t.Errorf("it says %+v (%v)", got, err)
	}
	for name, there := range map[string]*seal.Typists{
		"another server": typists(t, 2, 1, 1, 1), "another room": typists(t, 1, 2, 1, 1), "another epoch": typists(t, 1, 1, 2, 1), "another key": typists(t, 1, 1, 1, 2),
	} {
		if _, err := there.Open(body); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range body {
		bad := bytes.Clone(body)
		bad[i] ^= 1
		if _, err := here.Open(bad); !errors.Is(err, seal.ErrOpen) {
			t.Fatalf("byte %d may change: %v", i, err)
		}
	}
}

// Whoever has the key can't write in another's name.
func TestTypingForged(t *testing.T) {
	const now = 1_700_000_000_000
	alice, mallory := trust.NewDevice(), trust.NewDevice()
	key := bytes.Repeat([]byte{1}, seal.KeySize)
	cipher, err := seal.New(key)
	if err != nil {
		t.Fatal(err)
	}
	type data struct {
		_      struct{} `cbor:",toarray"`
		Label  string
		Server chat.Fingerprint
		Room   chat.RoomID
		Turn   uint64
	}
	type says struct {
		_      struct{} `cbor:",toarray"`
		Device chat.DeviceID
		Time   int64
		On     bool
	}
	type inner struct {
		_         struct{} `cbor:",toarray"`
		Device    chat.DeviceID
		Time      int64
		On        bool
		Signature [ed25519.SignatureSize]byte
	}
	associated := wire.Marshal(&data{Label: "huisclos/1 typing", Server: chat.Fingerprint{1}, Room: chat.RoomID{1}, Turn: 1})
	forge := func(by *trust.Device, label string) []byte {
		x := says{Device: alice.ID(), Time: now, On: true}
		sig := trust.Sign(by.Key(), label, append(bytes.Clone(associated), wire.Marshal(&x)...))
		plain := wire.Marshal(&inner{Device: x.Device, Time: x.Time, On: x.On, Signature: sig})
		iv := make([]byte, seal.NonceSize)
		return cipher.Seal(iv, iv, plain, associated)
	}
	here := typists(t, 1, 1, 1, 1)
	if _, err := here.Open(forge(alice, "typing")); err != nil {
		t.Errorf("the test forges wrongly: %v", err)
	}
	if _, err := here.Open(forge(mallory, "typing")); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("mallory's: %v", err)
	}
	if _, err := here.Open(forge(alice, "key room message")); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("another use of the key: %v", err)
	}
}

func FuzzTyping(f *testing.F) {
	here := typists(f, 1, 1, 1, 1)
	f.Add(here.Seal(trust.NewDevice().Key(), 1_700_000_000_000, true))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		if x, err := here.Open(body); err == nil && x.Time < 1<<32 {
			t.Errorf("%+v", x)
		}
	})
}
