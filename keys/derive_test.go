package keys

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/sha512"
	"errors"
	"testing"

	"huisclos/chat"
)

// Every derivation differs by server, generation, room and purpose.
func TestDerivationsAreApart(t *testing.T) {
	secret := append(make([]byte, Size-1), 7)
	k, _ := FromBytes(server, secret)
	elsewhere, _ := FromBytes(chat.Fingerprint{9}, secret)
	seen := map[string]string{}
	add := func(name string, b []byte) {
		if other, ok := seen[string(b[:32])]; ok {
			t.Errorf("%s = %s", name, other)
		}
		seen[string(b[:32])] = name
	}
	for g := chat.Generation(1); g < 4; g++ {
		add("access", k.Access(g).Seed())
		add("link", k.derive(g, labelLink, 32))
		for room := range byte(3) {
			key := k.Room(g, chat.RoomID{room})
			if len(key) != RoomKeySize {
				t.Fatal("length")
			}
			add("room", key)
			add("room, second half", key[32:])
		}
	}
	add("other server", elsewhere.Access(1).Seed())
	add("other server's room", elsewhere.Room(1, chat.RoomID{}))
}

// The derivation is the one of docs/protocol.md.
func TestDerivation(t *testing.T) {
	k, _ := FromBytes(server, append(make([]byte, Size-1), 7))
	salt := append(append([]byte(nil), server[:]...), 0, 0, 1, 2)
	want, _ := hkdf.Key(sha512.New, k.Bytes(), salt, "huisclos/1 key room"+string(make([]byte, 16)), 64)
	if !bytes.Equal(k.Room(0x102, chat.RoomID{}), want) {
		t.Error("the key of a room")
	}
}

func TestAccess(t *testing.T) {
	k := New(server)
	public := k.AccessPublic(3)
	if !ed25519.Verify(public[:], []byte("x"), ed25519.Sign(k.Access(3), []byte("x"))) {
		t.Error("the pair doesn't fit")
	}
	if !k.Fits(3, public) || k.Fits(2, public) || New(server).Fits(3, public) {
		t.Error("Fits is wrong")
	}
}

func TestLinkBetweenGenerations(t *testing.T) {
	old, next := New(server), New(server)
	link, err := SealLink(next, 2, old)
	if err != nil || len(link) != linkSize {
		t.Fatal(len(link), err)
	}
	if got, err := OpenLink(next, 2, link); err != nil || !got.Equal(old) {
		t.Error("a newcomer can't read back:", err)
	}
	if _, err := OpenLink(old, 2, link); !errors.Is(err, chat.CodeKeyWrong) {
		t.Error("the old key opens it:", err)
	}
	if _, err := OpenLink(next, 3, link); !errors.Is(err, chat.CodeKeyWrong) {
		t.Error("it opens as another generation's:", err)
	}
	for i := range link {
		bad := bytes.Clone(link)
		bad[i] ^= 1
		if _, err := OpenLink(next, 2, bad); !errors.Is(err, chat.CodeKeyWrong) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	if _, err := SealLink(next, 1, old); err == nil {
		t.Error("a link of the first generation")
	}
	if _, err := SealLink(next, 2, New(chat.Fingerprint{5})); err == nil {
		t.Error("a link to another server's key")
	}
}

func TestGrant(t *testing.T) {
	private, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	k, account, device := New(server), chat.AccountID{1}, chat.DeviceID{2}
	grant, err := SealGrant(k, 2, account, device, private.PublicKey().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenGrant(server, 2, account, device, private, grant)
	if err != nil || !got.Equal(k) {
		t.Fatal(err)
	}
	other, _ := hpke.MLKEM768X25519().GenerateKey()
	for name, open := range map[string]func() (Key, error){
		"another generation": func() (Key, error) { return OpenGrant(server, 3, account, device, private, grant) },
		"another server":     func() (Key, error) { return OpenGrant(chat.Fingerprint{9}, 2, account, device, private, grant) },
		"another account":    func() (Key, error) { return OpenGrant(server, 2, chat.AccountID{3}, device, private, grant) },
		"another device":     func() (Key, error) { return OpenGrant(server, 2, account, chat.DeviceID{3}, private, grant) },
		"another key":        func() (Key, error) { return OpenGrant(server, 2, account, device, other, grant) },
		"cut":                func() (Key, error) { return OpenGrant(server, 2, account, device, private, grant[:100]) },
		"nothing":            func() (Key, error) { return OpenGrant(server, 2, account, device, private, nil) },
	} {
		if _, err := open(); !errors.Is(err, chat.CodeKeyWrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := SealGrant(k, 2, account, device, []byte("no key")); !errors.Is(err, chat.CodeAuth) {
		t.Errorf("sealed to no key: %v", err)
	}
}
