package client_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/mls"
	"huisclos/mls/mlstest"
	"huisclos/wire"
)

// forged is the inside of a message that a member's own program wouldn't send.
type forged struct {
	_        struct{} `cbor:",toarray"`
	Version  uint
	Counter  uint64
	Previous [32]byte
	SeenSeq  chat.Seq
	SeenHash [32]byte
	Kind     uint8
	Content  []byte
}

// quick answers every message of other devices at once with nothing, as if each asked for the past.
type quick struct {
	p       *person
	mu      sync.Mutex
	counter uint64
	done    map[chat.MessageID]bool
	sent    map[chat.MessageID]chan struct{} // closed when the answer to that is on its way
}

// answered waits until a message was answered.
func (q *quick) answered(id chat.MessageID) {
	q.mu.Lock()
	c := q.sent[id]
	if c == nil {
		c = make(chan struct{})
		q.sent[id] = c
	}
	q.mu.Unlock()
	select {
	case <-c:
	case <-q.p.w.ctx.Done():
	}
}

// after has somebody read what a device says only once it was answered.
func (q *quick) after(known map[chat.DeviceID]bool) tamper {
	return func(f wire.Frame) []wire.Frame {
		if entries, ok := f.(*wire.Entries); ok {
			for i := range entries.Entries {
				x := &entries.Entries[i]
				if env, err := wire.ParsePrivateEnvelope(x.Envelope); err == nil && x.Kind == chat.Content && !known[env.Device] {
					q.answered(env.ID)
				}
			}
		}
		return []wire.Frame{f}
	}
}

func (q *quick) read(f wire.Frame) []wire.Frame {
	entries, ok := f.(*wire.Entries)
	if !ok {
		return []wire.Frame{f}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range entries.Entries {
		x := &entries.Entries[i]
		env, err := wire.ParsePrivateEnvelope(x.Envelope)
		if err != nil || x.Kind != chat.Content || q.done[env.ID] {
			continue
		}
		q.done[env.ID] = true
		if m, err := mls.ParseMessage(env.Message); err == nil {
			go q.answer(entries.Room, env.ID, m.Epoch())
		}
	}
	return []wire.Frame{f}
}

// forger holds mallory's keys of the group; nil when it can't be had.
func (q *quick) forger(room chat.RoomID) *mlstest.Forger {
	records := map[string][]byte{}
	_ = q.p.vault.View(func(r client.Reader) error {
		return r.Scan(client.TableGroups, room[:], nil, false, func(key, value []byte) (bool, error) {
			if chat.RoomID(key[:len(room)]) == room {
				records[string(key[len(room):])] = value
			}
			return true, nil
		})
	})
	f, err := mlstest.New(records)
	if err != nil {
		return nil
	}
	return f
}

func (q *quick) answer(room chat.RoomID, request chat.MessageID, epoch uint64) {
	var who client.Status
	var f *mlstest.Forger
	for f == nil || f.Context.Epoch < epoch { // until the entry is read that brought the group there
		var err error
		if who, err = q.p.Status(q.p.w.ctx); err != nil {
			return
		}
		if f = q.forger(room); f == nil {
			return
		}
	}
	q.mu.Lock()
	q.counter++
	n := q.counter
	id := chat.NewMessageID(time.Now())
	q.done[id] = true
	q.mu.Unlock()
	empty := wire.Marshal([]any{request, 0, []any{}})
	plain := wire.Marshal(&forged{Version: 1, Counter: 1000 + n, Kind: 4, Content: empty})
	message := f.Application(string(plain), mlstest.Wrap{Generation: 100 + uint32(n), Content: func(c *mlstest.Content) { c.AuthenticatedData = id[:] }}) //nolint:gosec // small
	env := wire.Marshal(&wire.PrivateEnvelope{Version: 2, Room: room, Account: who.Account, Device: who.Device, ID: id, Message: message})
	q.p.mu.Lock()
	defer q.p.mu.Unlock()
	_ = q.p.link.Write(wire.Encode(&wire.Send{Room: room, ID: id, Kind: chat.Content, Envelope: env}))
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.sent[request] == nil {
		q.sent[request] = make(chan struct{})
	}
	close(q.sent[request])
}

// A member who answers every request at once with nothing doesn't keep the others from telling the past.
func TestAnEmptyAnswerSilencesNobody(t *testing.T) {
	for range 5 {
		if emptyAnswer(t) {
			return
		}
	}
	t.Error("she was never the first to answer")
}

// emptyAnswer tells whether she was quicker than the others, so that the laptop had to ask by name.
func emptyAnswer(t *testing.T) bool {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	vault := client.NewMemory()
	mallory := w.person("mallory", vault)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	alice.invite("team", "mallory")
	await[client.Invited](mallory, nil)
	mallory.say("team", "hello")
	bob.say("team", "what I said")
	await(alice, text("what I said"))
	await(mallory, text("what I said"))
	found, err := w.find(bob.phrase())
	if err != nil {
		t.Fatal(err)
	}
	if err := bob.Close(w.ctx); err != nil { // he would be quicker
		t.Fatal(err)
	}
	q := &quick{p: mallory, done: map[chat.MessageID]bool{}, sent: map[chat.MessageID]chan struct{}{}}
	mallory.between(q.read)
	alice.between(q.after(map[chat.DeviceID]bool{alice.status().Device: true, mallory.status().Device: true}))
	laptop := w.restored(found)
	asked := []string{}
	named := client.Invited{}
	for told := false; !told || named.Room == ""; {
		switch ev := (<-laptop.events).(type) {
		case client.PastAsked:
			asked = append(asked, ev.Of)
		case client.PastShared:
			told = ev.By == "alice"
		case client.Invited:
			named = ev
		case nil, client.Ended:
			t.Fatal("the laptop has ended")
		}
	}
	if asked[0] != "" || len(asked) > 1 && !slices.Contains(asked, "alice") {
		t.Errorf("the laptop has asked %q", asked)
	}
	if named.Room != "team" || named.Was != "room" {
		t.Errorf("%+v", named)
	}
	if texts := laptop.read("team"); !slices.Contains(texts, "bob: what I said") {
		t.Errorf("the laptop reads %q", texts)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.counter == 0 {
		t.Error("mallory has answered nothing")
	}
	return len(asked) > 1
}
