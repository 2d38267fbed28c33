package storetest

import (
	"bytes"
	"errors"
	"time"

	"huisclos/chat"
	"huisclos/hub"
)

func testBackups(w *world) {
	alice, bob := w.member("alice"), w.member("bob")
	put := func(m member, serial uint64, text string) error {
		return w.PutBackup(w.ctx, m.account, hub.Backup{Serial: serial, At: Epoch, Sealed: []byte(text)})
	}
	is := func(what string, m member, serial uint64, text string) {
		w.Helper()
		b, err := w.Backup(w.ctx, m.account)
		if err != nil || b.Serial != serial || string(b.Sealed) != text || serial > 0 && !b.At.Equal(Epoch) {
			w.Errorf("%s: %+v, %v", what, b, err)
		}
	}
	is("before there is one", alice, 0, "")
	w.must(put(alice, 1, "one"))
	is("the first", alice, 1, "one")
	is("another's", bob, 0, "")
	w.must(put(alice, 7, "seven")) // numbers may be left out
	for _, old := range []uint64{0, 1, 6, 7} {
		err := put(alice, old, "older")
		w.want("an older number", err, chat.CodeConflict)
		var e *chat.Error
		if !errors.As(err, &e) || e.Params["serial"] != "7" {
			w.Errorf("it doesn't say which one is there: %v", err)
		}
	}
	is("what came late", alice, 7, "seven")
	w.must(put(bob, 1, "bob's"))
	is("beside another's", alice, 7, "seven")
	w.want("of nobody", w.PutBackup(w.ctx, chat.AccountID{200}, hub.Backup{Serial: 1, At: Epoch, Sealed: []byte("x")}), chat.CodeNoAccount)
	if b, err := w.Backup(w.ctx, chat.AccountID{200}); err != nil || b.Serial != 0 {
		w.Errorf("of nobody: %+v, %v", b, err)
	}
	large := bytes.Repeat([]byte{0xaa}, 256<<10)
	w.must(w.PutBackup(w.ctx, alice.account, hub.Backup{Serial: 1<<63 - 1, At: Epoch, Sealed: large}))
	if b, err := w.Backup(w.ctx, alice.account); err != nil || b.Serial != 1<<63-1 || !bytes.Equal(b.Sealed, large) {
		w.Errorf("a large one: %d bytes, %v", len(b.Sealed), err)
	}
}

// A further device of an account comes in without the shared key; an unknown account doesn't.
func testUnproven(w *world) {
	e := w.enrolment("alice")
	e.Unproven = true
	_, err := w.Enrol(w.ctx, e)
	w.want("a stranger", err, chat.CodeKeyNeeded)
	if all, err := w.AllPeople(w.ctx); err != nil || len(all) != 0 {
		w.Errorf("he left something: %+v, %v", all, err)
	}
	e.Unproven = false
	first, err := w.Enrol(w.ctx, e)
	w.must(err)
	if !first.New {
		w.Error("the first device isn't new")
	}
	second := e
	second.Device, second.Certificate, second.ListVersion, second.Unproven = chat.DeviceID{251}, []byte{251}, 2, true
	l, err := w.Enrol(w.ctx, second)
	w.must(err)
	if l.Proven != 0 || !l.New || l.Name != "alice" || l.Session == 0 {
		w.Errorf("%+v", l)
	}
	if l, err = w.Enrol(w.ctx, second); err != nil || l.New {
		w.Errorf("again: %+v, %v", l, err)
	}
	if _, err = w.OpenSession(w.ctx, second.Account, second.Device, "alice", 0, Epoch); err != nil {
		w.Errorf("it comes back: %v", err)
	}
	people, err := w.People(w.ctx, []chat.AccountID{e.Account}, nil, nil)
	w.must(err)
	if len(people) != 1 || len(people[0].Devices) != 2 || people[0].Devices[1].Proven != 0 {
		w.Errorf("%+v", people)
	}
	// After "rotate --all" each device has to prove the key, this one too.
	w.must(w.Rotate(w.ctx, hub.Generation{Number: 2, Access: [32]byte{2}, At: Epoch}, true, hub.Audit{}))
	third := second
	third.Device, third.Certificate, third.Generation = chat.DeviceID{252}, []byte{252}, 2
	_, err = w.Enrol(w.ctx, third)
	w.want("after rotate --all", err, chat.CodeKeyNeeded)
	if people, err = w.People(w.ctx, []chat.AccountID{e.Account}, nil, nil); err != nil || len(people[0].Devices) != 2 {
		w.Errorf("it left something: %+v, %v", people, err)
	}
	third.Unproven = false
	_, err = w.Enrol(w.ctx, third)
	w.must(err)
	// A banned account stays out.
	w.must(w.Ban(w.ctx, e.Account, "spam", hub.Audit{At: Epoch.Add(time.Second)}))
	fourth := third
	fourth.Device, fourth.Certificate, fourth.Unproven = chat.DeviceID{253}, []byte{253}, true
	_, err = w.Enrol(w.ctx, fourth)
	w.wantBan("a banned account's", err, "spam")
}

func testDeviceLists(w *world) {
	e := w.enrolment("alice")
	first, err := w.Enrol(w.ctx, e)
	w.must(err)
	alice := member{e.Account, e.Device, first.Session}
	second := e
	second.Device, second.Certificate = chat.DeviceID{251}, []byte{251}
	l, err := w.Enrol(w.ctx, second)
	w.must(err)
	phone := member{e.Account, second.Device, l.Session}
	bob := w.member("bob")
	put := func(version, after uint64, revoked ...chat.DeviceID) error {
		return w.PutDeviceList(w.ctx, e.Account, hub.DeviceList{Version: version, After: after, List: []byte{byte(version)}, Revoked: revoked}, hub.Audit{Actor: "alice", Action: "devices", At: Epoch})
	}
	is := func(what string, version byte) {
		w.Helper()
		people, err := w.People(w.ctx, []chat.AccountID{e.Account, bob.account}, nil, nil)
		w.must(err)
		if len(people) != 2 || version == 0 && len(people[0].List) != 0 || version > 0 && string(people[0].List) != string([]byte{version}) || len(people[1].List) != 0 {
			w.Errorf("%s: %+v", what, people)
		}
	}
	is("before there is one", 0)
	w.want("after one that isn't there", put(2, 1), chat.CodeConflict)
	w.must(put(2, 0))
	is("the first", 2)
	for _, late := range [][2]uint64{{3, 0}, {3, 1}, {2, 2}, {1, 2}, {3, 3}} {
		err := put(late[0], late[1])
		w.want("one that doesn't continue it", err, chat.CodeConflict)
		var e *chat.Error
		if !errors.As(err, &e) || e.Params["version"] != "2" {
			w.Errorf("it doesn't say which one is there: %v", err)
		}
	}
	is("what came late", 2)
	// A revocation: of this account's devices only.
	w.must(put(3, 2, phone.device, bob.device, chat.DeviceID{222}))
	is("the next", 3)
	if o := w.one(w.submission(phone, "x")); o.Err == nil || o.Err.Code != chat.CodeRevoked {
		w.Errorf("a revoked device appends: %+v", o)
	}
	_, err = w.OpenSession(w.ctx, phone.account, phone.device, "alice", 0, Epoch)
	w.want("a revoked device", err, chat.CodeRevoked)
	_, err = w.Enrol(w.ctx, second)
	w.want("a revoked device enrols", err, chat.CodeRevoked)
	for _, m := range []member{alice, bob} {
		if o := w.one(w.submission(m, "y")); o.Err != nil {
			w.Errorf("another device: %+v", o)
		}
	}
	people, err := w.People(w.ctx, []chat.AccountID{e.Account}, nil, nil)
	w.must(err)
	if d := people[0].Devices; len(d) != 2 || d[0].Revoked || !d[1].Revoked {
		w.Errorf("%+v", d)
	}
	// A device that was let in by the list is let in by the one that is there.
	third := e
	third.Device, third.Certificate, third.List = chat.DeviceID{250}, []byte{250}, 2
	_, err = w.Enrol(w.ctx, third)
	w.want("by an older list", err, chat.CodeConflict)
	var old *chat.Error
	if !errors.As(err, &old) || old.Params["version"] != "3" {
		w.Errorf("it doesn't say which one is there: %v", err)
	}
	people, err = w.People(w.ctx, []chat.AccountID{e.Account}, nil, nil)
	w.must(err)
	if len(people[0].Devices) != 2 {
		w.Errorf("it was recorded: %+v", people[0].Devices)
	}
	third.List = 3
	l, err = w.Enrol(w.ctx, third)
	w.must(err)
	if !l.New {
		w.Errorf("%+v", l)
	}
	third.List = 2 // it is known: the list isn't what lets it in
	if l, err = w.Enrol(w.ctx, third); err != nil || l.New {
		w.Errorf("%+v, %v", l, err)
	}
	w.want("of nobody", w.PutDeviceList(w.ctx, chat.AccountID{200}, hub.DeviceList{Version: 1, List: []byte{1}}, hub.Audit{}), chat.CodeNoAccount)
}
