package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/keys"
	"huisclos/wire"
)

// redeem is a newcomer with a code.
func (w *world) redeem(name, code string) (*client.Admission, error) {
	w.t.Helper()
	c, err := keys.ParseCode(code)
	if err != nil {
		w.t.Fatal(err)
	}
	return client.Redeem(w.ctx, client.Redemption{Dial: dialAnyone, Address: w.address, Code: c, Name: name, Software: "test"})
}

func (p *person) code(lang string) client.InviteCode {
	p.w.t.Helper()
	c, err := p.OpenCode(p.w.ctx, "", lang, 0)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return c
}

// wrong is a code with the number of another and other words.
func wrong(c client.InviteCode) string {
	other := fmt.Sprintf("%d-guitare-ocean", c.Number)
	if c.Reveal() == other {
		other = fmt.Sprintf("%d-guitare-oiseau", c.Number)
	}
	return other
}

// verification is how p has made sure of somebody who is here; empty when p hasn't.
func (p *person) verification(name string) string {
	p.w.t.Helper()
	people, err := p.People(p.w.ctx, chat.Lobby)
	if err != nil {
		p.w.t.Fatal(err)
	}
	for _, v := range people {
		if v.Name == name {
			s := p.safety(name)
			if s.Trust != v.Trust || (s.Trust == client.TrustVerified) == s.At.IsZero() {
				p.w.t.Errorf("%s is %s in the list, and %+v", name, v.Trust, s)
			}
			return s.By
		}
	}
	return "absent"
}

// Who has a code is in: he has the key, and the two have verified each other. Nobody else is verified, and it stays so.
func TestJoinByCode(t *testing.T) {
	w := newWorld(t)
	alice, carol := w.person("alice", nil), w.person("carol", nil)
	alice.send("before bob")
	_ = carol
	c := alice.code("fr")
	if !strings.HasPrefix(c.Reveal(), "1-") || strings.Contains(fmt.Sprintf("%v %+v %#v", c, c, c), c.Words) {
		t.Errorf("%v", c)
	}
	a, err := w.redeem("bob", strings.ToUpper(strings.ReplaceAll(c.Reveal(), "-", " ")))
	if err != nil {
		t.Fatal(err)
	}
	if used := await[client.CodeUsed](alice, nil); used.Name != "bob" || used.Number != c.Number {
		t.Errorf("%+v", used)
	}
	vault := client.NewMemory()
	bob := &person{w: w, vault: vault}
	if bob.Client, err = client.Open(client.Config{Vault: vault, Address: w.address, Admission: a, Name: "bob", Software: "test", Dial: bob.dial}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bob.Close(context.Background()) })
	if bob.events, err = bob.Events(w.ctx); err != nil {
		t.Fatal(err)
	}
	bob.join()
	if got := bob.history(); len(got) != 1 || got[0] != "before bob" {
		t.Errorf("bob reads %q", got)
	}
	bob.send("it is me")
	await(alice, text("it is me"))
	for _, c := range []struct {
		who  *person
		name string
		want string
	}{{bob, "alice", client.ByCode}, {alice, "bob", client.ByCode}, {bob, "carol", ""}, {alice, "carol", ""}} {
		if got := c.who.verification(c.name); got != c.want {
			t.Errorf("%s is verified by %q", c.name, got)
		}
	}
	// The second use.
	if _, err := w.redeem("dave", c.Reveal()); !errors.Is(err, chat.CodeCodeUsed) {
		t.Error(err)
	}
	if fmt.Sprintf("%v %+v", a, a) != "[secret] [secret]" {
		t.Error("an admission prints")
	}
}

// A newcomer whose name is taken takes another one: the keys that were verified stay.
func TestAnotherNameAfterTheCode(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	a, err := w.redeem("alice", alice.code("").Reveal())
	if err != nil {
		t.Fatal(err)
	}
	open := func(name string) *client.Client {
		c, err := client.Open(client.Config{Vault: client.NewMemory(), Address: w.address, Admission: a, Name: name, Dial: (&person{w: w}).dial})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close(context.Background()) })
		return c
	}
	if err := open("alice").Online(w.ctx); !errors.Is(err, chat.CodeNameTaken) {
		t.Fatal(err)
	}
	second := open("alicia")
	if _, err := second.Join(w.ctx, chat.Lobby); err != nil {
		t.Fatal(err)
	}
	if got := alice.verification("alicia"); got != client.ByCode {
		t.Errorf("alicia is verified by %q", got)
	}
}

// A wrong word burns the code at the inviter's end; the guess is shown, and after three there are no more codes, whatever is open.
func TestWrongWordsBurn(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	var open []client.InviteCode
	for range 4 {
		open = append(open, alice.code(""))
	}
	for i, c := range open[:3] {
		if _, err := w.redeem("eve", wrong(c)); !errors.Is(err, chat.CodeCodeWrong) {
			t.Fatal(err)
		}
		if f := await[client.CodeFailed](alice, nil); f.Number != c.Number || !errors.Is(f.Err, chat.CodeCodeWrong) || f.Left != 2-i {
			t.Errorf("%+v", f)
		}
		if _, err := w.redeem("bob", c.Reveal()); !errors.Is(err, chat.CodeCodeUsed) {
			t.Error("after a guess:", err)
		}
	}
	if _, err := w.redeem("bob", open[3].Reveal()); err == nil {
		t.Error("a code works after three guesses")
	}
	if _, err := alice.OpenCode(w.ctx, "", "", 0); !errors.Is(err, chat.CodeCodeTries) {
		t.Error(err)
	}
}

// Codes that can't be used say why.
func TestCodesThatAreGone(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	if _, err := w.redeem("bob", "99-guitare-ocean"); !errors.Is(err, chat.CodeCodeUnknown) {
		t.Error("unknown:", err)
	}
	c := alice.code("")
	if err := alice.CloseCode(w.ctx, c.Number); err != nil {
		t.Fatal(err)
	}
	if _, err := w.redeem("bob", c.Reveal()); !errors.Is(err, chat.CodeCodeUsed) {
		t.Error("withdrawn:", err)
	}
	c, err := alice.OpenCode(w.ctx, "", "", time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if f := await[client.CodeFailed](alice, nil); !errors.Is(f.Err, chat.CodeCodeExpired) || f.Left != 3 {
		t.Errorf("%+v", f)
	}
	if _, err := alice.Rooms(w.ctx); err != nil { // the server has heard it
		t.Fatal(err)
	}
	if _, err := w.redeem("bob", c.Reveal()); !errors.Is(err, chat.CodeCodeExpired) {
		t.Error("expired:", err)
	}
	c = alice.code("")
	if err := alice.Close(w.ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := w.redeem("bob", c.Reveal()); !errors.Is(err, chat.CodeCodeAbsent) && !errors.Is(err, chat.CodeCodeBroken) {
		t.Error("the inviter has gone:", err)
	}
	if _, err := w.redeem("b b", "1-guitare-ocean"); !errors.Is(err, chat.CodeNameForm) {
		t.Error(err)
	}
}

// The newcomer's end burns the code before its one guess leaves, and no guess leaves when it is burnt already.
func TestNewcomerBurnsFirst(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	c, _ := keys.ParseCode(alice.code("").Reveal())
	proofs := 0
	r := client.Redemption{Address: w.address, Code: c, Name: "bob", Burn: func() error { return chat.Errorf(chat.CodeCodeUsed) }}
	r.Dial = func(ctx context.Context, address string, server chat.Fingerprint) (client.Link, error) {
		link, err := dialAnyone(ctx, address, server)
		return &watched{link, func(f wire.Frame) {
			if _, ok := f.(*wire.CodeMessage); ok {
				proofs++
			}
		}}, err
	}
	if _, err := client.Redeem(w.ctx, r); !errors.Is(err, chat.CodeCodeUsed) || proofs != 0 {
		t.Error(err, proofs)
	}
	if f := await[client.CodeFailed](alice, nil); !errors.Is(f.Err, chat.CodeCodeBroken) || f.Left != 3 {
		t.Errorf("%+v", f)
	}
	known := r
	known.Known = func(s chat.Fingerprint) bool { return s == w.identity.Fingerprint() }
	if _, err := client.Redeem(w.ctx, known); !errors.Is(err, client.ErrKnown) {
		t.Error(err)
	}
}

// watched shows what a client sends.
type watched struct {
	client.Link
	sees func(wire.Frame)
}

func (l *watched) Write(frames ...[]byte) error {
	for _, raw := range frames {
		if f, err := wire.Decode(raw); err == nil {
			l.sees(f)
		}
	}
	return l.Link.Write(frames...)
}

// A server of somebody in between, who hands the messages on: the newcomer sees it as another server than the inviter does, and leaves.
func TestManInTheMiddle(t *testing.T) {
	w, evil := newWorld(t), newWorld(t)
	alice := w.person("alice", nil)
	mallory := evil.person("mallory", nil) // has a code open at his own server, with the same number
	c := alice.code("")
	if m := mallory.code(""); m.Number != c.Number {
		t.Fatal("another number")
	}
	// The newcomer's messages reach alice as if he were at her server.
	dial := func(ctx context.Context, _ string, server chat.Fingerprint) (client.Link, error) {
		front, err := dialAnyone(ctx, evil.address, server)
		if err != nil {
			return nil, err
		}
		back, err := dialAnyone(ctx, w.address, server)
		return &spliced{front: front, back: back}, err
	}
	code, _ := keys.ParseCode(c.Reveal())
	proofs := 0
	_, err := client.Redeem(w.ctx, client.Redemption{Address: evil.address, Code: code, Name: "bob", Dial: func(ctx context.Context, a string, s chat.Fingerprint) (client.Link, error) {
		l, err := dial(ctx, a, s)
		return &watched{l, func(f wire.Frame) {
			if _, ok := f.(*wire.CodeMessage); ok {
				proofs++
			}
		}}, err
	}})
	if !errors.Is(err, chat.CodeIdentity) || proofs != 0 {
		t.Error(err, proofs)
	}
}

// spliced answers the login's challenge by one server and passes everything else on to another.
type spliced struct {
	front, back client.Link
	challenged  bool
}

func (s *spliced) Exporter() ([]byte, error) { return s.front.Exporter() }
func (s *spliced) Close() error              { return errors.Join(s.front.Close(), s.back.Close()) }
func (s *spliced) Read() ([]byte, error) {
	if !s.challenged {
		s.challenged = true
		if _, err := s.back.Read(); err != nil {
			return nil, err
		}
		return s.front.Read()
	}
	return s.back.Read()
}

func (s *spliced) Write(frames ...[]byte) error {
	if !s.challenged {
		if err := s.front.Write(frames...); err != nil {
			return err
		}
	}
	return s.back.Write(frames...)
}
