package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"huisclos/chat"
	"huisclos/keys"
	"huisclos/wire"
)

// replay sends a recorded login again, on a new connection.
func replay(ctx context.Context, link keys.Link, _ []string) error {
	g := newGuest(link, "recorded")
	if err := g.login(ctx); err != nil {
		return err
	}
	hello, auth := g.first, g.second
	g.close()
	if err := g.dial(ctx); err != nil {
		return err
	}
	defer g.close()
	if _, err := g.ask(hello); err != nil {
		fmt.Println("hello", code(err))
		return nil
	}
	fmt.Println("replay", code(g.verdict(auth)))
	return nil
}

// relay answers one server's challenge with what a person signed for another.
func relay(ctx context.Context, link keys.Link, args []string) error {
	other, err := keys.ParseLink(args[0])
	if err != nil {
		return err
	}
	victim := newGuest(other, "victim")
	if err := victim.login(ctx); err != nil {
		return err
	}
	defer victim.close()
	g := newGuest(link, "relay")
	if err := g.dial(ctx); err != nil {
		return err
	}
	defer g.close()
	if _, err := g.challenge(); err != nil {
		return err
	}
	fmt.Println("relay", code(g.verdict(victim.second)))
	return nil
}

// before sends something else than a login.
func before(ctx context.Context, link keys.Link, _ []string) error {
	g := newGuest(link, "early")
	send := wire.Encode(&wire.Rooms{Ref: 1})
	for _, c := range []struct {
		name  string
		frame []byte
	}{
		{"empty", nil}, {"garbage", []byte("GET / HTTP/1.1\r\n\r\n")}, {"request", send}, {"unknown", []byte{0x82, 0x18, 0xc8, 0x01}},
		{"oversized", bytes.Repeat([]byte{0x82}, 1<<20)}, {"zeros", make([]byte, 64)},
	} {
		if err := g.dial(ctx); err != nil {
			return err
		}
		fmt.Println(c.name, code(g.verdict(c.frame)))
		g.close()
	}
	return nil
}

// after breaks the protocol as a member, each time on a new connection.
func after(ctx context.Context, link keys.Link, _ []string) error {
	g := newGuest(link, "rude")
	whole := wire.Encode(&wire.Rooms{Ref: 1})
	for _, c := range []struct {
		name  string
		frame []byte
	}{
		{"truncated", whole[:len(whole)-1]}, {"long", append(bytes.Clone(whole), 0)}, {"unknown", []byte{0x82, 0x18, 0xc8, 0x01}},
		{"indefinite", []byte{0x9f, 0x12, 0x01, 0xff}}, {"server's", wire.Encode(&wire.Done{Ref: 1})}, {"login", g.first},
		{"oversized", append([]byte{0x86, 0x0a}, make([]byte, 4<<20)...)}, {"empty", nil},
	} {
		if err := g.login(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		frame := c.frame
		if c.name == "login" {
			frame = g.first
		}
		fmt.Println(c.name, code(g.verdict(frame)))
		g.close()
	}
	return nil
}

// message sends messages that aren't right.
func message(ctx context.Context, link keys.Link, _ []string) error {
	g := newGuest(link, "liar")
	if err := g.login(ctx); err != nil {
		return err
	}
	defer g.close()
	envelope := func(change func(*wire.Envelope)) *wire.Send {
		e := &wire.Envelope{
			Version: 1, Room: g.lobby.Room, Generation: g.hello.Generation, Account: g.account.ID(), Device: g.device.ID(),
			ID: chat.NewMessageID(time.Now()), Counter: 1, Sealed: make([]byte, 200),
		}
		if change != nil {
			change(e)
		}
		return &wire.Send{Room: e.Room, ID: e.ID, Kind: chat.Content, Envelope: wire.Marshal(e)}
	}
	good := envelope(nil)
	other := *good
	other.Envelope = envelope(func(e *wire.Envelope) { e.ID = good.ID; e.Sealed[0] = 1 }).Envelope
	limit := int(g.hello.Limits.Message)
	var over *wire.Send // the smallest that is over the limit
	for n := limit - 400; over == nil || len(over.Envelope) <= limit; n++ {
		over = envelope(func(e *wire.Envelope) { e.Sealed = make([]byte, n) })
	}
	commit := envelope(nil)
	commit.Kind = chat.Commit
	wrongRoom := envelope(nil)
	wrongRoom.Room = chat.RoomID{1}
	for _, c := range []struct {
		name string
		send *wire.Send
	}{
		{"good", good}, {"again", good}, {"other-bytes", &other}, {"limit+1", over}, {"commit", commit}, {"no-room", wrongRoom},
		{"other-account", envelope(func(e *wire.Envelope) { e.Account[0] ^= 1 })}, {"other-device", envelope(func(e *wire.Envelope) { e.Device[0] ^= 1 })},
		{"old-key", envelope(func(e *wire.Envelope) { e.Generation = 0 })}, {"next-key", envelope(func(e *wire.Envelope) { e.Generation++ })},
		{"empty", envelope(func(e *wire.Envelope) { e.Sealed = nil })}, {"version", envelope(func(e *wire.Envelope) { e.Version = 2 })},
		{"no-envelope", &wire.Send{Room: g.lobby.Room, ID: chat.NewMessageID(time.Now()), Kind: chat.Content, Envelope: []byte("x")}},
	} {
		fmt.Println(c.name, code(g.verdict(wire.Encode(c.send))))
	}
	return nil
}

// flood sends a thousand messages whose sealed part is noise, and says how many were acknowledged.
func flood(ctx context.Context, link keys.Link, _ []string) error {
	g := newGuest(link, "noise")
	if err := g.login(ctx); err != nil {
		return err
	}
	defer g.close()
	const n = 1000
	for i := range uint64(n) {
		e := &wire.Envelope{
			Version: 1, Room: g.lobby.Room, Generation: g.hello.Generation, Account: g.account.ID(), Device: g.device.ID(),
			ID: chat.NewMessageID(time.Now()), Counter: i + 1, Sealed: make([]byte, 200),
		}
		if err := g.link.Write(wire.Encode(&wire.Send{Room: e.Room, ID: e.ID, Kind: chat.Content, Envelope: wire.Marshal(e)})); err != nil {
			return err
		}
	}
	acked := 0
	for acked < n {
		if err := g.answer(); err != nil {
			return errors.Join(fmt.Errorf("after %d", acked), err)
		}
		acked++
	}
	fmt.Println("acknowledged", acked)
	return nil
}
