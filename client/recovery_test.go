package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/conn"
	"huisclos/hub"
	"huisclos/recovery"
	"huisclos/trust"
	"huisclos/wire"
)

// phrase shows a person's words and waits for the backup.
func (p *person) phrase() []byte {
	p.w.t.Helper()
	ph, err := p.Recovery(p.w.ctx, "en")
	if err != nil || !ph.Stored || ph.At.IsZero() {
		p.w.t.Fatal(ph.Stored, err)
	}
	secret, err := recovery.Parse(strings.Join(ph.Words, " "))
	if err != nil {
		p.w.t.Fatal(err)
	}
	return secret
}

func dialAnyone(ctx context.Context, address string, server chat.Fingerprint) (client.Link, error) {
	link, err := conn.Dial(ctx, address, server, conn.Config{Anyone: true})
	if err != nil {
		return nil, err
	}
	return link, nil
}

func (w *world) find(secret []byte) (*client.Found, error) {
	return client.Recovery{Dial: dialAnyone, Address: w.address, Secret: secret, Software: "test"}.Find(w.ctx)
}

// restored makes a profile of what is found, and opens it without the key of the chat.
func (w *world) restored(f *client.Found) *person {
	w.t.Helper()
	vault := client.NewMemory()
	if err := f.Restore(vault); err != nil {
		w.t.Fatal(err)
	}
	return w.reopen(vault)
}

// reopen opens a profile that knows everything.
func (w *world) reopen(vault client.Vault) *person {
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
	if err := p.Online(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	return p
}

func TestComingBack(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.join()
	bob.join()
	if _, err := alice.Create(w.ctx, "garden"); err != nil {
		t.Fatal(err)
	}
	bob.send("before")
	await(alice, text("before"))
	if _, err := alice.Verify(w.ctx, "bob", ""); err != nil {
		t.Fatal(err)
	}
	secret := alice.phrase()
	found, err := w.find(secret)
	if err != nil {
		t.Fatal(err)
	}
	b := found.Backup
	if b == nil || found.Name != "alice" || found.Server != w.identity.Fingerprint() || !found.Have || found.Prove || found.Devices != 1 || found.Serial != 1 ||
		len(b.Keys) != 1 || len(b.People) != 1 || b.People[0].Name != "bob" || b.People[0].Verified == 0 || len(b.Rooms) != 2 {
		t.Errorf("%+v", found)
	}
	again := w.restored(found)
	status, err := again.Status(w.ctx)
	if err != nil || status.Name != "alice" || !status.Enrolled || len(status.Rooms) != 2 || len(status.Keys) != 1 || !status.Backup.On {
		t.Errorf("%+v, %v", status, err)
	}
	old, _ := alice.Status(w.ctx)
	if status.Account != old.Account || status.Device == old.Device {
		t.Error("it isn't a new device of the same account")
	}
	if e := await[client.DeviceAdded](alice, nil); !e.Mine || e.Device != status.Device || e.Name != "alice" {
		t.Errorf("%+v", e)
	}
	if v := again.safety("bob"); v.Trust != client.TrustVerified || v.Number != alice.safety("bob").Number {
		t.Errorf("%+v", v)
	}
	if got := again.history(); len(got) != 1 || got[0] != "before" {
		t.Errorf("%v", got)
	}
	// The others see who it is, and that it is another device.
	again.send("I am back")
	if m := await(bob, text("I am back")); m.Sender != "alice" {
		t.Errorf("%+v", m)
	}
	// bob had met one device of hers if she spoke or was seen before: he asked for all of them at her arrival.
	if v := bob.safety("alice"); v.Number != again.safety("bob").Number {
		t.Error("another identity")
	}
	if err := found.Restore(again.vault); !errors.Is(err, chat.CodeProfileExists) && err == nil {
		t.Error("restored over a profile")
	}
}

// A person whose devices are known is said to have a new one when it speaks.
func TestOthersSeeTheNewDevice(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.join()
	bob.join()
	alice.send("one")
	await(bob, text("one"))
	found, err := w.find(alice.phrase())
	if err != nil {
		t.Fatal(err)
	}
	again := w.restored(found)
	again.send("two")
	status, _ := again.Status(w.ctx)
	if e := await[client.DeviceAdded](bob, nil); e.Mine || e.Name != "alice" || e.Device != status.Device {
		t.Errorf("%+v", e)
	}
}

// What changes is in the backup a moment later; what doesn't isn't sent again.
func TestBackupFollows(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	alice.join()
	secret := alice.phrase()
	alice.phrase()
	if f, err := w.find(secret); err != nil || f.Serial != 1 {
		t.Errorf("shown twice: %+v, %v", f, err)
	}
	bob := w.person("bob", nil)
	bob.join()
	bob.send("hello")
	await(alice, text("hello"))
	for {
		f, err := w.find(secret)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Backup.People) == 1 && f.Serial == 2 {
			break
		}
		select {
		case <-w.ctx.Done():
			t.Fatal("the backup wasn't renewed")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Two devices of one account write to the same backup: neither loses what the other knows.
func TestTwoDevicesOneBackup(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.join()
	bob.join()
	secret := alice.phrase()
	found, err := w.find(secret)
	if err != nil {
		t.Fatal(err)
	}
	second := w.restored(found)
	second.safety("bob")
	if _, err := second.Verify(w.ctx, "bob", ""); err != nil {
		t.Fatal(err)
	}
	second.phrase() // put now
	carol := w.person("carol", nil)
	carol.join()
	carol.send("hello")
	await(alice, text("hello"))
	alice.phrase() // it doesn't know of the second one's
	f, err := w.find(secret)
	if err != nil || len(f.Backup.People) != 2 || f.Backup.People[0].Name != "bob" || f.Backup.People[0].Verified == 0 {
		t.Errorf("%+v, %v", f.Backup, err)
	}
	if v := alice.safety("bob"); v.Trust != client.TrustVerified { // and it has learned from it
		t.Errorf("%+v", v)
	}
}

func TestNoWayBack(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	alice.join()
	if _, err := w.find(trust.NewAccount().Bytes()); !errors.Is(err, chat.CodeNoAccount) {
		t.Errorf("a stranger: %v", err)
	}
	if _, err := w.find(make([]byte, 32)); !errors.Is(err, chat.CodePhraseChecksum) {
		t.Errorf("no key: %v", err)
	}
	secret := alice.phrase()
	status, _ := alice.Status(w.ctx)
	// Another server has another account, whatever it says.
	other := newWorld(t)
	if _, err := other.find(secret); !errors.Is(err, chat.CodeNoAccount) {
		t.Errorf("another server: %v", err)
	}
	put := func(sealed []byte, serial uint64) {
		t.Helper()
		if err := w.store.PutBackup(w.ctx, status.Account, hub.Backup{Serial: serial, At: time.Now(), Sealed: sealed}); err != nil {
			t.Fatal(err)
		}
	}
	b, err := w.store.Backup(w.ctx, status.Account)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(b.Sealed)
	flipped[len(flipped)/2] ^= 1
	put(flipped, 2)
	if _, err := w.find(secret); !errors.Is(err, chat.CodeBackupDamaged) {
		t.Errorf("a flipped bit: %v", err)
	}
	put(b.Sealed, 3) // an older one under a newer number
	if _, err := w.find(secret); !errors.Is(err, chat.CodeBackupDamaged) {
		t.Errorf("another number: %v", err)
	}
	newer := bytes.Clone(b.Sealed)
	newer[0] = 9
	put(newer, 4)
	if _, err := w.find(secret); !errors.Is(err, chat.CodeBackupNewer) {
		t.Errorf("a newer version: %v", err)
	}
	account, err := trust.ParseAccount(secret)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := recovery.Seal(account, 5, &recovery.Backup{Server: chat.Fingerprint{9}, Account: status.Account, Name: "alice", ListVersion: 1})
	if err != nil {
		t.Fatal(err)
	}
	put(foreign, 5)
	if _, err := w.find(secret); !errors.Is(err, chat.CodeIdentity) {
		t.Errorf("of another server: %v", err)
	}
	// A device that still works puts things right.
	alice.phrase()
	if err := w.store.Ban(w.ctx, status.Account, "spam", noAudit()); err != nil {
		t.Fatal(err)
	}
	var e *chat.Error
	if _, err := w.find(secret); !errors.As(err, &e) || e.Code != chat.CodeBanned || e.Params["reason"] != "spam" {
		t.Errorf("banned: %v", err)
	}
}

// Without a backup, the account, its name and a key that somebody gives are enough to come back.
func TestBackWithoutBackup(t *testing.T) {
	w := newWorld(t)
	vault := client.NewMemory()
	alice := w.person("alice", vault)
	alice.join()
	ph, err := alice.Recovery(w.ctx, "fr")
	if err != nil || fmt.Sprint(ph) != "[secret]" || fmt.Sprintf("%+v", ph) != "[secret]" {
		t.Errorf("%v, %v", ph, err)
	}
	secret, err := recovery.Parse(strings.Join(ph.Words, " "))
	if err != nil {
		t.Fatal(err)
	}
	f, err := w.find(secret)
	if err != nil {
		t.Fatal(err)
	}
	f.Backup = nil
	back := w.restored(f)
	status, err := back.Status(w.ctx)
	if err != nil || status.Name != "alice" || !status.Enrolled || len(status.Keys) != 0 {
		t.Errorf("%+v, %v", status, err)
	}
	if err := back.SetKey(w.ctx, w.key.Reveal()); err != nil {
		t.Errorf("%v", err)
	}
	back.join()
	back.send("here")
}

// After a rotation the new device comes in by its account's word, and lacks the new key; after "rotate --all" it doesn't come in.
func TestBackAfterRotation(t *testing.T) {
	for _, prove := range []bool{false, true} {
		t.Run(fmt.Sprint(prove), func(t *testing.T) {
			w := newWorld(t)
			alice := w.person("alice", nil)
			alice.join()
			secret := alice.phrase()
			if err := alice.Close(w.ctx); err != nil {
				t.Fatal(err)
			}
			w.rotate(prove)
			f, err := w.find(secret)
			if err != nil || f.Newest != 2 || f.Prove != prove || f.Have {
				t.Fatalf("%+v, %v", f, err)
			}
			vault := client.NewMemory()
			if err := f.Restore(vault); err != nil {
				t.Fatal(err)
			}
			c, err := client.Open(client.Config{Vault: vault, Address: w.address, Software: "test", Dial: dialAnyone})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(context.Background())
			err = c.Online(w.ctx)
			if prove != errors.Is(err, chat.CodeKeyNeeded) || !prove && err != nil {
				t.Errorf("%v", err)
			}
		})
	}
}

// A server that answers for another one, and one that gives a name to an account that hasn't signed it.
func TestHostileRecovery(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	secret := alice.phrase()
	lie := func(change func(*wire.Recovered)) error {
		p := &person{w: w}
		p.between(func(f wire.Frame) []wire.Frame {
			if r, ok := f.(*wire.Recovered); ok {
				change(r)
			}
			return []wire.Frame{f}
		})
		_, err := client.Recovery{Dial: p.dial, Address: w.address, Server: w.identity.Fingerprint(), Secret: secret}.Find(w.ctx)
		return err
	}
	if err := lie(func(*wire.Recovered) {}); err != nil {
		t.Errorf("the truth: %v", err)
	}
	for what, c := range map[string]struct {
		change func(*wire.Recovered)
		code   chat.Code
	}{
		"another name":    {func(r *wire.Recovered) { r.Person.Name = "mallory" }, chat.CodeAuth},
		"another account": {func(r *wire.Recovered) { r.Person.Account = chat.AccountID{1} }, chat.CodeAuth},
		"a bad name":      {func(r *wire.Recovered) { r.Person.Name = "a b" }, chat.CodeAuth},
		"another number":  {func(r *wire.Recovered) { r.Serial++ }, chat.CodeBackupDamaged},
		"a cut backup":    {func(r *wire.Recovered) { r.Sealed = r.Sealed[:100] }, chat.CodeBackupDamaged},
	} {
		if err := lie(c.change); !errors.Is(err, c.code) {
			t.Errorf("%s: %v, want %s", what, err, c.code)
		}
	}
	if err := lie(func(r *wire.Recovered) { r.Person.Certificates = [][]byte{[]byte("nonsense")} }); err != nil {
		t.Errorf("a certificate that isn't one is left out: %v", err)
	}
	_, err := client.Recovery{Dial: dialAnyone, Address: w.address, Server: chat.Fingerprint{1}, Secret: secret}.Find(w.ctx)
	if !errors.Is(err, chat.CodeIdentity) {
		t.Errorf("another server than the one that was named: %v", err)
	}
}
