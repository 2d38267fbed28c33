package client_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/recovery"
	"huisclos/trust"
	"huisclos/wire"
)

// keyless shows the words, and takes the account's key off the device.
func (p *person) keyless() *trust.Account {
	p.w.t.Helper()
	secret := p.phrase()
	words := recovery.Words("en", secret)
	if err := p.ForgetKey(p.w.ctx, map[int]string{2: words[1], 11: words[10], 24: strings.ToUpper(words[23])}); err != nil {
		p.w.t.Fatal(err)
	}
	if p.status().Backup.Key {
		p.w.t.Fatal("the account's key is still there")
	}
	account, err := trust.ParseAccount(secret)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return account
}

func words(a *trust.Account) string { return strings.Join(recovery.Words("fr", a.Bytes()), " ") }

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
	d, vault := trust.NewDevice(), client.NewMemory()
	if err := client.Settle(vault, p.w.identity.Fingerprint(), p.w.address, d, p.lets(d)); err != nil {
		p.w.t.Fatal(err)
	}
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
	if e := await[client.DeviceAdded](alice, nil); !e.Mine || e.Device != phone.status().Device {
		t.Errorf("%+v", e)
	}
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
	phone := alice.linked()
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

func TestForgettingTheKeyNeedsTheWords(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	three := map[int]string{1: "zoo", 2: "zoo", 3: "zoo"}
	if err := alice.ForgetKey(w.ctx, three); !errors.Is(err, chat.CodePhraseUnseen) {
		t.Errorf("before they were shown: %v", err)
	}
	right := recovery.Words("fr", alice.phrase())
	for what, c := range map[string]struct {
		words map[int]string
		code  chat.Code
	}{
		"none":           {nil, chat.CodePhraseLength},
		"two":            {map[int]string{1: right[0], 2: right[1]}, chat.CodePhraseLength},
		"wrong ones":     {three, chat.CodePhraseOther},
		"one is wrong":   {map[int]string{1: right[0], 2: right[1], 3: "abaisser", 4: right[3]}, chat.CodePhraseOther},
		"other places":   {map[int]string{0: right[0], 25: right[1], -1: right[2]}, chat.CodePhraseOther},
		"an empty word":  {map[int]string{1: right[0], 2: right[1], 3: ""}, chat.CodePhraseOther},
		"a word shifted": {map[int]string{2: right[0], 3: right[1], 4: right[2]}, chat.CodePhraseOther},
	} {
		if err := alice.ForgetKey(w.ctx, c.words); !errors.Is(err, c.code) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if !alice.status().Backup.Key {
		t.Error("it is gone all the same")
	}
}

// Without the account's key life goes on: name, list, backup; what needs it takes the words, and doesn't keep them.
func TestLifeWithoutTheAccountsKey(t *testing.T) {
	w := newWorld(t)
	vault := client.NewMemory()
	alice := w.person("alice", vault)
	alice.join()
	account := alice.keyless()
	old := alice.status()
	if err := alice.ForgetKey(w.ctx, nil); err != nil {
		t.Errorf("once more: %v", err)
	}
	if err := vault.View(func(r client.Reader) error {
		for _, table := range client.Tables() {
			err := r.Scan(table, nil, nil, false, func(_, value []byte) (bool, error) {
				if strings.Contains(string(value), string(account.Bytes())) {
					t.Errorf("the account's key is in table %d", table)
				}
				return true, nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	p, err := alice.Recovery(w.ctx, "en")
	if err != nil || len(p.Words) != 0 || !p.Stored {
		t.Errorf("%d words, %v", len(p.Words), err)
	}
	if err := alice.Close(w.ctx); err != nil {
		t.Fatal(err)
	}
	vault.Reopen()
	alice = w.reopen(vault)
	if s := alice.status(); s.Device != old.Device || s.Account != old.Account || s.Name != "alice" || s.Backup.Key {
		t.Errorf("%+v", s)
	}
	alice.send("by day")
	bob := w.person("bob", nil) // somebody new is in the backup
	bob.join()
	await(bob, text("by day"))
	bob.send("hello")
	await(alice, text("hello"))
	if p, err := alice.Recovery(w.ctx, "en"); err != nil || !p.Stored {
		t.Errorf("the backup isn't renewed: %v", err)
	}
	found, err := w.find(account.Bytes())
	if err != nil || found.Backup == nil || len(found.Backup.People) != 1 || found.Backup.People[0].Name != "bob" || found.Serial < 2 {
		t.Fatalf("%+v, %v", found, err)
	}
	laptop := w.restored(found)
	id := laptop.status().Device.String()
	await(alice, func(e client.DeviceAdded) bool { return e.Mine })
	if _, err := alice.RevokeDevice(w.ctx, id); !errors.Is(err, chat.CodePhraseNeeded) {
		t.Errorf("without the words: %v", err)
	}
	if _, err := alice.RevokeDevice(w.ctx, "ffffffff"); !errors.Is(err, chat.CodeNoDevice) {
		t.Errorf("nobody's: %v", err)
	}
	for phrase, code := range map[string]chat.Code{
		"zoo": chat.CodePhraseLength, "": chat.CodePhraseLength, words(trust.NewAccount()): chat.CodePhraseOther, strings.Replace(words(account), " ", " xxxx ", 1): chat.CodePhraseWord,
	} {
		if _, err := alice.RevokeDeviceBy(w.ctx, id, phrase); !errors.Is(err, code) {
			t.Errorf("%d words: %v, want %s", len(strings.Fields(phrase)), err, code)
		}
	}
	v, err := alice.RevokeDeviceBy(w.ctx, id[:8], words(account))
	if err != nil || v.Device.String() != id || alice.status().Backup.Key {
		t.Errorf("%+v, %v", v, err)
	}
	if e := await[client.Ended](laptop, nil); e.Err == nil || e.Err.Code != chat.CodeRevoked {
		t.Errorf("%+v", e)
	}
	if err := alice.TakeKey(w.ctx, words(trust.NewAccount())); !errors.Is(err, chat.CodePhraseOther) || alice.status().Backup.Key {
		t.Errorf("%v", err)
	}
	if err := alice.TakeKey(w.ctx, words(account)); err != nil || !alice.status().Backup.Key {
		t.Errorf("%v", err)
	}
	if p, err := alice.Recovery(w.ctx, "fr"); err != nil || strings.Join(p.Words, " ") != words(account) {
		t.Error("the words aren't back", err)
	}
}

// The words stand above every device: from elsewhere they put out the one that went on without the key, whatever it has signed.
func TestWordsOverride(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.join()
	bob.join()
	account := alice.keyless()
	thief := alice // an unlocked one
	in := thief.linked()
	found, err := w.find(account.Bytes())
	if err != nil || found.Devices != 2 {
		t.Fatal(found, err)
	}
	own := w.restored(found)
	w.listed(account.ID(), 3)
	if _, err := thief.RevokeDevice(w.ctx, own.status().Device.String()); !errors.Is(err, chat.CodePhraseNeeded) {
		t.Errorf("the thief puts out the owner: %v", err)
	}
	// Who was let in and hasn't come can be put out as well: he doesn't wait unseen.
	hidden := trust.NewDevice()
	later := thief.lets(hidden)
	w.listed(account.ID(), 4)
	own.shows(hidden.ID())
	if v, err := own.RevokeDevice(w.ctx, hidden.ID().String()); err != nil || !v.Absent || v.VouchedBy != thief.status().Device {
		t.Errorf("%+v, %v", v, err)
	}
	vault := client.NewMemory()
	if err := client.Settle(vault, w.identity.Fingerprint(), w.address, hidden, later); err != nil {
		t.Fatal(err)
	}
	if e := await[client.Ended](w.opened(vault), nil); e.Err == nil || e.Err.Code != chat.CodeRevoked {
		t.Errorf("%+v", e)
	}
	for _, p := range []*person{thief, in} {
		if _, err := own.RevokeDevice(w.ctx, p.status().Device.String()); err != nil {
			t.Fatal(err)
		}
		if e := await[client.Ended](p, nil); e.Err == nil || e.Err.Code != chat.CodeRevoked {
			t.Errorf("%+v", e)
		}
	}
	own.keyed()
	own.join()
	own.send("mine")
	await(bob, text("mine"))
}

// shows waits until a device of ours is known.
func (p *person) shows(d chat.DeviceID) {
	p.w.t.Helper()
	for {
		all, err := p.Devices(p.w.ctx)
		if err != nil {
			p.w.t.Fatal(err)
		}
		if slices.ContainsFunc(all, func(v client.DeviceView) bool { return v.Device == d }) {
			return
		}
		select {
		case <-p.w.ctx.Done():
			p.w.t.Fatal("it isn't shown")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// rolledBack is a vault that was found to be an older copy of itself.
type rolledBack struct {
	*client.Memory
	settled bool
}

func (r *rolledBack) RolledBack() bool { return !r.settled }
func (r *rolledBack) Settled() error   { r.settled = true; return nil }

// opened is reopen for who may not get online.
func (w *world) opened(vault client.Vault) *person {
	w.t.Helper()
	p := &person{w: w, vault: vault}
	var err error
	p.Client, err = client.Open(client.Config{Vault: vault, Address: w.address, Software: "test", Packages: 4, Dial: p.dial, Backoff: 5 * time.Millisecond, MaxBackoff: 50 * time.Millisecond})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = p.Close(context.Background()) })
	if p.events, err = p.Events(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// A profile that was put back must become a new device, which nobody can certify without the account's key: it says nothing until it has the words.
func TestPutBackWithoutTheAccountsKey(t *testing.T) {
	for name, byLog := range map[string]bool{"the vault notices": false, "the log tells": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			vault := client.NewMemory()
			alice := w.person("alice", vault)
			alice.join()
			alice.send("one")
			account := alice.keyless()
			old := alice.status().Device
			copied := vault.Clone()
			alice.send("two")
			if err := alice.Close(w.ctx); err != nil {
				t.Fatal(err)
			}
			put := &rolledBack{Memory: copied, settled: byLog}
			alice = w.opened(put)
			waits := func() {
				t.Helper()
				await(alice, func(e client.Offline) bool { return e.Err != nil && e.Err.Code == chat.CodePhraseNeeded })
				if s := alice.status(); s.Online || s.Offline == nil || s.Offline.Code != chat.CodePhraseNeeded {
					t.Errorf("%+v", s)
				}
				if err := alice.Online(w.ctx); !errors.Is(err, chat.CodePhraseNeeded) {
					t.Errorf("online: %v", err)
				}
			}
			if byLog {
				waits()
				if err := alice.Close(w.ctx); err != nil {
					t.Fatal(err)
				}
				copied.Reopen()
				alice = w.opened(put)
			}
			if err := alice.Online(w.ctx); !errors.Is(err, chat.CodePhraseNeeded) {
				t.Errorf("after a restart: %v", err)
			}
			if err := alice.TakeKey(w.ctx, words(trust.NewAccount())); !errors.Is(err, chat.CodePhraseOther) {
				t.Errorf("another's words: %v", err)
			}
			if err := alice.TakeKey(w.ctx, words(account)); err != nil {
				t.Fatal(err)
			}
			await(alice, func(e client.NewDevice) bool { return e.Reason == client.ReasonVaultRolledBack })
			if err := alice.Online(w.ctx); err != nil {
				t.Fatal(err)
			}
			if s := alice.status(); s.Device == old || s.Account != account.ID() || !put.settled {
				t.Errorf("%+v", s)
			}
			alice.send("three")
			if got := alice.history(); !slices.Equal(got, []string{"one", "two", "three"}) {
				t.Errorf("%q", got)
			}
		})
	}
}

// What a server may try with certificates that a device has vouched for.
func TestServerThatVouches(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.join()
	bob.join()
	alice.send("hello")
	await(bob, text("hello"))
	account := alice.keyless()
	before := w.listed(account.ID(), 1)
	// While bob doesn't look the phone is let in, and what the server tells him of it is changed.
	var show func(p *wire.Person)
	bob.between(func(f wire.Frame) []wire.Frame {
		if people, ok := f.(*wire.People); ok {
			for i := range people.People {
				if people.People[i].Account == account.ID() && show != nil {
					show(&people.People[i])
				}
			}
		}
		return []wire.Frame{f}
	})
	phone := alice.linked()
	phone.keyed()
	phone.join()
	refused := func(what string, f func(*wire.Person)) {
		t.Helper()
		show = f
		bob.cut() // a new session: he asks again
		phone.send(what)
		m := await(bob, func(m client.Message) bool {
			return m.Device == phone.status().Device && m.Form != client.Text || m.Text == what
		})
		if m.Form != client.Refused || m.Text != "" {
			t.Errorf("%s: %+v", what, m)
		}
	}
	refused("without a list", func(p *wire.Person) { p.List = nil })
	refused("with an older list", func(p *wire.Person) { p.List = before.Marshal() })
	forked, err := before.Change(account, trust.ListAdd, trust.NewDevice().ID(), 1)
	if err != nil {
		t.Fatal(err)
	}
	refused("with another list", func(p *wire.Person) { p.List = forked.Marshal() })
	refused("with a list of noise", func(p *wire.Person) { p.List = []byte{1, 2, 3} })
}

// A thief of a device that was revoked lets another in upon a list from before: whoever has seen the revocation doesn't believe it.
func TestRevokedDeviceVouchesForNobody(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.join()
	bob.join()
	alice.send("hello")
	await(bob, text("hello"))
	account := alice.keyless()
	old := alice.status().Device
	before := w.listed(account.ID(), 1)
	revoked, err := before.Change(account, trust.ListRevoke, old, time.Now().UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	list := revoked.Marshal()
	bob.between(func(f wire.Frame) []wire.Frame {
		if people, ok := f.(*wire.People); ok {
			for i := range people.People {
				if people.People[i].Account == account.ID() && list != nil {
					people.People[i].List = list
				}
			}
		}
		return []wire.Frame{f}
	})
	bob.safety("alice")
	await[client.DeviceRevoked](bob, nil)
	// The server is the thief's friend: it knows nothing of the revocation.
	list = nil
	accomplice := alice.linked()
	accomplice.keyed()
	accomplice.join()
	accomplice.send("it's me")
	if e := await[client.DevicesWithheld](bob, nil); !e.Forked {
		t.Errorf("%+v", e)
	}
	m := await(bob, func(m client.Message) bool { return m.Device == accomplice.status().Device })
	if m.Form != client.Refused || m.Text != "" {
		t.Errorf("%+v", m)
	}
}
