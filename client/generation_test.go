package client_test

import (
	"slices"
	"testing"
	"time"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/client"
	"huisclos/hub"
	"huisclos/keys"
	"huisclos/wire"
)

func noAudit() hub.Audit { return hub.Audit{Actor: "test", Action: "test", At: time.Now()} }

// rotate begins the next generation, without a link to the key before: members make it.
func (w *world) rotate(prove bool) keys.Key {
	w.t.Helper()
	next := keys.New(w.identity.Fingerprint())
	g := w.server.Generation() + 1
	public := next.AccessPublic(g)
	if err := w.server.Rotate(w.ctx, hub.Generation{Number: g, Access: public, KeyID: access.KeyID(public), At: time.Now()}, prove, noAudit()); err != nil {
		w.t.Fatal(err)
	}
	return next
}

// grant seals the key to everyone.
func (w *world) grant(key keys.Key) {
	w.t.Helper()
	people, err := w.store.AllPeople(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	g := w.server.Generation()
	grants := map[chat.DeviceID][]byte{}
	for _, p := range people {
		for _, d := range p.Devices {
			cert := parse(w.t, d.Certificate)
			if grants[d.ID], err = keys.SealGrant(key, g, p.Account, d.ID, cert.HPKE); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	if err := w.server.Grant(w.ctx, g, grants, noAudit()); err != nil {
		w.t.Fatal(err)
	}
}

// After a rotation a member without the new key can't read; when it is granted, what was unreadable opens by itself.
func TestGrantOpensWhatWasUnreadable(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.join()
	bob.join()
	alice.send("under the first key")
	await(bob, text("under the first key"))
	next := w.rotate(false)
	if err := alice.SetKey(w.ctx, next.Reveal()); err != nil {
		t.Fatal(err)
	}
	alice.send("under the second key")
	if m := await(bob, func(m client.Message) bool { return m.Seq == 2 }); m.Form != client.Unreadable || m.Text != "" {
		t.Errorf("%+v", m)
	}
	if err := bob.SetKey(w.ctx, keys.New(w.identity.Fingerprint()).Reveal()); chat.CodeOf(err) != chat.CodeKeyWrong {
		t.Errorf("another key: %v", err)
	}
	w.grant(next)
	await[client.KeyGained](bob, func(e client.KeyGained) bool { return e.Generation == 2 })
	if got := bob.history(); !slices.Equal(got, []string{"under the first key", "under the second key"}) {
		t.Errorf("%q", got)
	}
	bob.send("under the second key, too")
	await(alice, text("under the second key, too"))
}

// A key that is still being looked for isn't missing: who sends meanwhile waits for it.
func TestSendWhileTheKeyIsLookedFor(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	alice.join()
	var held []wire.Frame
	heard := make(chan struct{}, 3)
	alice.between(func(f wire.Frame) []wire.Frame {
		if _, ok := f.(*wire.Generations); !ok {
			return []wire.Frame{f}
		}
		heard <- struct{}{}
		if held = append(held, f); len(held) < 3 { // asked for by the news of the rotation, by SetKey and by Send
			return nil
		}
		return held
	})
	next := w.rotate(false)
	<-heard
	done := make(chan error, 2)
	go func() { done <- alice.SetKey(w.ctx, next.Reveal()) }()
	go func() {
		_, err := alice.Send(w.ctx, chat.Lobby, "in time")
		done <- err
	}()
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

// A newcomer who has only the new key reads back through the link that members have made.
func TestNewcomerReadsBack(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	alice.join()
	alice.send("under the first key")
	next := w.rotate(false)
	if err := alice.SetKey(w.ctx, next.Reveal()); err != nil {
		t.Fatal(err)
	}
	alice.send("under the second key")
	for { // Alice, who has both, makes the link by herself
		all, err := w.store.Generations(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(all[1].Link) > 0 {
			break
		}
	}
	w.key = next
	carol := w.person("carol", nil)
	if got := carol.history(); !slices.Equal(got, []string{"under the first key", "under the second key"}) {
		t.Errorf("%q", got)
	}
}

// With --all nobody stays who can't prove the new key.
func TestProve(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	alice.join()
	next := w.rotate(true)
	await[client.KeyMissing](alice, nil)
	if err := alice.SetKey(w.ctx, next.Reveal()); err != nil {
		t.Fatal(err)
	}
	alice.send("proven")
}
