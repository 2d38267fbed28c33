package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"time"

	"huisclos/chat"
	"huisclos/keys"
	"huisclos/trust"
	"huisclos/wire"
)

// refill enrols and says "ready". For each line of its input it comes back and offers a restored server a tail of its own invention, in somebody else's name, and
// prints what became of that: taken, or refused.
func refill(ctx context.Context, link keys.Link, _ []string) error {
	g := newGuest(link, "mallory")
	if err := g.login(ctx); err != nil {
		return err
	}
	g.close()
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		said, err := g.offer(ctx)
		if err != nil {
			said = code(err)
		}
		fmt.Println(said)
		g.close()
	}
	return nil
}

// offer claims three entries that nobody has written, and gives them.
func (g *guest) offer(ctx context.Context) (string, error) {
	if err := g.login(ctx); err != nil {
		return "", err
	}
	if err := g.link.Write(wire.Encode(&wire.Subscribe{Ref: 1, Room: g.lobby.Room, After: g.lobby.Head})); err != nil {
		return "", err
	}
	victim, device := trust.NewAccount().ID(), trust.NewDevice().ID()
	var entries []wire.Entry
	var marks [][32]byte
	hash := g.lobby.HeadHash
	for i := range uint64(3) {
		envelope := wire.Marshal(&wire.Envelope{
			Version: 1, Room: g.lobby.Room, Generation: g.hello.Generation, Account: victim, Device: device, ID: chat.NewMessageID(time.Now()), Counter: i + 1, Sealed: make([]byte, 200),
		})
		at := time.Now().UnixMilli()
		hash = wire.Chain(hash, g.lobby.Head+chat.Seq(i)+1, wire.HashEnvelope(envelope))
		entries = append(entries, wire.Entry{Time: at, Kind: chat.Content, Envelope: envelope})
		marks = append(marks, wire.Mark(hash, at, chat.Content))
	}
	claim := &wire.Claim{Ref: 2, Room: g.lobby.Room, After: g.lobby.Head, Before: g.lobby.HeadHash, Marks: marks, Head: g.lobby.Head + 3}
	if err := g.link.Write(wire.Encode(claim)); err != nil {
		return "", err
	}
	fmt.Println("claimed")
	for {
		raw, err := g.link.Read()
		if err != nil {
			return "", err
		}
		f, err := wire.Decode(raw)
		if err != nil {
			return "", err
		}
		switch f := f.(type) {
		case *wire.Failure:
			return "", f.Err()
		case *wire.WantEntries:
			if err := g.link.Write(wire.Encode(&wire.Give{Ref: 3, Room: g.lobby.Room, First: f.After + 1, Entries: entries})); err != nil {
				return "", err
			}
		case *wire.Done:
			return "taken", nil
		case *wire.Refill:
			if f.Phase == wire.RefillOver {
				return "refused", nil
			}
		}
	}
}
