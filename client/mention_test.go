package client_test

import (
	"slices"
	"strings"
	"testing"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/wire"
)

// mentions are whom a message names, as it is shown: "bob=@bob".
func mentions(m client.Message) (all []string) {
	for _, x := range m.Mentions {
		all = append(all, x.Name+"="+m.Text[x.Start:x.End])
	}
	return all
}

// A name with "@" before it means the account that has it, where that is a member; everything else stays text.
func TestMentions(t *testing.T) {
	for _, room := range []string{chat.Lobby, "team"} {
		t.Run(room, func(t *testing.T) {
			w := newWorld(t)
			alice, bob, carol := w.person("alice", nil), w.person("bob", nil), w.person("carol", nil)
			dots := w.person("Bob.the.Builder", nil)
			for _, p := range []*person{alice, bob, carol, dots} {
				p.join()
				p.send("here")
			}
			await(alice, func(m client.Message) bool { return m.Text == "here" && m.Sender == "Bob.the.Builder" })
			if room == "team" {
				alice.found("team")
				for _, name := range []string{"bob", "Bob.the.Builder"} {
					alice.invite("team", name)
				}
				await[client.Invited](bob, nil)
			}
			for text, want := range map[string][]string{
				"hello @bob":                          {"bob=@bob"},
				"@BOB, and (@bob)!":                   {"bob=@bob", "bob=@bob"},
				"ask @bob.the.builder.":               {"Bob.the.Builder=@Bob.the.Builder"},
				"ask @bob.the.baker":                  {"bob=@bob"},
				"@bobby @bоb me@bob @@ @ @nobody b@b": nil, // the second has a Cyrillic letter
				"@alice herself":                      {"alice=@alice"},
			} {
				alice.post(room, client.Draft{Text: text})
				m := await(bob, func(m client.Message) bool { return len(m.Text) >= len(text) && m.Sender == "alice" })
				if !slices.Equal(mentions(m), want) {
					t.Errorf("%q mentions %q, not %q", text, mentions(m), want)
				}
				if m.MentionsMe != slices.Contains(want, "bob=@bob") {
					t.Errorf("%q: MentionsMe %v", text, m.MentionsMe)
				}
			}
			alice.post(room, client.Draft{Text: "and @carol"})
			m := await(bob, text("and @carol"))
			if got := mentions(m); (room == "team") != (got == nil) { // she isn't a member there
				t.Errorf("carol: %q", got)
			}
			// An edit brings its own, and a plain line has them too.
			id := alice.post(room, client.Draft{Text: "for @bob"})
			alice.post(room, client.Draft{What: client.Edited, Ref: id, Text: "no, @alice and @bob"})
			up := await(bob, func(u client.Updated) bool { return u.Message.ID == id })
			if got := mentions(up.Message); !slices.Equal(got, []string{"alice=@alice", "bob=@bob"}) || !up.Message.MentionsMe {
				t.Errorf("the edit mentions %q", got)
			}
			if _, err := alice.Queue(w.ctx, room, "queued for @bob"); err != nil {
				t.Fatal(err)
			}
			if m := await(bob, text("queued for @bob")); !m.MentionsMe {
				t.Error("a queued line mentions nobody")
			}
			alice.post(room, client.Draft{Text: strings.Repeat("@bob ", 10_000)})
			m = await(bob, func(m client.Message) bool { return len(m.Text) > 40_000 })
			if len(m.Mentions) != 64 {
				t.Errorf("%d mentions", len(m.Mentions))
			}
		})
	}
}

// What a member tells of the past has its mentions, and an answer shows them too.
func TestMentionsOfThePast(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol := w.person("alice", nil), w.person("bob", nil), w.person("carol", nil)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	id := alice.post("team", client.Draft{Text: "hello @Bob!"})
	await(bob, text("hello @bob!"))
	if err := alice.SetPast(w.ctx, "team", -1); err != nil {
		t.Fatal(err)
	}
	alice.invite("team", "carol")
	await[client.PastShared](carol, nil)
	all, err := carol.Recent(w.ctx, "team", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(m client.Message) bool { return m.ID == id })
	if i < 0 || all[i].Text != "hello @bob!" || !slices.Equal(mentions(all[i]), []string{"bob=@bob"}) {
		t.Errorf("carol reads %+v", all)
	}
	bob.post("team", client.Draft{Text: "yes", Ref: id})
	if m := await(carol, text("yes")); m.Ref == nil || m.Ref.Text != "hello @bob!" {
		t.Errorf("the answer's quote is %+v", m.Ref)
	}
}

// A message of somebody muted is refused with all that is in it, in his own client too.
func TestMentionsOfAMutedMember(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	bob.say("team", "ready")
	await(alice, text("ready"))
	var held []wire.Frame
	holding := true
	bob.between(func(f wire.Frame) []wire.Frame { // he hears of it when his message is in the log
		switch f.(type) {
		case *wire.Entries:
			if holding {
				held = append(held, f)
				return nil
			}
		case *wire.Ack:
			all := append([]wire.Frame{f}, held...)
			held, holding = nil, false
			return all
		}
		return []wire.Frame{f}
	})
	if err := alice.Mute(w.ctx, "team", "bob", true); err != nil {
		t.Fatal(err)
	}
	bob.post("team", client.Draft{Text: "hear me, @alice"})
	for _, p := range []*person{alice, bob} {
		m := await(p, func(m client.Message) bool { return m.Form == client.Refused })
		if m.Text != "" || len(m.Mentions) != 0 || m.MentionsMe {
			t.Errorf("%s is shown %+v", p.name(), m)
		}
	}
}
