package client_test

import (
	"errors"
	"slices"
	"testing"

	"huisclos/chat"
	"huisclos/client"
)

// post says something that isn't a plain text, and waits until it is in the log.
func (p *person) post(room string, d client.Draft) chat.MessageID {
	p.w.t.Helper()
	id, err := p.Post(p.w.ctx, room, d)
	if err == nil {
		err = p.Flush(p.w.ctx)
	}
	if err != nil {
		p.w.t.Fatal(err)
	}
	return id
}

// last is how the last message of a room stands for somebody, when it is right.
func (p *person) waitLast(room, what string, right func(client.Message) bool) client.Message {
	p.w.t.Helper()
	for range 2 { // what is already there, or what comes
		all, err := p.Recent(p.w.ctx, room, 0, 50)
		if err != nil {
			p.w.t.Fatal(err)
		}
		if len(all) > 0 && right(all[len(all)-1]) {
			return all[len(all)-1]
		}
		for {
			if right(await[client.Updated](p, nil).Message) {
				break
			}
		}
	}
	p.w.t.Fatalf("%s doesn't see %s", p.name(), what)
	return client.Message{}
}

// In a room of either kind: an answer, an edit, reactions and their end, a message taken back.
func TestWhatIsDoneToMessages(t *testing.T) {
	for _, room := range []string{chat.Lobby, "team"} {
		t.Run(room, func(t *testing.T) {
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
			first := alice.post(room, client.Draft{Text: "helo"})
			answer := bob.post(room, client.Draft{Text: "hi", Ref: first})
			m := await(alice, text("hi"))
			if m.Ref == nil || m.Ref.ID != first || m.Ref.Sender != "alice" || m.Ref.Text != "helo" {
				t.Errorf("bob answers %+v", m.Ref)
			}
			alice.post(room, client.Draft{What: client.Edited, Ref: first, Text: "hello"})
			up := await(bob, func(u client.Updated) bool { return u.Message.ID == first })
			if up.Message.Text != "hello" || !up.Message.Edited || up.Message.Sender != "alice" {
				t.Errorf("bob sees %+v", up.Message)
			}
			reaction := alice.post(room, client.Draft{What: client.Reacted, Ref: answer, Text: "👍"})
			m = bob.waitLast(room, "a reaction", func(m client.Message) bool { return len(m.Reactions) == 1 })
			if r := m.Reactions[0]; r.Emoji != "👍" || !slices.Equal(r.By, []string{"alice"}) || !r.Mine.IsZero() {
				t.Errorf("bob sees the reaction %+v", r)
			}
			alice.post(room, client.Draft{What: client.Unreacted, Ref: reaction})
			bob.waitLast(room, "no reaction", func(m client.Message) bool { return m.Text == "hi" && len(m.Reactions) == 0 })
			// Who isn't the author edits nothing.
			bob.post(room, client.Draft{What: client.Edited, Ref: first, Text: "something else"})
			bob.post(room, client.Draft{What: client.TookBack, Ref: answer})
			gone := await(alice, func(u client.Updated) bool { return u.Message.Form == client.Taken }).Message
			if gone.ID != answer || gone.Text != "" || gone.TakenBy != "bob" {
				t.Errorf("alice sees %+v", gone)
			}
			for _, p := range []*person{alice, bob} {
				p.read(room) // up to the head
				all, err := p.Recent(w.ctx, room, 0, 2)
				if err != nil || len(all) != 2 || all[0].Text != "hello" || all[1].Form != client.Taken {
					t.Errorf("%s reads %+v, %v", p.name(), all, err)
				}
			}
			if _, err := alice.Post(w.ctx, room, client.Draft{What: client.Reacted, Ref: first, Text: "not an emoji"}); !errors.Is(err, chat.CodeFrame) {
				t.Errorf("a reaction in letters: %v", err)
			}
		})
	}
}

// In a private room a moderator takes back what others wrote; in a key room nobody can.
func TestModeratorTakesBack(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	rude := bob.post("team", client.Draft{Text: "rude"})
	mine := alice.post("team", client.Draft{Text: "polite"})
	await(alice, text("rude"))
	bob.post("team", client.Draft{What: client.TookBack, Ref: mine})
	alice.post("team", client.Draft{What: client.TookBack, Ref: rude})
	u := await[client.Updated](bob, nil)
	if u.Message.ID != rude || u.Message.Form != client.Taken || u.Message.TakenBy != "alice" {
		t.Errorf("bob sees %+v", u.Message)
	}
	bob.wantRead("team", "alice +bob", "bob (8) <nil>", "alice: polite")
}

// A newcomer reads the end of the log first; what is about older messages is applied when those are read.
func TestEditBeforeItsMessage(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	alice.join()
	first := alice.post(chat.Lobby, client.Draft{Text: "v1"})
	for range 130 {
		if _, err := alice.Queue(w.ctx, chat.Lobby, "more"); err != nil {
			t.Fatal(err)
		}
	}
	alice.post(chat.Lobby, client.Draft{What: client.Edited, Ref: first, Text: "v2"})
	carol := w.person("carol", nil)
	carol.join()
	var texts []string
	for m, err := range carol.Read(w.ctx, chat.Lobby, 0, false) {
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, m.Text)
	}
	if len(texts) != 131 || texts[0] != "v2" {
		t.Errorf("carol reads %d messages, first %q", len(texts), texts[0])
	}
}
