package seal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"errors"
	"testing"

	"huisclos/chat"
	"huisclos/trust"
	"huisclos/wire"
)

var (
	server = chat.Fingerprint{1}
	lobby  = chat.KeyRoomID(server, chat.Lobby)
)

func testDevice(seed byte) (ed25519.PrivateKey, chat.DeviceID) {
	k := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))
	return k, chat.DeviceID(k.Public().(ed25519.PublicKey))
}

func testRoom(t testing.TB, room chat.RoomID, g chat.Generation) *Room {
	r, err := NewRoom(server, room, g, testKey())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func testHeader() (ed25519.PrivateKey, wire.Envelope) {
	key, id := testDevice(1)
	return key, wire.Envelope{
		Account: chat.AccountID{7}, Device: id, ID: chat.MessageID{9}, Counter: 3,
		Previous: [32]byte{4}, SeenSeq: 5, SeenHash: [32]byte{6},
	}
}

func parse(t testing.TB, raw []byte) *wire.Envelope {
	var env wire.Envelope
	if err := wire.Unmarshal(raw, &env); err != nil {
		t.Fatal(err)
	}
	return &env
}

func TestMessageComesBack(t *testing.T) {
	r := testRoom(t, lobby, 1)
	device, header := testHeader()
	for _, n := range []int{0, 1, 22, 23, 24, 60, 61, 62, 255, 256, 300, 5000, 65535, 65536, 200_000} {
		content := bytes.Repeat([]byte{'x'}, n)
		raw := r.Seal(header, device, content)
		env := parse(t, raw)
		if env.Room != lobby || env.Generation != 1 || env.Version != 1 || env.Counter != 3 {
			t.Fatalf("header: %+v", env)
		}
		got, err := r.Open(env)
		if err != nil || !bytes.Equal(got, content) {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if size := EnvelopeSize(n); len(raw) > size || size-len(raw) > 32 {
			t.Errorf("%d bytes make %d, bound %d", n, len(raw), size)
		}
	}
}

func TestEqualMessagesLookDifferentAndShortOnesAlike(t *testing.T) {
	r := testRoom(t, lobby, 1)
	device, header := testHeader()
	a, b := parse(t, r.Seal(header, device, []byte("yes"))), parse(t, r.Seal(header, device, []byte("yes")))
	if bytes.Equal(a.Sealed[:16], b.Sealed[:16]) || bytes.Equal(a.Sealed[16:], b.Sealed[16:]) {
		t.Error("the IV repeats")
	}
	c := parse(t, r.Seal(header, device, bytes.Repeat([]byte("no"), 25)))
	if len(a.Sealed) != len(c.Sealed) {
		t.Error("the length tells two short messages apart")
	}
}

// A message belongs to its room, generation, server, sender and place.
func TestNothingCanBeCarriedElsewhere(t *testing.T) {
	r := testRoom(t, lobby, 1)
	device, header := testHeader()
	_, other := testDevice(2)
	raw := r.Seal(header, device, []byte("hello"))
	for name, change := range map[string]func(*wire.Envelope){
		"version":    func(e *wire.Envelope) { e.Version = 2 },
		"room":       func(e *wire.Envelope) { e.Room[0] ^= 1 },
		"generation": func(e *wire.Envelope) { e.Generation = 2 },
		"account":    func(e *wire.Envelope) { e.Account[0] ^= 1 },
		"device":     func(e *wire.Envelope) { e.Device = other },
		"ID":         func(e *wire.Envelope) { e.ID[0] ^= 1 },
		"counter":    func(e *wire.Envelope) { e.Counter++ },
		"previous":   func(e *wire.Envelope) { e.Previous[0] ^= 1 },
		"seen":       func(e *wire.Envelope) { e.SeenSeq++ },
		"seen hash":  func(e *wire.Envelope) { e.SeenHash[31] ^= 1 },
		"sealed":     func(e *wire.Envelope) { e.Sealed[20] ^= 1 },
		"IV":         func(e *wire.Envelope) { e.Sealed[0] ^= 1 },
		"cut":        func(e *wire.Envelope) { e.Sealed = e.Sealed[:15] },
		"empty":      func(e *wire.Envelope) { e.Sealed = nil },
	} {
		env := parse(t, raw)
		change(env)
		if got, err := r.Open(env); !errors.Is(err, ErrOpen) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, elsewhere := range map[string]*Room{
		"another room":       testRoom(t, chat.RoomID{1}, 1),
		"another generation": testRoom(t, lobby, 2),
	} {
		env := parse(t, raw)
		env.Room, env.Generation = elsewhere.room, elsewhere.generation
		if _, err := elsewhere.Open(env); !errors.Is(err, ErrOpen) {
			t.Errorf("%s opens it: %v", name, err)
		}
	}
	foreign, _ := NewRoom(chat.Fingerprint{2}, lobby, 1, testKey())
	if _, err := foreign.Open(parse(t, raw)); !errors.Is(err, ErrOpen) {
		t.Errorf("another server's room opens it: %v", err)
	}
}

// A member holds the room's key: what keeps him from writing in another's name is the signature alone.
func TestMemberCannotSignForAnother(t *testing.T) {
	r := testRoom(t, lobby, 1)
	mallory, _ := testDevice(66)
	_, header := testHeader() // alice's
	if _, err := r.Open(parse(t, r.Seal(header, mallory, []byte("I am alice")))); !errors.Is(err, ErrOpen) {
		t.Errorf("accepted: %v", err)
	}
	// A signature of alice's over the same content in another place doesn't serve either.
	alice, _ := testDevice(1)
	env := header
	env.Version, env.Room, env.Generation = 1, lobby, 1
	elsewhere := env
	elsewhere.Counter++
	sig := trust.Sign(alice, LabelMessage, signed(r.data(&elsewhere), []byte("yes")))
	if _, err := r.Open(sealRaw(r, env, pad(wire.Marshal(&inner{Signature: sig, Content: []byte("yes")})))); !errors.Is(err, ErrOpen) {
		t.Errorf("accepted a signature of another place: %v", err)
	}
}

func pad(b []byte) []byte { return append(b, make([]byte, PaddedSize(len(b))-len(b))...) }

// sealRaw seals a plaintext as it is.
func sealRaw(r *Room, env wire.Envelope, plain []byte) *wire.Envelope {
	iv := make([]byte, NonceSize)
	env.Sealed = r.cipher.Seal(iv, iv, plain, r.data(&env))
	return &env
}

func TestPaddingIsStrict(t *testing.T) {
	r := testRoom(t, lobby, 1)
	device, env := testHeader()
	env.Version, env.Room, env.Generation = 1, lobby, 1
	sum := sha512.Sum512([]byte("hi"))
	good := wire.Marshal(&inner{Signature: trust.Sign(device, LabelMessage, append(r.data(&env), sum[:]...)), Content: []byte("hi")})
	if got, err := r.Open(sealRaw(r, env, pad(bytes.Clone(good)))); err != nil || string(got) != "hi" {
		t.Fatalf("%q, %v", got, err)
	}
	long := append(append(bytes.Clone(good[:67]), 0x58, 2), "hi"...) // the length in more bytes than it needs
	for name, plain := range map[string][]byte{
		"not padded":   good,
		"two buckets":  append(pad(bytes.Clone(good)), make([]byte, 128)...),
		"rubbish":      append(pad(bytes.Clone(good))[:127], 1),
		"long length":  pad(long),
		"empty":        {},
		"only zeros":   make([]byte, 128),
		"cut":          good[:60],
		"over the end": append(append(bytes.Clone(good[:67]), 0x5a, 0xff, 0xff, 0xff, 0xff), make([]byte, 56)...),
		"indefinite":   append(append(bytes.Clone(good[:67]), 0x5f), make([]byte, 60)...),
	} {
		if got, err := r.Open(sealRaw(r, env, plain)); !errors.Is(err, ErrOpen) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestBuckets(t *testing.T) {
	last := 0
	for n := range 100_000 {
		p := PaddedSize(n)
		if p < n || p < last || p%minBucket != 0 || n > 4096 && float64(p-n) > 0.125*float64(n) || n <= 4096 && p-n >= minBucket {
			t.Fatalf("PaddedSize(%d) = %d", n, p)
		}
		if PaddedSize(p) != p {
			t.Fatalf("PaddedSize(%d) isn't a bucket", p)
		}
		last = p
	}
	for _, limit := range []int{1000, 64 << 10, 1 << 20} {
		n := MaxContent(limit)
		if EnvelopeSize(n) > limit || EnvelopeSize(n+1) <= limit {
			t.Errorf("MaxContent(%d) = %d", limit, n)
		}
	}
	if MaxContent(10) != 0 || MaxContent(-1) != 0 {
		t.Error("MaxContent of nothing")
	}
}

func TestNewRoomRefusesBadKeys(t *testing.T) {
	if _, err := NewRoom(server, lobby, 1, make([]byte, 64)); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
}

func FuzzMessage(f *testing.F) {
	r := testRoom(f, lobby, 1)
	device, header := testHeader()
	f.Add([]byte("hello"), r.Seal(header, device, []byte("x")))
	f.Add([]byte{}, []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, content, foreign []byte) {
		got, err := r.Open(parse(t, r.Seal(header, device, content)))
		if err != nil || !bytes.Equal(got, content) {
			t.Fatalf("%v", err)
		}
		// A plaintext under the right key that the device didn't sign is refused, whatever it is.
		env := header
		env.Version, env.Room, env.Generation = 1, lobby, 1
		if _, err := r.Open(sealRaw(r, env, foreign)); !errors.Is(err, ErrOpen) {
			t.Fatal("accepted what nobody signed")
		}
	})
}
