package trust

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"huisclos/chat"
	"huisclos/wire"
)

var listServer = chat.Fingerprint{5}

// chain makes a list out of steps, each of which must be possible.
func chain(t testing.TB, l *DeviceList, steps ...func(*DeviceList) (*DeviceList, error)) *DeviceList {
	t.Helper()
	for i, step := range steps {
		next, err := step(l)
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		l = next
	}
	return l
}

func TestDeviceList(t *testing.T) {
	a, laptop, phone, tablet := NewAccount(), NewDevice(), NewDevice(), NewDevice()
	empty := NewDeviceList(listServer, a.ID())
	l := chain(t, empty,
		func(l *DeviceList) (*DeviceList, error) { return l.Change(a, ListAdd, laptop.ID(), 1) },
		func(l *DeviceList) (*DeviceList, error) { return l.ChangeBy(laptop, ListAdd, phone.ID(), 2) },
		func(l *DeviceList) (*DeviceList, error) { return l.ChangeBy(phone, ListRevoke, phone.ID(), 3) },
		func(l *DeviceList) (*DeviceList, error) { return l.Change(a, ListAdd, tablet.ID(), 4) },
		func(l *DeviceList) (*DeviceList, error) { return l.Change(a, ListRevoke, laptop.ID(), 5) },
	)
	if l.Version() != 5 || l.Has(laptop.ID()) || l.Has(phone.ID()) || !l.Has(tablet.ID()) || len(l.Statements()) != 5 {
		t.Errorf("%+v", l.Statements())
	}
	if at, ok := l.Revoked(laptop.ID()); !ok || at != 5 {
		t.Error(at, ok)
	}
	if _, ok := l.Revoked(tablet.ID()); ok {
		t.Error("revoked")
	}
	got, err := ParseDeviceList(listServer, a.ID(), l.Marshal())
	if err != nil || !got.Same(l) || !bytes.Equal(got.Marshal(), l.Marshal()) {
		t.Fatal(err)
	}
	if empty.Marshal() != nil || !l.Extends(empty) || l.Extends(l) || l.Same(empty) {
		t.Error("the empty one")
	}
	// What can't be done.
	for what, change := range map[string]func() (*DeviceList, error){
		"adding twice":                 func() (*DeviceList, error) { return l.Change(a, ListAdd, tablet.ID(), 6) },
		"coming back":                  func() (*DeviceList, error) { return l.Change(a, ListAdd, phone.ID(), 6) },
		"revoking twice":               func() (*DeviceList, error) { return l.Change(a, ListRevoke, phone.ID(), 6) },
		"revoking who isn't there":     func() (*DeviceList, error) { return l.Change(a, ListRevoke, NewDevice().ID(), 6) },
		"nobody":                       func() (*DeviceList, error) { return l.Change(a, ListAdd, chat.DeviceID{}, 6) },
		"another's key":                func() (*DeviceList, error) { return l.Change(NewAccount(), ListAdd, NewDevice().ID(), 6) },
		"a revoked device that adds":   func() (*DeviceList, error) { return l.ChangeBy(phone, ListAdd, NewDevice().ID(), 6) },
		"a device that revokes others": func() (*DeviceList, error) { return l.ChangeBy(tablet, ListRevoke, laptop.ID(), 6) },
		"an unknown action":            func() (*DeviceList, error) { return l.Change(a, 3, NewDevice().ID(), 6) },
	} {
		if _, err := change(); !errors.Is(err, ErrListed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// forge changes the last statement of a list and signs it anew, by whatever key.
func forge(l *DeviceList, change func(*Statement), sign func(label string, x []byte) [64]byte) []byte {
	s := l.statements[len(l.statements)-1]
	change(&s)
	if sign != nil {
		s.Signature = sign(LabelDeviceList, s.body(l.server))
	}
	return wire.Marshal(append(append([][]byte(nil), l.raw[:len(l.raw)-1]...), wire.Marshal(&s)))
}

func TestForgedDeviceLists(t *testing.T) {
	a, laptop, phone, thief := NewAccount(), NewDevice(), NewDevice(), NewDevice()
	l := chain(t, NewDeviceList(listServer, a.ID()),
		func(l *DeviceList) (*DeviceList, error) { return l.Change(a, ListAdd, laptop.ID(), 1) },
		func(l *DeviceList) (*DeviceList, error) { return l.Change(a, ListAdd, phone.ID(), 2) },
		func(l *DeviceList) (*DeviceList, error) { return l.Change(a, ListRevoke, phone.ID(), 3) },
		func(l *DeviceList) (*DeviceList, error) { return l.Change(a, ListAdd, NewDevice().ID(), 4) },
	)
	by := func(d *Device) func(string, []byte) [64]byte {
		return func(label string, x []byte) [64]byte { return Sign(d.key, label, x) }
	}
	for what, raw := range map[string][]byte{
		"nothing":                      nil,
		"no statements":                wire.Marshal([][]byte{}),
		"no CBOR":                      []byte("x"),
		"a byte behind it":             append(l.Marshal(), 0),
		"another device":               forge(l, func(s *Statement) { s.Device = thief.ID() }, nil),
		"another time":                 forge(l, func(s *Statement) { s.At++ }, nil),
		"a version left out":           forge(l, func(s *Statement) { s.Version = 5 }, a.Sign),
		"another chain":                forge(l, func(s *Statement) { s.Previous = [32]byte{1} }, a.Sign),
		"of another account":           forge(l, func(s *Statement) { s.Account = chat.AccountID{1} }, a.Sign),
		"a device that comes back":     forge(l, func(s *Statement) { s.Device = phone.ID() }, a.Sign),
		"an unknown action":            forge(l, func(s *Statement) { s.Action = 0 }, a.Sign),
		"by a stranger":                forge(l, func(s *Statement) { s.Signer = thief.ID() }, by(thief)),
		"by a revoked device":          forge(l, func(s *Statement) { s.Signer = phone.ID() }, by(phone)),
		"a device that revokes others": forge(l, func(s *Statement) { s.Signer, s.Action, s.Device = laptop.ID(), ListRevoke, phone.ID() }, by(laptop)),
		"in the account's name":        forge(l, func(*Statement) {}, by(laptop)),
		"a statement left out":         wire.Marshal([][]byte{l.raw[0], l.raw[2]}),
		"a statement twice":            wire.Marshal([][]byte{l.raw[0], l.raw[0]}),
		"out of order":                 wire.Marshal([][]byte{l.raw[1], l.raw[0]}),
		"without its beginning":        wire.Marshal(l.raw[1:]),
	} {
		if _, err := ParseDeviceList(listServer, a.ID(), raw); !errors.Is(err, ErrDeviceList) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := ParseDeviceList(chat.Fingerprint{6}, a.ID(), l.Marshal()); !errors.Is(err, ErrDeviceList) {
		t.Errorf("on another server: %v", err)
	}
	if _, err := ParseDeviceList(listServer, NewAccount().ID(), l.Marshal()); !errors.Is(err, ErrDeviceList) {
		t.Errorf("another's: %v", err)
	}
	// An older version is right in itself: who has seen the newer one knows.
	old, err := ParseDeviceList(listServer, a.ID(), wire.Marshal(l.raw[:2]))
	if err != nil || !old.Has(phone.ID()) || old.Extends(l) || !l.Extends(old) {
		t.Errorf("a prefix: %v", err)
	}
	fork := chain(t, old, func(l *DeviceList) (*DeviceList, error) { return l.Change(a, ListAdd, thief.ID(), 3) },
		func(l *DeviceList) (*DeviceList, error) { return l.Change(a, ListRevoke, thief.ID(), 4) },
		func(l *DeviceList) (*DeviceList, error) { return l.Change(a, ListAdd, NewDevice().ID(), 5) })
	if fork.Extends(l) || l.Extends(fork) || fork.Same(l) {
		t.Error("a fork passes for a continuation")
	}
}

// A full list takes no more devices, and every revocation.
func TestFullDeviceList(t *testing.T) {
	a := NewAccount()
	l := NewDeviceList(listServer, a.ID())
	var err error
	id := func(i int) chat.DeviceID { return chat.DeviceID{1, byte(i)} }
	for i := range MaxListed {
		if l, err = l.Change(a, ListAdd, id(i), 1); err != nil {
			t.Fatal(err)
		}
	}
	if _, err = l.Change(a, ListAdd, id(MaxListed), 1); !errors.Is(err, ErrListed) {
		t.Errorf("one more: %v", err)
	}
	for i := range MaxListed {
		if l, err = l.Change(a, ListRevoke, id(i), 2); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := ParseDeviceList(listServer, a.ID(), l.Marshal()); err != nil || got.Version() != maxStatements || len(l.Marshal()) > 25<<10 {
		t.Errorf("%d bytes, %v", len(l.Marshal()), err)
	}
}

// Whatever honest signers do, the list is read back, is never shorter, and no device returns.
func TestDeviceListsGrow(t *testing.T) {
	devices := []*Device{NewDevice(), NewDevice(), NewDevice(), NewDevice()}
	a := NewAccount()
	rapid.Check(t, func(t *rapid.T) {
		l := NewDeviceList(listServer, a.ID())
		gone := map[chat.DeviceID]bool{}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			d := rapid.SampledFrom(devices).Draw(t, "device")
			action := rapid.SampledFrom([]ListAction{ListAdd, ListRevoke}).Draw(t, "action")
			var next *DeviceList
			var err error
			if rapid.Bool().Draw(t, "by the account") {
				next, err = l.Change(a, action, d.ID(), 1)
			} else {
				next, err = l.ChangeBy(rapid.SampledFrom(devices).Draw(t, "signer"), action, d.ID(), 1)
			}
			if err != nil {
				continue
			}
			if gone[d.ID()] {
				t.Fatal("a revoked device is back")
			}
			gone[d.ID()] = action == ListRevoke
			if !next.Extends(l) || l.Extends(next) {
				t.Fatal("it doesn't continue")
			}
			if got, err := ParseDeviceList(listServer, a.ID(), next.Marshal()); err != nil || !got.Same(next) {
				t.Fatal(err)
			}
			l = next
		}
	})
}

func FuzzParseDeviceList(f *testing.F) {
	a, _ := ParseAccount(bytes.Repeat([]byte{7}, 32))
	l, err := NewDeviceList(listServer, a.ID()).Change(a, ListAdd, chat.DeviceID{1}, 1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(l.Marshal())
	if l, err = l.Change(a, ListRevoke, chat.DeviceID{1}, 2); err != nil {
		f.Fatal(err)
	}
	f.Add(l.Marshal())
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := ParseDeviceList(listServer, a.ID(), raw)
		if err == nil && (!bytes.Equal(got.Marshal(), raw) || !got.Same(l) && !l.Extends(got)) {
			t.Fatal("a list that the account hasn't made, or in two forms")
		}
	})
}
