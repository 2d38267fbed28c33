package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// RFC 7518 Appendix B.3.
func TestRFC7518(t *testing.T) {
	var (
		key  = unhex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f")
		text = unhex("41206369706865722073797374656d206d757374206e6f7420626520726571756972656420746f206265207365637265742c20616e64206974206d7573742062652061626c6520746f2066616c6c20696e746f207468652068616e6473206f662074686520656e656d7920776974686f757420696e636f6e76656e69656e6365")
		iv   = unhex("1af38c2dc2b96ffdd86694092341bc04")
		data = unhex("546865207365636f6e64207072696e6369706c65206f662041756775737465204b6572636b686f666673")
		want = unhex("4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd822c301dd67c373bccb584ad3e9279c2e6d12a1374b77f077553df829410446b36ebd97066296ae6427ea75c2e0846a11a09ccf5370dc80bfecbad28c73f09b3a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51950bbe2638d09dd7a4930930806d0703b1f6" +
			"4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5")
	)
	a, err := New(key)
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Seal(nil, iv, text, data); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
	got, err := a.Open(nil, iv, want, data)
	if err != nil || !bytes.Equal(got, text) {
		t.Errorf("Open: %x, %v", got, err)
	}
}

func testKey() []byte {
	key := make([]byte, KeySize)
	for i := range key {
		key[i] = byte(i)
	}
	return key
}

func TestAEAD(t *testing.T) {
	a, err := New(testKey())
	if err != nil {
		t.Fatal(err)
	}
	if a.NonceSize() != 16 || a.Overhead() != 48 {
		t.Error("sizes")
	}
	bytesOf := func(t *rapid.T, name string, most int) []byte {
		return rapid.SliceOfN(rapid.Byte(), 0, most).Draw(t, name)
	}
	rapid.Check(t, func(t *rapid.T) {
		text, data, prefix := bytesOf(t, "text", 100), bytesOf(t, "data", 50), bytesOf(t, "prefix", 20)
		iv := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "iv")
		sealed := a.Seal(bytes.Clone(prefix), iv, text, data)
		if !bytes.HasPrefix(sealed, prefix) {
			t.Fatal("Seal doesn't append")
		}
		sealed = sealed[len(prefix):]
		if n := len(sealed) - len(text); n < 33 || n > 48 {
			t.Fatalf("%d bytes longer", n)
		}
		opened, err := a.Open(bytes.Clone(prefix), iv, sealed, data)
		if err != nil || !bytes.Equal(opened, append(prefix, text...)) {
			t.Fatalf("Open: %v", err)
		}
		// In place, as cipher.AEAD allows.
		buffer := append(make([]byte, 0, 200), text...)
		inPlace := a.Seal(buffer[:0], iv, buffer, data)
		if !bytes.Equal(inPlace, sealed) {
			t.Fatal("sealing in place differs")
		}
		if opened, err := a.Open(inPlace[:0], iv, inPlace, data); err != nil || !bytes.Equal(opened, text) {
			t.Fatalf("opening in place: %v", err)
		}
	})
}

// Whatever is changed, the answer is the one error, and nothing is given out.
func TestOneErrorForEveryFailure(t *testing.T) {
	a, _ := New(testKey())
	iv, data := make([]byte, 16), []byte("data")
	sealed := a.Seal(nil, iv, []byte("twenty bytes of text"), data)
	try := func(name string, iv, sealed, data []byte) {
		t.Helper()
		if got, err := a.Open(nil, iv, sealed, data); err != ErrOpen || got != nil { //nolint:errorlint // exactly this one
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
	for i := range sealed {
		for bit := range 8 {
			bad := bytes.Clone(sealed)
			bad[i] ^= 1 << bit
			try("a bit of it", iv, bad, data)
		}
	}
	for n := range sealed {
		try("cut", iv, sealed[:n], data)
		try("cut in front", iv, sealed[n+1:], data)
	}
	for i := range iv {
		bad := bytes.Clone(iv)
		bad[i] ^= 0x80
		try("IV", bad, sealed, data)
	}
	try("IV's length", iv[:15], sealed, data)
	try("no IV", nil, sealed, data)
	try("data", iv, sealed, []byte("datA"))
	try("no data", iv, sealed, nil)
	try("longer", iv, append(bytes.Clone(sealed), make([]byte, 16)...), data)

	other := testKey()
	other[0] ^= 1
	b, _ := New(other)
	if _, err := b.Open(nil, iv, sealed, data); !errors.Is(err, ErrOpen) {
		t.Error("another MAC key:", err)
	}
}

// Padding that is wrong under a right tag is the same error.
func TestWrongPaddingUnderARightTag(t *testing.T) {
	key := testKey()
	a, _ := New(key)
	block, _ := aes.NewCipher(key[32:])
	iv := make([]byte, 16)
	for name, last := range map[string][]byte{
		"zero":     bytes.Repeat([]byte{0}, 16),
		"too long": bytes.Repeat([]byte{17}, 16),
		"255":      bytes.Repeat([]byte{255}, 16),
		"uneven":   append(bytes.Repeat([]byte{3}, 15), 4),
	} {
		sealed := make([]byte, 16)
		cipher.NewCBCEncrypter(block, iv).CryptBlocks(sealed, last)
		m := hmac.New(sha512.New, key[:32])
		m.Write(iv)
		m.Write(sealed)
		m.Write(make([]byte, 8))
		sealed = append(sealed, m.Sum(nil)[:32]...)
		if got, err := a.Open(nil, iv, sealed, nil); err != ErrOpen || got != nil { //nolint:errorlint // exactly this one
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
}

func TestKeysRefused(t *testing.T) {
	for _, key := range [][]byte{nil, make([]byte, 32), make([]byte, 63), make([]byte, 65)} {
		if _, err := New(key); !errors.Is(err, ErrKey) {
			t.Errorf("%d bytes: %v", len(key), err)
		}
	}
	key := testKey()
	a, _ := New(key)
	before := a.Seal(nil, make([]byte, 16), []byte("x"), nil)
	clear(key)
	if !bytes.Equal(before, a.Seal(nil, make([]byte, 16), []byte("x"), nil)) {
		t.Error("the key is shared with the caller")
	}
}

func TestManyGoroutines(t *testing.T) {
	a, _ := New(testKey())
	want := a.Seal(nil, make([]byte, 16), []byte("text"), []byte("data"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if got := a.Seal(nil, make([]byte, 16), []byte("text"), []byte("data")); !bytes.Equal(got, want) {
					t.Error("differs")
					return
				}
			}
		})
	}
	wg.Wait()
}

func FuzzOpen(f *testing.F) {
	a, _ := New(testKey())
	iv := make([]byte, 16)
	f.Add(a.Seal(bytes.Clone(iv), iv, []byte("text"), []byte("data")), []byte("data"))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, raw, data []byte) {
		if len(raw) < 16 {
			return
		}
		text, err := a.Open(nil, raw[:16], raw[16:], data)
		if err == nil && !bytes.Equal(a.Seal(nil, raw[:16], text, data), raw[16:]) {
			t.Fatal("two forms of one message")
		}
	})
}
