package client_test

import (
	"errors"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/trust"
	"huisclos/wire"
)

// listed waits until an account's device list at the server has a version.
func (w *world) listed(a chat.AccountID, version uint64) *trust.DeviceList {
	w.t.Helper()
	for {
		people, err := w.store.People(w.ctx, []chat.AccountID{a}, nil, nil)
		if err != nil || len(people) != 1 {
			w.t.Fatal(people, err)
		}
		if l, err := trust.ParseDeviceList(w.identity.Fingerprint(), a, people[0].List); err == nil && l.Version() >= version {
			return l
		}
		select {
		case <-w.ctx.Done():
			w.t.Fatalf("no list of version %d", version)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (p *person) status() client.Status {
	p.w.t.Helper()
	s, err := p.Status(p.w.ctx)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return s
}

func TestDevicesAreListedAndRevoked(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.join()
	bob.join()
	old := alice.status()
	if l := w.listed(old.Account, 1); !l.Has(old.Device) {
		t.Error("it isn't in its list")
	}
	alice.send("from the old one")
	await(bob, text("from the old one"))
	found, err := w.find(alice.phrase())
	if err != nil {
		t.Fatal(err)
	}
	second := w.restored(found)
	if l := w.listed(old.Account, 2); !l.Has(second.status().Device) || !l.Has(old.Device) {
		t.Error("the new one isn't in the list")
	}
	devices, err := second.Devices(w.ctx)
	if err != nil || len(devices) != 2 || devices[0].Device != old.Device || devices[0].This || !devices[1].This || !devices[0].Revoked.IsZero() {
		t.Errorf("%+v, %v", devices, err)
	}
	for id, code := range map[string]chat.Code{
		second.status().Device.String(): chat.CodeSelf, "": chat.CodeNoDevice, old.Device.String()[:3]: chat.CodeNoDevice, "ffffffffffffffffff": chat.CodeNoDevice,
	} {
		if _, err := second.RevokeDevice(w.ctx, id); !errors.Is(err, code) {
			t.Errorf("%q: %v, want %s", id, err, code)
		}
	}
	v, err := second.RevokeDevice(w.ctx, old.Device.String()[:8])
	if err != nil || v.Device != old.Device || v.Revoked.IsZero() {
		t.Errorf("%+v, %v", v, err)
	}
	if e := await[client.Ended](alice, nil); e.Err == nil || e.Err.Code != chat.CodeRevoked {
		t.Errorf("%+v", e)
	}
	if _, err := second.RevokeDevice(w.ctx, old.Device.String()); !errors.Is(err, chat.CodeNoDevice) {
		t.Errorf("twice: %v", err)
	}
	if devices, err = second.Devices(w.ctx); err != nil || len(devices) != 2 || devices[0].Revoked.IsZero() {
		t.Errorf("%+v, %v", devices, err)
	}
	// The others hear of it; what the old one said before stays.
	bob.safety("alice")
	if e := await[client.DeviceRevoked](bob, nil); e.Device != old.Device || e.Mine || e.Name != "alice" {
		t.Errorf("%+v", e)
	}
	carol := w.person("carol", nil)
	carol.join()
	if got := carol.history(); len(got) != 1 || got[0] != "from the old one" {
		t.Errorf("%q", got)
	}
}

// What a revoked device says is refused even if the server lets it through.
func TestServerThatKeepsARevokedDevice(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.join()
	bob.join()
	alice.send("one")
	await(bob, text("one"))
	account, err := trust.ParseAccount(alice.phrase())
	if err != nil {
		t.Fatal(err)
	}
	a := alice.status()
	l := w.listed(a.Account, 1)
	next, err := l.Change(account, trust.ListRevoke, a.Device, time.Now().UnixMilli()-1)
	if err != nil {
		t.Fatal(err)
	}
	bob.between(func(f wire.Frame) []wire.Frame { // bob knows, the server doesn't act on it
		if p, ok := f.(*wire.People); ok {
			for i := range p.People {
				if p.People[i].Account == a.Account {
					p.People[i].List = next.Marshal()
				}
			}
		}
		return []wire.Frame{f}
	})
	bob.safety("alice")
	await[client.DeviceRevoked](bob, nil)
	alice.send("from the thief")
	m := await(bob, func(m client.Message) bool { return m.Seq == 2 })
	if m.Form != client.Refused || m.Text != "" || m.Err == nil || m.Err.Code != chat.CodeRevoked {
		t.Errorf("%+v", m)
	}
	// A server that shows the older list again is told so, and isn't believed.
	bob.between(nil)
	bob.safety("alice")
	if e := await[client.DevicesWithheld](bob, nil); e.Have != 2 || e.Got != 1 || e.Forked || e.Name != "alice" {
		t.Errorf("%+v", e)
	}
	alice.send("still")
	if m := await(bob, func(m client.Message) bool { return m.Seq == 3 }); m.Form != client.Refused {
		t.Errorf("%+v", m)
	}
	// Nor is one that shows another list to him than to others.
	fork, err := l.Change(account, trust.ListAdd, chat.DeviceID{9}, 1)
	if err == nil {
		fork, err = fork.Change(account, trust.ListAdd, chat.DeviceID{8}, 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	bob.cut()
	await[client.Online](bob, nil)
	bob.between(func(f wire.Frame) []wire.Frame {
		if p, ok := f.(*wire.People); ok {
			for i := range p.People {
				if p.People[i].Account == a.Account {
					p.People[i].List = fork.Marshal()
				}
			}
		}
		return []wire.Frame{f}
	})
	bob.safety("alice")
	if e := await[client.DevicesWithheld](bob, nil); !e.Forked {
		t.Errorf("%+v", e)
	}
	// One that isn't a list at all is as none.
	bob.cut()
	await[client.Online](bob, nil)
	bob.between(func(f wire.Frame) []wire.Frame {
		if p, ok := f.(*wire.People); ok {
			for i := range p.People {
				p.People[i].List = []byte("nonsense")
			}
		}
		return []wire.Frame{f}
	})
	bob.safety("alice")
	if e := await(bob, func(e client.DevicesWithheld) bool { return e.Name == "alice" }); e.Got != 0 || e.Forked {
		t.Errorf("%+v", e)
	}
}

// A server that was restored from a backup gets the newest list from those who have it.
func TestListComesBackToTheServer(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	alice.join()
	a := alice.status()
	w.listed(a.Account, 1)
	w.anew()
	await(alice, func(e client.Online) bool { return !e.First })
	if l := w.listed(a.Account, 1); !l.Has(a.Device) {
		t.Error("it isn't there")
	}
}

// Who revokes a device takes it out of the private rooms too.
func TestRevokedDeviceLeavesPrivateRooms(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.join()
	bob.join()
	found, err := w.find(alice.phrase())
	if err != nil {
		t.Fatal(err)
	}
	second := w.restored(found)
	w.listed(alice.status().Account, 2)
	devices := func(p *person) int {
		t.Helper()
		all, err := p.Members(w.ctx, "team")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if m.Name == "alice" {
				return m.Devices
			}
		}
		return 0
	}
	for _, d := range []chat.DeviceID{alice.status().Device, second.status().Device} {
		for { // both have published keys to be invited with
			if s, err := w.store.PackageState(w.ctx, d); err != nil {
				t.Fatal(err)
			} else if s.OneTime > 0 {
				break
			}
			<-time.After(10 * time.Millisecond)
		}
	}
	bob.found("team")
	bob.invite("team", "alice")
	await[client.Invited](alice, nil)
	await[client.Invited](second, nil)
	if n := devices(second); n != 2 {
		t.Fatalf("%d of her devices are in the room", n)
	}
	if _, err := second.RevokeDevice(w.ctx, alice.status().Device.String()); err != nil {
		t.Fatal(err)
	}
	for devices(bob) != 1 || devices(second) != 1 {
		select {
		case <-w.ctx.Done():
			t.Fatal("the revoked device stays in the room")
		case <-time.After(20 * time.Millisecond):
		}
	}
	second.say("team", "without it")
	await(bob, text("without it"))
	// The backup names the room, which a new device has to be invited to.
	f, err := w.find(second.phrase())
	if err != nil || len(f.Backup.Rooms) != 2 || f.Backup.Rooms[1].Kind != chat.PrivateRoom || f.Backup.Rooms[1].Name != "team" {
		t.Errorf("%+v, %v", f.Backup, err)
	}
}
