package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/conn"
	"huisclos/keys"
	"huisclos/trust"
	"huisclos/wire"
)

// member is one device that is logged in. It does what the protocol asks of a client, without the sealing: to
// the server an envelope is opaque.
type member struct {
	link     *conn.Link
	server   chat.Fingerprint
	account  *trust.Account
	device   *trust.Device
	cert     []byte
	name     string
	lobby    wire.RoomInfo
	counter  uint64
	enrolled bool
}

// newMember makes the keys, which costs the server nothing.
func newMember(server chat.Fingerprint, number int) *member {
	m := &member{server: server, account: trust.NewAccount(), device: trust.NewDevice(), name: fmt.Sprintf("m%05dx", number)}
	m.cert = trust.Certify(m.account, m.device, 1, time.Now().UnixMilli()).Marshal()
	return m
}

// login connects and logs in: enrols the first time.
func (m *member) login(ctx context.Context, l keys.Link) error {
	link, err := conn.Dial(ctx, l.Address, m.server, conn.Config{})
	if err != nil {
		return err
	}
	m.link = link
	exporter, err := link.Exporter()
	if err != nil {
		return err
	}
	c := access.NewClient(m.server, "bench")
	raw, err := m.exchange(c.Hello())
	if err != nil {
		return err
	}
	hello, err := c.Challenge(raw, exporter)
	if err != nil {
		return err
	}
	body := wire.Body{
		Role: access.RoleMember, Account: m.account.ID(), Device: m.device.ID(), Certificate: m.cert, ListVersion: 1,
		Name: m.name, NameSig: m.account.SignName(m.server, m.name), Intent: wire.IntentReturn, Generation: hello.Generation,
	}
	proof := l.Key.Access(hello.Generation)
	if m.enrolled {
		proof = nil
	} else {
		body.Intent = wire.IntentEnrol
	}
	if raw, err = m.exchange(c.Auth(body, proof, m.device.Key())); err != nil {
		return err
	}
	welcome, err := c.Welcome(raw)
	if err != nil {
		return err
	}
	m.enrolled = true
	for _, r := range welcome.Rooms {
		if r.Name == chat.Lobby {
			m.lobby = r
			return nil
		}
	}
	return errors.New("no lobby")
}

func (m *member) exchange(frame []byte) ([]byte, error) {
	if err := m.link.Write(frame); err != nil {
		return nil, err
	}
	return m.link.Read()
}

// enter subscribes to the lobby and reads the last tail messages.
func (m *member) enter(after chat.Seq, tail uint32) error {
	if err := m.link.Write(wire.Encode(&wire.Subscribe{Ref: 1, Room: m.lobby.Room, After: after, Tail: tail})); err != nil {
		return err
	}
	head, room := m.lobby.Head, false
	for at := max(after, head-min(head, chat.Seq(tail))); !room || at < head; {
		raw, err := m.link.Read()
		if err != nil {
			return err
		}
		f, err := wire.Decode(raw)
		if err != nil {
			return err
		}
		switch f := f.(type) {
		case *wire.Room:
			room, head = true, f.Info.Head
		case *wire.Entries:
			at = f.First + chat.Seq(len(f.Entries)) - 1
		case *wire.Failure:
			return f.Err()
		}
	}
	return nil
}

// marker stands in the sealed part of every envelope of the load, so that a receiver finds messages without decoding.
const marker = "@@huis@@"

// post makes the frame of one message whose envelope's sealed part has size bytes.
func (m *member) post(number uint64, size int) []byte {
	m.counter++
	sealed := make([]byte, max(size, len(marker)+8))
	copy(sealed, marker)
	binary.BigEndian.PutUint64(sealed[len(marker):], number)
	env := wire.Envelope{
		Version: 1, Room: m.lobby.Room, Generation: 1, Account: m.account.ID(), Device: m.device.ID(),
		ID: chat.NewMessageID(time.Now()), Counter: m.counter, Sealed: sealed,
	}
	return wire.Encode(&wire.Send{Room: m.lobby.Room, ID: env.ID, Kind: chat.Content, Envelope: wire.Marshal(&env)})
}

// sealedSize is that of a message of 200 bytes of text: IV, two signatures' worth of padding to the bucket, tag.
const sealedSize = 16 + 384 + 16 + 32

// receive counts the markers that arrive, until the connection ends; each tells on is called with the running number.
func (m *member) receive(each func(number uint64)) {
	for {
		raw, err := m.link.Read()
		if err != nil {
			return
		}
		for {
			i := bytes.Index(raw, []byte(marker))
			if i < 0 || len(raw) < i+len(marker)+8 {
				break
			}
			raw = raw[i+len(marker):]
			each(binary.BigEndian.Uint64(raw))
		}
	}
}

// crowd logs members in, eight at a time.
func crowd(ctx context.Context, l keys.Link, first, n int, ready func(*member) error) ([]*member, error) {
	members := make([]*member, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := range n {
		g.Go(func() error {
			m := newMember(l.Key.Server(), first+i)
			if err := m.login(ctx, l); err != nil {
				return err
			}
			members[i] = m
			if ready != nil {
				return ready(m)
			}
			return nil
		})
	}
	return members, g.Wait()
}

func closeAll(members []*member) {
	for _, m := range members {
		if m != nil && m.link != nil {
			_ = m.link.Close()
		}
	}
}
