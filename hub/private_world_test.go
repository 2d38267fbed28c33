package hub_test

import (
	"bytes"
	"testing/synctest"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// den is a private room with those who are, or were, in it.
type den struct {
	w  *world
	id chat.RoomID
}

// den makes a private room.
func (w *world) den(p *person) *den {
	w.t.Helper()
	w.count++
	d := &den{w: w, id: chat.RoomID{w.count, 99}}
	p.must(wire.Encode(&wire.CreatePrivate{Ref: 1, Room: d.id}))
	if got := take[*wire.Room](p); len(got) != 1 || got[0].Info.Room != d.id || got[0].Info.Name != "" || got[0].Info.Kind != chat.PrivateRoom {
		w.t.Fatalf("%+v", got)
	}
	return d
}

// envelope is an entry of p's.
func (d *den) envelope(p *person, text string) (wire.PrivateEnvelope, []byte) {
	e := wire.PrivateEnvelope{Version: 2, Room: d.id, Account: p.peer.Account, Device: p.peer.Device, ID: chat.NewMessageID(time.Now()), Message: []byte(text)}
	return e, wire.Marshal(&e)
}

// message makes content of somebody who has applied the Commit base.
func (d *den) message(p *person, base chat.Seq, text string) []byte {
	e, raw := d.envelope(p, text)
	return wire.Encode(&wire.Send{Room: d.id, ID: e.ID, Kind: chat.Content, Base: base, Envelope: raw})
}

// commit makes a Commit; change adds what goes with it.
func (d *den) commit(p *person, base chat.Seq, change func(*wire.Commit)) []byte {
	e, raw := d.envelope(p, "a commit")
	f := &wire.Commit{Room: d.id, ID: e.ID, Base: base, Envelope: raw}
	if change != nil {
		change(f)
	}
	return wire.Encode(f)
}

// acked sends a message or a Commit and wants it stored.
func (p *person) acked(frame []byte) *wire.Ack {
	p.w.t.Helper()
	p.must(frame)
	synctest.Wait()
	acks := p.answers(frame)
	if acks == nil {
		p.w.t.Fatal("no acknowledgement")
	}
	return acks
}

// answers finds the acknowledgement of the newest frame without forgetting the rest.
func (p *person) answers([]byte) *wire.Ack {
	p.conn.mu.Lock()
	defer p.conn.mu.Unlock()
	for i := len(p.conn.got) - 1; i >= 0; i-- {
		if a, ok := p.conn.got[i].(*wire.Ack); ok {
			p.conn.got = append(p.conn.got[:i], p.conn.got[i+1:]...)
			return a
		}
		if f, ok := p.conn.got[i].(*wire.Failure); ok {
			p.w.t.Logf("refused: %+v", f)
		}
	}
	return nil
}

// refused sends a frame and wants it refused.
func (p *person) refused(what string, frame []byte, want chat.Code) {
	p.w.t.Helper()
	take[*wire.Failure](p)
	p.must(frame)
	if got := take[*wire.Failure](p); len(got) != 1 || got[0].Code != want {
		p.w.t.Errorf("%s: %+v, want %s", what, got, want)
	}
}

// ask sends a request and returns its answer.
func ask[T wire.Frame](p *person, frame []byte) T {
	p.w.t.Helper()
	take[T](p)
	p.must(frame)
	got := take[T](p)
	if len(got) != 1 {
		p.w.t.Fatalf("%d answers of type %T", len(got), *new(T))
	}
	return got[0]
}

func (d *den) enter(p *person) {
	d.w.t.Helper()
	ask[*wire.Room](p, wire.Encode(&wire.Subscribe{Ref: 1, Room: d.id}))
}

// with is a change that adds people, with Welcomes for their devices.
func with(people ...*person) func(*wire.Commit) {
	return func(f *wire.Commit) {
		for _, p := range people {
			f.Add = append(f.Add, p.peer.Account)
			f.Welcomes = append(f.Welcomes, wire.DeviceWelcome{Device: p.peer.Device, Welcome: []byte("welcome, " + p.peer.Name)})
		}
		f.Info, f.Tree = []byte("info"), []byte("tree")
	}
}

// without is a change that takes people off.
func without(people ...*person) func(*wire.Commit) {
	return func(f *wire.Commit) {
		for _, p := range people {
			f.Remove = append(f.Remove, p.peer.Account)
		}
	}
}

// roster is who is on it as somebody is told, with the Commits that are to take them off.
func (d *den) roster(p *person) map[chat.AccountID]chat.Seq {
	d.w.t.Helper()
	list := map[chat.AccountID]chat.Seq{}
	for _, m := range ask[*wire.RosterList](p, wire.Encode(&wire.Roster{Ref: 9, Room: d.id})).Members {
		list[m.Account] = m.Removed
	}
	return list
}

func (w *world) packages(p *person, n int, last bool) wire.PackageState {
	w.t.Helper()
	f := &wire.PutPackages{Ref: 4}
	for i := range n {
		w.count++
		f.Packages = append(f.Packages, wire.KeyPackage{Ref: []byte{p.peer.Device[0], byte(i), w.count}, Data: bytes.Repeat([]byte{byte(i)}, 100)})
	}
	if last {
		f.Packages = append(f.Packages, wire.KeyPackage{Ref: []byte("last"), Last: true, Data: []byte("the last resort")})
	}
	return *ask[*wire.PackageState](p, wire.Encode(f))
}
