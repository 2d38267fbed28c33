package mls

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"
)

// The commits of a history: who makes them of what, and which of them count.

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
	switch kind := rapid.SampledFrom([]string{"add", "add", "update", "remove", "psk", "resumption", "context"}).Draw(t, "kind"); kind {
	case "update": // a committer has his path instead
		return nil
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

// round is a few proposals that everybody hears, and a commit of somebody.
func (h *history) round(t *rapid.T) {
	h.advanceAll(t)
	for range rapid.IntRange(1, 4).Draw(t, "proposals") {
		h.proposeOne(t)
	}
	h.advanceAll(t)
	h.commitNow(t)
}

// race is two commits in one epoch.
func (h *history) race(t *rapid.T) {
	h.advanceAll(t)
	for range 2 {
		h.commitOne(t)
	}
	for range 2 {
		h.submitOne(t)
	}
}
