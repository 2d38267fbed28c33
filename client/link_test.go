package client_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/keys"
	"huisclos/wire"
)

// link makes a link code.
func (p *person) openLink() client.InviteCode {
	p.w.t.Helper()
	c, err := p.OpenLink(p.w.ctx, "en", 0)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return c
}

// linkUp is a new device with a link code.
func (w *world) linkUp(code string, known func(chat.Fingerprint, string) bool) (*client.Linked, error) {
	w.t.Helper()
	c, err := keys.ParseCode(code)
	if err != nil {
		w.t.Fatal(err)
	}
	return client.LinkUp(w.ctx, client.Linkage{Dial: dialAnyone, Address: w.address, Code: c, Label: "laptop, linux", Software: "test", Known: known})
}

// addDevice is a second device of p, whose vault isn't open yet.
func (p *person) addDevice() (*client.Memory, *client.Linked) {
	p.w.t.Helper()
	c := p.openLink()
	type result struct {
		l   *client.Linked
		err error
	}
	done := make(chan result, 1)
	go func() {
		l, err := p.w.linkUp(c.Reveal(), nil)
		done <- result{l, err}
	}()
	asked := await[client.LinkAsked](p, nil)
	if asked.Name != "laptop, linux" || asked.Number != c.Number || len(asked.Devices) == 0 {
		p.w.t.Errorf("asked %+v", asked)
	}
	if err := p.AnswerLink(p.w.ctx, 0, true); err != nil {
		p.w.t.Fatal(err)
	}
	r := <-done
	if r.err != nil {
		p.w.t.Fatal(r.err)
	}
	if got := await[client.LinkDone](p, nil); got.Device != asked.Device || r.l.Device != asked.Device {
		p.w.t.Errorf("%v was shown, and %v is linked", asked.Device, r.l.Device)
	}
	vault := client.NewMemory()
	if err := r.l.Restore(vault); err != nil {
		p.w.t.Fatal(err)
	}
	return vault, r.l
}

func done(h client.HistoryMoved) bool { return h.Done }

// views are a room's messages with all that is shown of them, but for what differs between two devices of one person.
func (p *person) views(room string) (all []string) {
	p.w.t.Helper()
	messages, err := p.Recent(p.w.ctx, room, 0, 1000)
	if err != nil {
		p.w.t.Fatal(err)
	}
	for _, m := range messages {
		s := fmt.Sprint(m.Seq, m.ID, line(m), m.Mine, m.Edited, m.TakenBy, m.SharedBy, m.What, m.Time.UnixMilli())
		for _, r := range m.Reactions {
			s += fmt.Sprint(r.Emoji, r.By, r.Mine)
		}
		if m.Ref != nil {
			s += fmt.Sprint(m.Ref.Text, m.Ref.Sender, m.Ref.Seq)
		}
		all = append(all, s)
	}
	return all
}

func (p *person) posted(room string, d client.Draft) {
	p.w.t.Helper()
	if _, err := p.Post(p.w.ctx, room, d); err != nil {
		p.w.t.Fatal(err)
	}
	if err := p.Flush(p.w.ctx); err != nil {
		p.w.t.Fatal(err)
	}
}

// A linked device is in every room, reads all that the first one has read as that shows it, and what is done to a message later counts at both.
func TestLinkedDevice(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	bob.say("team", "helo")
	helo := await(alice, text("helo"))
	bob.posted("team", client.Draft{What: client.Edited, Ref: helo.ID, Text: "hello"})
	alice.posted("team", client.Draft{What: client.Reacted, Ref: helo.ID, Text: "👍"})
	alice.posted("team", client.Draft{What: client.Said, Ref: helo.ID, Text: "hello bob"})
	alice.say("team", "oops")
	oops := await(alice, text("oops"))
	alice.posted("team", client.Draft{What: client.TookBack, Ref: oops.ID})
	if _, err := bob.Private(w.ctx, "alice", "psst"); err != nil {
		t.Fatal(err)
	}
	await(alice, text("psst"))
	if _, err := alice.Verify(w.ctx, "bob", ""); err != nil {
		t.Fatal(err)
	}

	vault, _ := alice.addDevice()
	laptop := w.reopen(vault)
	moved := await(laptop, done)
	if moved.Moved == 0 || moved.Moved != moved.Total {
		t.Errorf("%+v", moved)
	}
	if sent := await(alice, done); sent.Moved != sent.Total || sent.Name != "laptop, linux" {
		t.Errorf("%+v", sent)
	}
	for range 2 {
		await[client.Invited](laptop, nil)
	}
	for _, room := range []string{"team", "@bob"} {
		want, got := alice.views(room), laptop.views(room)
		if len(want) < 2 || len(got) < len(want)-1 || !slices.Equal(want[:len(want)-1], got[:len(want)-1]) {
			t.Errorf("in %s alice's first device shows\n%q\nand the second\n%q", room, want, got)
		}
	}
	if s := laptop.safety("bob"); s.Trust != client.TrustVerified {
		t.Errorf("bob is %+v there", s)
	}

	// The second device writes, reacts to what came over, and takes what the first one said back.
	laptop.say("team", "from the laptop")
	await(alice, text("from the laptop"))
	await(bob, text("from the laptop"))
	bob.say("@alice", "to both")
	await(laptop, text("to both"))
	laptop.posted("team", client.Draft{What: client.Reacted, Ref: helo.ID, Text: "🎉"})
	got := await(alice, func(u client.Updated) bool { return len(u.Message.Reactions) == 2 })
	if got.Message.Text != "hello" {
		t.Errorf("%+v", got)
	}
	mine := got.Message.Reactions[0].Mine
	laptop.posted("team", client.Draft{What: client.Unreacted, Ref: mine})
	await(bob, func(u client.Updated) bool { return u.Message.ID == helo.ID && len(u.Message.Reactions) == 1 })

	// Both are listed, and each knows what the other is called.
	names := map[string]bool{}
	devices, err := alice.Devices(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range devices {
		names[d.Name] = true
	}
	if len(devices) != 2 || !names["laptop, linux"] {
		t.Errorf("%+v", devices)
	}
	if s, err := laptop.Status(w.ctx); err != nil || len(s.Transfers) > 0 {
		t.Errorf("%+v, %v", s.Transfers, err)
	}
	// The log tells both the same.
	for _, room := range []string{"team", "@bob"} {
		if a, b := alice.read(room), laptop.read(room); len(a) != len(b) {
			t.Errorf("%q and %q", a, b)
		}
	}
}

// A no gives nothing, and says so at both ends.
func TestLinkRefused(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	c := alice.openLink()
	fail := make(chan error, 1)
	go func() {
		_, err := w.linkUp(c.Reveal(), nil)
		fail <- err
	}()
	await[client.LinkAsked](alice, nil)
	if err := alice.AnswerLink(w.ctx, c.Number, false); err != nil {
		t.Fatal(err)
	}
	if err := <-fail; !errors.Is(err, chat.CodeLinkRefused) {
		t.Error(err)
	}
	if got := await[client.CodeFailed](alice, nil); got.Err.Code != chat.CodeLinkRefused || got.Left != 3 {
		t.Errorf("%+v", got)
	}
	if err := alice.AnswerLink(w.ctx, c.Number, true); !errors.Is(err, chat.CodeNoLink) {
		t.Error(err)
	}
	alice.onlyDevice()
}

// onlyDevice checks that nothing was made for another device.
func (p *person) onlyDevice() {
	p.w.t.Helper()
	devices, err := p.Devices(p.w.ctx)
	if err != nil || len(devices) != 1 {
		p.w.t.Errorf("%+v, %v", devices, err)
	}
	if s, err := p.Status(p.w.ctx); err != nil || len(s.Transfers) != 0 {
		p.w.t.Errorf("%+v, %v", s.Transfers, err)
	}
}

// A code of either kind isn't one of the other, also when the server hides which kind it is.
func TestCodesOfTwoKinds(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	link, invitation := alice.openLink(), alice.code("en")
	if _, err := w.redeem("bob", link.Reveal()); !errors.Is(err, chat.CodeCodeLinks) {
		t.Error(err)
	}
	if _, err := w.linkUp(invitation.Reveal(), nil); !errors.Is(err, chat.CodeCodeInvites) {
		t.Error(err)
	}
	// Neither was used up.
	if _, err := w.redeem("bob", invitation.Reveal()); err != nil {
		t.Error(err)
	}
	if _, err := w.linkUp(wrong(link), nil); !errors.Is(err, chat.CodeCodeWrong) {
		t.Error(err)
	}
	if got := await[client.CodeFailed](alice, nil); got.Err.Code != chat.CodeCodeWrong || got.Left != 2 {
		t.Errorf("%+v", got)
	}
	if _, err := w.linkUp(link.Reveal(), nil); !errors.Is(err, chat.CodeCodeUsed) {
		t.Error(err)
	}
	alice.onlyDevice()
}

// Who has the profile already isn't asked anything; the old device hears that nobody came.
func TestLinkKnown(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	c := alice.openLink()
	known := func(_ chat.Fingerprint, name string) bool { return name == "alice" }
	if _, err := w.linkUp(c.Reveal(), known); !errors.Is(err, chat.CodeProfileExists) {
		t.Error(err)
	}
	if got := await[client.CodeFailed](alice, nil); got.Err.Code != chat.CodeCodeBroken || got.Left != 3 {
		t.Errorf("%+v", got)
	}
	alice.onlyDevice()
}

// A history that is cut off goes on where it was: by a cut of either end, and by the end of either program.
func TestHistoryGoesOn(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	const many = 2500
	for i := range many {
		if _, err := bob.Queue(w.ctx, "team", fmt.Sprint("message ", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := bob.Flush(w.ctx); err != nil {
		t.Fatal(err)
	}
	await(alice, text(fmt.Sprint("message ", many-1)))
	vault, _ := alice.addDevice()
	laptop := w.reopen(vault)
	begun := await(laptop, func(h client.HistoryMoved) bool { return h.Moved > 0 })
	if begun.Total < many {
		t.Errorf("%+v", begun)
	}
	_ = alice.Close(w.ctx) // the old device goes away
	at := laptop.transfer().Moved
	if at == 0 || at >= many {
		t.Fatalf("%d messages are there", at)
	}
	_ = laptop.Close(w.ctx) // and so does the new one
	vault.Reopen()
	laptop = w.reopen(vault)
	if got := laptop.transfer().Moved; got != at {
		t.Errorf("%d messages were there, now it is %d", at, got)
	}
	alice.vault.(*client.Memory).Reopen()
	_ = w.reopen(alice.vault)
	await(laptop, func(h client.HistoryMoved) bool { return h.Moved > at })
	laptop.cut()
	got := await(laptop, done)
	if got.Moved < many || got.Moved > many+2 { // nothing was told twice
		t.Errorf("%+v", got)
	}
	seen := map[string]int{}
	for _, line := range laptop.read("team") {
		seen[line]++
	}
	for i := range many {
		if n := seen[fmt.Sprint("bob: message ", i)]; n != 1 {
			t.Fatalf("message %d is there %d times", i, n)
		}
	}
}

func (p *person) transfer() client.TransferView {
	p.w.t.Helper()
	s, err := p.Status(p.w.ctx)
	if err != nil || len(s.Transfers) != 1 {
		p.w.t.Fatalf("%+v, %v", s.Transfers, err)
	}
	return s.Transfers[0]
}

// A device that is revoked while its history is on its way gets no more of it.
func TestHistoryEndsWithRevocation(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	alice.found("team")
	alice.say("team", "one")
	vault, linked := alice.addDevice()
	laptop := w.tampering(vault, func(f wire.Frame) []wire.Frame {
		if _, ok := f.(*wire.FromDevice); ok {
			return nil // so it doesn't come to its end
		}
		return []wire.Frame{f}
	})
	await[client.Online](laptop, nil)
	alice.transfer()
	for { // until alice has heard of the device
		_, err := alice.RevokeDevice(w.ctx, linked.Device.String())
		if err == nil {
			break
		}
		if !errors.Is(err, chat.CodeNoDevice) {
			t.Fatal(err)
		}
	}
	if s, err := alice.Status(w.ctx); err != nil || len(s.Transfers) > 0 {
		t.Errorf("%+v, %v", s.Transfers, err)
	}
}
