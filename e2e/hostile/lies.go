package main

import (
	"context"
	"errors"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/wire"
)

// lies are the commands of a hostile server. NAME is the member who is lied to.
//
//	drop|prune|change|repeat|reorder NAME content|commit   the next such entry of a private room isn't shown, is shown as removed by retention, with a
//	                                                       bit changed, twice, after the one behind it
//	withhold NAME, release NAME     nothing of any log is shown; all that was kept back
//	state old|tree|none|ahead|true  what is told as a room's newest state: one of an earlier epoch, a tree of one, nothing, one after another commit
//	own NAME                        the same: one of a group of the server's own, in which NAME and a stranger are
//	swap NAME stolen|MEMBER         in the place of NAME's key packages come some with a key of the server's, or another member's
//	ghost NAME|-                    somebody of the server's own enters the private room from outside, in NAME's or his own name
//	message NAME                    a message in NAME's name
//	welcome NAME MEMBER             a Welcome of the server's own making, as if by MEMBER
//	admit NAME                      he stays on the roster, whatever the members say
//	expel NAME                      he is told that he isn't on it any more
//	cut NAME                        his connection breaks
func (s *liar) lies() map[string]command {
	all := map[string]command{
		"withhold": s.withhold, "release": s.release, "state": s.tellState, "swap": s.swap, "ghost": s.ghost, "own": s.own, "message": s.message, "welcome": s.welcome,
		"admit": s.admit, "expel": s.expel, "cut": s.cut,
	}
	for _, what := range []string{"drop", "prune", "change", "repeat", "reorder"} {
		all[what] = func(_ context.Context, args []string) (string, error) {
			kinds := map[string]chat.EntryKind{"content": chat.Content, "commit": chat.Commit}
			if len(args) != 2 || kinds[args[1]] == 0 {
				return "", errUsage
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.rules[args[0]] = append(s.rules[args[0]], rule{what, kinds[args[1]]})
			return "ok", nil
		}
	}
	return all
}

var errNobody = errors.New("nobody of that name")

// seat finds somebody who is here.
func (s *liar) seat(args []string) (*seat, error) {
	if len(args) == 0 {
		return nil, errUsage
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.seats[args[0]]
	if t == nil {
		return nil, errNobody
	}
	return t, nil
}

// peer finds somebody who was here.
func (s *liar) peer(name string) (hub.Peer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.known[name]
	if !ok {
		return p, errNobody
	}
	return p, nil
}

func (s *liar) withhold(_ context.Context, args []string) (string, error) {
	t, err := s.seat(args)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t.withheld = [][]byte{}
	return "ok", nil
}

func (s *liar) release(_ context.Context, args []string) (string, error) {
	t, err := s.seat(args)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	frames := t.withheld
	t.withheld = nil
	s.mu.Unlock()
	t.Push(frames...)
	return "ok", nil
}

func (s *liar) cut(_ context.Context, args []string) (string, error) {
	t, err := s.seat(args)
	if err != nil {
		return "", err
	}
	t.stream.Abort()
	return "ok", nil
}

func (s *liar) expel(_ context.Context, args []string) (string, error) {
	t, err := s.seat(args)
	if err != nil {
		return "", err
	}
	room, _ := s.shelf.private()
	t.Push(wire.Encode(&wire.Expelled{Room: room}))
	return "ok", nil
}

func (s *liar) admit(_ context.Context, args []string) (string, error) {
	if len(args) != 1 {
		return "", errUsage
	}
	p, err := s.peer(args[0])
	if err != nil {
		return "", err
	}
	s.shelf.admit(p.Account)
	return "ok", nil
}

// stateLie is what is told as a room's newest state.
type stateLie string

func (s *liar) tellState(_ context.Context, args []string) (string, error) {
	if len(args) != 1 {
		return "", errUsage
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = stateLie(args[0])
	return "ok", nil
}

func (l stateLie) tell(s *shelf, f *wire.RoomState) {
	old, ok := s.old(f.Room)
	switch {
	case l == "old" && ok:
		f.Info, f.Tree = old.Info, old.Tree
	case l == "tree" && ok:
		f.Tree = old.Tree
	case l == "ahead":
		f.Seq++
	case l == "none":
		f.Info, f.Tree = nil, nil
	}
}

// put has an envelope in the private room's log, and everybody who reads it.
func (s *liar) put(ctx context.Context, id chat.MessageID, kind chat.EntryKind, envelope []byte) (string, error) {
	n, err := s.shelf.put(ctx, id, kind, envelope)
	if err != nil {
		return "", err
	}
	room, _ := s.shelf.private()
	s.bus.Publish(hub.Wakeup{Room: room, Head: n})
	return "ok", nil
}
