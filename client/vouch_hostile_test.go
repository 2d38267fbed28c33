package client_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/trust"
	"huisclos/wire"
)

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
