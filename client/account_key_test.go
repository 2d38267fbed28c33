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

// stubborn is a vault whose files can't be rewritten, at first.
type stubborn struct {
	*client.Memory
	full  bool
	tried int
}

func (s *stubborn) Scrub() error {
	s.tried++
	if s.full {
		return chat.Errorf(chat.CodeVaultFull)
	}
	return nil
}

// What the disk had no room for when the key was forgotten is done at the next start, and only once.
func TestScrubIsMadeUpFor(t *testing.T) {
	w := newWorld(t)
	vault := &stubborn{Memory: client.NewMemory(), full: true}
	alice := w.person("alice", vault)
	right := recovery.Words("en", alice.phrase())
	words := map[int]string{1: right[0], 2: right[1], 3: right[2]}
	if vault.tried != 0 {
		t.Error("scrubbed for nothing")
	}
	for range 2 {
		if err := alice.ForgetKey(w.ctx, words); !errors.Is(err, chat.CodeVaultFull) {
			t.Errorf("%v", err)
		}
	}
	if alice.status().Backup.Key || vault.tried != 2 {
		t.Errorf("the key is there, or it was tried %d times", vault.tried)
	}
	vault.full = false
	for range 2 {
		if err := alice.Close(w.ctx); err != nil {
			t.Fatal(err)
		}
		vault.Reopen()
		alice = w.reopen(vault)
	}
	if vault.tried != 3 {
		t.Errorf("tried %d times", vault.tried)
	}
}

// rolledBack is a vault that was found to be an older copy of itself.
type rolledBack struct {
	*client.Memory
	settled bool
}

func (r *rolledBack) RolledBack() bool { return !r.settled }

func (r *rolledBack) Settled() error { r.settled = true; return nil }

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
