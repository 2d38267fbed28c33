package hub_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

func (p *person) linkCode() uint32 {
	p.w.t.Helper()
	p.must(wire.Encode(&wire.OpenLink{Ref: 6}))
	opened := take[*wire.CodeOpened](p)
	if len(opened) != 1 || opened[0].Ref != 6 {
		p.w.t.Fatalf("%+v", opened)
	}
	return opened[0].Number
}

// A link code and an invitation have numbers of one row, and aren't each other's; a mistake uses neither up.
func TestLinkIsRelayed(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice := w.join("alice")
		invitation, link := alice.code(), alice.linkCode()
		if invitation != 1 || link != 2 {
			t.Error(invitation, link)
		}
		if _, code := w.use(link); code != chat.CodeCodeLinks {
			t.Error(code)
		}
		if _, err := w.hub.UseLink(invitation, []byte("hello")); !codeIs(err, chat.CodeCodeInvites) {
			t.Error(err)
		}
		g, err := w.hub.UseLink(link, []byte("hello"))
		if err != nil {
			t.Fatal(err)
		}
		alice.hears("hello")
		alice.say(link, "offer")
		hears(t, g, "offer")
		if err := g.Say([]byte("proof")); err != nil {
			t.Fatal(err)
		}
		alice.hears("proof")
		for range 64 {
			alice.say(link, "piece")
		}
		alice.say(link, "one more than the protocol has")
		for range 64 {
			hears(t, g, "piece")
		}
		if err := g.Say([]byte("receipt")); err != nil {
			t.Fatal(err)
		}
		alice.hears("receipt")
		if err := g.Say([]byte("more")); !codeIs(err, chat.CodeFrame) {
			t.Error(err)
		}
		g.Leave()
		if len(take[*wire.CodeLeft](alice)) != 0 {
			t.Error("the end was a surprise")
		}
	})
}

// The old device hears that a new one has gone before its receipt; the new one, what the old one says, and that it has gone.
func TestLinkBreaks(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice := w.join("alice")
		n := alice.linkCode()
		g, err := w.hub.UseLink(n, []byte("hello"))
		if err != nil {
			t.Fatal(err)
		}
		take[*wire.CodeMessage](alice)
		alice.say(n, "offer")
		alice.say(n, "piece")
		g.Leave()
		if got := take[*wire.CodeLeft](alice); len(got) != 1 || got[0].Number != n {
			t.Errorf("%+v", got)
		}
		for code, want := range map[chat.Code]chat.Code{chat.CodeLinkRefused: chat.CodeLinkRefused, "anything": chat.CodeCodeBroken} {
			n = alice.linkCode()
			if g, err = w.hub.UseLink(n, []byte("hello")); err != nil {
				t.Fatal(err)
			}
			alice.must(wire.Encode(&wire.CloseCode{Ref: 9, Number: n, Code: code}))
			if _, err := g.Answer(context.Background()); !codeIs(err, want) {
				t.Error(code, err)
			}
			g.Leave()
		}
		n = alice.linkCode()
		if g, err = w.hub.UseLink(n, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		defer g.Leave()
		alice.session.Detach()
		begun := time.Now()
		if _, err := g.Answer(context.Background()); !codeIs(err, chat.CodeCodeAbsent) || time.Since(begun) > 15*time.Second {
			t.Error(err, time.Since(begun))
		}
	})
}

// Data goes to another live device of the same account, and nowhere else; it isn't kept, and has a rate.
func TestToDevice(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		desk, bob := w.join("alice"), w.join("bob")
		laptop := &person{w: w, peer: hub.Peer{Account: desk.peer.Account, Device: chat.DeviceID{200}, Name: "alice", Session: 1, Since: time.Now()}}
		laptop.attach()
		send := func(p *person, to chat.DeviceID, n int) chat.Code {
			p.must(wire.Encode(&wire.ToDevice{Ref: 8, Device: to, Data: make([]byte, n)}))
			synctest.Wait()
			for _, f := range take[wire.Frame](p) {
				switch f := f.(type) {
				case *wire.Failure:
					return f.Code
				case *wire.Done:
					return ""
				}
			}
			t.Error("no answer")
			return ""
		}
		if code := send(desk, laptop.peer.Device, 7); code != "" {
			t.Error(code)
		}
		if got := take[*wire.FromDevice](laptop); len(got) != 1 || got[0].Device != desk.peer.Device || len(got[0].Data) != 7 {
			t.Errorf("%+v", got)
		}
		for name, to := range map[string]chat.DeviceID{"itself": desk.peer.Device, "somebody else": bob.peer.Device, "nobody": {9}} {
			if code := send(desk, to, 7); code != chat.CodeDeviceAway {
				t.Error(name, code)
			}
		}
		if got := take[*wire.FromDevice](bob); len(got) != 0 {
			t.Error("bob gets what isn't his")
		}
		laptop.session.Detach()
		if code := send(desk, laptop.peer.Device, 7); code != chat.CodeDeviceAway {
			t.Error(code)
		}
		begun := time.Now()
		for range 80 { // 20 MiB, of which the first four go at once
			send(desk, laptop.peer.Device, wire.MaxDeviceData)
		}
		if took := time.Since(begun); took < time.Second || took > 4*time.Second {
			t.Errorf("20 MiB took %v", took)
		}
		if err := desk.handle(wire.Marshal(&wire.ToDevice{Type: wire.TypeToDevice, Ref: 8, Device: laptop.peer.Device, Data: make([]byte, wire.MaxDeviceData+1)})); err == nil {
			t.Error("more than a frame may have")
		}
	})
}
