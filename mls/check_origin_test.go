package mls_test

import (
	"errors"
	"fmt"
	"time"

	"huisclos/mls"
	"huisclos/mls/mlstest"
)

// succession is a group that claims to continue the old one: made by bob, who lets the others in by a forged commit.
type succession struct {
	w       *world
	suite   mls.CipherSuite // of the new group; 0: the old one's
	id      string
	usage   mls.PSKUsage
	epoch   uint64          // of the old group's key, relative to now
	context []mls.Extension // of the new group
	psks    func(*mlstest.PSK) []mlstest.PSK
	without string // a member who stays out
	with    string // somebody new
	late    bool   // in epoch 2
}

// closed lets the old group end by a ReInit.
func closed(w *world, version mls.ProtocolVersion) {
	w.step(w.dave, mls.CommitOptions{Proposals: []*mls.Proposal{{Type: mls.ProposalReInit,
		ReInit: &mls.ReInit{GroupID: []byte("next"), Version: version, Suite: w.id}}}}, w.all...)
}

// alice is what she says of the Welcome into the new group.
func (s succession) alice() error {
	w := s.w
	if s.suite == 0 {
		s.suite = w.id
	}
	old := w.forger()
	key := must(w.bob.cfg.NewSignatureKey(s.suite))
	maker := &member{name: "bob", cfg: w.bob.cfg, key: key, disk: map[string][]byte{}}
	maker.g = must(maker.cfg.Create(s.suite, key, maker.credential(), mls.GroupOptions{ID: []byte(s.id), Extensions: s.context}, maker.save))
	f := must(mlstest.New(maker.disk))
	if s.late {
		f = f.Commit(mlstest.Plan{}).Next
	}
	origin := mlstest.PSK{ID: mlstest.PSKID{Type: mls.PSKResumption, Usage: s.usage, GroupID: old.Context.GroupID, Epoch: old.Context.Epoch + s.epoch,
		Nonce: mlstest.Random(f.Suite.Nh)}, Key: old.Secrets.Resumption}
	psks := []mlstest.PSK{origin}
	if s.psks != nil {
		psks = s.psks(&origin)
	}
	w.alice.key = must(w.alice.cfg.NewSignatureKey(s.suite))
	alice := newcomerOf(w.alice, s.suite)
	list := []*mlstest.Proposal{add(alice.pack)}
	for _, p := range psks {
		list = append(list, &mlstest.Proposal{Type: mls.ProposalPSK, PSK: p})
	}
	for _, m := range append(w.all[2:], newMember(s.suite, s.with)) {
		if m.name != "" && m.name != s.without {
			m.key = must(m.cfg.NewSignatureKey(s.suite))
			list = append(list, add(newcomerOf(m, s.suite).pack))
		}
	}
	before := w.alice.snapshot()
	err := alice.join(w, f.Commit(mlstest.Plan{Proposals: mlstest.Values(list...)}), mlstest.Invitation{}, mls.JoinOptions{From: w.alice.g})
	w.alice.unchanged(w, before)
	return err
}

// continued is the right continuation after a ReInit, but for what change says.
func continued(change func(*succession)) func(w *world) error {
	return func(w *world) error {
		closed(w, mls.MLS10)
		right := succession{w: w, id: "next", usage: mls.UsageReInit}
		if err := right.alice(); err != nil {
			return fmt.Errorf("the right one: %w", err)
		}
		s := succession{w: w, id: "next", usage: mls.UsageReInit}
		change(&s)
		return s.alice()
	}
}

// branched is the same of a branch.
func branched(change func(*succession)) func(w *world) error {
	return func(w *world) error {
		right := succession{w: w, id: "branch", usage: mls.UsageBranch, without: "carol"}
		if err := right.alice(); err != nil {
			return fmt.Errorf("the right one: %w", err)
		}
		s := right
		change(&s)
		return s.alice()
	}
}

// originAttacks: RFC 9420 §11.2, §11.3, §12.4.3.1.
var originAttacks = []attack{
	{"11.2/members", mls.ErrInvalid, "", continued(func(s *succession) { s.without = "carol" })},
	{"11.2/origin", mls.ErrInvalid, "", continued(func(s *succession) {
		s.psks = func(p *mlstest.PSK) []mlstest.PSK { p.ID.GroupID = []byte("another"); return []mlstest.PSK{*p} }
	})},
	{"11.2/parameters", mls.ErrInvalid, "the group's ID", continued(func(s *succession) { s.id = "another" })},
	{"11.2/parameters", mls.ErrInvalid, "the extensions", continued(func(s *succession) { s.context = []mls.Extension{{Type: known}} })},
	{"11.2/parameters", mls.ErrInvalid, "the suite", continued(func(s *succession) { s.suite = mls.X25519ChaCha20SHA256Ed25519 })},
	{"11.2/psk", mls.ErrInvalid, "", continued(func(s *succession) { s.psks = func(*mlstest.PSK) []mlstest.PSK { return nil } })},
	{"11.2/reinit", mls.ErrInvalid, "a group that goes on", func(w *world) error {
		return succession{w: w, id: "next", usage: mls.UsageReInit}.alice()
	}},
	{"11.2/version", mls.ErrUnsupported, "", func(w *world) error {
		closed(w, 2)
		_, _, err := w.alice.g.Continue(w.alice.key, w.alice.credential(), nil, mls.CommitOptions{}, w.alice.savePending)
		return err
	}},
	{"11.3/members", mls.ErrInvalid, "", branched(func(s *succession) { s.with = "eve" })},
	{"11.3/suite", mls.ErrInvalid, "", branched(func(s *succession) { s.suite = mls.X25519ChaCha20SHA256Ed25519 })},
	{"12.4.3.1/origin-epoch", mls.ErrInvalid, "reinit", continued(func(s *succession) { s.late = true })},
	{"12.4.3.1/origin-epoch", mls.ErrInvalid, "branch", branched(func(s *succession) { s.late = true })},
	{"12.4.3.1/one-origin", mls.ErrInvalid, "", branched(func(s *succession) {
		s.psks = func(p *mlstest.PSK) []mlstest.PSK {
			q := *p
			q.ID.Nonce = mlstest.Random(len(p.ID.Nonce))
			return []mlstest.PSK{*p, q}
		}
	})},
	{"12.4.2/psk-available", mls.ErrMissing, "of an epoch that the old group hasn't reached", branched(func(s *succession) { s.epoch = 1 })},
}

// refuses is what alice says when she is asked to send something.
func refuses(act func(w *world, m *member) error) func(w *world) error {
	return func(w *world) error {
		before := w.alice.snapshot()
		err := act(w, w.alice)
		w.alice.unchanged(w, before)
		return err
	}
}

// sendingAttacks are what a sender must refuse to himself.
var sendingAttacks = []attack{
	{"7.3/lifetime", mls.ErrInvalid, "over", refuses(func(w *world, m *member) error {
		erin := w.newcomer("erin")
		m.cfg.Now = func() time.Time { return now.Add(91 * 24 * time.Hour) }
		_, err := m.g.Commit(mls.CommitOptions{Proposals: []*mls.Proposal{{Type: mls.ProposalAdd, Add: erin.keys.Package}}}, m.savePending)
		return err
	})},
	{"7.3/lifetime", mls.ErrInvalid, "not begun", refuses(func(w *world, m *member) error {
		erin := w.newcomer("erin")
		m.cfg.Now = func() time.Time { return now.Add(-2 * time.Hour) }
		_, err := m.g.Propose(&mls.Proposal{Type: mls.ProposalAdd, Add: erin.keys.Package}, nil, m.saveMessage)
		return err
	})},
	{"12.4/commit-first", mls.ErrMisuse, "", func(w *world) error {
		b, _ := w.forger().Propose(remove(2), mlstest.Wrap{})
		w.given(b)
		_, err := w.alice.g.Protect([]byte("x"), nil, w.alice.saveMessage)
		return err
	}},
	{"12.4.2/reinitialized", mls.ErrMisuse, "", func(w *world) error {
		closed(w, mls.MLS10)
		_, err := w.alice.g.Protect([]byte("x"), nil, w.alice.saveMessage)
		_, err2 := w.alice.g.Commit(mls.CommitOptions{}, w.alice.savePending)
		_, err3 := w.alice.g.ProposeUpdate(mls.LeafChange{}, nil, w.alice.saveMessage)
		if mls.CheckOf(err2) != mls.CheckOf(err) || mls.CheckOf(err3) != mls.CheckOf(err) {
			return errors.Join(err2, err3)
		}
		return err
	}},
	{"12.4.3/group-id", mls.ErrInvalid, "a group is made", refuses(func(w *world, m *member) error {
		m.cfg.HasGroup = func([]byte) bool { return true }
		_, err := m.cfg.Create(w.id, m.key, m.credential(), mls.GroupOptions{}, m.save)
		return err
	})},
	{"13.4/duplicate", mls.ErrMalformed, "in one's own proposal", refuses(func(w *world, m *member) error {
		_, err := m.g.Commit(mls.CommitOptions{Proposals: []*mls.Proposal{{Type: mls.ProposalGroupContextExtensions,
			Extensions: mls.Extensions{{Type: known}, {Type: known}}}}}, m.savePending)
		return err
	})},
	{"13.4/duplicate", mls.ErrMalformed, "in one's own leaf", refuses(func(w *world, m *member) error {
		_, err := m.g.ProposeUpdate(mls.LeafChange{SetExtensions: true, Extensions: mls.Extensions{{Type: known}, {Type: known}}}, nil, m.saveMessage)
		return err
	})},
}
