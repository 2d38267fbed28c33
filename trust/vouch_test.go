package trust

import (
	"bytes"
	"errors"
	"testing"

	"huisclos/chat"
	"huisclos/wire"
)

// household is an account with a laptop that the account's key has added, and a phone that the laptop has let in.
func household(t testing.TB) (a *Account, laptop, phone *Device, l *DeviceList, c Certificate) {
	t.Helper()
	a, laptop, phone = NewAccount(), NewDevice(), NewDevice()
	l = chain(t, NewDeviceList(listServer, a.ID()),
		func(l *DeviceList) (*DeviceList, error) { return l.Change(a, ListAdd, laptop.ID(), 1) },
		func(l *DeviceList) (*DeviceList, error) { return l.ChangeBy(laptop, ListAdd, phone.ID(), 2) },
	)
	c, err := phone.Countersign(laptop.Vouch(a.ID(), phone.Applicant(), 2, 2))
	if err != nil {
		t.Fatal(err)
	}
	return a, laptop, phone, l, c
}

func TestVouchedCertificate(t *testing.T) {
	a, laptop, phone, l, c := household(t)
	got, err := ParseCertificate(c.Marshal())
	if err != nil || got.Voucher != laptop.ID() || got.Device != phone.ID() || !bytes.Equal(got.Marshal(), c.Marshal()) {
		t.Fatal(got.Voucher, err)
	}
	if err := got.VerifyBy(l); err != nil {
		t.Error("with its list:", err)
	}
	if by, ok := l.VouchedBy(phone.ID()); !ok || by != laptop.ID() {
		t.Error("who has let it in:", by, ok)
	}
	if _, ok := l.VouchedBy(laptop.ID()); ok {
		t.Error("a device has let the first one in")
	}
	for _, err := range []error{got.Verify(), got.VerifyBy(nil), got.VerifyBy(NewDeviceList(listServer, a.ID()))} {
		if !errors.Is(err, ErrCertificate) {
			t.Error("without its list:", err)
		}
	}
	// What the account has signed needs none, and is what it was before.
	plain := Certify(a, laptop, 1, 1)
	if plain.Verify() != nil || plain.VerifyBy(nil) != nil || plain.VerifyBy(l) != nil {
		t.Error("an account's own certificate needs a list")
	}
	// The phone may let in others in turn, also once the laptop is revoked; the laptop can't any more.
	tablet := NewDevice()
	later := chain(t, l,
		func(l *DeviceList) (*DeviceList, error) { return l.Change(a, ListRevoke, laptop.ID(), 3) },
		func(l *DeviceList) (*DeviceList, error) { return l.ChangeBy(phone, ListAdd, tablet.ID(), 4) })
	second, err := tablet.Countersign(phone.Vouch(a.ID(), tablet.Applicant(), 4, 4))
	if err != nil || second.VerifyBy(later) != nil || got.VerifyBy(later) != nil {
		t.Error("after the voucher's revocation:", err)
	}
	if _, err := later.ChangeBy(laptop, ListAdd, NewDevice().ID(), 5); !errors.Is(err, ErrListed) {
		t.Error("a revoked device lets others in:", err)
	}
}

func TestForgedVouching(t *testing.T) {
	a, laptop, phone, l, c := household(t)
	thief := NewDevice()
	revoked := chain(t, l, func(l *DeviceList) (*DeviceList, error) { return l.Change(a, ListRevoke, laptop.ID(), 3) })
	// What a thief of the laptop makes after its revocation: upon a list from before it.
	forked := chain(t, l, func(l *DeviceList) (*DeviceList, error) { return l.ChangeBy(laptop, ListAdd, thief.ID(), 4) })
	stolen, err := thief.Countersign(laptop.Vouch(a.ID(), thief.Applicant(), 3, 4))
	if err != nil {
		t.Fatal(err)
	}
	if stolen.VerifyBy(forked) != nil {
		t.Fatal("the forgery isn't one")
	}
	if !errors.Is(stolen.VerifyBy(revoked), ErrCertificate) {
		t.Error("a revoked device lets a thief in")
	}
	if forked.Extends(revoked) || revoked.Extends(forked) {
		t.Error("the thief's list continues the true one")
	}
	if _, err := ParseDeviceList(listServer, a.ID(), forge(chain(t, revoked, func(l *DeviceList) (*DeviceList, error) {
		return l.Change(a, ListAdd, thief.ID(), 4)
	}), func(s *Statement) { s.Signer = laptop.ID() }, func(label string, x []byte) [64]byte { return Sign(laptop.key, label, x) })); !errors.Is(err, ErrDeviceList) {
		t.Error("a list in which a revoked device adds:", err)
	}
	for what, change := range map[string]func(c *Certificate) error{
		"before it was added":     func(c *Certificate) error { return c.VerifyBy(l.Upto(1)) },
		"another account's list":  func(c *Certificate) error { return c.VerifyBy(other(t, laptop, phone)) },
		"another version":         func(c *Certificate) error { c.ListVersion = 1; resign(c, laptop, phone); return c.VerifyBy(l) },
		"version 0":               func(c *Certificate) error { c.ListVersion = 0; resign(c, laptop, phone); return c.VerifyBy(l) },
		"a version to come":       func(c *Certificate) error { c.ListVersion = 3; resign(c, laptop, phone); return c.VerifyBy(l) },
		"another voucher":         func(c *Certificate) error { c.Voucher = thief.ID(); resign(c, thief, phone); return c.VerifyBy(l) },
		"another device":          func(c *Certificate) error { c.Device = thief.ID(); resign(c, laptop, thief); return c.VerifyBy(l) },
		"the voucher's by others": func(c *Certificate) error { resign(c, thief, phone); return c.VerifyBy(l) },
		"the device's by others":  func(c *Certificate) error { resign(c, laptop, thief); return c.VerifyBy(l) },
		"no signature of the voucher": func(c *Certificate) error {
			c.Signature = [64]byte{}
			return c.VerifyBy(l)
		},
		"no signature of the device": func(c *Certificate) error { c.DeviceSignature = [64]byte{}; return c.VerifyBy(l) },
		"another HPKE key":           func(c *Certificate) error { c.HPKE = thief.Applicant().HPKE; return c.VerifyBy(l) },
		"as if the account had signed": func(c *Certificate) error {
			c.Voucher = chat.DeviceID{}
			resign(c, laptop, phone)
			return c.VerifyBy(l)
		},
		"the account's signature for the voucher's": func(c *Certificate) error {
			c.Signature = Sign(a.key, LabelCertificateAccount, c.body())
			return c.VerifyBy(l)
		},
	} {
		changed := c
		if err := change(&changed); !errors.Is(err, ErrCertificate) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// The account's signature isn't good with a voucher's name beside it, nor a voucher's for the account's.
	if plain := Certify(a, phone, 2, 2); func() error { plain.Voucher = laptop.ID(); return plain.VerifyBy(l) }() == nil {
		t.Error("a voucher is put into an account's certificate")
	}
	// An added statement of the account's key isn't a voucher's word.
	byAccount := chain(t, NewDeviceList(listServer, a.ID()), func(l *DeviceList) (*DeviceList, error) { return l.Change(a, ListAdd, laptop.ID(), 1) },
		func(l *DeviceList) (*DeviceList, error) { return l.Change(a, ListAdd, phone.ID(), 2) })
	if !errors.Is(c.VerifyBy(byAccount), ErrCertificate) {
		t.Error("the account has added it, and the laptop says it was itself")
	}
	self := c
	self.Voucher = self.Device
	if _, err := ParseCertificate(self.Marshal()); !errors.Is(err, ErrCertificate) {
		t.Error("vouched for by itself:", err)
	}
	zero := wire.Marshal(&byDevice{Account: c.Account, Device: c.Device, HPKE: c.HPKE, ListVersion: 2, Issued: 2, Signature: c.Signature, DeviceSignature: c.DeviceSignature})
	if _, err := ParseCertificate(zero); !errors.Is(err, ErrCertificate) {
		t.Error("vouched for by nobody:", err)
	}
	if _, err := thief.Countersign(laptop.Vouch(a.ID(), phone.Applicant(), 2, 2)); !errors.Is(err, ErrCertificate) {
		t.Error("another device's certificate is countersigned:", err)
	}
	mixed := laptop.Vouch(a.ID(), Applicant{Device: phone.ID(), HPKE: thief.Applicant().HPKE}, 2, 2)
	if _, err := phone.Countersign(mixed); !errors.Is(err, ErrCertificate) {
		t.Error("a certificate with another's HPKE key is countersigned:", err)
	}
}

// other is a list of the same devices under another account.
func other(t *testing.T, laptop, phone *Device) *DeviceList {
	a := NewAccount()
	return chain(t, NewDeviceList(listServer, a.ID()),
		func(l *DeviceList) (*DeviceList, error) { return l.Change(a, ListAdd, laptop.ID(), 1) },
		func(l *DeviceList) (*DeviceList, error) { return l.ChangeBy(laptop, ListAdd, phone.ID(), 2) })
}

func resign(c *Certificate, voucher, device *Device) {
	c.Signature = Sign(voucher.key, LabelCertificateVoucher, c.body())
	c.DeviceSignature = Sign(device.key, LabelCertificateDevice, c.body())
}

func TestProof(t *testing.T) {
	a, laptop, phone, l, c := household(t)
	long := chain(t, l, func(l *DeviceList) (*DeviceList, error) { return l.ChangeBy(laptop, ListAdd, NewDevice().ID(), 3) })
	raw, err := Prove(c, long)
	if err != nil {
		t.Fatal(err)
	}
	got, list, err := ParseProof(listServer, raw)
	if err != nil || got.Device != phone.ID() || list.Version() != 2 || !long.Extends(list) {
		t.Error("a proof:", err)
	}
	if !bytes.Equal(JoinProof(c.Marshal(), l.Marshal()), raw) {
		t.Error("joined it is another one")
	}
	plain := Certify(a, laptop, 1, 1)
	if raw, err := Prove(plain, nil); err != nil || !bytes.Equal(raw, plain.Marshal()) || !bytes.Equal(JoinProof(raw, l.Marshal()), raw) {
		t.Error("the account's own certificate isn't its proof:", err)
	}
	if _, list, err := ParseProof(listServer, plain.Marshal()); err != nil || list != nil {
		t.Error(err)
	}
	if _, err := Prove(c, l.Upto(1)); !errors.Is(err, ErrCertificate) {
		t.Error("proven by a list without it:", err)
	}
	gone := chain(t, long, func(l *DeviceList) (*DeviceList, error) { return l.Change(a, ListRevoke, phone.ID(), 4) })
	for what, raw := range map[string][]byte{
		"the certificate alone":  c.Marshal(),
		"an empty list":          wire.Marshal(&proof{Certificate: c.Marshal()}),
		"too short a list":       JoinProof(c.Marshal(), l.Upto(1).Marshal()),
		"a list that revokes it": JoinProof(c.Marshal(), gone.Marshal()),
		"another's list":         JoinProof(c.Marshal(), other(t, laptop, phone).Marshal()),
		"one that needs no list": wire.Marshal(&proof{Certificate: plain.Marshal(), List: l.Marshal()}),
		"a byte behind it":       append(bytes.Clone(raw), 0),
		"nothing":                nil,
	} {
		if _, _, err := ParseProof(listServer, raw); !errors.Is(err, ErrCertificate) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, _, err := ParseProof(chat.Fingerprint{6}, raw); !errors.Is(err, ErrCertificate) {
		t.Error("on another server:", err)
	}
}

// A thief of a device can't fill the list: the account's key can always add another.
func TestDevicesLeaveRoomInTheList(t *testing.T) {
	a, laptop := NewAccount(), NewDevice()
	l, err := NewDeviceList(listServer, a.ID()).Change(a, ListAdd, laptop.ID(), 1)
	if err != nil {
		t.Fatal(err)
	}
	n := 1
	for ; ; n++ {
		next, err := l.ChangeBy(laptop, ListAdd, chat.DeviceID{1, byte(n)}, 1)
		if err != nil {
			break
		}
		l = next
	}
	if n != maxByDevices {
		t.Errorf("devices bring it to %d", n)
	}
	if _, err := ParseDeviceList(listServer, a.ID(), l.Marshal()); err != nil {
		t.Error(err)
	}
	full, err := l.Change(a, ListAdd, chat.DeviceID{2}, 2)
	if err != nil {
		t.Fatal("the account's key can't add one:", err)
	}
	forged := forge(full, func(s *Statement) { s.Signer = laptop.ID() }, func(label string, x []byte) [64]byte { return Sign(laptop.key, label, x) })
	if _, err := ParseDeviceList(listServer, a.ID(), forged); !errors.Is(err, ErrDeviceList) {
		t.Error("a device adds one more:", err)
	}
}

func FuzzParseProof(f *testing.F) {
	_, _, _, l, c := household(f)
	f.Add(JoinProof(c.Marshal(), l.Marshal()))
	f.Add(c.Marshal())
	f.Add(l.Marshal())
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, list, err := ParseProof(listServer, raw)
		if err != nil {
			return
		}
		if got.VerifyBy(list) != nil || !got.Voucher.IsZero() && (list == nil || !list.Has(got.Device)) {
			t.Fatal("a proof of nothing")
		}
		if !got.Voucher.IsZero() && !bytes.Equal(JoinProof(got.Marshal(), list.Marshal()), raw) {
			t.Fatal("two forms of one proof")
		}
	})
}
