package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/conn"
	"huisclos/keys"
)

// code: two people who have never met, from the typed invitation code to the newcomer's first stored message, people's own time left out.
func code(r *run) ([]row, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	p, err := r.huisclos(true)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	link, err := keys.ParseLink(p.lines["link"])
	if err != nil {
		return nil, err
	}
	inviter, err := client.Open(client.Config{Vault: client.NewMemory(), Dial: dialClient, Address: link.Address, Key: link.Key.Reveal(), Name: "inviter"})
	if err != nil {
		return nil, err
	}
	defer inviter.Close(ctx)
	var times []time.Duration
	for i := range 9 {
		made, err := inviter.OpenCode(ctx, "", "fr", 0)
		if err != nil {
			return nil, err
		}
		begin := time.Now()
		if err := byCode(ctx, link.Address, made.Reveal(), fmt.Sprintf("guest%d", i)); err != nil {
			return nil, err
		}
		times = append(times, time.Since(begin))
	}
	slices.Sort(times)
	mid := times[len(times)/2]
	return []row{{
		what: "two new people by a code, to the first stored message", ours: mid.Round(time.Millisecond).String(), yardstick: "2 s",
		ratio: float64(mid) / float64(2*time.Second), most: 1, note: "median of 9",
	}}, nil
}

// byCode is a newcomer.
func byCode(ctx context.Context, address, typed, name string) error {
	code, err := keys.ParseCode(typed)
	if err != nil {
		return err
	}
	a, err := client.Redeem(ctx, client.Redemption{Dial: dialAnyone, Address: address, Code: code, Name: name})
	if err != nil {
		return err
	}
	c, err := client.Open(client.Config{Vault: client.NewMemory(), Dial: dialClient, Address: address, Admission: a, Name: name})
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Send(ctx, chat.Lobby, "hello")
	return err
}

func dialClient(ctx context.Context, address string, server chat.Fingerprint) (client.Link, error) {
	return conn.Dial(ctx, address, server, conn.Config{})
}

func dialAnyone(ctx context.Context, address string, server chat.Fingerprint) (client.Link, error) {
	return conn.Dial(ctx, address, server, conn.Config{Anyone: true})
}
