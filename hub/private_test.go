package hub_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

func TestPrivateRoom(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice, bob, carol := w.join("alice"), w.join("bob"), w.join("carol")
		if s := w.packages(bob, 2, true); s.OneTime != 2 || !s.Last {
			t.Errorf("%+v", s)
		}
		d := w.den(alice)
		d.enter(alice)
		taken := ask[*wire.Packages](alice, wire.Encode(&wire.TakePackages{Ref: 2, Accounts: []chat.AccountID{bob.peer.Account}})).Packages
		if len(taken) != 1 || taken[0].Device != bob.peer.Device || taken[0].Last {
			t.Fatalf("%+v", taken)
		}
		ack := alice.acked(d.commit(alice, 0, with(bob)))
		if got := take[*wire.Invited](bob); ack.Seq != 1 || len(got) != 1 || got[0].Room != d.id {
			t.Fatalf("%+v, %+v", ack, got)
		}
		list := ask[*wire.InvitationList](bob, wire.Encode(&wire.Invitations{Ref: 3})).Invitations
		if len(list) != 1 || string(list[0].Welcome) != "welcome, bob" || list[0].Seq != 1 || list[0].Hash != ack.Hash ||
			list[0].Room != d.id || list[0].Account != alice.peer.Account || list[0].Device != alice.peer.Device || list[0].Time != ack.Time {
			t.Fatalf("%+v", list)
		}
		d.enter(bob)
		if got := bob.seqs(); len(got) > 1 {
			t.Errorf("%v", got)
		}
		ask[*wire.Done](bob, wire.Encode(&wire.Welcomed{Ref: 4, Room: d.id, Seq: 1}))
		if list := ask[*wire.InvitationList](bob, wire.Encode(&wire.Invitations{Ref: 5})).Invitations; len(list) != 0 {
			t.Errorf("%+v", list)
		}
		alice.acked(d.message(alice, 1, "hello"))
		if got := bob.seqs(); !slices.Equal(got, []chat.Seq{2}) {
			t.Errorf("bob reads %v", got)
		}
		if page := ask[*wire.Page](bob, wire.Encode(&wire.Read{Ref: 6, Room: d.id})); len(page.Entries) != 2 || page.Entries[0].Kind != chat.Commit {
			t.Errorf("%+v", page)
		}
		if rooms := ask[*wire.RoomList](bob, wire.Encode(&wire.PrivateRooms{Ref: 7})).Rooms; len(rooms) != 1 || rooms[0].Room != d.id || rooms[0].Head != 2 || rooms[0].Online != 2 {
			t.Errorf("%+v", rooms)
		}
		if got := d.roster(bob); len(got) != 2 {
			t.Errorf("%v", got)
		}
		d.closedTo(carol)
	})
}

// closedTo wants that somebody can do nothing in the room, and isn't shown it.
func (d *den) closedTo(p *person) {
	t := d.w.t
	t.Helper()
	for name, frame := range map[string][]byte{
		"subscribe": wire.Encode(&wire.Subscribe{Ref: 1, Room: d.id}), "read": wire.Encode(&wire.Read{Ref: 1, Room: d.id}),
		"list": wire.Encode(&wire.List{Ref: 1, Room: d.id}), "roster": wire.Encode(&wire.Roster{Ref: 1, Room: d.id}),
		"state": wire.Encode(&wire.State{Ref: 1, Room: d.id}), "put state": wire.Encode(&wire.PutState{Ref: 1, Room: d.id, Seq: 1, Info: []byte{1}}),
		"send": d.message(p, 0, "x"), "commit": d.commit(p, 1, with(p)),
	} {
		p.refused(name, frame, chat.CodeNotMember)
	}
	if rooms := ask[*wire.RoomList](p, wire.Encode(&wire.PrivateRooms{Ref: 7})).Rooms; len(rooms) != 0 {
		t.Errorf("%+v", rooms)
	}
	rooms := append(ask[*wire.RoomList](p, wire.Encode(&wire.Rooms{Ref: 7})).Rooms, p.session.Welcome()...)
	if slices.ContainsFunc(rooms, func(i wire.RoomInfo) bool { return i.Room == d.id }) {
		t.Error("a private room is listed")
	}
}

// A removal counts when somebody else goes on from it; until then the one who was removed reads on.
func TestRemoval(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice, bob, carol := w.join("alice"), w.join("bob"), w.join("carol")
		d := w.den(alice)
		alice.acked(d.commit(alice, 0, with(bob, carol)))
		for _, p := range []*person{alice, bob, carol} {
			d.enter(p)
		}
		alice.acked(d.commit(alice, 1, without(carol)))
		if got := d.roster(bob); len(got) != 3 || got[carol.peer.Account] != 2 {
			t.Errorf("%v", got)
		}
		alice.acked(d.message(alice, 2, "the remover doesn't confirm"))
		carol.acked(d.message(carol, 2, "nor does who is removed"))
		bob.acked(d.message(bob, 1, "nor who hasn't seen it"))
		if got := carol.seqs(); len(got) < 4 || len(take[*wire.Expelled](carol)) != 0 {
			t.Errorf("carol reads %v", got)
		}
		bob.acked(d.message(bob, 2, "goes on"))
		if got := take[*wire.Expelled](carol); len(got) != 1 || got[0].Room != d.id {
			t.Errorf("%+v", got)
		}
		if got := d.roster(bob); len(got) != 2 {
			t.Errorf("%v", got)
		}
		bob.acked(d.message(bob, 2, "among us"))
		if got := carol.seqs(); len(got) > 0 {
			t.Errorf("carol still reads %v", got)
		}
		d.closedTo(carol)
		// What she had sent before is still acknowledged.
		alice.acked(d.commit(alice, 2, with(carol)))
		d.enter(carol)
	})
}

func TestCommitRace(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice, bob := w.join("alice"), w.join("bob")
		d := w.den(alice)
		alice.acked(d.commit(alice, 0, with(bob)))
		gate := make(chan struct{})
		w.store.set(nil, gate)
		alice.must(d.message(alice, 1, "to fill the batch"))
		synctest.Wait()
		first, second := d.commit(alice, 1, nil), d.commit(bob, 1, nil)
		alice.must(first)
		bob.must(second)
		close(gate)
		synctest.Wait()
		if got := take[*wire.Failure](bob); len(got) != 1 || got[0].Code != chat.CodeConflict {
			t.Errorf("%+v", got)
		}
		acks := take[*wire.Ack](alice)
		if len(acks) != 2 || acks[1].Seq != 3 {
			t.Fatalf("%+v", acks)
		}
		// Asked again, the same answer; the loser goes on from the winner.
		if again := alice.acked(first); *again != *acks[1] {
			t.Errorf("%+v, %+v", again, acks[1])
		}
		if ack := bob.acked(d.commit(bob, 3, nil)); ack.Seq != 4 {
			t.Errorf("%+v", ack)
		}
	})
}

// What isn't of the room, or says something else than its frame and its sender, isn't stored.
func TestPrivateRefusals(t *testing.T) {
	inWorld(t, hub.Limits{Message: 2000, Rooms: 9}, func(w *world) {
		alice, bob := w.join("alice"), w.join("bob")
		d := w.den(alice)
		key, private := wire.Envelope{
			Version: 1, Room: d.id, Generation: 1, Account: alice.peer.Account, Device: alice.peer.Device, ID: chat.MessageID{1}, Counter: 1, Sealed: []byte{1},
		}, wire.PrivateEnvelope{Version: 2, Room: w.lobby, Account: alice.peer.Account, Device: alice.peer.Device, ID: chat.MessageID{1}, Message: []byte{1}}
		spoilt := func(change func(*wire.PrivateEnvelope)) []byte {
			e, _ := d.envelope(alice, "x")
			id := e.ID
			change(&e)
			return wire.Encode(&wire.Send{Room: d.id, ID: id, Kind: chat.Content, Envelope: wire.Marshal(&e)})
		}
		for name, c := range map[string]struct {
			frame []byte
			want  chat.Code
		}{
			"an envelope of key rooms":   {wire.Encode(&wire.Send{Room: d.id, ID: key.ID, Kind: chat.Content, Envelope: wire.Marshal(&key)}), chat.CodeEnvelope},
			"a private one in the lobby": {wire.Encode(&wire.Send{Room: w.lobby, ID: private.ID, Kind: chat.Content, Envelope: wire.Marshal(&private)}), chat.CodeEnvelope},
			"a Commit in the lobby":      {wire.Encode(&wire.Commit{Room: w.lobby, ID: private.ID, Envelope: wire.Marshal(&private)}), chat.CodeEnvelope},
			"a Commit by Send":           {wire.Encode(&wire.Send{Room: d.id, ID: private.ID, Kind: chat.Commit, Envelope: wire.Marshal(&private)}), chat.CodeEnvelope},
			"another's":                  {spoilt(func(e *wire.PrivateEnvelope) { e.Account = bob.peer.Account }), chat.CodeEnvelope},
			"another device's":           {spoilt(func(e *wire.PrivateEnvelope) { e.Device = bob.peer.Device }), chat.CodeEnvelope},
			"of another room":            {spoilt(func(e *wire.PrivateEnvelope) { e.Room = w.lobby }), chat.CodeEnvelope},
			"another ID":                 {spoilt(func(e *wire.PrivateEnvelope) { e.ID[0]++ }), chat.CodeEnvelope},
			"a base that isn't there":    {d.message(alice, 1, "x"), chat.CodeEnvelope},
			"too large":                  {d.message(alice, 0, string(make([]byte, 2000))), chat.CodeTooLarge},
			"a Commit on nothing":        {d.commit(alice, 1, nil), chat.CodeConflict},
			"in no room":                 {wire.Encode(&wire.Commit{Room: chat.RoomID{1}, ID: private.ID, Envelope: wire.Marshal(&private)}), chat.CodeRoomUnknown},
			"adding nobody":              {d.commit(alice, 0, func(f *wire.Commit) { f.Add = []chat.AccountID{{99}} }), chat.CodeNoSuchPerson},
			"the ID of a room":           {wire.Encode(&wire.CreatePrivate{Ref: 1, Room: d.id}), chat.CodeRoomExists},
			"the lobby's ID":             {wire.Encode(&wire.CreatePrivate{Ref: 1, Room: w.lobby}), chat.CodeRoomExists},
			"the lobby's roster":         {wire.Encode(&wire.Roster{Ref: 1, Room: w.lobby}), chat.CodeRoomUnknown},
			"the lobby's state":          {wire.Encode(&wire.State{Ref: 1, Room: w.lobby}), chat.CodeRoomUnknown},
			"an old state":               {wire.Encode(&wire.PutState{Ref: 1, Room: d.id, Seq: 5, Info: []byte{1}}), chat.CodeConflict},
		} {
			alice.refused(name, c.frame, c.want)
		}
		// A Commit may be larger than a message.
		alice.acked(d.commit(alice, 0, func(f *wire.Commit) { f.Info = make([]byte, 5000) }))
		if page := ask[*wire.Page](alice, wire.Encode(&wire.Read{Ref: 6, Room: d.id})); len(page.Entries) != 1 {
			t.Errorf("%+v", page)
		}
		if err := alice.handle(wire.Encode(&wire.Expelled{Room: d.id})); err == nil || alice.gone() != chat.CodeFrame {
			t.Errorf("a frame of the server's: %v, %q", err, alice.gone())
		}
	})
}

// Garbage that takes everybody off is answered by the others, and wedges nothing.
func TestGarbageCommit(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice, bob, mallory := w.join("alice"), w.join("bob"), w.join("mallory")
		d := w.den(alice)
		alice.acked(d.commit(alice, 0, with(bob, mallory)))
		for _, p := range []*person{alice, bob, mallory} {
			d.enter(p)
		}
		garbage := mallory.acked(d.commit(mallory, 1, without(alice, bob))).Seq
		mallory.acked(d.message(mallory, garbage, "only me"))
		if got := alice.seqs(); !slices.Equal(got[len(got)-2:], []chat.Seq{2, 3}) {
			t.Errorf("alice reads %v", got)
		}
		next := alice.acked(d.commit(alice, garbage, func(f *wire.Commit) {
			f.Add, f.Remove = []chat.AccountID{bob.peer.Account}, []chat.AccountID{mallory.peer.Account}
		})).Seq
		bob.acked(d.commit(bob, next, with(alice)))
		if got := d.roster(alice); len(got) != 2 || got[alice.peer.Account] != 0 || got[bob.peer.Account] != 0 {
			t.Errorf("%v", got)
		}
		if got := take[*wire.Expelled](mallory); len(got) != 1 {
			t.Errorf("%+v", got)
		}
		d.closedTo(mallory)
	})
}

func TestState(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice, bob, carol := w.join("alice"), w.join("bob"), w.join("carol")
		d := w.den(alice)
		alice.acked(d.commit(alice, 0, with(bob, carol)))
		for _, p := range []*person{alice, bob, carol} {
			d.enter(p)
		}
		get := wire.Encode(&wire.State{Ref: 1, Room: d.id})
		if s := ask[*wire.RoomState](bob, get); s.Seq != 1 || string(s.Info) != "info" || string(s.Tree) != "tree" || len(take[*wire.WantState](alice)) != 0 {
			t.Errorf("%+v", s)
		}
		alice.acked(d.commit(alice, 1, func(f *wire.Commit) { f.Info = []byte("info 2") }))
		take[*wire.WantState](alice)
		take[*wire.WantState](carol)
		if s := ask[*wire.RoomState](bob, get); s.Seq != 2 || len(s.Tree) != 0 {
			t.Errorf("%+v", s)
		}
		for _, p := range []*person{alice, carol} {
			if got := take[*wire.WantState](p); len(got) != 1 || got[0].Room != d.id {
				t.Errorf("%s: %+v", p.peer.Name, got)
			}
		}
		if got := take[*wire.WantState](bob); len(got) != 0 {
			t.Errorf("who asks is asked: %+v", got)
		}
		ask[*wire.Done](carol, wire.Encode(&wire.PutState{Ref: 2, Room: d.id, Seq: 2, Info: []byte("info 2"), Tree: []byte("tree 2")}))
		if s := ask[*wire.RoomState](bob, get); string(s.Tree) != "tree 2" || len(take[*wire.WantState](alice)) != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// However many are there, few are asked for megabytes.
func TestFewAreAskedForTheState(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice := w.join("alice")
		d := w.den(alice)
		var crowd []*person
		for i := range 10 {
			crowd = append(crowd, w.join("p"+strconv.Itoa(i)))
		}
		alice.acked(d.commit(alice, 0, func(f *wire.Commit) { with(crowd...)(f); f.Info, f.Tree = nil, nil }))
		for _, p := range crowd {
			d.enter(p)
		}
		ask[*wire.RoomState](alice, wire.Encode(&wire.State{Ref: 1, Room: d.id}))
		asked := 0
		for _, p := range crowd {
			asked += len(take[*wire.WantState](p))
		}
		if asked != 3 {
			t.Errorf("%d were asked", asked)
		}
	})
}

func TestTakesAreLimited(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		bob := w.join("bob")
		w.packages(bob, 100, true)
		get := wire.Encode(&wire.TakePackages{Ref: 2, Accounts: []chat.AccountID{bob.peer.Account}})
		for i := range 4 { // each of them 30, all of them 100
			asker := w.join("asker" + strconv.Itoa(i))
			for {
				asker.must(get)
				synctest.Wait()
				asker.conn.mu.Lock()
				f, refused := asker.conn.got[len(asker.conn.got)-1].(*wire.Failure)
				asker.conn.mu.Unlock()
				if refused {
					if f.Code != chat.CodeRate || f.Params["wait"] == "" || f.Params["wait"] == "0" {
						t.Errorf("%+v", f)
					}
					break
				}
			}
			want := 30
			if i == 3 {
				want = 10
			}
			if got := take[*wire.Packages](asker); len(got) != want {
				t.Errorf("%s took %d", asker.peer.Name, len(got))
			}
		}
		time.Sleep(3 * time.Second)
		late := w.join("late")
		if got := ask[*wire.Packages](late, get).Packages; len(got) != 1 || !got[0].Last {
			t.Errorf("%+v", got)
		}
	})
}

func TestKickAndBanEndPrivateRoomsToo(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		ctx := context.Background()
		alice, bob := w.join("alice"), w.join("bob")
		d := w.den(alice)
		alice.acked(d.commit(alice, 0, with(bob)))
		d.enter(alice)
		d.enter(bob)
		gate := make(chan struct{})
		w.store.set(nil, gate)
		bob.must(d.commit(bob, 1, without(alice)))
		synctest.Wait()
		if _, err := w.hub.Ban(ctx, bob.peer.Account, "", hub.Audit{Action: "ban", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		close(gate)
		w.store.set(nil, nil)
		bob.session.Detach()
		if got := d.roster(alice); got[alice.peer.Account] != 0 || len(got) != 2 {
			t.Errorf("stored after the ban: %v", got)
		}
		if ack := alice.acked(d.message(alice, 1, "x")); ack.Seq != 2 {
			t.Errorf("%+v", ack)
		}
		if got := ask[*wire.Packages](alice, wire.Encode(&wire.TakePackages{Ref: 2, Accounts: []chat.AccountID{bob.peer.Account}})).Packages; len(got) != 0 {
			t.Errorf("%+v", got)
		}
	})
}

// Who leaves, and the room that nobody is left in.
func TestEmptyRoom(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice := w.join("alice")
		d := w.den(alice)
		d.enter(alice)
		alice.acked(d.commit(alice, 0, without(alice)))
		if got := take[*wire.Expelled](alice); len(got) != 1 {
			t.Errorf("%+v", got)
		}
		d.closedTo(alice)
		time.Sleep(hub.EmptyLife + 5*time.Minute)
		alice.refused("gone", wire.Encode(&wire.Read{Ref: 1, Room: d.id}), chat.CodeRoomUnknown)
		alice.refused("gone", d.message(alice, 0, "x"), chat.CodeRoomUnknown)
	})
}

// Another node's changes are seen by its wake-ups, and who has come in there needn't wait for them.
func TestRosterOfAnotherNode(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice, bob, carol := w.join("alice"), w.join("bob"), w.join("carol")
		d := w.den(alice)
		d.enter(alice)
		elsewhere := func(p *person, kind chat.EntryKind, base chat.Seq, change *hub.Change) {
			t.Helper()
			e, raw := d.envelope(p, "elsewhere")
			out, err := w.store.Append(context.Background(), []hub.Submission{{
				Room: d.id, ID: e.ID, Account: p.peer.Account, Device: p.peer.Device, Session: p.peer.Session, Kind: kind, Base: base, Envelope: raw, Change: change, At: time.Now(),
			}})
			if err != nil || out[0].Err != nil {
				t.Fatalf("%v, %+v", err, out)
			}
		}
		elsewhere(alice, chat.Commit, 0, &hub.Change{Add: []chat.AccountID{bob.peer.Account, carol.peer.Account}})
		d.enter(bob)
		d.enter(carol)
		elsewhere(alice, chat.Commit, 1, &hub.Change{Remove: []chat.AccountID{carol.peer.Account}})
		elsewhere(bob, chat.Content, 2, nil)
		w.bus.Publish(hub.Wakeup{Room: d.id, Head: 3})
		if got := take[*wire.Expelled](carol); len(got) != 1 {
			t.Errorf("%+v", got)
		}
		if got := bob.seqs(); len(got) == 0 || got[len(got)-1] != 3 {
			t.Errorf("bob reads %v", got)
		}
		d.closedTo(carol)
	})
}

func TestPrivateRoomsAreBounded(t *testing.T) {
	inWorld(t, hub.Limits{Message: 1000, Rooms: 1, PrivateRooms: 2}, func(w *world) {
		alice := w.join("alice")
		w.den(alice)
		w.den(alice)
		alice.refused("one more", wire.Encode(&wire.CreatePrivate{Ref: 1, Room: chat.RoomID{1, 2, 3}}), chat.CodeRoomLimit)
	})
}
