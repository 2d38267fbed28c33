package hub_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

func TestTalk(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice, bob := w.join("alice"), w.join("bob")
		alice.subscribe(0, 0)
		bob.subscribe(0, 0)
		alice.send(3)
		acks := take[*wire.Ack](alice)
		if len(acks) != 3 || acks[0].Seq != 1 || acks[2].Seq != 3 {
			t.Fatalf("%d acknowledgements", len(acks))
		}
		if got := bob.seqs(); !slices.Equal(got, []chat.Seq{1, 2, 3}) {
			t.Errorf("bob got %v", got)
		}
		// The chain hash of the acknowledgement is that of the room.
		if info := bob.session.Welcome()[0]; info.Head != 3 || info.HeadHash != acks[2].Hash || info.Online != 2 {
			t.Errorf("%+v", info)
		}
	})
}

func TestWhereAReaderBegins(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice := w.join("alice")
		alice.send(300)
		synctest.Wait()
		for _, c := range []struct {
			after chat.Seq
			tail  uint32
			first chat.Seq
		}{{0, 0, 1}, {0, 10, 291}, {295, 0, 296}, {295, 100, 296}, {300, 0, 0}, {999, 0, 0}, {0, 1000, 1}, {120, 100, 201}} {
			p := w.join("reader" + string(rune('a'+w.count)))
			p.subscribe(c.after, c.tail)
			got := p.seqs()
			switch {
			case c.first == 0 && len(got) > 0:
				t.Errorf("after %d: %v", c.after, got)
			case c.first > 0 && (len(got) == 0 || got[0] != c.first || got[len(got)-1] != 300):
				t.Errorf("after %d, tail %d: %d entries from %v", c.after, c.tail, len(got), got[:min(1, len(got))])
			}
		}
	})
}

// Who reads right after an acknowledgement finds the message, whatever the fan-out is doing.
func TestReadYourWrites(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice := w.join("alice")
		for i := range 50 {
			alice.send(1)
			for len(take[*wire.Ack](alice)) == 0 {
			}
			if head := alice.session.Welcome()[0].Head; head != chat.Seq(i+1) {
				t.Fatalf("head %d after acknowledgement %d", head, i+1)
			}
		}
	})
}

func TestSlowReaderIsLeftBehindAndCatchesUp(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice, slow, quick := w.join("alice"), w.join("slow"), w.join("quick")
		slow.subscribe(0, 0)
		quick.subscribe(0, 0)
		slow.conn.mu.Lock()
		slow.conn.stuck = true
		slow.conn.mu.Unlock()
		for range 600 {
			alice.must(alice.message(4000, nil))
		}
		if got := quick.seqs(); len(got) != 600 {
			t.Errorf("quick got %d", len(got))
		}
		before := slow.seqs()
		if len(before) == 0 || len(before) > 300 {
			t.Errorf("%d entries were pushed at a reader who doesn't read", len(before))
		}
		slow.conn.mu.Lock()
		slow.conn.stuck, slow.conn.waiting = false, 0
		slow.conn.mu.Unlock()
		slow.session.Drained()
		after := slow.seqs()
		if len(before)+len(after) != 600 || after[0] != before[len(before)-1]+1 {
			t.Errorf("%d, then %d", len(before), len(after))
		}
		alice.send(1)
		if got := slow.seqs(); !slices.Equal(got, []chat.Seq{601}) {
			t.Errorf("back at the head: %v", got)
		}
	})
}

func TestRefusals(t *testing.T) {
	inWorld(t, hub.Limits{Message: 2000, Rooms: 2, Page: 10}, func(w *world) {
		alice := w.join("alice")
		for name, c := range map[string]struct {
			frame []byte
			want  chat.Code
		}{
			"too large":        {alice.message(3000, nil), chat.CodeTooLarge},
			"another's":        {alice.message(10, func(e *wire.Envelope) { e.Account[5] = 1 }), chat.CodeEnvelope},
			"another device":   {alice.message(10, func(e *wire.Envelope) { e.Device[5] = 1 }), chat.CodeEnvelope},
			"a future key":     {alice.message(10, func(e *wire.Envelope) { e.Generation = 9 }), chat.CodeEnvelope},
			"no such room":     {wire.Encode(&wire.Send{Room: chat.RoomID{1}, ID: chat.MessageID{1}, Kind: chat.Content, Envelope: []byte{1}}), chat.CodeRoomUnknown},
			"no envelope":      {wire.Encode(&wire.Send{Room: w.lobby, ID: chat.MessageID{1}, Kind: chat.Content, Envelope: []byte{1}}), chat.CodeEnvelope},
			"unknown room":     {wire.Encode(&wire.Subscribe{Ref: 3, Room: chat.RoomID{1}}), chat.CodeRoomUnknown},
			"not subscribed":   {wire.Encode(&wire.Unsubscribe{Ref: 3, Room: w.lobby}), chat.CodeNotJoined},
			"name of a room":   {wire.Encode(&wire.Create{Ref: 3, Name: "a b"}), chat.CodeRoomName},
			"room that exists": {wire.Encode(&wire.Create{Ref: 3, Name: "lobby"}), chat.CodeRoomExists},
			"link too large":   {wire.Encode(&wire.PutLink{Ref: 3, Generation: 2, Link: make([]byte, 600)}), chat.CodeTooLarge},
		} {
			alice.must(c.frame)
			got := take[*wire.Failure](alice)
			if len(got) != 1 || got[0].Code != c.want {
				t.Errorf("%s: %v, want %s", name, got, c.want)
			}
		}
		alice.must(wire.Encode(&wire.Create{Ref: 4, Name: "garden"}))
		if got := take[*wire.Room](alice); len(got) != 1 || got[0].Info.Name != "garden" {
			t.Errorf("%v", got)
		}
		alice.must(wire.Encode(&wire.Create{Ref: 5, Name: "third"}))
		if got := take[*wire.Failure](alice); len(got) != 1 || got[0].Code != chat.CodeRoomLimit {
			t.Errorf("%v", got)
		}
		// After all that she is still there; a frame that isn't one ends it.
		alice.send(1)
		if len(take[*wire.Ack](alice)) != 1 {
			t.Error("a refusal has spoiled the session")
		}
		if err := alice.handle([]byte{0x80}); err == nil || alice.gone() != chat.CodeFrame {
			t.Errorf("%v, %q", err, alice.gone())
		}
	})
}

func TestSameIDAgain(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice := w.join("alice")
		m := alice.message(10, nil)
		alice.must(m)
		alice.must(m)
		acks := take[*wire.Ack](alice)
		if len(acks) != 2 || *acks[0] != *acks[1] {
			t.Errorf("%v", acks)
		}
		// The device comes back and asks again: the same answer.
		alice = alice.again()
		alice.must(m)
		if again := take[*wire.Ack](alice); len(again) != 1 || *again[0] != *acks[0] {
			t.Errorf("%v", again)
		}
		if head := alice.session.Welcome()[0].Head; head != 1 {
			t.Errorf("stored %d times", head)
		}
	})
}

func TestFullDisk(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice, bob := w.join("alice"), w.join("bob")
		bob.subscribe(0, 0)
		alice.send(1)
		synctest.Wait()
		w.store.set(chat.Errorf(chat.CodeDiskFull), nil)
		alice.send(2)
		if got := take[*wire.Failure](alice); len(got) != 2 || got[0].Code != chat.CodeDiskFull {
			t.Errorf("%v", got)
		}
		w.store.set(nil, nil)
		alice.send(1)
		if got := take[*wire.Ack](alice); len(got) != 1 || got[0].Seq != 2 {
			t.Errorf("it doesn't go on: %v", got)
		}
		if got := bob.seqs(); !slices.Equal(got, []chat.Seq{1, 2}) {
			t.Errorf("bob got %v", got)
		}
	})
}

// While one batch is on its way to the disk the next one gathers; nothing is acknowledged before it is there.
func TestNothingIsAcknowledgedEarly(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice := w.join("alice")
		gate := make(chan struct{})
		w.store.set(nil, gate)
		alice.send(10)
		if got := take[*wire.Ack](alice); len(got) != 0 {
			t.Fatalf("%d acknowledgements before the commit", len(got))
		}
		close(gate)
		if got := take[*wire.Ack](alice); len(got) != 10 {
			t.Errorf("%d acknowledgements", len(got))
		}
		if m := w.hub.Metrics(); m.Accepted != 10 || m.Batches > 2 {
			t.Errorf("%+v", m)
		}
	})
}

func TestRatePushesBackAndKeepsOrder(t *testing.T) {
	inWorld(t, hub.Limits{Message: 1 << 16, Rate: 10, Burst: 5, Rooms: 2}, func(w *world) {
		alice, bob := w.join("alice"), w.join("bob")
		bob.subscribe(0, 0)
		begin := time.Now()
		alice.send(25)
		if took := time.Since(begin); took < 1900*time.Millisecond || took > 2200*time.Millisecond {
			t.Errorf("25 messages at 10 a second after 5 at once took %s", took)
		}
		if got := bob.seqs(); len(got) != 25 {
			t.Errorf("%d arrived", len(got))
		}
		// Connecting again doesn't fill the bucket.
		begin = time.Now()
		alice.again().send(5)
		if took := time.Since(begin); took < 400*time.Millisecond {
			t.Errorf("a new connection has %s of patience", took)
		}
	})
}

func TestKick(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		ctx := context.Background()
		alice, bob := w.join("alice"), w.join("bob")
		audit := hub.Audit{Actor: "console", Action: "kick", At: time.Now()}
		if _, err := w.hub.Kick(ctx, chat.AccountID{99}, "", audit); !codeIs(err, chat.CodeNotConnected) {
			t.Errorf("absent: %v", err)
		}
		if rows, err := w.store.AuditLog(ctx, 0, 100); err != nil || slices.ContainsFunc(rows, func(r hub.AuditRow) bool { return r.Action == "kick" }) {
			t.Errorf("something changed: %v, %v", rows, err)
		}
		// A message that is on its way when the kick comes isn't stored after it.
		gate := make(chan struct{})
		w.store.set(nil, gate)
		bob.send(1)
		synctest.Wait()
		if n, err := w.hub.Kick(ctx, bob.peer.Account, "too loud", audit); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		close(gate)
		if bob.gone() != chat.CodeKicked || bob.conn.bye.Params["reason"] != "too loud" {
			t.Errorf("%v", bob.conn.bye)
		}
		if err := bob.handle(bob.message(10, nil)); err == nil {
			t.Error("a kicked person goes on")
		}
		if head := alice.session.Welcome()[0].Head; head != 0 {
			t.Error("stored after the kick")
		}
		if _, err := w.hub.Kick(ctx, bob.peer.Account, "", audit); !codeIs(err, chat.CodeNotConnected) {
			t.Errorf("kicked twice: %v", err)
		}
		bob.session.Detach()
		// He may come back; a banned one may not.
		bob = bob.again()
		if n, err := w.hub.Ban(ctx, bob.peer.Account, "", hub.Audit{Action: "ban", At: time.Now()}); n != 1 || err != nil || bob.gone() != chat.CodeBanned {
			t.Errorf("%d, %v, %s", n, err, bob.gone())
		}
		if _, err := w.store.OpenSession(ctx, bob.peer.Account, bob.peer.Device, bob.peer.Name, 0, time.Now()); !codeIs(err, chat.CodeBanned) {
			t.Errorf("banned, and back: %v", err)
		}
	})
}

func TestComingBackWins(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		old := w.join("alice")
		old.subscribe(0, 0)
		now := old.again()
		if old.gone() != chat.CodeSuperseded {
			t.Errorf("the dead connection: %q", old.gone())
		}
		now.subscribe(0, 0)
		for _, room := range []chat.RoomID{{}, w.lobby} { // before the old connection has noticed
			now.must(wire.Encode(&wire.List{Ref: 2, Room: room}))
			if got := take[*wire.Listing](now); len(got) != 1 || len(got[0].Present) != 1 {
				t.Errorf("%s: %+v", room, got)
			}
		}
		old.session.Detach() // late
		now.send(1)
		if got := now.seqs(); len(got) != 1 {
			t.Errorf("%v", got)
		}
		if p := w.hub.Present(); len(p) != 1 || p[0].Rooms[0] != chat.Lobby {
			t.Errorf("%+v", p)
		}
		// Two logins that overtake each other: the later session stays.
		if _, err := w.hub.Attach(old.peer, &frames{}); !codeIs(err, chat.CodeSuperseded) {
			t.Errorf("the older session came in: %v", err)
		}
	})
}

func TestPresence(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice := w.join("alice")
		alice.subscribe(0, 0)
		time.Sleep(time.Second)
		take[*wire.Presence](alice)
		var crowd []*person
		for _, name := range []string{"bob", "carol", "dave"} {
			p := w.join(name)
			p.subscribe(0, 0)
			crowd = append(crowd, p)
		}
		time.Sleep(time.Second)
		got := take[*wire.Presence](alice)
		if len(got) != 1 || len(got[0].Changes) != 3 || got[0].Online != 4 {
			t.Fatalf("%+v", got)
		}
		crowd[0].session.Detach()
		time.Sleep(time.Second)
		if got = take[*wire.Presence](alice); len(got) != 1 || got[0].Changes[0].Name != "bob" || got[0].Changes[0].Here || got[0].Online != 3 {
			t.Errorf("%+v", got)
		}
	})
}

func TestRotation(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		ctx := context.Background()
		alice := w.join("alice")
		if err := w.hub.Rotate(ctx, hub.Generation{Number: 2, Access: [32]byte{2}, At: time.Now()}, false, hub.Audit{}); err != nil {
			t.Fatal(err)
		}
		if got := take[*wire.Rotated](alice); len(got) != 1 || got[0].Generation != 2 {
			t.Errorf("%v", got)
		}
		alice.send(1) // under the old key, on its way
		if len(take[*wire.Ack](alice)) != 1 {
			t.Error("a message on its way was refused")
		}
		time.Sleep(time.Minute)
		alice.send(1)
		if got := take[*wire.Failure](alice); len(got) != 1 || got[0].Code != chat.CodeKeyOld {
			t.Errorf("long after: %v", got)
		}
		if err := w.hub.Rotate(ctx, hub.Generation{Number: 3, Access: [32]byte{3}, At: time.Now()}, true, hub.Audit{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !alice.conn.closed {
			t.Error("with --all nobody stays")
		}
		if err := w.hub.Rotate(ctx, hub.Generation{Number: 7, At: time.Now()}, false, hub.Audit{}); !codeIs(err, chat.CodeConflict) {
			t.Errorf("a generation was left out: %v", err)
		}
	})
}

func TestCloseAnswersEverythingFirst(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice := w.join("alice")
		gate := make(chan struct{})
		w.store.set(nil, gate)
		alice.send(5)
		time.AfterFunc(time.Second, func() { close(gate) })
		if err := w.hub.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := take[*wire.Ack](alice); len(got) != 5 || alice.gone() != chat.CodeGoodbye {
			t.Errorf("%d acknowledgements, %q", len(got), alice.gone())
		}
		if _, err := w.hub.Attach(alice.peer, &frames{}); !codeIs(err, chat.CodeGoodbye) {
			t.Errorf("let in after the end: %v", err)
		}
	})
}

func TestSay(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice := w.join("alice")
		long := make([]rune, 2000)
		for i := range long {
			long[i] = 'é'
		}
		if n := w.hub.Say(string(long)); n != 1 {
			t.Errorf("reached %d", n)
		}
		if got := take[*wire.Notice](alice); len(got) != 1 || len(got[0].Text) != 1024 {
			t.Errorf("%v", got)
		}
	})
}

func TestRetention(t *testing.T) {
	inWorld(t, hub.Limits{}, func(w *world) {
		alice := w.join("alice")
		alice.send(10)
		synctest.Wait()
		alice.must(alice.message(10, func(e *wire.Envelope) { e.SeenSeq = 10; e.SeenHash = [32]byte{1} }))
		time.Sleep(48 * time.Hour)
		alice.must(alice.message(10, func(e *wire.Envelope) { e.SeenSeq = 11; e.SeenHash = [32]byte{1} }))
		w.hub.Reload(hub.Limits{Message: 1 << 16, Rooms: 9}, hub.Retention{Age: 24 * time.Hour}, nil)
		time.Sleep(5 * time.Minute)
		if info := alice.session.Welcome()[0]; info.Floor != 11 || info.Head != 12 {
			t.Errorf("floor %d, head %d", info.Floor, info.Head)
		}
		p := w.join("new")
		p.subscribe(0, 0)
		if got := p.seqs(); !slices.Equal(got, []chat.Seq{12}) {
			t.Errorf("a newcomer reads %v", got)
		}
	})
}
