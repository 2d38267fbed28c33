package client

import (
	"errors"
	"testing"
	"time"

	"huisclos/chat"
)

// Who may put in force another expiry: an owner; in a direct conversation both, and nothing else.
func TestWhoSetsTheExpiry(t *testing.T) {
	owner, moderator, plain := chat.AccountID{1}, chat.AccountID{2}, chat.AccountID{3}
	team := roomState{Version: 1, Number: 1, Name: "team", Roles: []roleOf{{Account: owner, Role: RoleOwner}, {Account: moderator, Role: Moderator}}}
	direct := roomState{Version: 1, Number: 1, Direct: true}
	hourly := func(s *roomState) { s.Expiry = 3600 }
	topic := func(s *roomState) { s.Topic = "tea" }
	for name, c := range map[string]struct {
		state  roomState
		by     chat.AccountID
		change []func(*roomState)
		may    bool
	}{
		"an owner":                       {team, owner, []func(*roomState){hourly}, true},
		"a moderator":                    {team, moderator, []func(*roomState){hourly}, false},
		"a moderator, the topic":         {team, moderator, []func(*roomState){topic}, true},
		"a plain member":                 {team, plain, []func(*roomState){hourly}, false},
		"one of two":                     {direct, plain, []func(*roomState){hourly}, true},
		"one of two, and the topic":      {direct, plain, []func(*roomState){hourly, topic}, false},
		"one of two, who makes himself":  {direct, plain, []func(*roomState){func(s *roomState) { s.Roles = []roleOf{{Account: plain, Role: RoleOwner}} }}, false},
		"one of two, who mutes":          {direct, plain, []func(*roomState){func(s *roomState) { s.Muted = []chat.AccountID{owner} }}, false},
		"one of two, the past":           {direct, plain, []func(*roomState){func(s *roomState) { s.History = -1 }}, false},
		"one of two, a number too great": {direct, plain, []func(*roomState){hourly, func(s *roomState) { s.Number++ }}, false},
	} {
		next := c.state
		next.Number++
		for _, f := range c.change {
			f(&next)
		}
		next = next.salted()
		p := &private{state: c.state, offers: map[[32]byte]roomState{next.hash(): next}, devices: map[chat.AccountID]int{owner: 1, moderator: 1, plain: 1}}
		if err := p.permitsState(c.by, stateExtensions(&next)); (err == nil) != c.may {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The bounds of a room's expiry.
func TestBoundsOfExpiry(t *testing.T) {
	for d, good := range map[time.Duration]bool{
		0: true, 5 * time.Second: true, time.Hour: true, MaxExpiry: true,
		4 * time.Second: false, time.Millisecond: false, -time.Hour: false, MaxExpiry + time.Second: false, 1 << 62: false,
	} {
		if _, err := life(d); (err == nil) != good || err != nil && !errors.Is(err, chat.CodeExpiry) {
			t.Errorf("%v: %v", d, err)
		}
	}
}
