package hub_test

import (
	"testing"
	"testing/synctest"
	"time"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

// The rules of a room that members tell the server, and what it refuses by them.
func TestRulesOfARoom(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice, bob := w.join("alice"), w.join("bob")
		d := w.den(alice)
		alice.acked(d.commit(alice, 0, with(bob)))
		rules := wire.RoomRules{Slow: 60, Free: []chat.AccountID{alice.peer.Account}}
		alice.acked(d.commit(alice, 1, func(f *wire.Commit) { f.Rules = []wire.RoomRules{rules} }))
		told := ask[*wire.RosterList](bob, wire.Encode(&wire.Roster{Ref: 9, Room: d.id}))
		if told.Rules.Slow != 0 || !told.Noted.Equal(&rules) {
			t.Errorf("noted: %+v", told)
		}
		bob.acked(d.message(bob, 2, "I have seen it"))
		if told = ask[*wire.RosterList](bob, wire.Encode(&wire.Roster{Ref: 9, Room: d.id})); !told.Rules.Equal(&rules) {
			t.Errorf("confirmed: %+v", told)
		}
		bob.refused("too soon", d.message(bob, 2, "and more"), chat.CodeSlowMode)
		e, _ := d.envelope(bob, "what programs say")
		e.Version = wire.ServiceEnvelope
		service := wire.Encode(&wire.Send{Room: d.id, ID: e.ID, Kind: chat.Content, Base: 2, Envelope: wire.Marshal(&e)})
		bob.acked(service)
		bob.refused("a Commit that says that it is something else", wire.Encode(&wire.Commit{Room: d.id, ID: e.ID, Base: 2, Envelope: wire.Marshal(&e)}), chat.CodeEnvelope)
		time.Sleep(time.Minute)
		synctest.Wait()
		bob.acked(d.message(bob, 2, "and more"))
		rules.Muted = []chat.AccountID{bob.peer.Account}
		alice.acked(d.commit(alice, 2, func(f *wire.Commit) { f.Rules = []wire.RoomRules{rules} }))
		time.Sleep(time.Minute)
		synctest.Wait()
		bob.acked(d.message(bob, 6, "two alone: nobody confirms it"))
	})
}
