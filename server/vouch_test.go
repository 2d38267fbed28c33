package server_test

import (
	"context"
	"errors"
	"testing"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/store"
	"huisclos/trust"
	"huisclos/wire"
)

// puts gives the server a list, and returns its answer.
func (c *connected) puts(t *testing.T, l *trust.DeviceList) wire.Frame {
	t.Helper()
	if err := c.Write(wire.Encode(&wire.PutList{Ref: 7, List: l.Marshal()})); err != nil {
		t.Fatal(err)
	}
	return until[*wire.Done](t, c)
}

// another is a second device of somebody, which the first one vouches for in a version of the list.
func (p *person) another(t *testing.T, version uint64) *person {
	t.Helper()
	d := trust.NewDevice()
	c, err := d.Countersign(p.device.Vouch(p.account.ID(), d.Applicant(), version, 2))
	if err != nil {
		t.Fatal(err)
	}
	return &person{name: p.name, account: p.account, device: d, vouched: &c}
}

func must(t *testing.T) func(*trust.DeviceList, error) *trust.DeviceList {
	return func(l *trust.DeviceList, err error) *trust.DeviceList {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
}

// A device that another one has vouched for enrols once the account's list has it; before, the server doesn't know it, and a list that has revoked either keeps it out.
func TestVouchedDeviceEnrols(t *testing.T) {
	w := newWhole(t, "")
	ok := must(t)
	alice := newPerson("alice")
	first := w.mustLogin(alice, w.key)
	refused := func(what string, p *person, code chat.Code) {
		t.Helper()
		if c, err := w.login(p, w.key); !errors.Is(err, code) {
			if err == nil {
				_ = c.Close()
			}
			t.Errorf("%s: %v, want %s", what, err, code)
		}
	}
	phone := alice.another(t, 2)
	refused("without a list", phone, chat.CodeUnlisted)
	l := ok(trust.NewDeviceList(w.pin, alice.account.ID()).Change(alice.account, trust.ListAdd, alice.device.ID(), 1))
	first.puts(t, l)
	refused("not in the list", phone, chat.CodeUnlisted)
	l = ok(l.ChangeBy(alice.device, trust.ListAdd, phone.device.ID(), 2))
	first.puts(t, l)
	second := w.mustLogin(phone, w.key)
	for _, spoil := range []func(c *trust.Certificate){
		func(c *trust.Certificate) { c.Signature[0] ^= 1 }, func(c *trust.Certificate) { c.Signature = [64]byte{} },
		func(c *trust.Certificate) { c.DeviceSignature[0] ^= 1 }, func(c *trust.Certificate) { c.Voucher = chat.DeviceID{} },
	} {
		forged, c := *phone, *phone.vouched
		spoil(&c)
		forged.vouched = &c
		refused("forged", &forged, chat.CodeAuth)
	}
	stranger := newPerson("mallory")
	stranger.vouched = phone.vouched
	refused("another's certificate", stranger, chat.CodeAuth)
	mallory := newPerson("mallory")
	refused("of an account that isn't there", mallory.another(t, 2), chat.CodeUnlisted)

	// It vouches in turn, without the account's key; and the list says who.
	tablet := phone.another(t, 3)
	impostor := alice.another(t, 3)
	l = ok(l.ChangeBy(phone.device, trust.ListAdd, tablet.device.ID(), 3))
	second.puts(t, l)
	refused("one that isn't listed", impostor, chat.CodeUnlisted)
	twisted := *tablet
	c, err := tablet.device.Countersign(alice.device.Vouch(alice.account.ID(), tablet.device.Applicant(), 3, 2))
	if err != nil {
		t.Fatal(err)
	}
	twisted.vouched = &c
	refused("vouched for by another than the list says", &twisted, chat.CodeUnlisted)

	// The account's key stands above: the phone and who it has let in are out before the tablet ever came.
	l = ok(l.Change(alice.account, trust.ListRevoke, tablet.device.ID(), 4))
	l = ok(l.Change(alice.account, trust.ListRevoke, phone.device.ID(), 5))
	first.puts(t, l)
	refused("revoked before it came", tablet, chat.CodeRevoked)
	if _, err := w.login(phone, w.key); !errors.Is(err, chat.CodeRevoked) {
		t.Errorf("revoked: %v", err)
	}
	late := phone.another(t, 6)
	if _, err := l.ChangeBy(phone.device, trust.ListAdd, late.device.ID(), 6); err == nil {
		t.Error("a revoked device adds")
	}
	refused("by a revoked device", late, chat.CodeUnlisted)
}

// racing revokes between the look into the list and the enrolment.
type racing struct {
	*store.SQLite
	before func()
}

func (r *racing) Enrol(ctx context.Context, e hub.Enrolment) (hub.Login, error) {
	if f := r.before; f != nil && e.List > 0 {
		r.before = nil
		f()
	}
	return r.SQLite.Enrol(ctx, e)
}

func TestRevokedWhileItEnrols(t *testing.T) {
	var between *racing
	w := newWholeOn(t, "", func(db *store.SQLite) hub.Store {
		between = &racing{SQLite: db}
		return between
	})
	ok := must(t)
	alice := newPerson("alice")
	first := w.mustLogin(alice, w.key)
	phone := alice.another(t, 2)
	l := ok(trust.NewDeviceList(w.pin, alice.account.ID()).Change(alice.account, trust.ListAdd, alice.device.ID(), 1))
	l = ok(l.ChangeBy(alice.device, trust.ListAdd, phone.device.ID(), 2))
	first.puts(t, l)
	between.before = func() { first.puts(t, ok(l.Change(alice.account, trust.ListRevoke, phone.device.ID(), 3))) }
	if _, err := w.login(phone, w.key); !errors.Is(err, chat.CodeRevoked) {
		t.Errorf("%v", err)
	}
}
