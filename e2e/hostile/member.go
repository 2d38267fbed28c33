package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/conn"
	"huisclos/keys"
	"huisclos/mls/mlstest"
	"huisclos/wire"
)

// member is a client of the product, so that others can invite it, with a hand on its connection and on its vault.
type member struct {
	api    *client.Client
	vault  *client.Memory
	server chat.Fingerprint

	mu       sync.Mutex // guards what follows
	link     *bugged
	commits  map[chat.RoomID]chat.Seq      // the last one in each log
	heads    map[chat.RoomID]wire.RoomInfo // Head and HeadHash
	answers  map[chat.MessageID]chan string
	tree     []byte            // of the last state that was told
	entries  [][]byte          // MLSMessages of the rooms read, from keep on
	kept     map[string][]byte // the records of a group, as they were
	keptRoom chat.RoomID

	signs []*wire.Typed // of typing, that were heard

	next       *mlstest.Forger // after the last commit that was forged
	counter    uint64          // of our messages
	previous   [32]byte
	generation uint32
}

func newMember(ctx context.Context, link keys.Link, name string) (*member, error) {
	m := &member{
		vault: client.NewMemory(), server: link.Key.Server(), commits: map[chat.RoomID]chat.Seq{}, heads: map[chat.RoomID]wire.RoomInfo{},
		answers: map[chat.MessageID]chan string{}, generation: 100,
	}
	var err error
	m.api, err = client.Open(client.Config{
		Vault: m.vault, Dial: m.dial, Address: link.Address, Server: m.server, Key: link.Key.Reveal(), Name: name, Software: "hostile", Packages: 4,
	})
	if err != nil {
		return nil, err
	}
	events, err := m.api.Events(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.api.Online(ctx); err != nil {
		return nil, err
	}
	go func() {
		for e := range events {
			tell(e)
		}
	}()
	fmt.Println("online")
	return m, nil
}

func (m *member) close() { _ = m.api.Close(context.Background()) }

// tell prints what scripts wait for.
func tell(e client.Event) {
	switch e := e.(type) {
	case client.Invited:
		fmt.Println("invited", e.Room)
	case client.PutOut:
		fmt.Println("put out", e.Room)
	case client.Message:
		if e.Form == client.Text && !e.Mine {
			fmt.Printf("%s: %s\n", e.Sender, e.Text)
		}
	}
}

func (m *member) dial(ctx context.Context, address string, server chat.Fingerprint) (client.Link, error) {
	l, err := conn.Dial(ctx, address, server, conn.Config{})
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.link = &bugged{Link: l, m: m}
	return m.link, nil
}

// bugged is a connection on which the member listens, and says things of his own.
type bugged struct {
	*conn.Link
	m *member
}

// Read implements client.Link. What answers the member's own frames, the client doesn't get.
func (b *bugged) Read() ([]byte, error) {
	for {
		raw, err := b.Link.Read()
		if err != nil {
			b.m.closed(b, "closed")
			return nil, err
		}
		f, err := wire.Decode(raw)
		if err != nil {
			return raw, nil //nolint:nilerr // the client says what it makes of it
		}
		if bye, ok := f.(*wire.Bye); ok {
			b.m.closed(b, string(bye.Code))
			return nil, io.EOF // the client comes again
		}
		if !b.m.heard(f) {
			return wire.Marshal(f), nil
		}
	}
}

// closed answers whoever waits: the connection is over.
func (m *member) closed(b *bugged, what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.link == b {
		m.link = nil
	}
	for id, c := range m.answers {
		delete(m.answers, id)
		c <- what
	}
}

// heard notes what the server says. True: it was for the member himself.
func (m *member) heard(f wire.Frame) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch f := f.(type) {
	case *wire.Entries:
		return m.read(f)
	case *wire.InvitationList:
		for _, i := range f.Invitations {
			m.commits[i.Room] = i.Seq
			m.heads[i.Room] = wire.RoomInfo{Head: i.Seq, HeadHash: i.Hash}
		}
	case *wire.Typed:
		m.signs = append(m.signs, f)
		fmt.Println("somebody is typing")
	case *wire.Ack:
		return m.answered(f.ID, "stored")
	case *wire.Failure:
		if f.Ref >= ownRef {
			return m.answered(refID(f.Ref), string(f.Code))
		}
		return m.answered(f.ID, string(f.Code))
	case *wire.RoomState:
		if f.Ref >= ownRef {
			m.tree = f.Tree
			return m.answered(refID(f.Ref), string(f.Info))
		}
		f.Info, f.Tree = nil, nil // his client doesn't follow what he has forged
	case *wire.RosterList:
		if f.Ref >= ownRef {
			return m.answered(refID(f.Ref), rulesText(f.Rules)+"; noted "+rulesText(f.Noted))
		}
	case *wire.Room:
		if f.Ref >= ownRef {
			return m.answered(refID(f.Ref), fmt.Sprint(f.Info.Head))
		}
	}
	return false
}

// read notes where a room's log is.
func (m *member) read(f *wire.Entries) bool {
	hash, n := f.Before, f.First-1
	for i := range f.Entries {
		e := &f.Entries[i]
		n++
		envelope := wire.HashEnvelope(e.Envelope)
		if e.Pruned {
			envelope = [32]byte(e.Envelope)
		}
		hash = wire.Chain(hash, n, envelope)
		if e.Kind == chat.Commit {
			m.commits[f.Room] = n
		}
		if env, err := wire.ParsePrivateEnvelope(e.Envelope); err == nil && m.kept != nil {
			m.entries = append(m.entries, env.Message)
		}
	}
	if n >= m.heads[f.Room].Head {
		m.heads[f.Room] = wire.RoomInfo{Head: n, HeadHash: hash}
	}
	return m.kept != nil && f.Room == m.keptRoom // he doesn't let his client know that he was removed
}

// ownRef is the first number of a request of the member's own.
const ownRef = 1 << 40

// refID makes an ID of a request's number, to find who waits for the answer.
func refID(ref uint64) (id chat.MessageID) {
	id[0] = 0xFF
	for i := range 8 {
		id[15-i] = byte(ref >> (8 * i))
	}
	return id
}

func (m *member) answered(id chat.MessageID, what string) bool {
	c := m.answers[id]
	if c == nil {
		return false
	}
	delete(m.answers, id)
	c <- what
	return true
}

var errSilence = errors.New("no answer")

// ask sends a frame of the member's own and waits for the answer to id.
func (m *member) ask(ctx context.Context, id chat.MessageID, frame []byte) (string, error) {
	c := make(chan string, 1)
	var link *bugged
	for link == nil { // after a refusal the client has to log in again
		status, err := m.api.Status(ctx)
		if err != nil {
			return "", err
		}
		m.mu.Lock()
		if link = m.link; !status.Online {
			link = nil
		}
		if link != nil {
			m.answers[id] = c
		}
		m.mu.Unlock()
		if link == nil {
			<-time.After(10 * time.Millisecond)
		}
	}
	if err := link.Write(frame); err != nil {
		return "", err
	}
	select {
	case what := <-c:
		return what, nil
	case <-time.After(20 * time.Second):
		return "", errSilence
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// request is ask for a frame that is answered by its number.
func (m *member) request(ctx context.Context, frame func(ref uint64) []byte) (string, error) {
	m.mu.Lock()
	m.generation++
	ref := ownRef + uint64(m.generation)
	m.mu.Unlock()
	return m.ask(ctx, refID(ref), frame(ref))
}

// room is the private room that the member is in.
func (m *member) room(ctx context.Context) (chat.RoomID, error) {
	status, err := m.api.Status(ctx)
	if err != nil {
		return chat.RoomID{}, err
	}
	for _, r := range status.Rooms {
		if r.Kind == chat.PrivateRoom {
			return r.Room, nil
		}
	}
	return chat.RoomID{}, errNobody
}

// records are what the vault has of the room's group.
func (m *member) records(room chat.RoomID) (map[string][]byte, error) {
	all := map[string][]byte{}
	err := m.vault.View(func(r client.Reader) error {
		return r.Scan(client.TableGroups, room[:], nil, false, func(key, value []byte) (bool, error) {
			if [16]byte(key[:len(room)]) != room {
				return false, nil
			}
			all[string(key[len(room):])] = value
			return true, nil
		})
	})
	return all, err
}

// forger knows what the member knows now.
func (m *member) forger(ctx context.Context) (*mlstest.Forger, chat.RoomID, error) {
	room, err := m.room(ctx)
	if err != nil {
		return nil, room, err
	}
	records := m.kept
	if records == nil {
		if records, err = m.records(room); err != nil {
			return nil, room, err
		}
	}
	f, err := mlstest.New(records)
	return f, room, err
}
