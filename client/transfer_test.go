package client

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/keys"
	"huisclos/trust"
	"huisclos/wire"
)

// pair are two ends of a transfer, without anything around them.
func pair(t testing.TB, server chat.Fingerprint, oldSeed, newSeed, key []byte) (give, take *engine, g, tk *transfer) {
	t.Helper()
	end := func(seed []byte) *engine {
		d, err := trust.ParseDevice(seed)
		if err != nil {
			t.Fatal(err)
		}
		return &engine{self: selfRecord{Server: server}, id: &identity{dev: d}}
	}
	give, take = end(oldSeed), end(newSeed)
	var err error
	if g, err = give.newTransfer(take.id.device(), transferRecord{Key: key, Gives: true}); err != nil {
		t.Fatal(err)
	}
	if tk, err = take.newTransfer(give.id.device(), transferRecord{Key: key}); err != nil {
		t.Fatal(err)
	}
	return give, take, g, tk
}

func aSeed(b byte) []byte { return bytes.Repeat([]byte{b}, 64) }

// The published box opens.
func TestHistoryVectors(t *testing.T) {
	raw, err := os.ReadFile("../docs/vectors/device.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		S          hexBytes
		Old        struct{ DeviceSeed hexBytes }
		New        struct{ Device hexBytes }
		HistoryKey hexBytes
		Box        struct{ Request, Plain, Box hexBytes }
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	give, _, _, _ := pair(t, chat.FingerprintOf([]byte(v.S)), v.Old.DeviceSeed, aSeed(2), v.HistoryKey)
	g, err := give.newTransfer(chat.DeviceID(v.New.Device), transferRecord{Key: v.HistoryKey, Gives: true})
	if err != nil {
		t.Fatal(err)
	}
	var m askMessage
	request, err := give.openBox(g, v.Box.Box, &m)
	if err != nil || !bytes.Equal(request[:], v.Box.Request) || !bytes.Equal(wire.Marshal(&m), v.Box.Plain) {
		t.Fatalf("%x %+v %v", request, m, err)
	}
	if m.Kind != askBatch || m.Before != 301 {
		t.Errorf("%+v", m)
	}
}

// A box opens only at its other end, of its server, under its key, as the answer of its request, in its direction.
func TestBoxIsBound(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	give, take, g, tk := pair(t, chat.Fingerprint{1}, aSeed(1), aSeed(2), key)
	request := [requestSize]byte{5}
	box := take.sealBox(tk, request, &askMessage{Kind: askRooms})
	var m askMessage
	if got, err := give.openBox(g, box, &m); err != nil || got != request || m.Kind != askRooms {
		t.Fatal(got, m, err)
	}
	var back tellMessage
	if _, err := take.openBox(tk, box, &back); err == nil {
		t.Error("it comes back to its sender")
	}
	for name, at := range map[string]func() (*engine, *transfer){
		"another server": func() (*engine, *transfer) {
			e, _, g, _ := pair(t, chat.Fingerprint{2}, aSeed(1), aSeed(2), key)
			return e, g
		},
		"another device": func() (*engine, *transfer) {
			e, _, g, _ := pair(t, chat.Fingerprint{1}, aSeed(3), aSeed(2), key)
			return e, g
		},
		"from another device": func() (*engine, *transfer) {
			e, _, g, _ := pair(t, chat.Fingerprint{1}, aSeed(1), aSeed(3), key)
			return e, g
		},
		"another key": func() (*engine, *transfer) {
			e, _, g, _ := pair(t, chat.Fingerprint{1}, aSeed(1), aSeed(2), bytes.Repeat([]byte{8}, 32))
			return e, g
		},
	} {
		e, g := at()
		if _, err := e.openBox(g, box, &m); err == nil {
			t.Errorf("it opens for %s", name)
		}
	}
	var b boxOf
	if err := wire.UnmarshalStrict(box, &b); err != nil {
		t.Fatal(err)
	}
	b.Request[0]++
	if _, err := give.openBox(g, wire.Marshal(&b), &m); err == nil {
		t.Error("it opens for another request")
	}
	for i := range box {
		changed := bytes.Clone(box)
		changed[i] ^= 1
		if _, err := give.openBox(g, changed, &m); err == nil {
			t.Fatalf("byte %d can be changed", i)
		}
	}
}

type boxOf = box

// Whatever a server brings from another device is told from what that has sealed.
func FuzzBox(f *testing.F) {
	key := bytes.Repeat([]byte{7}, 32)
	give, take, g, tk := pair(f, chat.Fingerprint{1}, aSeed(1), aSeed(2), key)
	good := give.sealBox(g, [requestSize]byte{5}, &tellMessage{Kind: tellHere})
	f.Add(good)
	f.Add(take.sealBox(tk, [requestSize]byte{5}, &askMessage{Kind: askBatch, Before: 7}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m tellMessage
		if _, err := take.openBox(tk, raw, &m); (err == nil) != bytes.Equal(raw, good) {
			t.Fatal(err)
		}
	})
}

// What an old device hands over is taken only whole, and of the account and the server that have shown themselves.
func FuzzLinkGift(f *testing.F) {
	server := chat.Fingerprint{1}
	id, err := newIdentity(server, "alice")
	if err != nil {
		f.Fatal(err)
	}
	party := id.party()
	f.Add(aGift(id))
	f.Fuzz(func(t *testing.T, raw []byte) {
		device := trust.NewDevice()
		g, who, err := parseLinkGift(raw, server, &party, device)
		if err != nil {
			return
		}
		if who.account() != party.Account || g.Backup.Name != "alice" || !bytes.Equal(wire.Marshal(g), raw) {
			t.Fatalf("%+v", g)
		}
		l := &Linked{Server: server, Name: g.Backup.Name, Device: device.ID(), From: id.device(), id: who, gift: g}
		if err := l.Restore(NewMemory()); err != nil && chat.CodeOf(err) == chat.CodeInternal {
			t.Fatal(err)
		}
	})
}

func aGift(id *identity) []byte {
	g := &linkGift{Version: 1, Account: id.acct.Bytes(), Certificate: []byte{}, BackupKey: []byte{}, Lists: []giftList{}, Devices: []giftDevice{{Device: id.device(), Name: "desk"}}}
	g.Backup.Version, g.Backup.Server, g.Backup.Account, g.Backup.Name = 1, id.server, id.account(), id.name
	g.Backup.NameSig = id.acct.SignName(id.server, id.name)
	g.Rooms = []giftRoom{{Room: chat.RoomID{1}, Name: "team", Seq: 7, Known: []chat.DeviceID{id.device()}}}
	return wire.Marshal(g)
}

// A gift of somebody else, for another server, or of another version isn't taken.
func TestLinkGiftIsBound(t *testing.T) {
	server := chat.Fingerprint{1}
	id, err := newIdentity(server, "alice")
	if err != nil {
		t.Fatal(err)
	}
	other, err := newIdentity(server, "mallory")
	if err != nil {
		t.Fatal(err)
	}
	mine, theirs := id.party(), other.party()
	if _, _, err := parseLinkGift(aGift(id), server, &mine, trust.NewDevice()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*linkGift)
		server chat.Fingerprint
		by     *keys.Party
		want   chat.Code
	}{
		"another account":                 {nil, server, &theirs, chat.CodeAuth},
		"another server":                  {nil, chat.Fingerprint{2}, &mine, chat.CodeIdentity},
		"a later version":                 {func(g *linkGift) { g.Version = 2 }, server, &mine, chat.CodeVersion},
		"another secret":                  {func(g *linkGift) { g.Account = other.acct.Bytes() }, server, &mine, chat.CodeAuth},
		"no secret":                       {func(g *linkGift) { g.Account = nil }, server, &mine, chat.CodeFrame},
		"a certificate of another device": {func(g *linkGift) { g.Account, g.Certificate = []byte{}, id.cert.Marshal() }, server, &mine, chat.CodeAuth},
		"both a secret and a certificate": {func(g *linkGift) { g.Certificate = id.cert.Marshal() }, server, &mine, chat.CodeFrame},
		"another name":                    {func(g *linkGift) { g.Backup.Name = "bob" }, server, &mine, chat.CodeAuth},
		"no signature":                    {func(g *linkGift) { g.Backup.NameSig[0]++ }, server, &mine, chat.CodeAuth},
	} {
		var g linkGift
		if err := wire.UnmarshalStrict(aGift(id), &g); err != nil {
			t.Fatal(err)
		}
		if c.change != nil {
			c.change(&g)
		}
		if _, _, err := parseLinkGift(wire.Marshal(&g), c.server, c.by, trust.NewDevice()); chat.CodeOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What this device has read in the log stays; what another has read takes the place of a gap and of a member's word.
func TestLogGoesBeforeHistory(t *testing.T) {
	v := NewMemory()
	e := &engine{vault: v, stage: newStage(), rooms: map[chat.RoomID]*room{}, dirty: map[*room]struct{}{}}
	r := newRoom(chat.RoomID{1}, "team")
	a, id := chat.AccountID{1}, chat.MessageID{1}
	moved := entryRecord{Form: Text, Account: a, ID: id, Text: "from the other device", Time: time.Now().UnixMilli()}
	for name, c := range map[string]struct {
		own  *entryRecord
		want string
	}{
		"nothing":             {nil, moved.Text},
		"read":                {&entryRecord{Form: Text, Account: a, ID: id, Text: "own"}, "own"},
		"refused":             {&entryRecord{Form: Refused, Account: a, ID: id}, ""},
		"silent":              {&entryRecord{Form: Silent, Account: a, ID: id}, moved.Text},
		"unreadable":          {&entryRecord{Form: Unreadable, Account: a, ID: id}, moved.Text},
		"another message":     {&entryRecord{Form: Silent, Account: a, ID: chat.MessageID{2}}, ""},
		"another's message":   {&entryRecord{Form: Unreadable, Account: chat.AccountID{2}, ID: id}, ""},
		"on a member's word":  {&entryRecord{Form: Text, Account: a, ID: id, Text: "told", SharedBy: chat.AccountID{3}}, moved.Text},
		"a member's other":    {&entryRecord{Form: Text, Account: chat.AccountID{3}, ID: chat.MessageID{9}, Text: "told", SharedBy: chat.AccountID{3}}, moved.Text},
		"moved already, once": {&entryRecord{Form: Text, Account: a, ID: id, Text: "own", Moved: true}, "own"},
	} {
		e.stage = newStage()
		if c.own != nil {
			e.put(TableHistory, entryKey(r.id, 7), c.own)
		}
		m := moved
		if err := e.keepMoved(r, 7, &m); err != nil {
			t.Fatal(err)
		}
		var got entryRecord
		if _, err := e.get(TableHistory, entryKey(r.id, 7), &got); err != nil || got.Text != c.want || got.Text == moved.Text && (!got.Moved || !got.SharedBy.IsZero()) {
			t.Errorf("over %s it is %+v, %v", name, got, err)
		}
	}
}

// What is said of a message before its history has come counts when it comes; what was taken back meanwhile doesn't.
func TestLateForHistory(t *testing.T) {
	e := &engine{vault: NewMemory(), stage: newStage(), rooms: map[chat.RoomID]*room{}, dirty: map[*room]struct{}{}, id: new(identity), people: newPeople(chat.Fingerprint{1})}
	var err error
	if e.id, err = newIdentity(chat.Fingerprint{1}, "alice"); err != nil {
		t.Fatal(err)
	}
	r := newRoom(chat.RoomID{1}, "team")
	a, b, id := chat.AccountID{1}, chat.AccountID{2}, chat.MessageID{1}
	for n, rec := range map[chat.Seq]*entryRecord{
		9:  {Form: Text, Account: a, ID: chat.MessageID{9}, What: Edited, Ref: id, Text: "edited"},
		10: {Form: Text, Account: b, ID: chat.MessageID{10}, What: Reacted, Ref: id, Text: "👍"},
		11: {Form: Text, Account: a, ID: chat.MessageID{11}, What: Reacted, Ref: id, Text: "🎉"},
	} {
		e.keep(r, n, rec)
	}
	e.keep(r, 12, &entryRecord{Form: Text, Account: b, ID: chat.MessageID{12}, What: Unreacted, Ref: chat.MessageID{10}})
	if err := e.keepMoved(r, 7, &entryRecord{Form: Text, Account: a, ID: id, Text: "first"}); err != nil {
		t.Fatal(err)
	}
	var got entryRecord
	if _, err := e.get(TableHistory, entryKey(r.id, 7), &got); err != nil || got.Text != "edited" || got.Edited != 9 {
		t.Errorf("%+v, %v", got, err)
	}
	if len(got.Reactions) != 1 || got.Reactions[0].Account != a {
		t.Errorf("%+v", got.Reactions)
	}
	if at, err := e.placeOf(r, id); err != nil || at != 7 {
		t.Error(at, err)
	}
}

// A new device that has everything doesn't wait for ever for the old one to say that it knows.
func TestPartingWithoutAnswer(t *testing.T) {
	_, e, _, tk := pair(t, chat.Fingerprint{1}, aSeed(1), aSeed(2), make([]byte, 32))
	e.vault, e.stage, e.people = NewMemory(), newStage(), newPeople(chat.Fingerprint{1})
	acct, err := newIdentity(chat.Fingerprint{1}, "alice")
	if err != nil {
		t.Fatal(err)
	}
	e.id.acct = acct.acct
	e.session = &session{requests: map[uint64]answerer{}}
	e.moving = map[chat.DeviceID]*transfer{tk.peer: tk}
	tk.rec.Listed, tk.tries = true, partings-1
	e.pull(tk)
	if len(e.moving) != 1 || tk.asked.Kind != askDone || len(e.stage.frames) != 1 {
		t.Fatalf("%+v", tk.asked)
	}
	tk.timer.Stop()
	tk.request, tk.tries = [requestSize]byte{}, partings
	if e.pull(tk); len(e.moving) != 0 || len(e.stage.frames) != 1 {
		t.Error("it goes on asking")
	}
	// One that isn't connected is no reason to wait either.
	e.moving[tk.peer] = tk
	tk.request, tk.tries = [requestSize]byte{}, 0
	e.pull(tk)
	e.session.answered(e.session.ref, nil, chat.Errorf(chat.CodeDeviceAway))
	if len(e.moving) != 0 {
		t.Error("it waits for a device that is away")
	}
}
