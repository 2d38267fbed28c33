package client_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/trust"
	"huisclos/wire"
)

// lets lets another device in.
func (p *person) lets(d *trust.Device) client.Vouched {
	p.w.t.Helper()
	v, err := p.Vouch(p.w.ctx, d.Applicant())
	if err != nil {
		p.w.t.Fatal(err)
	}
	return v
}

// linked is another device of the same person, which this one has let in.
func (p *person) linked() *person {
	p.w.t.Helper()
	vault, _ := p.addDevice()
	return p.w.reopen(vault)
}

// A device without the account's key lets in another, that one a third; all of them are the same person to everybody.
func TestLinkedWithoutTheAccountsKey(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.join()
	bob.join()
	account := alice.keyless()
	phone := alice.linked()
	tablet := phone.linked()
	for _, p := range []*person{alice, phone, tablet} {
		if p.status().Backup.Key || p.status().Account != account.ID() {
			t.Errorf("%+v", p.status())
		}
	}
	tablet.keyed()
	tablet.join()
	tablet.send("from the third")
	if m := await(bob, text("from the third")); m.Sender != "alice" || m.Form != client.Text || m.Account != account.ID() {
		t.Errorf("%+v", m)
	}
	await(alice, text("from the third"))
	l := w.listed(account.ID(), 3)
	devices, err := alice.Devices(w.ctx)
	if err != nil || len(devices) != 3 || devices[1].VouchedBy != alice.status().Device || devices[2].VouchedBy != phone.status().Device || !devices[0].VouchedBy.IsZero() || devices[0].Key {
		t.Errorf("%+v, %v", devices, err)
	}
	for _, s := range l.Statements() {
		if account := s.Signer.IsZero(); account != (s.Version == 1) {
			t.Errorf("%+v", s)
		}
	}
	// Somebody who comes later believes them too, once he has the list.
	carol := w.person("carol", nil)
	carol.join()
	if got := carol.history(); !slices.Contains(got, "from the third") {
		t.Errorf("%q", got)
	}
	// Asked again for the same device nothing changes.
	again := trust.NewDevice()
	one, two := alice.lets(again), alice.lets(again)
	if !one.List.Same(two.List) || one.Certificate.ListVersion != two.Certificate.ListVersion || one.Certificate.Voucher != two.Certificate.Voucher {
		t.Error("the same device is let in twice")
	}
	if _, err := phone.Vouch(w.ctx, again.Applicant()); !errors.Is(err, chat.CodeUnlisted) {
		t.Errorf("another device vouches for one that it hasn't added: %v", err)
	}
	// A profile is made of what belongs together, and only once.
	for what, change := range map[string]func(v *client.Vouched, d **trust.Device){
		"for another device":      func(_ *client.Vouched, d **trust.Device) { *d = trust.NewDevice() },
		"with a list without it":  func(v *client.Vouched, _ **trust.Device) { v.List = v.List.Upto(1) },
		"without a list":          func(v *client.Vouched, _ **trust.Device) { v.List = nil },
		"with another name":       func(v *client.Vouched, _ **trust.Device) { v.Name = "mallory" },
		"by nobody's signature":   func(v *client.Vouched, _ **trust.Device) { v.Certificate.Signature = [64]byte{} },
		"as if the account's own": func(v *client.Vouched, _ **trust.Device) { v.Certificate.Voucher = chat.DeviceID{} },
	} {
		v, d := two, again
		change(&v, &d)
		if err := client.Settle(client.NewMemory(), w.identity.Fingerprint(), w.address, d, v); !errors.Is(err, chat.CodeAuth) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := client.Settle(phone.vault, w.identity.Fingerprint(), w.address, again, two); !errors.Is(err, chat.CodeProfileExists) {
		t.Errorf("over another profile: %v", err)
	}
}

// keyed waits until the device has learnt the shared key, from the backup that it shares with the others of its account.
func (p *person) keyed() {
	p.w.t.Helper()
	for len(p.status().Keys) == 0 {
		select {
		case <-p.w.ctx.Done():
			p.w.t.Fatal("no key")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// A device that holds the account's key lets another in by that: it stands above, and nobody needs the list to believe it. The other one doesn't get the key.
func TestLinkedByTheAccountsKey(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	alice.join()
	d, vault := trust.NewDevice(), client.NewMemory()
	if err := client.Settle(vault, w.identity.Fingerprint(), w.address, d, alice.lets(d)); err != nil {
		t.Fatal(err)
	}
	phone := w.reopen(vault)
	if phone.status().Backup.Key {
		t.Error("it has got the account's key")
	}
	devices, err := phone.Devices(w.ctx)
	if err != nil || len(devices) == 0 || devices[len(devices)-1].Device != phone.status().Device || !devices[len(devices)-1].VouchedBy.IsZero() {
		t.Errorf("%+v, %v", devices, err)
	}
	people, err := w.store.People(w.ctx, []chat.AccountID{phone.status().Account}, nil, nil)
	if err != nil || len(people[0].Devices) != 2 {
		t.Fatal(people, err)
	}
	if c, err := trust.ParseCertificate(people[0].Devices[1].Certificate); err != nil || c.Verify() != nil {
		t.Errorf("the account hasn't signed: %v", err)
	}
}

// There is an end to what a device lets in; what was revoked doesn't come back by another device.
func TestLettingInHasAnEnd(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	account := alice.keyless()
	gone := trust.NewDevice()
	alice.lets(gone)
	if _, err := alice.RevokeDeviceBy(w.ctx, gone.ID().String(), words(account)); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.Vouch(w.ctx, gone.Applicant()); !errors.Is(err, chat.CodeRevoked) {
		t.Errorf("a revoked one: %v", err)
	}
	n := 2
	var err error
	for ; err == nil; n++ {
		_, err = alice.Vouch(w.ctx, trust.NewDevice().Applicant())
	}
	if !errors.Is(err, chat.CodeListFull) || n != 41 {
		t.Errorf("after %d: %v", n, err)
	}
	found, err := w.find(account.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	laptop := w.restored(found)
	if l := w.listed(account.ID(), 42); !l.Has(laptop.status().Device) {
		t.Error("the words bring none in any more")
	}
}

// A server that has lost what it knew lets a device in again once its voucher has brought the list back; until then the device waits, and isn't told that all is over.
func TestLinkedDeviceAfterTheServersLoss(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	alice.keyless()
	phone := alice.linked()
	phone.keyed()
	phone.join()
	if err := alice.Close(w.ctx); err != nil {
		t.Fatal(err)
	}
	w.anew()
	await(phone, func(e client.Offline) bool { return e.Err != nil && e.Err.Code == chat.CodeUnlisted })
	alice.vault.(*client.Memory).Reopen() //nolint:errcheck // it is one
	alice = w.opened(alice.vault)
	await[client.Online](alice, nil)
	await[client.Online](phone, nil)
	if l := w.listed(phone.status().Account, 2); !l.Has(phone.status().Device) {
		t.Error("it isn't in the list")
	}
}

// Who is let in by a device's code believes a device that another one has let in: its list comes with it.
func TestCodeOfALinkedDevice(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	alice.keyless()
	phone := alice.linked()
	phone.keyed()
	phone.join()
	a, err := w.redeem("bob", phone.code("en").Reveal())
	if err != nil {
		t.Fatal(err)
	}
	bob := &person{w: w, vault: client.NewMemory()}
	if bob.Client, err = client.Open(client.Config{Vault: bob.vault, Address: w.address, Admission: a, Name: "bob", Software: "test", Dial: bob.dial}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bob.Close(context.Background()) })
	if bob.events, err = bob.Events(w.ctx); err != nil {
		t.Fatal(err)
	}
	bob.join()
	phone.send("welcome")
	if m := await(bob, text("welcome")); m.Sender != "alice" || m.Trust != client.TrustVerified {
		t.Errorf("%+v", m)
	}
	// He has the list already: a server that shows none can't take that back.
	bob.between(func(f wire.Frame) []wire.Frame {
		if people, ok := f.(*wire.People); ok {
			for i := range people.People {
				people.People[i].List = nil
			}
		}
		return []wire.Frame{f}
	})
	bob.safety("alice")
	if e := await[client.DevicesWithheld](bob, nil); e.Name != "alice" || e.Have < 2 || e.Got != 0 {
		t.Errorf("%+v", e)
	}
}
