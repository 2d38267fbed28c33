package trust

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hpke"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"huisclos/chat"
)

// A signature is the one of docs/protocol.md, made here from its words.
func TestSignature(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	public := [32]byte(key.Public().(ed25519.PublicKey))
	sig := Sign(key, "name", []byte("x"))
	if !bytes.Equal(sig[:], ed25519.Sign(key, []byte("HUISCLOS-SIG-1\x04namex"))) {
		t.Error("it isn't Ed25519 over domain, length, label, text")
	}
	if !Verify(public, "name", []byte("x"), sig) {
		t.Error("it doesn't verify")
	}
}

// No signature serves under another label, for another text or another key.
func TestSignaturesAreApart(t *testing.T) {
	account, other := NewAccount(), NewAccount()
	rapid.Check(t, func(t *rapid.T) {
		label := rapid.StringMatching(`[a-z ]{1,40}`).Draw(t, "label")
		text := rapid.SliceOf(rapid.Byte()).Draw(t, "text")
		sig := Sign(account.key, label, text)
		if !Verify(account.ID(), label, text, sig) {
			t.Fatal("it doesn't verify")
		}
		if Verify(other.ID(), label, text, sig) {
			t.Fatal("another's key verifies it")
		}
		if Verify(account.ID(), label+"x", text, sig) || Verify(account.ID(), label, append(text, 0), sig) {
			t.Fatal("it verifies for something else")
		}
		// The border between label and text can't be moved.
		if len(text) > 0 && text[0] < 0x80 && Verify(account.ID(), label+string(text[:1]), text[1:], sig) {
			t.Fatal("the label has grown into the text")
		}
	})
}

// An attacker who names the zero key, or another of small order, gets nothing verified by it.
func TestWeakKeysVerifyNothing(t *testing.T) {
	if Verify([32]byte{}, "name", nil, [64]byte{}) {
		t.Error("the zero key")
	}
	defer func() {
		if recover() == nil {
			t.Error("an empty label is signed under")
		}
	}()
	Sign(NewAccount().key, "", nil)
}

func TestNameSignature(t *testing.T) {
	a, s := NewAccount(), chat.Fingerprint{1}
	sig := a.SignName(s, "alice")
	if !VerifyName(a.ID(), s, "alice", sig) {
		t.Error("the own name")
	}
	if VerifyName(a.ID(), s, "bob", sig) || VerifyName(a.ID(), chat.Fingerprint{2}, "alice", sig) || VerifyName(NewAccount().ID(), s, "alice", sig) {
		t.Error("it serves for another name, server or account")
	}
}

func TestKeysComeBack(t *testing.T) {
	a, d := NewAccount(), NewDevice()
	a2, err := ParseAccount(a.Bytes())
	if err != nil || a2.ID() != a.ID() {
		t.Fatal(err)
	}
	d2, err := ParseDevice(d.Bytes())
	if err != nil || d2.ID() != d.ID() || !bytes.Equal(d2.Bytes(), d.Bytes()) {
		t.Fatal(err)
	}
	sealed, err := hpke.Seal(d.HPKE().PublicKey(), hpke.HKDFSHA512(), hpke.AES256GCM(), nil, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := hpke.Open(d2.HPKE(), hpke.HKDFSHA512(), hpke.AES256GCM(), nil, sealed); err != nil || string(got) != "x" {
		t.Error("the restored device can't open:", err)
	}
	if other := NewAccount(); other.ID() == a.ID() {
		t.Error("two accounts of one key")
	}
}

func TestBadKeys(t *testing.T) {
	device := NewDevice().Bytes()
	for name, b := range map[string][]byte{
		"nothing": nil, "short": make([]byte, 31), "long": make([]byte, 33), "zero": make([]byte, 32),
	} {
		if _, err := ParseAccount(b); !errors.Is(err, ErrKey) {
			t.Errorf("account, %s: %v", name, err)
		}
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "short": device[:63], "long": append(bytes.Clone(device), 0), "zero": make([]byte, 64),
		"zero signing key": append(make([]byte, 32), device[32:]...), "zero HPKE key": append(bytes.Clone(device[:32]), make([]byte, 32)...),
	} {
		if _, err := ParseDevice(b); !errors.Is(err, ErrKey) {
			t.Errorf("device, %s: %v", name, err)
		}
	}
}

func TestKeysDontPrint(t *testing.T) {
	a, d := NewAccount(), NewDevice()
	for name, v := range map[string]any{"account": a, "device": d} {
		j, err := json.Marshal(map[string]any{"key": v})
		if err != nil {
			t.Fatal(err)
		}
		var logged bytes.Buffer
		slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "key", v)
		all := fmt.Sprintf("%v %+v %#v %s %q %x %d", v, v, v, v, v, v, v) + fmt.Sprint(v) + string(j) + logged.String()
		if strings.Count(all, "[secret]") != 10 {
			t.Errorf("%s: %s", name, all)
		}
		if regexp.MustCompile(`[0-9a-f]{16}|\d+ \d+ \d+`).MatchString(all) {
			t.Errorf("%s prints something else: %s", name, all)
		}
	}
}

func certificate() (*Account, *Device, Certificate) {
	a, d := NewAccount(), NewDevice()
	return a, d, Certify(a, d, 1, 1_790_000_000_000)
}

func TestCertificate(t *testing.T) {
	a, d, c := certificate()
	raw := c.Marshal()
	got, err := ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Verify(); err != nil {
		t.Fatal(err)
	}
	if got.Account != a.ID() || got.Device != d.ID() || got.ListVersion != 1 || got.Issued != 1_790_000_000_000 || !bytes.Equal(got.HPKE, d.HPKE().PublicKey().Bytes()) {
		t.Errorf("%+v", got)
	}
	if !bytes.Equal(got.Marshal(), raw) {
		t.Error("two forms")
	}
}

// Every bit of a certificate counts.
func TestChangedCertificate(t *testing.T) {
	_, _, c := certificate()
	raw := c.Marshal()
	for i := range 8 * len(raw) {
		bad := bytes.Clone(raw)
		bad[i/8] ^= 1 << (i % 8)
		got, err := ParseCertificate(bad)
		if err == nil {
			err = got.Verify()
		}
		if !errors.Is(err, ErrCertificate) {
			t.Fatalf("bit %d: %v", i, err)
		}
	}
	for n := range raw {
		if _, err := ParseCertificate(raw[:n]); !errors.Is(err, ErrCertificate) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
}

// Mallory can neither take Alice's device for her own account nor put her own device into Alice's account.
func TestStolenCertificate(t *testing.T) {
	alice, laptop, _ := certificate()
	mallory, phone, _ := certificate()
	honest := Certify(alice, laptop, 1, 0)
	for name, forge := range map[string]func(c *Certificate){
		"her device in my account": func(c *Certificate) {
			c.Account = mallory.ID()
			c.Signature = Sign(mallory.key, LabelCertificateAccount, c.body())
		},
		"my device in her account": func(c *Certificate) {
			c.Device = phone.ID()
			c.DeviceSignature = Sign(phone.key, LabelCertificateDevice, c.body())
		},
		"my HPKE key on her device": func(c *Certificate) { c.HPKE = phone.HPKE().PublicKey().Bytes() },
		"a later version":           func(c *Certificate) { c.ListVersion = 2 },
		"another time":              func(c *Certificate) { c.Issued = 1 },
		"signatures swapped":        func(c *Certificate) { c.Signature, c.DeviceSignature = c.DeviceSignature, c.Signature },
		"signed under the other label": func(c *Certificate) {
			c.Signature = Sign(alice.key, LabelCertificateDevice, c.body())
		},
		"no signatures": func(c *Certificate) { c.Signature, c.DeviceSignature = [64]byte{}, [64]byte{} },
	} {
		c := honest
		forge(&c)
		if err := c.Verify(); !errors.Is(err, ErrCertificate) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if honest.Verify() != nil {
		t.Error("the honest one")
	}
}

func TestBadCertificates(t *testing.T) {
	for name, change := range map[string]func(c *Certificate){
		"no account":     func(c *Certificate) { c.Account = chat.AccountID{} },
		"no device":      func(c *Certificate) { c.Device = chat.DeviceID{} },
		"short HPKE key": func(c *Certificate) { c.HPKE = c.HPKE[:HPKESize-1] },
		"no HPKE key":    func(c *Certificate) { c.HPKE = nil },
	} {
		_, _, c := certificate()
		change(&c)
		if _, err := ParseCertificate(c.Marshal()); !errors.Is(err, ErrCertificate) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Rightly signed, but nobody could seal anything to it: ML-KEM's values are out of range.
	a, d, c := certificate()
	c.HPKE = bytes.Repeat([]byte{0xff}, HPKESize)
	c.Signature = Sign(a.key, LabelCertificateAccount, c.body())
	c.DeviceSignature = Sign(d.key, LabelCertificateDevice, c.body())
	if err := c.Verify(); !errors.Is(err, ErrCertificate) {
		t.Errorf("HPKE key of noise: %v", err)
	}
}

func FuzzParseCertificate(f *testing.F) {
	_, _, c := certificate()
	f.Add(c.Marshal())
	_, _, _, _, vouched := household(f)
	f.Add(vouched.Marshal())
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := ParseCertificate(raw)
		if err == nil && !bytes.Equal(c.Marshal(), raw) {
			t.Fatal("two forms of one certificate")
		}
	})
}

func FuzzParseDevice(f *testing.F) {
	f.Add(NewDevice().Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := ParseDevice(raw)
		if err == nil && !bytes.Equal(d.Bytes(), raw) {
			t.Fatal("two forms of one device")
		}
	})
}
