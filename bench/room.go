package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/keys"
	"huisclos/wire"
)

// roomJoin: coming into a private room of 1,000 members over the real server, from the invitation to being in it, beside what package mls alone needs for
// a group of the same size that was made in the same steps: once among strangers, and once more into another room of the same people.
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
	members, err := crowd(ctx, link, 0, n-2, func(m *member) error { return errors.Join(m.publish(cfg), m.publish(cfg)) })
	if err != nil {
		return nil, err
	}
	closeAll(members)
	maker, err := client.Open(client.Config{Vault: client.NewMemory(), Dial: dialClient, Address: link.Address, Key: link.Key.Reveal(), Name: "maker"})
	if err != nil {
		return nil, err
	}
	defer maker.Close(ctx)
	alone, err := joinAlone(cfg, n)
	if err != nil {
		return nil, err
	}
	late, err := client.Open(client.Config{Vault: client.NewMemory(), Dial: dialClient, Address: link.Address, Key: link.Key.Reveal(), Name: "late", Packages: 2})
	if err != nil {
		return nil, err
	}
	defer late.Close(ctx)
	if err := late.Online(ctx); err != nil {
		return nil, err
	}
	var rows []row
	for _, who := range []string{"strangers", "people known before"} {
		room := strings.ReplaceAll(who, " ", "-")
		if err := gather(ctx, maker, room, members); err != nil {
			return nil, err
		}
		ours, said, all, err := joinRoom(ctx, room, maker, late)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{
			what: fmt.Sprintf("join a private room of %d %s", n, who), ours: ours.Round(time.Millisecond).String(), yardstick: alone.Round(time.Millisecond).String(),
			ratio: float64(ours) / float64(alone), most: 2, note: "mls alone; until one is in it",
		}, row{
			what: "the same, until the first message of one's own is stored", ours: said.Round(time.Millisecond).String(), yardstick: alone.Round(time.Millisecond).String(),
			ratio: float64(said) / float64(alone), most: 2, note: "mls alone; read and write, while the members are being verified",
		}, row{
			what: "the same, until all members are verified and shown", ours: all.Round(time.Millisecond).String(), yardstick: alone.Round(time.Millisecond).String(),
			ratio: float64(all) / float64(alone), note: "mls alone",
		})
	}
	return rows, nil
}

// gather makes a room and invites everybody.
func gather(ctx context.Context, maker *client.Client, room string, members []*member) error {
	if _, err := maker.CreatePrivate(ctx, room); err != nil {
		return err
	}
	for left := members; len(left) > 0; {
		var names []string
		for _, m := range left[:min(len(left), wire.MaxTake)] {
			names = append(names, m.name)
		}
		if err := maker.Invite(ctx, room, names...); err != nil {
			return fmt.Errorf("inviting: %w", err)
		}
		left = left[len(names):]
	}
	return nil
}

// joinRoom invites somebody and times until he is in, until he has said something, and until he sees who is there: from the maker's acknowledged commit.
func joinRoom(ctx context.Context, room string, maker, late *client.Client) (in, said, all time.Duration, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, err := late.Events(ctx)
	if err != nil {
		return 0, 0, 0, err
	}
	mine, err := maker.Events(ctx)
	if err != nil {
		return 0, 0, 0, err
	}
	failed := make(chan error, 1)
	go func() {
		err := maker.Invite(ctx, room, "late")
		for errors.Is(err, chat.CodeRate) && ctx.Err() == nil { // the maker has asked for very many key packages
			time.Sleep(time.Second)
			err = maker.Invite(ctx, room, "late")
		}
		if err != nil {
			failed <- err
		}
	}()
	var begin time.Time
	for {
		select {
		case e := <-mine:
			if m, ok := e.(client.Message); ok && m.Form == client.Changed && len(m.Added) > 0 {
				begin = time.Now()
			}
		case e := <-events:
			if i, ok := e.(client.Invited); ok && i.Room == room {
				if begin.IsZero() {
					return 0, 0, 0, errors.New("in before the invitation")
				}
				in = time.Since(begin)
				if _, err = late.Send(ctx, room, "here I am"); err != nil {
					return 0, 0, 0, err
				}
				said = time.Since(begin)
				for errors.Is(err, chat.CodeVerifying) || all == 0 {
					_, err = late.Members(ctx, room)
					all = time.Since(begin)
					time.Sleep(time.Millisecond)
				}
				return in, said, all, err
			}
		case err := <-failed:
			return 0, 0, 0, err
		case <-ctx.Done():
			return 0, 0, 0, ctx.Err()
		}
	}
}
