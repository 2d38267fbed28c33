package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/wire"
)

// rules are the attacks on what the server enforces of a room's rules.
//
//	rules             a commit of noise that tells the server that everybody else is muted and slow
//	lawless           a commit of noise that tells the server that the room has no rules
//	ruled             what rules the server has: those that count, and those that are noted
//	sneak TEXT        a text on whose envelope stands that it is none
//	guest NAME        a commit of noise that takes somebody in, with a Welcome of noise
func (m *member) rules() map[string]command {
	return map[string]command{"rules": m.misrule, "lawless": m.lawless, "ruled": m.ruled, "sneak": m.sneak, "guest": m.guest}
}

// others are the accounts of the others in his room, in the order of their bytes.
func (m *member) others(ctx context.Context) (all []chat.AccountID, me chat.AccountID, err error) {
	members, err := m.api.Members(ctx, m.named(ctx))
	for _, v := range members {
		if v.Me {
			me = v.Account
		} else {
			all = append(all, v.Account)
		}
	}
	slices.SortFunc(all, func(a, b chat.AccountID) int { return slices.Compare(a[:], b[:]) })
	return all, me, err
}

func (m *member) misrule(ctx context.Context, _ []string) (string, error) {
	all, me, err := m.others(ctx)
	if err != nil {
		return "", err
	}
	return m.noise(ctx, 500, func(c *wire.Commit) {
		c.Rules = []wire.RoomRules{{Slow: wire.MaxSlow, Free: []chat.AccountID{me}, Muted: all}}
	})
}

func (m *member) lawless(ctx context.Context, _ []string) (string, error) {
	return m.noise(ctx, 500, func(c *wire.Commit) { c.Rules = []wire.RoomRules{{}} })
}

func (m *member) ruled(ctx context.Context, _ []string) (string, error) {
	room, err := m.room(ctx)
	if err != nil {
		return "", err
	}
	return m.request(ctx, func(ref uint64) []byte { return wire.Encode(&wire.Roster{Ref: ref, Room: room}) })
}

// rulesText is how a script sees rules.
func rulesText(r wire.RoomRules) string {
	return fmt.Sprintf("slow %d, %d free, %d muted, %d banned", r.Slow, len(r.Free), len(r.Muted), len(r.Banned))
}

func (m *member) sneak(ctx context.Context, args []string) (string, error) {
	f, room, err := m.forger(ctx)
	if err != nil {
		return "", err
	}
	plain, err := m.plain(room, strings.Join(args, " "), nil)
	if err != nil {
		return "", err
	}
	id := newID()
	return m.send(ctx, room, id, f.Application(plain, m.wrap(id)), func(e *wire.PrivateEnvelope) { e.Version = wire.ServiceEnvelope })
}

func (m *member) guest(ctx context.Context, args []string) (string, error) {
	people, err := m.api.People(ctx, chat.Lobby)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(people, func(p client.PersonView) bool { return p.Name == strings.Join(args, " ") })
	if i < 0 {
		return "", errNobody
	}
	device := chat.DeviceID{}
	for msg, err := range m.api.Read(ctx, chat.Lobby, 0, false) {
		if err != nil {
			return "", err
		}
		if msg.Account == people[i].Account {
			device = msg.Device
		}
	}
	return m.noise(ctx, 500, func(c *wire.Commit) {
		c.Add, c.Welcomes, c.Info = []chat.AccountID{people[i].Account}, []wire.DeviceWelcome{{Device: device, Welcome: noise(100)}}, noise(100)
	})
}
