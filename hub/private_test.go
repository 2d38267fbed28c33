package hub_test

import (
	"slices"
	"testing"
	"testing/synctest"

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
