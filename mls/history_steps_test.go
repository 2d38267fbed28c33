package mls

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"
)

// steps of a history. Each does something or, where it makes no sense, nothing.
func (h *history) steps() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"send": h.send, "send more": h.send, "read": h.readOne, "read more": h.readOne, "read again": h.readAgain, "advance": h.advanceOne,
		"all advance": h.advanceAll, "commit": h.commitOne, "commit and submit": h.commitNow, "submit": h.submitOne, "propose": h.proposeOne,
		"propose more": h.proposeOne, "join": h.joinOne, "restart": h.restartOne, "external": h.externalOne, "lose disk": h.loseDisk,
		"round": h.round, "race": h.race,
	}
}

// anyone of whom f is true; nil when there is nobody.
func (h *history) anyone(t *rapid.T, f func(*soul) bool) *soul {
	var list []*soul
	for _, s := range h.souls {
		if f(s) {
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[rapid.IntRange(0, len(list)-1).Draw(t, "who")]
}

func alive(s *soul) bool { return s.inside && !s.g.Removed() }

func (h *history) fails(t *rapid.T) bool { return rapid.IntRange(0, 9).Draw(t, "fails") == 0 }

// attempt does something that may fail to save, and then does it again.
func (h *history) attempt(t *rapid.T, s *soul, f func() error) {
	t.Helper()
	if h.fails(t) {
		s.fail = true
		err := f()
		if s.fail = false; !is(err, ErrSave) {
			t.Fatalf("%s could not save, and says %v", s.name, err)
		}
	}
	h.no(t, f())
}

// members of an era who are in the life that they had then, or were invited to.
func (h *history) readers(e *era, but *soul) (list []*soul) {
	for _, i := range slices.Sorted(maps.Keys(e.members)) {
		if s := e.members[i]; s != but && s.joined <= e.number && (s.inside || s.invite != nil) {
			list = append(list, s)
		}
	}
	return list
}

func (h *history) send(t *rapid.T) {
	s := h.anyone(t, alive)
	if s == nil {
		return
	}
	if len(s.g.Proposals()) > 0 {
		if _, err := s.g.Protect([]byte("x"), nil, s.saveMessage); CheckOf(err) != "12.4/commit-first" {
			t.Fatal(err)
		}
		return
	}
	h.written++
	l := &letter{epoch: s.g.Epoch(), text: fmt.Sprintf("letter %d of %s", h.written, s.name)}
	h.attempt(t, s, func() (err error) {
		l.message, err = s.g.Protect([]byte(l.text), nil, s.saveMessage)
		return err
	})
	for _, x := range h.readers(h.era(l.epoch), s) {
		x.unread = append(x.unread, l)
	}
	for _, x := range h.souls { // who isn't or is no longer a member can't read it
		if x.inside && x != s && (h.era(l.epoch).members[x.g.Own()] != x || x.joined > l.epoch) {
			if text, err := x.receive2(l.message); err == nil {
				t.Fatalf("%s, who isn't in epoch %d, reads %q", x.name, l.epoch, text)
			}
		}
	}
}

// receive2 is the client's receive, without a testing.T.
func (s *soul) receive2(b []byte) ([]byte, error) {
	m, err := ParseMessage(b)
	if err != nil {
		return nil, err
	}
	v, err := s.g.Open(m)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case *ApplicationMessage:
		return v.Accept(s.saveMessage)
	case *ProposalMessage:
		return nil, v.Accept(s.save)
	case *StagedCommit:
		return nil, v.Accept(s.save)
	}
	panic("something else")
}

// deliver gives a soul the letter at a place of his unread ones.
func (h *history) deliver(t *rapid.T, s *soul, at int) {
	t.Helper()
	l := s.unread[at]
	now := s.g.Epoch()
	var text []byte
	read := func() (err error) {
		text, err = s.receive2(l.message)
		return err
	}
	switch {
	case l.epoch > now:
		if err := read(); !is(err, ErrFutureEpoch) {
			t.Fatalf("a letter of epoch %d in %d: %v", l.epoch, now, err)
		}
		return
	case now-l.epoch > 5:
		if err := read(); !is(err, ErrPastEpoch) {
			t.Fatalf("a letter of epoch %d in %d: %v", l.epoch, now, err)
		}
		s.unread = slices.Delete(s.unread, at, at+1)
		return
	}
	h.attempt(t, s, read)
	if string(text) != l.text {
		t.Fatalf("%s reads %q instead of %q", s.name, text, l.text)
	}
	s.unread = slices.Delete(s.unread, at, at+1)
	s.read = append(s.read, l)
	if h.counts["read"]++; l.epoch < now {
		h.counts["read late"]++
	}
}

func (h *history) readOne(t *rapid.T) {
	s := h.anyone(t, func(s *soul) bool { return s.inside && len(s.unread) > 0 })
	if s != nil {
		h.deliver(t, s, rapid.IntRange(0, len(s.unread)-1).Draw(t, "letter"))
	}
}

func (h *history) readAgain(t *rapid.T) {
	s := h.anyone(t, func(s *soul) bool { return s.inside && len(s.read) > 0 })
	if s == nil {
		return
	}
	l := s.read[rapid.IntRange(0, len(s.read)-1).Draw(t, "letter")]
	if _, err := s.receive2(l.message); !is(err, ErrReplay) && !is(err, ErrPastEpoch) {
		t.Fatalf("%s reads %q again: %v", s.name, l.text, err)
	}
}

func (h *history) behind(s *soul) bool { return alive(s) && s.at < len(h.log) }

func (h *history) advanceOne(t *rapid.T) {
	s := h.anyone(t, h.behind)
	if s == nil {
		return
	}
	for range rapid.IntRange(1, 6).Draw(t, "events") {
		if h.behind(s) {
			h.advance(t, s)
		}
	}
}

func (h *history) advanceAll(t *rapid.T) {
	for _, s := range h.souls {
		for h.behind(s) {
			h.advance(t, s)
		}
	}
}

// advance takes the next event from the log.
func (h *history) advance(t *rapid.T, s *soul) {
	t.Helper()
	e := h.log[s.at]
	s.at++
	before := s.g.Epoch()
	if e.epoch != before {
		t.Fatalf("%s is in epoch %d, and an event of %d comes", s.name, before, e.epoch)
	}
	if p := s.g.Pending(); e.from == s {
		if p == nil || !bytes.Equal(p.Message(), e.message) {
			return // a proposal of his own
		}
		h.attempt(t, s, func() error { return p.Accept(s.save) })
	} else {
		if p != nil {
			h.counts["a pending commit and something else first"]++
		}
		h.attempt(t, s, func() error { _, err := s.receive2(e.message); return err })
	}
	switch {
	case s.g.Removed():
		if len(h.eras) == int(before)+1 || slices.Contains(slices.Collect(maps.Values(h.era(before+1).members)), s) && s.joined <= before+1 && s.invite == nil {
			t.Fatalf("%s takes himself for removed", s.name)
		}
		h.checkDisk(t, s)
		h.counts["removed"]++
	case s.g.Epoch() > before:
		h.counts["new epoch reached"]++
		h.check(t, s)
	}
}

// proposeOne sends a proposal in the current epoch.
func (h *history) proposeOne(t *rapid.T) {
	s := h.anyone(t, func(s *soul) bool { return alive(s) && s.g.Epoch() == h.head().number })
	if s == nil {
		return
	}
	p := h.proposal(t, s)
	if p != nil && slices.ContainsFunc(s.g.proposals, func(q *queued) bool {
		return LeafIndex(q.sender.Index) == s.g.Own() && bytes.Equal(marshal(q.proposal), marshal(p))
	}) {
		if _, err := s.g.Propose(p, nil, s.saveMessage); !is(err, ErrMisuse) {
			t.Fatalf("the same proposal twice: %v", err)
		}
		return
	}
	var message []byte
	h.attempt(t, s, func() (err error) {
		if p == nil {
			message, err = s.g.ProposeUpdate(LeafChange{}, nil, s.saveMessage)
		} else {
			message, err = s.g.Propose(p, nil, s.saveMessage)
		}
		return err
	})
	h.log = append(h.log, &event{s.g.Epoch(), s, message})
}

func (h *history) joinOne(t *rapid.T) {
	if s := h.anyone(t, func(s *soul) bool { return s.invite != nil }); s != nil {
		h.join(t, s)
	}
}

func (h *history) join(t *rapid.T, s *soul) {
	t.Helper()
	m, err := ParseMessage(s.invite.welcome)
	h.no(t, err)
	s.disk = map[string][]byte{}
	h.attempt(t, s, func() (err error) {
		s.g, err = s.cfg.Join(m.Welcome(), s.invite.keys, JoinOptions{Tree: s.invite.tree}, s.save)
		return err
	})
	s.inside, s.invite = true, nil
	h.check(t, s)
}

func (h *history) restartOne(t *rapid.T) {
	s := h.anyone(t, func(s *soul) bool { return s.inside })
	if s == nil {
		return
	}
	g, err := s.cfg.Load(maps.Clone(s.disk))
	h.no(t, err)
	s.g = g
}

func (h *history) loseDisk(t *rapid.T) {
	s := h.anyone(t, func(s *soul) bool { return s.inside })
	if s == nil || len(h.souls) > 9 && h.written%4 > 0 || !h.savable(s) {
		return
	}
	s.inside, s.disk, s.unread, s.read = false, map[string][]byte{}, nil, nil
}

// savable: somebody else is in the current epoch, so that the group isn't lost with him.
func (h *history) savable(s *soul) bool {
	return slices.ContainsFunc(h.souls, func(x *soul) bool { return x != s && alive(x) && h.reaches(x) })
}

// reaches tells whether a soul is a member still.
func (h *history) reaches(s *soul) bool {
	return h.head().members[s.g.Own()] == s && s.joined <= h.head().number
}

// externalOne lets somebody in from outside: a newcomer, one who lost his disk, or a member who wants to begin anew.
func (h *history) externalOne(t *rapid.T) {
	by := h.anyone(t, func(s *soul) bool { return alive(s) && s.g.Epoch() == h.head().number })
	s := h.anyone(t, func(s *soul) bool {
		return s != by && s.invite == nil && (!s.inside || s.g.Removed() || h.written%3 == 0)
	})
	if by == nil || s == nil {
		return
	}
	withTree := rapid.Bool().Draw(t, "tree")
	b, err := by.g.GroupInfo(withTree)
	h.no(t, err)
	m, err := ParseMessage(b)
	h.no(t, err)
	o := ExternalOptions{Tree: by.g.Tree(), Resync: func(_ LeafIndex, l *LeafNode) bool { return string(l.Credential.Identity) == s.name }}
	var changes Changes
	g, message, err := s.cfg.JoinExternal(m.GroupInfo(), s.key, s.credential(), o, func(_ []byte, c Changes) error { changes = c; return nil })
	h.no(t, err)
	if h.fails(t) {
		return // another commit came first: it never happened
	}
	members := maps.Clone(h.head().members)
	maps.DeleteFunc(members, func(_ LeafIndex, x *soul) bool { return x == s })
	members[leftmost(members)] = s
	h.log = append(h.log, &event{h.head().number, s, message})
	s.newLife(uint64(len(h.eras)), len(h.log))
	s.g, s.inside, s.disk = g, true, map[string][]byte{}
	h.no(t, s.save(changes))
	h.begin(t, g.epoch, members)
	h.check(t, s)
	h.counts["external commit"]++
}

// end lets everybody catch up and read what is left, late epochs first where they can.
func (h *history) end(t *rapid.T) {
	for _, s := range h.souls {
		if s.invite != nil {
			h.join(t, s)
		}
		for s.inside {
			for at := len(s.unread) - 1; at >= 0; at-- {
				h.deliver(t, s, at)
			}
			if !h.behind(s) {
				break
			}
			h.advance(t, s)
		}
		if s.inside && len(s.unread) > 0 {
			t.Fatalf("%s never reads %q", s.name, s.unread[0].text)
		}
		for _, l := range s.read {
			if _, err := s.receive2(l.message); s.inside && !is(err, ErrReplay) && !is(err, ErrPastEpoch) {
				t.Fatalf("%s reads %q again: %v", s.name, l.text, err)
			}
		}
	}
	for _, s := range h.souls {
		if s.inside && !s.g.Removed() && !h.reaches(s) {
			t.Fatalf("%s doesn't know that he was removed", s.name)
		}
	}
}
