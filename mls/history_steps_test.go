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

// outsiders who can be added to somebody's epoch.
func (h *history) outsiders(s *soul) (list []*soul) {
	for _, x := range h.souls {
		in := slices.Contains(slices.Collect(maps.Values(h.era(s.g.Epoch()).members)), x)
		if !in {
			list = append(list, x)
		}
	}
	return list
}

// proposal draws one that is valid in the epoch of s; nil when none comes to mind.
func (h *history) proposal(t *rapid.T, s *soul) *Proposal {
	switch kind := rapid.SampledFrom([]string{"add", "add", "remove", "psk", "resumption", "context"}).Draw(t, "kind"); kind {
	case "add":
		if out := h.outsiders(s); len(out) > 0 {
			return &Proposal{Type: ProposalAdd, Add: h.newPackage(t, rapid.SampledFrom(out).Draw(t, "newcomer"))}
		}
	case "remove":
		members := h.era(s.g.Epoch()).members
		i := rapid.SampledFrom(slices.Sorted(maps.Keys(members))).Draw(t, "removed")
		if i != s.g.Own() {
			return &Proposal{Type: ProposalRemove, Remove: i}
		}
	case "psk":
		id := PSKID{Type: PSKExternal, ID: []byte(rapid.StringN(1, 4, 8).Draw(t, "key"))}
		h.psks[pskName(id)] = s2(id.ID)
		return &Proposal{Type: ProposalPSK, PSK: id}
	case "resumption": // of an epoch since which nobody has come, for he wouldn't have it
		first := s.g.Epoch() - min(5, s.g.Epoch())
		for _, m := range h.era(s.g.Epoch()).members {
			first = max(first, m.joined)
		}
		if first <= s.g.Epoch() {
			e := rapid.Uint64Range(first, s.g.Epoch()).Draw(t, "of epoch")
			return &Proposal{Type: ProposalPSK, PSK: PSKID{Type: PSKResumption, Usage: UsageApplication, GroupID: s.g.ID(), Epoch: e}}
		}
	case "context":
		x := s.g.Extensions().With(contextType, []byte(rapid.StringN(0, 4, 8).Draw(t, "context")))
		if rapid.Bool().Draw(t, "required") {
			q := RequiredCapabilities{Extensions: []ExtensionType{contextType}, Credentials: []CredentialType{CredentialBasic}}
			x = x.With(ExtensionRequiredCapabilities, q.Extension().Data)
		}
		return &Proposal{Type: ProposalGroupContextExtensions, Extensions: x}
	}
	return nil
}

// s2 makes a key out of its name.
func s2(name []byte) Secret { return append(Secret("key "), name...) }

// commitOne makes a commit that waits; the others may be faster.
func (h *history) commitOne(t *rapid.T) {
	if s := h.anyone(t, func(s *soul) bool { return alive(s) && s.g.Pending() == nil }); s != nil {
		h.makeCommit(t, s)
	}
}

// commitNow makes one by somebody who has seen everything, who can't lose.
func (h *history) commitNow(t *rapid.T) {
	s := h.anyone(t, func(s *soul) bool { return alive(s) && s.g.Pending() == nil && s.at == len(h.log) })
	if s != nil {
		h.submit(t, s, h.makeCommit(t, s))
	}
}

func (h *history) makeCommit(t *rapid.T, s *soul) *Pending {
	o := CommitOptions{LeaveQueued: rapid.IntRange(0, 3).Draw(t, "leave") == 0, NoPath: rapid.Bool().Draw(t, "no path"),
		WelcomeTree: rapid.Bool().Draw(t, "tree")}
	once := map[string]bool{}
	for range rapid.IntRange(0, 6).Draw(t, "by value") {
		p := h.proposal(t, s)
		if p == nil {
			continue
		}
		name := fmt.Sprint(p.Type)
		switch p.Type { // two of the same make no list
		case ProposalAdd:
			name += string(p.Add.Leaf.Credential.Identity)
		case ProposalRemove:
			name += fmt.Sprint(p.Remove)
		case ProposalPSK:
			name = ""
		}
		if name == "" || !once[name] {
			o.Proposals, once[name] = append(o.Proposals, p), true
		}
	}
	if !o.NoPath && rapid.IntRange(0, 3).Draw(t, "new key") == 0 {
		k, err := s.cfg.NewSignatureKey(h.id)
		h.no(t, err)
		o.Leaf.SignatureKey = k
	}
	var p *Pending
	h.attempt(t, s, func() (err error) {
		p, err = s.g.Commit(o, s.savePending)
		return err
	})
	h.checkDisk(t, s)
	return p
}

func (h *history) submitOne(t *rapid.T) {
	if s := h.anyone(t, func(s *soul) bool { return alive(s) && s.g.Pending() != nil }); s != nil {
		h.submit(t, s, s.g.Pending())
	}
}

// submit gives a commit to the delivery service, which takes the first of an epoch. Who loses drops it now, or leaves it to what comes.
func (h *history) submit(t *rapid.T, s *soul, p *Pending) {
	t.Helper()
	if slices.ContainsFunc(h.log, func(e *event) bool { return bytes.Equal(e.message, p.Message()) }) {
		return // it was taken; he hasn't heard yet
	}
	if s.g.Epoch() != h.head().number {
		if rapid.Bool().Draw(t, "drop") {
			h.attempt(t, s, func() error { return p.Drop(s.save) })
			h.checkDisk(t, s)
		}
		h.counts["commit that came too late"]++
		return
	}
	h.log = append(h.log, &event{s.g.Epoch(), s, p.Message()})
	members, places := h.after(p.n.proposals)
	for i, k := range p.n.packages {
		x := members[places[i]]
		keys := h.packages[string(k.ref(s.g.s))]
		x.newLife(uint64(len(h.eras)), len(h.log))
		x.inside, x.invite = false, &invite{p.Welcome().For(keys.Ref()).Message(), p.Tree(), keys}
	}
	h.begin(t, p.epoch, members)
	h.counts["commit"]++
	for _, q := range p.n.proposals {
		how := "value"
		if q.ref != nil {
			how = "reference"
		}
		h.counts[fmt.Sprintf("proposal of type %d by %s", q.proposal.Type, how)]++
	}
	if p.own == nil {
		h.counts["commit without path"]++
	}
}

func (s *soul) newLife(epoch uint64, at int) {
	s.joined, s.at, s.unread, s.read, s.invite = epoch, at, nil, nil, nil
}

// after says who is where when a list of proposals is applied, and where the added ones are.
func (h *history) after(list []*queued) (members map[LeafIndex]*soul, places []LeafIndex) {
	members = maps.Clone(h.head().members)
	for _, q := range list {
		if q.proposal.Type == ProposalRemove {
			delete(members, q.proposal.Remove)
		}
	}
	for _, q := range list {
		if q.proposal.Type == ProposalAdd {
			k := q.proposal.Add.ref(suiteFor(h.id, MLKEM768X25519AES256SHA384Ed25519))
			places = append(places, leftmost(members))
			members[places[len(places)-1]] = h.owners[string(k)]
		}
	}
	return members, places
}

func leftmost(members map[LeafIndex]*soul) LeafIndex {
	i := LeafIndex(0)
	for members[i] != nil {
		i++
	}
	return i
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
