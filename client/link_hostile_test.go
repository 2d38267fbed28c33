package client_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/wire"
)

// tampering opens a linked device that a man stands before.
func (w *world) tampering(vault client.Vault, f tamper) *person {
	w.t.Helper()
	p := &person{w: w, vault: vault, tamper: f}
	var err error
	if p.Client, err = client.Open(client.Config{Vault: vault, Address: w.address, Software: "test", Dial: p.dial}); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = p.Close(w.ctx) })
	if p.events, err = p.Events(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// A server that changes, repeats, swaps or makes up what comes from the old device gains nothing: what doesn't open is dropped, what was asked for before is no answer, and in
// the end all is there once.
func TestHistoryTamperedWith(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	const many = 1200
	for i := range many {
		if _, err := bob.Queue(w.ctx, "team", fmt.Sprint("message ", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := bob.Flush(w.ctx); err != nil {
		t.Fatal(err)
	}
	await(alice, text(fmt.Sprint("message ", many-1)))
	vault, linked := alice.addDevice()
	var mu sync.Mutex
	var seen [][]byte
	laptop := w.tampering(vault, func(f wire.Frame) []wire.Frame {
		d, ok := f.(*wire.FromDevice)
		if !ok {
			return []wire.Frame{f}
		}
		mu.Lock()
		defer mu.Unlock()
		frame := func(from chat.DeviceID, data []byte) wire.Frame {
			return &wire.FromDevice{Type: wire.TypeFromDevice, Device: from, Data: data}
		}
		changed := bytes.Clone(d.Data)
		changed[len(changed)-1] ^= 1
		all := []wire.Frame{frame(d.Device, changed), frame(linked.Device, d.Data), frame(chat.DeviceID{1}, d.Data), frame(d.Device, []byte{1})}
		for _, old := range seen {
			all = append(all, frame(d.Device, old))
		}
		seen = append(seen, bytes.Clone(d.Data))
		return append(all, d, frame(d.Device, d.Data)) // and the right one, twice
	})
	got := await(laptop, done)
	if got.Moved < many || got.Moved > many+2 {
		t.Errorf("%+v", got)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) < 4 {
		t.Errorf("%d boxes", len(seen))
	}
	n := 0
	for _, line := range laptop.read("team") {
		if slices.Contains([]string{"bob: message 0", fmt.Sprint("bob: message ", many-1)}, line) {
			n++
		}
	}
	if n != 2 {
		t.Errorf("the first and the last message are there %d times", n)
	}
}

// A server that shows a linked device another log of a room than the old one has read is found out as soon as that device looks, and nothing of the other log is shown.
func TestLinkedDeviceSeesAFork(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	bob.say("team", "one")
	await(alice, text("one"))
	vault, _ := alice.addDevice()
	laptop := w.tampering(vault, func(f wire.Frame) []wire.Frame {
		if r, ok := f.(*wire.Room); ok && r.Info.Kind == chat.PrivateRoom {
			r.Info.HeadHash[0] ^= 1
		}
		return []wire.Frame{f}
	})
	if got := await[client.RoomStopped](laptop, nil); got.Room != "team" || got.Err.Code != chat.CodeRolledBack {
		t.Errorf("%+v", got)
	}
	vault, _ = alice.addDevice()
	first := true
	laptop = w.tampering(vault, func(f wire.Frame) []wire.Frame {
		if e, ok := f.(*wire.Entries); ok && first && len(e.Entries) > 0 && e.Entries[0].Kind != 0 && e.First > 2 {
			first = false
			e.Before[0] ^= 1
		}
		return []wire.Frame{f}
	})
	bob.say("team", "two")
	if got := await[client.RoomStopped](laptop, nil); got.Room != "team" {
		t.Errorf("%+v", got)
	}
}

// A server can't have a linked device come into a group of which the old one knows nobody: it says nothing there.
func TestLinkedDeviceIsNotLured(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	_ = bob.Close(w.ctx)
	alice.say("team", "one")
	vault, _ := alice.addDevice()
	var rec struct {
		Private struct {
			Linked     bool            `cbor:"40,keyasint"`
			Known      []chat.DeviceID `cbor:"22,keyasint"`
			KnownEpoch uint64          `cbor:"23,keyasint"`
		} `cbor:"23,keyasint"`
	}
	id := room(alice, "team")
	err := vault.View(func(r client.Reader) error {
		b, err := r.Get(client.TableRooms, id[:])
		if err != nil {
			return err
		}
		return wire.Unmarshal(b, &rec)
	})
	s, _ := alice.Status(w.ctx)
	if err != nil || !rec.Private.Linked || rec.Private.KnownEpoch == 0 || !slices.Contains(rec.Private.Known, s.Device) {
		t.Fatalf("%+v, %v", rec, err)
	}
	// Nobody of those whom the old device names signs or speaks: as if the group were another.
	err = vault.Update(client.Durable, func(v client.Writer) error {
		b, err := v.Get(client.TableRooms, id[:])
		if err != nil {
			return err
		}
		for _, d := range rec.Private.Known {
			at := bytes.Index(b, d[:])
			if at < 0 {
				t.Fatal("it isn't named")
			}
			b[at] ^= 1
		}
		return v.Put(client.TableRooms, id[:], b)
	})
	if err != nil {
		t.Fatal(err)
	}
	laptop := w.reopen(vault)
	await(laptop, done)
	for { // it has come in
		v, err := laptop.Rooms(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(v, func(r client.RoomView) bool { return r.Name == "team" })
		if i >= 0 && v[i].Members == 2 || i >= 0 && !v[i].Away {
			if !v[i].Away {
				t.Error("it believes in a group of strangers")
			}
			break
		}
	}
	if all, err := laptop.Members(w.ctx, "team"); err == nil {
		t.Errorf("it shows %+v", all)
	}
}

// Three guesses a day, whichever kind of code they are at.
func TestLinkGuesses(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	for i := range 3 {
		c := alice.openLink()
		guess := func() error { _, err := w.linkUp(wrong(c), nil); return err }
		if i == 1 {
			c = alice.code("en")
			guess = func() error { _, err := w.redeem("mallory", wrong(c)); return err }
		}
		if err := guess(); !errors.Is(err, chat.CodeCodeWrong) {
			t.Fatal(err)
		}
		if got := await[client.CodeFailed](alice, nil); got.Left != 2-i {
			t.Errorf("%+v", got)
		}
	}
	if _, err := alice.OpenLink(w.ctx, "en", 0); !errors.Is(err, chat.CodeCodeTries) {
		t.Error(err)
	}
	alice.onlyDevice()
}
