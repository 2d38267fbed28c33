package admin

import (
	"context"
	"slices"
	"strconv"
	"time"

	"huisclos/chat"
	"huisclos/hub"
)

// The reasons of CodeAdminRefused.
const (
	// ReasonForeignKey: the key was made by a member and isn't known to this server, nor may it make one.
	ReasonForeignKey = "foreign_key"
	// ReasonNoGeneration: this server has no key at all yet.
	ReasonNoGeneration = "no_generation"
)

func (s seat) key() (Result, error) {
	if s.o.Keys == nil {
		return nil, chat.Errorf(chat.CodeKeyUnknown)
	}
	k, err := s.o.Keys.Show()
	if err != nil {
		return nil, err
	}
	return &k, nil
}

// newest is the generation in force.
func (s seat) newest(ctx context.Context) (hub.Generation, error) {
	all, err := s.o.Store.Generations(ctx)
	if err != nil {
		return hub.Generation{}, err
	}
	if len(all) == 0 {
		return hub.Generation{}, chat.Errorf(chat.CodeAdminRefused, "reason", ReasonNoGeneration)
	}
	return all[len(all)-1], nil
}

// rotate makes K_{g+1}. The key that was in force stays so until the store has the new
// generation: a failure in between changes nothing.
func (s seat) rotate(ctx context.Context, r Request) (Result, error) {
	if s.o.Keys == nil {
		return nil, chat.Errorf(chat.CodeAdminRefused, "reason", ReasonForeignKey)
	}
	last, err := s.newest(ctx)
	if err != nil {
		return nil, err
	}
	next, err := s.o.Keys.Draw(last.Number+1, time.Now())
	if err != nil {
		return nil, err
	}
	number := strconv.FormatUint(uint64(next.Number), 10)
	if err := s.o.Live.Rotate(ctx, next, r.All, s.audit("key rotate", number)); err != nil {
		return nil, err
	}
	if err := s.o.Keys.Take(next.Number); err != nil {
		return nil, err
	}
	k, err := s.o.Keys.Show()
	if err != nil {
		return nil, err
	}
	waiting, err := s.waiting(ctx, next.Number)
	if err != nil {
		return nil, err
	}
	return &Rotation{Key: k, Prove: r.All, Waiting: waiting}, nil
}

// waiting lists who enrolled before generation g, isn't banned and hasn't its key yet.
func (s seat) waiting(ctx context.Context, g chat.Generation) ([]Account, error) {
	people, err := s.o.Store.AllPeople(ctx)
	if err != nil {
		return nil, err
	}
	var list []Account
	for _, p := range people {
		if p.Banned {
			continue
		}
		has, err := s.has(ctx, p, g)
		if err != nil {
			return nil, err
		}
		if !has {
			list = append(list, account(p))
		}
	}
	return list, nil
}

func account(p hub.Person) Account {
	a := Account{Name: p.Name, Account: p.Account.String(), Enrolled: p.Enrolled}
	for _, d := range p.Devices {
		if !d.Revoked {
			a.Devices++
		}
		if d.LastLogin.After(a.LastLogin) {
			a.LastLogin = d.LastLogin
		}
	}
	return a
}

// approve seals the newest key to the devices of the named people. All names are looked up first: with one
// that is wrong, nobody is approved.
func (s seat) approve(ctx context.Context, r Request) (Result, error) {
	if s.o.Keys == nil {
		return nil, chat.Errorf(chat.CodeAdminRefused, "reason", ReasonForeignKey)
	}
	g, err := s.newest(ctx)
	if err != nil {
		return nil, err
	}
	people, err := s.approved(ctx, r)
	if err != nil {
		return nil, err
	}
	grants := map[chat.DeviceID][]byte{}
	var names []string
	for _, p := range people {
		for _, d := range p.Devices {
			if d.Revoked {
				continue
			}
			if grants[d.ID], err = s.o.Keys.Seal(g.Number, p.Account, d.ID, p.Proof(d)); err != nil {
				return nil, err
			}
		}
		names = append(names, p.Name)
	}
	if len(grants) > 0 {
		if err := s.o.Live.Grant(ctx, g.Number, grants, s.audit("key approve", names...)); err != nil {
			return nil, err
		}
	}
	waiting, err := s.waiting(ctx, g.Number)
	if err != nil {
		return nil, err
	}
	return &Approval{Generation: g.Number, Names: names, Devices: len(grants), Waiting: waiting}, nil
}

// approved finds whom a request approves: the names, or everyone who isn't banned. CodeBanned (name) for a name that is.
func (s seat) approved(ctx context.Context, r Request) ([]hub.Person, error) {
	all, err := s.o.Store.AllPeople(ctx)
	if err != nil {
		return nil, err
	}
	if r.Everyone {
		return slices.DeleteFunc(all, func(p hub.Person) bool { return p.Banned }), nil
	}
	var people []hub.Person
	for _, name := range r.Names {
		p, err := pick(all, name)
		if err != nil {
			return nil, err
		}
		if p.Banned {
			return nil, chat.Errorf(chat.CodeAdminRefused, "reason", ReasonBanned, "name", p.Name)
		}
		if !slices.ContainsFunc(people, func(q hub.Person) bool { return q.Account == p.Account }) {
			people = append(people, p)
		}
	}
	return people, nil
}

// ReasonBanned of CodeAdminRefused: a banned person (name) can't be approved.
const ReasonBanned = "banned"
