package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"huisclos/client"
	"huisclos/keys"
	"huisclos/wire"
)

// roomJoin: coming into a private room of 1,000 members over the real server, from the invitation to being in it, beside what package mls alone needs for
// a group of the same size that was made in the same steps.
func roomJoin(r *run) ([]row, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
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
	n := r.scale(1000)
	cfg := benchGroups()
	members, err := crowd(ctx, link, 0, n-2, func(m *member) error { return m.publish(cfg) })
	if err != nil {
		return nil, err
	}
	closeAll(members)
	maker, err := client.Open(client.Config{Vault: client.NewMemory(), Dial: dialClient, Address: link.Address, Key: link.Key.Reveal(), Name: "maker"})
	if err != nil {
		return nil, err
	}
	defer maker.Close(ctx)
	if _, err := maker.CreatePrivate(ctx, "crowd"); err != nil {
		return nil, err
	}
	for left := members; len(left) > 0; {
		var names []string
		for _, m := range left[:min(len(left), wire.MaxTake)] {
			names = append(names, m.name)
		}
		if err := maker.Invite(ctx, "crowd", names...); err != nil {
			return nil, fmt.Errorf("inviting: %w", err)
		}
		left = left[len(names):]
	}
	alone, err := joinAlone(cfg, n)
	if err != nil {
		return nil, err
	}
	ours, err := joinRoom(ctx, link, maker)
	if err != nil {
		return nil, err
	}
	return []row{{
		what: fmt.Sprintf("join a private room of %d members", n), ours: ours.Round(time.Millisecond).String(), yardstick: alone.Round(time.Millisecond).String(),
		ratio: float64(ours) / float64(alone), most: 2, note: "mls alone",
	}}, nil
}

// joinRoom invites somebody new and times until he is in: from the maker's acknowledged commit, or the invitation, whichever is later known, to the event.
func joinRoom(ctx context.Context, link keys.Link, maker *client.Client) (time.Duration, error) {
	late, err := client.Open(client.Config{Vault: client.NewMemory(), Dial: dialClient, Address: link.Address, Key: link.Key.Reveal(), Name: "late", Packages: 2})
	if err != nil {
		return 0, err
	}
	defer late.Close(ctx)
	events, err := late.Events(ctx)
	if err != nil {
		return 0, err
	}
	if err := late.Online(ctx); err != nil {
		return 0, err
	}
	mine, err := maker.Events(ctx)
	if err != nil {
		return 0, err
	}
	go func() { _ = maker.Invite(ctx, "crowd", "late") }()
	var begin time.Time
	for {
		select {
		case e := <-mine:
			if m, ok := e.(client.Message); ok && m.Form == client.Changed && len(m.Added) > 0 {
				begin = time.Now()
			}
		case e := <-events:
			if i, ok := e.(client.Invited); ok && i.Room == "crowd" {
				if begin.IsZero() {
					return 0, errors.New("in before the invitation")
				}
				return time.Since(begin), nil
			}
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}
