package storetest

import (
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

// sorted lists accounts in the order of their bytes, as rules have them.
func sorted(members ...member) []chat.AccountID {
	list := accounts(members...)
	slices.SortFunc(list, func(a, b chat.AccountID) int { return slices.Compare(a[:], b[:]) })
	return list
}

func ruling(r wire.RoomRules) *hub.Change { return &hub.Change{Rules: &r} }

// ruled wants that these rules count, and will count.
func (d *den) ruled(what string, now, noted wire.RoomRules) {
	d.Helper()
	gotNow, gotNoted, err := d.Store.Rules(d.ctx, d.ID)
	d.must(err)
	if !gotNow.Equal(&now) || !gotNoted.Equal(&noted) {
		d.Errorf("%s: %+v, then %+v; want %+v, then %+v", what, gotNow, gotNoted, now, noted)
	}
}

// at is a submission at a time after the beginning.
func at(s hub.Submission, seconds float64) hub.Submission {
	s.At = Epoch.Add(time.Duration(seconds * float64(time.Second)))
	return s
}

func service(s hub.Submission) hub.Submission {
	s.Service = true
	return s
}

// What restricts counts when somebody else has gone on from it, what loosens at once, and nobody helps himself.
func testMutes(w *world) {
	alice, bob, carol, mallory := w.member("alice"), w.member("bob"), w.member("carol"), w.member("mallory")
	d := w.den(alice)
	none := wire.RoomRules{}
	d.stored(d.commit(alice, 0, adding(bob, carol, mallory)))
	d.ruled("new", none, none)
	muted := wire.RoomRules{Muted: sorted(mallory), Banned: []chat.AccountID{{99}}} // one isn't here
	n := d.stored(d.commit(alice, 1, ruling(muted))).Seq
	want := wire.RoomRules{Muted: sorted(mallory)}
	d.ruled("noted", none, want)
	d.stored(d.message(alice, n))                // who made it
	d.stored(d.message(mallory, n))              // whom it is about
	d.stored(d.message(bob, 1))                  // who hasn't seen it
	d.stored(d.commit(mallory, n, ruling(none))) // whom it is about takes nothing back
	d.ruled("not confirmed", none, want)
	d.stored(d.message(bob, n))
	d.ruled("confirmed", want, want)
	d.refused("muted", d.message(mallory, n), chat.CodeMuted)
	d.stored(service(d.message(mallory, n)))
	c := d.stored(d.commit(mallory, n+4, ruling(none))).Seq // commits go on: it is noted, and nobody may confirm it unknowingly
	d.ruled("his own word", want, none)
	d.refused("his own word, muted still", d.message(mallory, c), chat.CodeMuted)
	c = d.stored(d.commit(bob, c, ruling(want))).Seq
	d.ruled("put right before it counts", want, want)
	// One who is muted by somebody alone: others go on, and take it back.
	lie := wire.RoomRules{Muted: sorted(alice, bob, carol, mallory)}
	c = d.stored(d.commit(mallory, c, ruling(lie))).Seq
	d.ruled("a lie", want, lie)
	d.stored(d.message(alice, c)) // they wait for a mute themselves, and confirm nothing
	d.stored(d.message(bob, c))
	d.ruled("a lie isn't confirmed by those whom it mutes", want, lie)
	c = d.stored(d.commit(alice, c, ruling(want))).Seq
	d.ruled("taken back, but for her own", want, wire.RoomRules{Muted: sorted(alice, mallory)})
	c = d.stored(d.commit(bob, c, ruling(want))).Seq
	d.ruled("taken back", want, want)
	// Loosened at once, by somebody else.
	c = d.stored(d.commit(bob, c, ruling(none))).Seq
	d.ruled("unmuted", none, none)
	d.stored(d.message(mallory, c))
	// What comes with a Commit that is refused doesn't count.
	d.refused("too late", d.commit(bob, 1, ruling(want)), chat.CodeConflict)
	d.ruled("after a conflict", none, none)
	// A message that was stored is answered again though its sender is muted by now.
	said := d.message(mallory, c)
	d.stored(said)
	c = d.stored(d.commit(alice, c, ruling(want))).Seq
	d.stored(d.message(bob, c))
	if o := d.one(said); o.Err != nil || !o.Duplicate {
		w.Errorf("%+v", o)
	}
	// In one batch, each as after the one before.
	out := d.append(d.commit(bob, c, ruling(none)), d.message(mallory, 0), d.commit(alice, c+2, ruling(want)), d.message(carol, c+4), d.message(mallory, 0))
	for i, o := range out {
		if (o.Err != nil) != (i == 4) {
			w.Errorf("%d: %+v", i, o.Err)
		}
	}
	_, _, err := w.Rules(w.ctx, w.room.ID)
	w.want("the rules of a key room", err, chat.CodeRoomUnknown)
	d.verify(d.ID)
}

func testGuestsBanned(w *world) {
	alice, bob, carol := w.member("alice"), w.member("bob"), w.member("carol")
	d := w.den(alice)
	d.stored(d.commit(alice, 0, adding(bob)))
	banned := wire.RoomRules{Banned: sorted(carol)}
	n := d.stored(d.commit(alice, 1, ruling(banned))).Seq
	d.stored(d.message(bob, n))
	d.ruled("banned", banned, banned)
	d.refused("a guest who is banned", d.commit(bob, n, adding(carol)), chat.CodeRole)
	d.on("after it", map[member]chat.Seq{alice: 0, bob: 0})
	n = d.stored(d.commit(alice, n, ruling(wire.RoomRules{}))).Seq
	d.stored(d.commit(bob, n, adding(carol)))
	d.on("after the ban", map[member]chat.Seq{alice: 0, bob: 0, carol: 0})
}

func testSlowMode(w *world) {
	alice, bob, carol := w.member("alice"), w.member("bob"), w.member("carol")
	d := w.den(alice)
	d.stored(d.commit(alice, 0, adding(bob, carol)))
	none, slow := wire.RoomRules{}, wire.RoomRules{Slow: 30, Free: sorted(alice)}
	n := d.stored(d.commit(alice, 1, ruling(slow))).Seq
	d.ruled("noted", none, slow)
	d.stored(at(d.message(bob, 1), 0))
	d.stored(at(d.message(bob, 1), 0.1))
	d.stored(at(d.message(bob, n), 1))
	d.ruled("confirmed", slow, slow)
	o := d.one(at(d.message(bob, n), 20.5))
	if o.Err == nil || o.Err.Code != chat.CodeSlowMode || o.Err.Params["wait"] != "11" {
		w.Errorf("%+v", o.Err)
	}
	d.stored(at(service(d.message(bob, n)), 21)) // isn't counted
	d.stored(at(d.message(carol, n), 21))        // each for himself
	d.stored(at(d.message(alice, n), 22))
	d.stored(at(d.message(alice, n), 22))
	d.stored(at(d.message(bob, n), 31))
	d.refused("again", at(d.message(bob, n), 60), chat.CodeSlowMode)
	if o := d.one(at(d.message(bob, n), 0)); o.Err == nil || o.Err.Params["wait"] != "30" {
		w.Errorf("with the clock put back: %+v", o.Err)
	}
	// Whom it binds doesn't end it, nor lets himself off; who is free does.
	c := d.stored(d.commit(bob, n, ruling(none))).Seq
	d.ruled("bob ends it", slow, wire.RoomRules{})
	c = d.stored(d.commit(carol, c, ruling(slow))).Seq
	d.ruled("carol doesn't think so", slow, slow)
	lie := wire.RoomRules{Slow: 30, Free: sorted(alice, bob)}
	c = d.stored(d.commit(bob, c, ruling(lie))).Seq
	d.ruled("bob frees himself", slow, lie)
	d.refused("again", at(d.message(bob, c), 60), chat.CodeSlowMode)
	c = d.stored(d.commit(alice, c, ruling(lie))).Seq // made a moderator
	d.ruled("alice frees bob", lie, lie)
	d.stored(at(d.message(bob, c), 60))
	slower := wire.RoomRules{Slow: 3600, Free: sorted(alice, bob)}
	c = d.stored(d.commit(carol, c, ruling(slower))).Seq
	d.ruled("carol makes it slower", lie, slower)
	c = d.stored(d.commit(carol, c, ruling(lie))).Seq
	d.ruled("and takes that back", lie, lie)
	o = d.stored(d.commit(alice, c, ruling(none)))
	d.ruled("alice ends it", wire.RoomRules{Free: lie.Free}, none) // which says nothing any more
	d.stored(d.message(bob, o.Seq))
	d.ruled("bob confirms nothing of his own", wire.RoomRules{Free: sorted(bob)}, none)
	d.stored(d.message(carol, o.Seq))
	d.ruled("carol does", none, none)
	for i := range 3 {
		d.stored(at(d.message(carol, c), 61+float64(i)/10))
	}
	d.verify(d.ID)
}
