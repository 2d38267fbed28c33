package storetest

import (
	"fmt"
	"slices"
	"sync"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

// den is a private room.
type den struct {
	*world
	hub.Room
}

func (w *world) den(m member) *den {
	w.Helper()
	w.counter++
	r, err := w.CreateRoom(w.ctx, hub.NewRoom{ID: chat.RoomID{w.counter, 1}, Kind: chat.PrivateRoom, Start: [32]byte{w.counter}, Creator: m.account, At: Epoch}, 100)
	w.must(err)
	return &den{w, r}
}

// message is content of somebody who has applied the Commit base.
func (d *den) message(m member, base chat.Seq) hub.Submission {
	s := d.submission(m, fmt.Sprint("message ", d.sent))
	s.Room, s.Base, s.Seen = d.ID, base, base
	return s
}

func (d *den) commit(m member, base chat.Seq, change *hub.Change) hub.Submission {
	s := d.message(m, base)
	s.Kind, s.Change = chat.Commit, change
	return s
}

func accounts(members ...member) []chat.AccountID {
	list := make([]chat.AccountID, len(members))
	for i, m := range members {
		list[i] = m.account
	}
	return list
}

// adding is a change that adds people, with Welcomes for their devices.
func adding(members ...member) *hub.Change {
	c := &hub.Change{Add: accounts(members...)}
	for _, m := range members {
		c.Welcomes = append(c.Welcomes, wire.DeviceWelcome{Device: m.device, Welcome: []byte{m.device[0], 7}})
	}
	return c
}

func removing(members ...member) *hub.Change { return &hub.Change{Remove: accounts(members...)} }

// stored appends and wants it stored.
func (d *den) stored(s hub.Submission) hub.Outcome {
	d.Helper()
	o := d.one(s)
	if o.Err != nil || o.Duplicate {
		d.Fatalf("%+v", o)
	}
	return o
}

// refused appends and wants it refused.
func (d *den) refused(what string, s hub.Submission, code chat.Code) {
	d.Helper()
	if o := d.one(s); o.Err == nil || o.Err.Code != code {
		d.Errorf("%s: %+v, want %s", what, o.Err, code)
	}
}

// on wants that a roster has these and no others; removed are the Commits that are to take them off.
func (d *den) on(what string, removed map[member]chat.Seq) {
	d.Helper()
	list, err := d.Store.Roster(d.ctx, d.ID)
	d.must(err)
	got, want := map[chat.AccountID]chat.Seq{}, map[chat.AccountID]chat.Seq{}
	for _, m := range list {
		got[m.Account] = m.Removed
	}
	for m, seq := range removed {
		want[m.account] = seq
		rooms, err := d.PrivateRooms(d.ctx, m.account)
		d.must(err)
		if !slices.ContainsFunc(rooms, func(r hub.Room) bool { return r.ID == d.ID }) {
			d.Errorf("%s: %s doesn't have the room", what, m.account)
		}
	}
	if len(got) != len(list) || fmt.Sprint(got) != fmt.Sprint(want) {
		d.Errorf("%s: %v, want %v", what, got, want)
	}
}

func testPackages(w *world) {
	alice, bob, carol := w.member("alice"), w.member("bob"), w.member("carol")
	pack := func(ref string, last bool) wire.KeyPackage {
		return wire.KeyPackage{Ref: []byte(ref), Last: last, Data: []byte("data " + ref)}
	}
	count, err := w.PutPackages(w.ctx, bob.device, []wire.KeyPackage{pack("one", false), pack("two", false), pack("last", true)})
	if w.must(err); count != (hub.PackageCount{OneTime: 2, Last: true}) {
		w.Errorf("%+v", count)
	}
	count, err = w.PutPackages(w.ctx, bob.device, []wire.KeyPackage{pack("two", false), pack("later", true)}) // two again, and another last resort
	if w.must(err); count != (hub.PackageCount{OneTime: 2, Last: true}) {
		w.Errorf("%+v", count)
	}
	many := make([]wire.KeyPackage, wire.MaxKeyPackages-1)
	for i := range many {
		many[i] = pack(fmt.Sprint("many ", i), false)
	}
	_, err = w.PutPackages(w.ctx, bob.device, many)
	w.want("too many", err, chat.CodeTooLarge)
	if count, err := w.PackageState(w.ctx, bob.device); err != nil || count.OneTime != 2 {
		w.Errorf("some of too many stay: %+v, %v", count, err)
	}
	_, err = w.PutPackages(w.ctx, chat.DeviceID{99}, many[:1])
	w.want("an unknown device", err, chat.CodeRevoked)
	if count, err := w.PackageState(w.ctx, chat.DeviceID{99}); err != nil || count != (hub.PackageCount{}) {
		w.Errorf("%+v, %v", count, err)
	}
	take := func(asker member, most int, from ...chat.AccountID) []wire.TakenPackage {
		w.Helper()
		taken, err := w.TakePackages(w.ctx, asker.device, from, most)
		w.must(err)
		return taken
	}
	_, err = w.TakePackages(w.ctx, alice.device, accounts(bob), 3)
	w.want("more than fits", err, chat.CodeTooLarge)
	for _, want := range []string{"data one", "data two", "data later", "data later"} {
		got := take(alice, 1000, chat.AccountID{99}, carol.account, bob.account)
		if len(got) != 1 || string(got[0].Data) != want || got[0].Last != (want == "data later") || got[0].Account != bob.account || got[0].Device != bob.device {
			w.Fatalf("%+v, want %s", got, want)
		}
	}
	if got := take(bob, 1000, bob.account); len(got) != 0 {
		w.Errorf("one's own: %+v", got)
	}
	second := w.enrolment("bob")
	second.Account = bob.account
	_, err = w.Enrol(w.ctx, second)
	w.must(err)
	_, err = w.PutPackages(w.ctx, second.Device, []wire.KeyPackage{pack("one", false)})
	w.must(err)
	if got := take(alice, 1000, bob.account); len(got) != 2 || got[1].Device != second.Device {
		w.Errorf("two devices: %+v", got)
	}
	w.must(w.Ban(w.ctx, bob.account, "", hub.Audit{}))
	if got := take(alice, 1000, bob.account); len(got) != 0 {
		w.Errorf("of a banned account: %+v", got)
	}
}

// A one-time package goes to one, however many ask.
func testTakers(w *world) {
	bob := w.member("bob")
	var packages []wire.KeyPackage
	for i := range wire.MaxKeyPackages {
		packages = append(packages, wire.KeyPackage{Ref: []byte{byte(i)}, Data: []byte{byte(i)}})
	}
	_, err := w.PutPackages(w.ctx, bob.device, packages)
	w.must(err)
	var mu sync.Mutex
	seen := map[byte]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				got, err := w.TakePackages(w.ctx, chat.DeviceID{}, accounts(bob), 1000)
				if err != nil {
					w.Error(err)
					return
				}
				mu.Lock()
				for _, p := range got {
					seen[p.Data[0]]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for i, n := range seen {
		if n != 1 {
			w.Errorf("package %d was given %d times", i, n)
		}
	}
	if len(seen) != wire.MaxKeyPackages {
		w.Errorf("%d packages were given", len(seen))
	}
}

// since wants that these came onto the roster by these Commits.
func (d *den) since(added map[member]chat.Seq) {
	d.Helper()
	list, err := d.Store.Roster(d.ctx, d.ID)
	d.must(err)
	for m, seq := range added {
		if !slices.ContainsFunc(list, func(r wire.RosterMember) bool { return r.Account == m.account && r.Added == seq }) {
			d.Errorf("%s isn't there since %d: %+v", m.account, seq, list)
		}
	}
}

func testPrivateRooms(w *world) {
	alice, bob := w.member("alice"), w.member("bob")
	d := w.den(alice)
	if d.Name != "" || d.Kind != chat.PrivateRoom || d.Head != 0 {
		w.Errorf("%+v", d.Room)
	}
	d.on("new", map[member]chat.Seq{alice: 0})
	n := hub.NewRoom{ID: d.ID, Kind: chat.PrivateRoom, Creator: bob.account, At: Epoch}
	_, err := w.CreateRoom(w.ctx, n, 100)
	w.want("again", err, chat.CodeRoomExists)
	d.on("after another's attempt", map[member]chat.Seq{alice: 0})
	n.ID = chat.RoomID{99, 1}
	_, err = w.CreateRoom(w.ctx, n, 1)
	w.want("too many on the server", err, chat.CodeRoomLimit)
	n.Creator, n.Most = alice.account, 1
	_, err = w.CreateRoom(w.ctx, n, 100)
	w.want("too many of one account", err, chat.CodeRoomLimit)
	n.Creator = chat.AccountID{98}
	_, err = w.CreateRoom(w.ctx, n, 100)
	w.want("of nobody", err, chat.CodeNoSuchPerson)
	n.Creator = bob.account
	_, err = w.CreateRoom(w.ctx, n, 100)
	w.must(err)
	_, err = w.Store.Roster(w.ctx, w.room.ID)
	w.want("the roster of a key room", err, chat.CodeRoomUnknown)
	_, err = w.State(w.ctx, chat.RoomID{97})
	w.want("the state of no room", err, chat.CodeRoomUnknown)
}

func testRoster(w *world) {
	alice, bob, carol, dave := w.member("alice"), w.member("bob"), w.member("carol"), w.member("dave")
	d := w.den(alice)
	d.refused("before", d.message(bob, 0), chat.CodeNotMember)
	if o := d.stored(d.commit(alice, 0, adding(bob, carol))); o.Seq != 1 || !o.Roster || len(o.Left) != 0 {
		w.Errorf("%+v", o)
	}
	d.on("added", map[member]chat.Seq{alice: 0, bob: 0, carol: 0})
	d.refused("a Commit that isn't there yet", d.message(bob, 2), chat.CodeEnvelope)
	d.stored(d.message(bob, 1))
	d.stored(d.message(carol, 0))
	change := d.message(alice, 1)
	change.Change = removing(bob)
	d.refused("a change without a Commit", change, chat.CodeEnvelope)

	removal := d.stored(d.commit(alice, 1, removing(carol, dave))).Seq
	pending := map[member]chat.Seq{alice: 0, bob: 0, carol: removal}
	d.on("removed", pending)
	d.stored(d.message(alice, removal)) // the remover
	d.stored(d.message(carol, removal)) // the removed
	d.stored(d.message(bob, 1))         // who hasn't seen it
	d.on("not confirmed", pending)
	back := d.stored(d.commit(carol, removal, adding(carol))).Seq
	d.on("taken back by herself", pending)
	if o := d.stored(d.message(bob, removal)); !o.Roster || len(o.Left) != 1 || o.Left[0] != carol.account {
		w.Errorf("%+v", o)
	}
	d.on("confirmed", map[member]chat.Seq{alice: 0, bob: 0})
	d.refused("after", d.message(carol, removal), chat.CodeNotMember)
	d.refused("after, to come back", d.commit(carol, back, adding(carol)), chat.CodeNotMember)
	if list, err := w.Invitations(w.ctx, carol.device, 1000); err != nil || len(list) != 0 {
		w.Errorf("a Welcome still waits: %+v, %v", list, err)
	}
	// By a Commit it is confirmed as well; what that one adds counts first, what it removes later.
	next := d.stored(d.commit(alice, back, adding(carol, dave))).Seq
	garbage := d.stored(d.commit(dave, next, removing(alice, bob, carol))).Seq
	o := d.stored(d.commit(bob, garbage, &hub.Change{Add: accounts(alice, carol), Remove: accounts(dave)}))
	if len(o.Left) != 0 {
		w.Errorf("%+v", o)
	}
	d.on("put right, but for who did it", map[member]chat.Seq{alice: 0, bob: garbage, carol: 0, dave: o.Seq})
	last := d.stored(d.commit(alice, o.Seq, adding(bob))).Seq
	d.on("all of it", map[member]chat.Seq{alice: 0, bob: 0, carol: 0})
	d.since(map[member]chat.Seq{alice: o.Seq, bob: last, carol: o.Seq})
	d.stored(d.message(bob, last))
	// Oneself goes at once.
	if o := d.stored(d.commit(carol, last, removing(carol))); len(o.Left) != 1 {
		w.Errorf("%+v", o)
	}
	d.on("left", map[member]chat.Seq{alice: 0, bob: 0})
	again := d.stored(d.commit(alice, last+2, adding(bob, carol))).Seq
	d.since(map[member]chat.Seq{alice: o.Seq, bob: last, carol: again})
	d.verify(d.ID)
}

// One garbage Commit, which takes everybody off, wedges nothing: those whom it names go on, and nobody is gone before somebody else has gone on from it.
func testGarbage(w *world) {
	alice, bob, mallory := w.member("alice"), w.member("bob"), w.member("mallory")
	d := w.den(alice)
	d.stored(d.commit(alice, 0, adding(bob, mallory)))
	garbage := d.stored(d.commit(mallory, 1, removing(alice, bob))).Seq
	d.stored(d.message(mallory, garbage))
	d.stored(d.message(alice, 1))
	d.stored(d.message(bob, garbage)) // he waits himself, and confirms nothing
	d.on("after the garbage", map[member]chat.Seq{alice: garbage, bob: garbage, mallory: 0})
	d.refused("going on as if it weren't there", d.commit(alice, 1, nil), chat.CodeConflict)
	next := d.stored(d.commit(alice, garbage, &hub.Change{Add: accounts(bob), Remove: accounts(mallory)})).Seq
	after := d.stored(d.commit(bob, next, adding(alice))).Seq
	d.on("put right", map[member]chat.Seq{alice: 0, bob: 0})
	d.stored(d.message(alice, after))
	d.refused("mallory", d.message(mallory, after), chat.CodeNotMember)
}

// A Commit with what goes with it is stored once, and whole or not at all.
func testChange(w *world) {
	alice, bob, carol := w.member("alice"), w.member("bob"), w.member("carol")
	d := w.den(alice)
	for name, c := range map[string]struct {
		change *hub.Change
		code   chat.Code
	}{
		"an unknown account":    {&hub.Change{Add: append(accounts(bob), chat.AccountID{99})}, chat.CodeNoSuchPerson},
		"an unknown device":     {&hub.Change{Add: accounts(bob), Welcomes: []wire.DeviceWelcome{{Device: chat.DeviceID{99}, Welcome: []byte{1}}}}, chat.CodeNoSuchPerson},
		"welcome for a visitor": {&hub.Change{Add: accounts(bob), Welcomes: adding(carol).Welcomes, Info: []byte{1}}, chat.CodeEnvelope},
	} {
		d.refused(name, d.commit(alice, 0, c.change), c.code)
	}
	d.on("after what was refused", map[member]chat.Seq{alice: 0})
	if r := d.now(d.ID); r.Head != 0 || r.LastCommit != 0 {
		w.Errorf("%+v", r)
	}
	first := adding(bob)
	first.Info, first.Tree = []byte("info"), []byte("tree")
	c := d.commit(alice, 0, first)
	// In one batch: the Commit, one that comes too late, the first again, and a message of who was added.
	out := d.append(c, d.commit(alice, 0, adding(carol)), c, d.message(bob, 1))
	if out[0].Err != nil || out[1].Err == nil || out[1].Err.Code != chat.CodeConflict || !out[2].Duplicate || out[2].Hash != out[0].Hash || out[3].Err != nil {
		w.Fatalf("%+v", out)
	}
	d.must(w.Welcomed(w.ctx, bob.device, d.ID, 1))
	d.stored(d.commit(bob, 1, removing(alice)))
	again := d.one(c)
	if again.Err != nil || !again.Duplicate || again.Seq != 1 || again.Roster || again.Hash != out[0].Hash {
		w.Errorf("%+v", again)
	}
	d.on("after the repetition", map[member]chat.Seq{alice: 3, bob: 0})
	if list, err := w.Invitations(w.ctx, bob.device, 1000); err != nil || len(list) != 0 {
		w.Errorf("%+v, %v", list, err)
	}
	// Also to who isn't on the roster any more.
	d.stored(d.commit(bob, 3, adding(carol)))
	d.stored(d.message(carol, 4))
	d.refused("another one", d.message(alice, 0), chat.CodeNotMember)
	if again := d.one(c); again.Err != nil || !again.Duplicate {
		w.Errorf("%+v", again)
	}
	c.Envelope = []byte("other bytes")
	d.refused("other bytes", c, chat.CodeSame)
	d.verify(d.ID)
}

func testCommitRace(w *world) {
	alice := w.member("alice")
	d := w.den(alice)
	var racers []member
	for i := range 8 {
		racers = append(racers, w.member(fmt.Sprint("racer", i)))
	}
	d.stored(d.commit(alice, 0, adding(racers...)))
	var mu sync.Mutex
	won := 0
	var wg sync.WaitGroup
	for _, m := range racers {
		s := d.commit(m, 1, nil)
		wg.Go(func() {
			out, err := w.Append(w.ctx, []hub.Submission{s})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				w.Error(err)
			case out[0].Err == nil:
				won++
			case out[0].Err.Code != chat.CodeConflict:
				w.Error(out[0].Err)
			}
		})
	}
	wg.Wait()
	if r := d.now(d.ID); won != 1 || r.LastCommit != 2 || r.Head != 2 {
		w.Errorf("%d won; %+v", won, r)
	}
}
