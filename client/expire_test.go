package client_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/client"
)

// keeps tells in how many records of somebody's vault a text stands, whatever is in them.
func (p *person) keeps(text string) (n int) {
	p.w.t.Helper()
	err := p.vault.View(func(r client.Reader) error {
		for _, table := range client.Tables() {
			err := r.Scan(table, nil, nil, false, func(_, value []byte) (bool, error) {
				if bytes.Contains(value, []byte(text)) {
					n++
				}
				return true, nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		p.w.t.Fatal(err)
	}
	return n
}

func expired(id chat.MessageID) func(client.Updated) bool {
	return func(u client.Updated) bool { return u.Message.ID == id && u.Message.Form == client.Expired }
}

// In a room of either kind: a message goes at its time from everybody's device, and with it its edits and the reactions to it.
func TestAMessageExpires(t *testing.T) {
	for _, room := range []string{chat.Lobby, "team"} {
		t.Run(room, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			alice, bob := w.person("alice", nil), w.person("bob", nil)
			if room == "team" {
				alice.found("team")
				alice.invite("team", "bob")
				await[client.Invited](bob, nil)
			} else {
				alice.join()
				bob.join()
			}
			const life = 8 * time.Second // enough for what comes before its end
			secret := alice.post(room, client.Draft{Text: "swordfish", Expires: life})
			m := await(bob, text("swordfish"))
			if left := time.Until(m.Expires); left < time.Second || left > life {
				t.Errorf("bob sees it go in %v", left)
			}
			alice.post(room, client.Draft{What: client.Edited, Ref: secret, Text: "swordfish, sorry"})
			bob.post(room, client.Draft{What: client.Reacted, Ref: secret, Text: "🎣"})
			answer := bob.post(room, client.Draft{Text: "stays", Ref: secret})
			if alice.keeps("swordfish") == 0 || bob.keeps("swordfish") == 0 || bob.keeps("🎣") == 0 {
				t.Error("it isn't kept where this test looks")
			}
			up := await(bob, expired(secret))
			if up.Message.Text != "" || up.Message.Reactions != nil || up.Message.Sender != "alice" {
				t.Errorf("bob is told %+v", up.Message)
			}
			await(alice, expired(secret))
			for _, p := range []*person{alice, bob} {
				if n := p.keeps("swordfish"); n != 0 {
					t.Errorf("%s keeps it in %d records", p.name(), n)
				}
				if n := p.keeps("🎣"); n != 0 {
					t.Errorf("%s keeps the reaction in %d records", p.name(), n)
				}
				all, err := p.Recent(w.ctx, room, 0, 50)
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range all {
					if m.ID == secret {
						t.Errorf("%s is shown %+v", p.name(), m)
					}
				}
				if last := all[len(all)-1]; last.ID != answer || last.Ref == nil || last.Ref.Form != client.Expired || last.Ref.Text != "" {
					t.Errorf("%s sees the answer %+v to %+v", p.name(), last, last.Ref)
				}
			}
			// Nor can it be edited any more.
			alice.post(room, client.Draft{What: client.Edited, Ref: secret, Text: "swordfish again"})
			bob.post(room, client.Draft{What: client.Reacted, Ref: secret, Text: "🎣"})
			bob.post(room, client.Draft{Text: "after"})
			await(alice, text("after"))
			await(bob, text("after")) // nothing of it waits in his outbox then
			if alice.keeps("🎣") != 0 || bob.keeps("🎣") != 0 {
				t.Error("a reaction to what has gone is kept")
			}
			if alice.keeps("swordfish") != 0 || bob.keeps("swordfish") != 0 {
				t.Error("an edit brings it back")
			}
		})
	}
}

// What goes while the program doesn't run goes when it starts, before the network is asked.
func TestExpiredMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	vault := client.NewMemory()
	alice, bob := w.person("alice", nil), w.person("bob", vault)
	alice.join()
	bob.join()
	alice.post(chat.Lobby, client.Draft{Text: "swordfish", Expires: client.MinExpiry})
	m := await(bob, text("swordfish"))
	if err := bob.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	vault.Reopen()
	if bob.keeps("swordfish") == 0 {
		t.Fatal("it isn't kept where this test looks")
	}
	<-time.After(time.Until(m.Expires))
	again, err := client.Open(client.Config{Vault: vault, Address: "127.0.0.1:1", Server: w.identity.Fingerprint(), Dial: func(context.Context, string, chat.Fingerprint) (client.Link, error) {
		return nil, errors.New("no network")
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close(context.Background())  //nolint:errcheck // the end of the test
	if n := bob.keeps("swordfish"); n != 0 { // at once
		t.Errorf("it is kept in %d records", n)
	}
}

// The expiry of a private room: who may set it, whose messages it is for, and what newcomers are told.
func TestARoomExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob, carol := w.person("alice", nil), w.person("bob", nil), w.person("carol", nil)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	alice.say("team", "said before")
	await(bob, text("said before"))
	if err := bob.SetExpiry(w.ctx, "team", time.Hour); !errors.Is(err, chat.CodeRole) {
		t.Errorf("bob, who is no owner: %v", err)
	}
	for _, d := range []time.Duration{time.Second, 400 * 24 * time.Hour, -time.Second, time.Millisecond} {
		if err := alice.SetExpiry(w.ctx, "team", d); !errors.Is(err, chat.CodeExpiry) {
			t.Errorf("%v: %v", d, err)
		}
	}
	if err := alice.SetExpiry(w.ctx, "team", client.MinExpiry); err != nil {
		t.Fatal(err)
	}
	change := await(bob, func(m client.Message) bool { return len(m.Changes) > 0 })
	if c := change.Changes[0]; c.About != client.AboutExpiry || c.Value != "5" || change.Sender != "alice" {
		t.Errorf("bob is told %+v", change)
	}
	if err := alice.SetPast(w.ctx, "team", -1); err != nil {
		t.Fatal(err)
	}
	short := bob.post("team", client.Draft{Text: "swordfish"})
	long := bob.post("team", client.Draft{Text: "pike", Expires: time.Hour}) // the room's counts
	for _, id := range []chat.MessageID{short, long} {
		await(alice, expired(id))
	}
	alice.invite("team", "carol")
	await[client.PastShared](carol, nil)
	if lines := strings.Join(carol.read("team"), "|"); !strings.Contains(lines, "said before") || strings.Contains(lines, "swordfish") || strings.Contains(lines, "pike") {
		t.Errorf("carol reads %s", lines)
	}
	// What is told of the past goes when it would have gone.
	if err := alice.SetExpiry(w.ctx, "team", 0); err != nil {
		t.Fatal(err)
	}
	late := alice.post("team", client.Draft{Text: "trout", Expires: 8 * time.Second})
	alice.say("team", "pause")
	dave := w.person("dave", nil)
	alice.invite("team", "dave")
	await[client.PastShared](dave, nil)
	if dave.keeps("trout") == 0 {
		t.Error("dave isn't told what is still there")
	}
	await(dave, expired(late))
	if dave.keeps("trout") != 0 {
		t.Error("dave keeps what he was told")
	}
}

// Both people of a direct conversation can set its expiry, and nothing else of it.
func TestADirectConversationExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	if _, err := alice.Private(w.ctx, "bob", "hello"); err != nil {
		t.Fatal(err)
	}
	await(bob, text("hello"))
	if err := bob.SetExpiry(w.ctx, "@alice", time.Hour); err != nil {
		t.Fatal(err)
	}
	await(alice, func(m client.Message) bool { return len(m.Changes) == 1 && m.Changes[0].Value == "3600" })
	if err := bob.SetTopic(w.ctx, "@alice", "tea"); !errors.Is(err, chat.CodeRole) {
		t.Errorf("bob sets a topic: %v", err)
	}
	if _, err := alice.Private(w.ctx, "bob", "for an hour"); err != nil {
		t.Fatal(err)
	}
	m := await(bob, text("for an hour"))
	if left := time.Until(m.Expires); left < 59*time.Minute || left > time.Hour {
		t.Errorf("it goes in %v", left)
	}
}
