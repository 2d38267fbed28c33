package storetest

import (
	"huisclos/chat"
	"huisclos/hub"
)

func testEnrolment(w *world) {
	e := w.enrolment("alice")
	first, err := w.Enrol(w.ctx, e)
	w.must(err)
	again, err := w.Enrol(w.ctx, e) // the device is known: its next session
	w.must(err)
	if again.Session != first.Session+1 || again.Name != "alice" || again.Proven != 1 {
		w.Errorf("%+v, %+v", first, again)
	}
	taken := w.enrolment("Alice")
	taken.Folded = e.Folded
	_, err = w.Enrol(w.ctx, taken)
	w.want("taken", err, chat.CodeNameTaken)
	alike := w.enrolment("al1ce")
	alike.Skeleton = e.Skeleton
	_, err = w.Enrol(w.ctx, alike)
	w.want("alike", err, chat.CodeNameLookalike)
	other := e
	other.Name, other.Folded, other.Skeleton = "carol", "carol", "carol"
	_, err = w.Enrol(w.ctx, other)
	w.want("another name", err, chat.CodeNameOther)
	thief := w.enrolment("bob")
	thief.Device = e.Device
	_, err = w.Enrol(w.ctx, thief)
	w.want("another's device", err, chat.CodeAuth)
	late := w.enrolment("dave")
	late.Generation = 7
	_, err = w.Enrol(w.ctx, late)
	w.want("another generation", err, chat.CodeKeyOld)
	second := e
	second.Device = chat.DeviceID{250}
	_, err = w.Enrol(w.ctx, second)
	w.must(err)
	people, err := w.People(w.ctx, []chat.AccountID{e.Account, {99}}, []chat.DeviceID{second.Device}, []string{"alice", "nobody"})
	w.must(err)
	if len(people) != 1 || people[0].Name != "alice" || people[0].NameSig != e.NameSig || len(people[0].Devices) != 2 || people[0].Devices[0].Certificate[0] != e.Certificate[0] {
		w.Errorf("%+v", people)
	}
	if all, err := w.AllPeople(w.ctx); err != nil || len(all) != 1 { // those who were refused left nothing
		w.Errorf("%+v, %v", all, err)
	}
}

func testSessions(w *world) {
	alice := w.member("alice")
	l, err := w.OpenSession(w.ctx, alice.account, alice.device, "alice", 0, Epoch)
	w.must(err)
	if o := w.one(w.submission(alice, "from the dead connection")); o.Err == nil || o.Err.Code != chat.CodeSuperseded {
		w.Errorf("%+v", o)
	}
	alice.session = l.Session
	if o := w.one(w.submission(alice, "from the new one")); o.Err != nil {
		w.Errorf("%+v", o)
	}
	_, err = w.OpenSession(w.ctx, alice.account, alice.device, "bob", 0, Epoch)
	w.want("another name", err, chat.CodeNameOther)
	if o := w.one(w.submission(alice, "after a login that was refused")); o.Err != nil {
		w.Errorf("%+v", o)
	}
	w.must(w.EndSessions(w.ctx, alice.account, hub.Audit{Action: "kick", Actor: "test", At: Epoch}))
	if o := w.one(w.submission(alice, "after the kick")); o.Err == nil || o.Err.Code != chat.CodeSuperseded {
		w.Errorf("%+v", o)
	}
	_, err = w.OpenSession(w.ctx, alice.account, chat.DeviceID{98}, "alice", 0, Epoch)
	w.want("an unknown device", err, chat.CodeKeyNeeded)
	_, err = w.OpenSession(w.ctx, chat.AccountID{97}, alice.device, "alice", 0, Epoch)
	w.want("another's device", err, chat.CodeAuth)
}

func testBans(w *world) {
	alice, bob := w.member("alice"), w.member("bob")
	audit := hub.Audit{Actor: "console", Action: "ban", At: Epoch}
	w.want("nobody", w.Ban(w.ctx, chat.AccountID{99}, "", audit), chat.CodeNoSuchPerson)
	w.must(w.Ban(w.ctx, bob.account, "spam", audit))
	if o := w.one(w.submission(bob, "x")); o.Err == nil || o.Err.Code != chat.CodeBanned {
		w.Errorf("%+v", o)
	}
	_, err := w.OpenSession(w.ctx, bob.account, bob.device, "bob", 0, Epoch)
	w.wantBan("banned", err, "spam")
	e := w.enrolment("bob")
	e.Account, e.Device = bob.account, chat.DeviceID{96}
	_, err = w.Enrol(w.ctx, e)
	w.wantBan("another device of the banned", err, "spam")
	bans, err := w.Bans(w.ctx)
	w.must(err)
	if len(bans) != 1 || bans[0].Name != "bob" || bans[0].Reason != "spam" || bans[0].By != "console" {
		w.Errorf("%+v", bans)
	}
	if o := w.one(w.submission(alice, "others go on")); o.Err != nil {
		w.Errorf("%+v", o)
	}
	w.must(w.Unban(w.ctx, bob.account, audit))
	w.want("again", w.Unban(w.ctx, bob.account, audit), chat.CodeNotBanned)
	_, err = w.OpenSession(w.ctx, bob.account, bob.device, "bob", 0, Epoch)
	w.must(err)
}

func testGenerations(w *world) {
	alice := w.member("alice")
	w.want("a gap", w.Rotate(w.ctx, hub.Generation{Number: 3, At: Epoch}, false, hub.Audit{}), chat.CodeConflict)
	w.must(w.Rotate(w.ctx, hub.Generation{Number: 2, Access: [32]byte{2}, At: Epoch}, true, hub.Audit{}))
	if o := w.one(w.submission(alice, "x")); o.Err == nil || o.Err.Code != chat.CodeSuperseded {
		w.Errorf("prove ends sessions: %+v", o)
	}
	_, err := w.OpenSession(w.ctx, alice.account, alice.device, "alice", 0, Epoch)
	w.want("without proof", err, chat.CodeKeyNeeded)
	l, err := w.OpenSession(w.ctx, alice.account, alice.device, "alice", 2, Epoch)
	w.must(err)
	if l.Proven != 2 {
		w.Errorf("%+v", l)
	}
	_, err = w.OpenSession(w.ctx, alice.account, alice.device, "alice", 0, Epoch) // it has proven it once
	w.must(err)
	w.must(w.PutLink(w.ctx, 2, []byte("first")))
	w.must(w.PutLink(w.ctx, 2, []byte("second")))
	w.want("no such generation", w.PutLink(w.ctx, 9, []byte("x")), chat.CodeKeyUnknown)
	w.want("the first has none before it", w.PutLink(w.ctx, 1, []byte("x")), chat.CodeKeyUnknown)
	all, err := w.Generations(w.ctx)
	w.must(err)
	if len(all) != 2 || string(all[1].Link) != "first" || all[0].Link != nil || !all[1].Prove || all[0].KeyID != [8]byte{2} {
		w.Errorf("%+v", all)
	}
	w.must(w.PutGrants(w.ctx, 2, map[chat.DeviceID][]byte{alice.device: []byte("sealed"), {99}: []byte("nobody")}, hub.Audit{}))
	if g, err := w.Grant(w.ctx, 2, alice.device); err != nil || string(g) != "sealed" {
		w.Errorf("%q, %v", g, err)
	}
	if g, err := w.Grant(w.ctx, 1, alice.device); err != nil || g != nil {
		w.Errorf("%q, %v", g, err)
	}
}
