package admin

import (
	"context"
	"strings"

	"huisclos/chat"
	"huisclos/hub"
)

// person finds an account by its name, in any spelling that counts as the same name
// (trust.FoldName). CodeNoSuchPerson (name, suggestion).
func (s seat) person(ctx context.Context, name string) (hub.Person, error) {
	people, err := s.o.Store.AllPeople(ctx)
	if err != nil {
		return hub.Person{}, err
	}
	return pick(people, name)
}

func pick(people []hub.Person, name string) (hub.Person, error) {
	folded := fold(name)
	names := make([]string, 0, len(people))
	for _, p := range people {
		if p.Name == name || fold(p.Name) == folded {
			return p, nil
		}
		names = append(names, p.Name)
	}
	e := chat.Errorf(chat.CodeNoSuchPerson, "name", clip(name))
	if near := Nearest(name, names); near != "" {
		e.Params["suggestion"] = near
	}
	return hub.Person{}, e
}

// notSelf refuses what one does to oneself by accident.
func (s seat) notSelf(p hub.Person) error {
	if s.o.Self != nil && p.Account == s.o.Self() {
		return chat.Errorf(chat.CodeSelf, "name", p.Name)
	}
	return nil
}

// target finds the person that a command is about, who isn't the one who gives it.
func (s seat) target(ctx context.Context, name string) (hub.Person, error) {
	p, err := s.person(ctx, name)
	if err == nil {
		err = s.notSelf(p)
	}
	return p, err
}

func (s seat) kick(ctx context.Context, r Request) (Result, error) {
	p, err := s.target(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	n, err := s.o.Live.Kick(ctx, p.Account, r.Text, s.audit("kick", p.Name, r.Text))
	if err != nil {
		return nil, named(err, p.Name)
	}
	return &Kicked{Name: p.Name, Connections: n}, nil
}

func (s seat) ban(ctx context.Context, r Request) (Result, error) {
	p, err := s.target(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	held, err := s.holdsKey(ctx, p)
	if err != nil {
		return nil, err
	}
	n, err := s.o.Live.Ban(ctx, p.Account, r.Text, s.audit("ban", p.Name, r.Text))
	if err != nil {
		return nil, named(err, p.Name)
	}
	return &Banned{Name: p.Name, Connections: n, KeyHeld: held}, nil
}

// holdsKey reports whether the newest key must be taken to be known to p.
func (s seat) holdsKey(ctx context.Context, p hub.Person) (bool, error) {
	g, err := s.newest(ctx)
	if err != nil {
		return false, err
	}
	return s.has(ctx, p, g.Number)
}

// has reports whether a device of p has proven or been given the key of generation g.
func (s seat) has(ctx context.Context, p hub.Person, g chat.Generation) (bool, error) {
	if p.Enrolled >= g {
		return true, nil
	}
	for _, d := range p.Devices {
		if d.Proven >= g {
			return true, nil
		}
		grant, err := s.o.Store.Grant(ctx, g, d.ID)
		if err != nil || grant != nil {
			return grant != nil, err
		}
	}
	return false, nil
}

func (s seat) unban(ctx context.Context, r Request) (Result, error) {
	p, err := s.person(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	if err := s.o.Store.Unban(ctx, p.Account, s.audit("unban", p.Name)); err != nil {
		return nil, named(err, p.Name)
	}
	return &Unbanned{Name: p.Name}, nil
}

func (s seat) bans(ctx context.Context) (Result, error) {
	bans, err := s.o.Store.Bans(ctx)
	if err != nil {
		return nil, err
	}
	list := &BanList{}
	for _, b := range bans {
		list.Bans = append(list.Bans, Ban{Name: b.Name, Account: b.Account.String(), Reason: b.Reason, By: b.By, At: b.At})
	}
	return list, nil
}

// named gives an error about an account the name that the person typed for it.
func named(err error, name string) error {
	switch code := chat.CodeOf(err); code {
	case chat.CodeNotConnected, chat.CodeNotBanned:
		return chat.Errorf(code, "name", name)
	}
	return err
}

func fold(name string) string { return strings.ToLower(name) }
