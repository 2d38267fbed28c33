package hub_test

import (
	"context"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/trust"
	"huisclos/wire"
)

func TestBackups(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice, bob := w.join("alice"), w.join("bob")
		if b := ask[*wire.Backup](alice, wire.Encode(&wire.GetBackup{Ref: 1})); b.Serial != 0 || len(b.Sealed) != 0 {
			t.Errorf("%+v", b)
		}
		ask[*wire.Done](alice, wire.Encode(&wire.PutBackup{Ref: 2, Serial: 1, Sealed: []byte("one")}))
		if b := ask[*wire.Backup](alice, wire.Encode(&wire.GetBackup{Ref: 3})); b.Serial != 1 || string(b.Sealed) != "one" || b.Time == 0 {
			t.Errorf("%+v", b)
		}
		if f := ask[*wire.Failure](alice, wire.Encode(&wire.PutBackup{Ref: 4, Serial: 1, Sealed: []byte("two")})); f.Code != chat.CodeConflict || f.Params["serial"] != "1" {
			t.Errorf("%+v", f)
		}
		if b := ask[*wire.Backup](bob, wire.Encode(&wire.GetBackup{Ref: 5})); b.Serial != 0 {
			t.Errorf("another's: %+v", b)
		}
		if err := alice.handle(wire.Marshal(&wire.PutBackup{Type: wire.TypePutBackup, Ref: 6, Serial: 2, Sealed: make([]byte, wire.MaxBackup+1)})); err == nil {
			t.Error("a backup over the limit")
		}
	})
}

// An account's other devices hear of one that has enrolled; nobody else does, nor of one that comes back.
func TestNewDeviceIsTold(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice, bob := w.join("alice"), w.join("bob")
		peer := alice.peer
		peer.Device, peer.New = chat.DeviceID{99}, true
		login, err := w.store.Enrol(context.Background(), hub.Enrolment{
			Account: peer.Account, Device: peer.Device, Name: "alice", Folded: "alice", Skeleton: "alice", Generation: w.hub.Generation().Number, At: time.Now(),
			Certificate: []byte{2}, Unproven: true,
		})
		if err != nil || !login.New {
			t.Fatal(login, err)
		}
		peer.Session = login.Session
		second := &person{w: w, peer: peer}
		second.attach()
		if got := take[*wire.Devices](alice); len(got) != 1 || got[0].Account != peer.Account {
			t.Errorf("%+v", got)
		}
		if n := len(take[*wire.Devices](bob)) + len(take[*wire.Devices](second)); n != 0 {
			t.Errorf("%d told to others", n)
		}
		second.peer.New = false
		second.again()
		if got := take[*wire.Devices](alice); len(got) != 0 {
			t.Errorf("told of a return: %+v", got)
		}
	})
}

func TestDeviceLists(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		account := trust.NewAccount()
		join := func(id byte, fresh bool) *person {
			t.Helper()
			p := &person{w: w, peer: hub.Peer{Account: account.ID(), Device: chat.DeviceID{id}, Name: "anna", Since: time.Now(), New: fresh}}
			login, err := w.store.Enrol(context.Background(), hub.Enrolment{
				Account: p.peer.Account, Device: p.peer.Device, Name: "anna", Folded: "anna", Skeleton: "anna", Generation: w.hub.Generation().Number, At: time.Now(), Certificate: []byte{id},
			})
			if err != nil {
				t.Fatal(err)
			}
			p.peer.Session = login.Session
			p.attach()
			return p
		}
		laptop, phone, bob := join(101, true), join(102, true), w.join("bob")
		l := trust.NewDeviceList(server, account.ID())
		change := func(l *trust.DeviceList, action trust.ListAction, d chat.DeviceID) *trust.DeviceList {
			t.Helper()
			next, err := l.Change(account, action, d, 1)
			if err != nil {
				t.Fatal(err)
			}
			return next
		}
		one := change(change(l, trust.ListAdd, laptop.peer.Device), trust.ListAdd, phone.peer.Device)
		put := func(p *person, raw []byte) []byte { return wire.Encode(&wire.PutList{Ref: 1, List: raw}) }
		ask[*wire.Done](laptop, put(laptop, one.Marshal()))
		ask[*wire.Done](phone, put(phone, one.Marshal())) // it is that one
		for what, c := range map[string]struct {
			p    *person
			raw  []byte
			code chat.Code
		}{
			"nonsense":       {laptop, []byte("x"), chat.CodeAuth},
			"another's":      {bob, one.Marshal(), chat.CodeAuth},
			"an older one":   {laptop, change(l, trust.ListAdd, laptop.peer.Device).Marshal(), chat.CodeConflict},
			"another branch": {laptop, change(change(change(l, trust.ListAdd, laptop.peer.Device), trust.ListAdd, chat.DeviceID{7}), trust.ListRevoke, chat.DeviceID{7}).Marshal(), chat.CodeConflict},
		} {
			if f := ask[*wire.Failure](c.p, put(c.p, c.raw)); f.Code != c.code {
				t.Errorf("%s: %+v", what, f)
			}
		}
		take[*wire.Devices](phone)
		ask[*wire.Done](laptop, put(laptop, change(one, trust.ListRevoke, phone.peer.Device).Marshal()))
		if phone.gone() != chat.CodeRevoked || laptop.gone() != "" || bob.gone() != "" {
			t.Errorf("%q, %q, %q", phone.gone(), laptop.gone(), bob.gone())
		}
		people := ask[*wire.People](bob, wire.Encode(&wire.Who{Ref: 2, Names: []string{"anna"}})).People
		if len(people) != 1 {
			t.Fatalf("%+v", people)
		}
		if got, err := trust.ParseDeviceList(server, account.ID(), people[0].List); err != nil || got.Version() != 3 || got.Has(phone.peer.Device) {
			t.Errorf("%v", err)
		}
	})
}
