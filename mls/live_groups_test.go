package mls

import (
	"bytes"
	"fmt"
	"testing"
)

// Live against ts-mls. Every step ends with all members in one epoch, with one authenticator, one tree and one exported secret, and
// each having heard two messages of each other, the later one first.

func everyLiveSuite(t *testing.T, f func(t *testing.T, id CipherSuite, p *peer)) {
	for _, id := range []CipherSuite{X25519AES128SHA256Ed25519, MLKEM768X25519AES256SHA384Ed25519} {
		t.Run(fmt.Sprintf("%04X", uint16(id)), func(t *testing.T) { f(t, id, startPeer(t)) })
	}
}

// create makes a group by either side.
func (m *mixed) create(by party, id CipherSuite) {
	m.t.Helper()
	switch by := by.(type) {
	case *ours:
		by.client.create(GroupOptions{})
	case *theirs:
		by.ask("create", map[string]any{"group": hexBytes(fmt.Sprintf("group of %s", by.name))})
	}
	m.in = []party{by}
}

// Each side creates, the other joins; both commit everything that both know, in both wire formats.
func TestLiveTwo(t *testing.T) {
	everyLiveSuite(t, func(t *testing.T, id CipherSuite, p *peer) {
		for _, public := range []bool{false, true} {
			a, b := newOurs(t, id, fmt.Sprint("alice ", public)), p.party(id, fmt.Sprint("bob ", public))
			a.handshakes(public)
			b.handshakes(public)
			for _, order := range [][2]party{{a, b}, {b, a}} {
				m := &mixed{t: t}
				m.create(order[0], id)
				m.commit(order[0], "add", change{}, order[1])
				for _, by := range []party{order[1], order[0], order[1]} {
					m.commit(by, "empty commit", change{})
				}
				m.propose(a, b, "update", change{})
				m.commit(order[1], "removal", change{remove: []LeafIndex{order[0].place()}})
				m.commit(order[1], "add again", change{}, order[0])
				m.commit(order[0], "empty commit", change{})
				m.psk(order[0], order[1])
				t.Logf("public %t, created by %s: %d steps", public, order[0].title(), m.steps)
			}
		}
	})
}

// psk injects an external key from either side, by value and by reference.
func (m *mixed) psk(x, y party) {
	m.t.Helper()
	for i, by := range []party{x, y} {
		other := []party{y, x}[i]
		for k, what := range []string{"value", "reference"} {
			id, key := fmt.Appendf(nil, "key %d %d", i, k), bytes.Repeat([]byte{byte(i + 1), byte(k + 1)}, 20)
			for _, p := range m.in {
				p.learn(id, key)
			}
			if what == "value" {
				m.commit(by, "key by value", change{psk: id})
			} else {
				m.propose(by, other, "key by reference", change{psk: id})
			}
		}
	}
}

// Proposals of both sides wait together, and either side commits them.
func TestLiveThree(t *testing.T) {
	everyLiveSuite(t, func(t *testing.T, id CipherSuite, p *peer) {
		alice, bob, carol := newOurs(t, id, "alice"), p.party(id, "bob"), newOurs(t, id, "carol")
		dave, erin := p.party(id, "dave"), newOurs(t, id, "erin")
		m := &mixed{t: t}
		m.create(bob, id)
		m.commit(bob, "add", change{}, alice)
		m.commit(alice, "add", change{}, carol)
		for _, by := range []party{carol, bob, alice} {
			m.commit(by, "empty commit", change{})
		}
		m.deliver(carol, carol.propose(change{}))
		m.deliver(alice, alice.propose(change{}))
		m.commit(bob, "two updates", change{})
		m.propose(bob, alice, "removal", change{remove: []LeafIndex{carol.place()}})
		m.commit(bob, "add by theirs", change{}, dave)
		m.deliver(dave, dave.propose(change{add: [][]byte{erin.keyMessage()}}))
		message, welcome := alice.change(change{})
		m.deliver(alice, message)
		erin.enter(welcome)
		m.in = append(m.in, erin)
		m.step("an add of theirs, committed by ours")
		m.race(alice, bob)
		m.race(bob, alice)
		m.late(alice, bob)
		m.late(bob, alice)
		for _, by := range []party{erin, dave, bob, alice} {
			m.commit(by, "empty commit", change{})
		}
		t.Logf("%d steps", m.steps)
	})
}

// race lets two commit in one epoch; the first one counts.
func (m *mixed) race(first, second party) {
	m.t.Helper()
	var lost func()
	switch p := second.(type) {
	case *ours:
		must(p.g.Commit(CommitOptions{}, p.savePending))(m.t)
		lost = func() {} // what comes takes its place
	case *theirs:
		p.change(change{})
		lost = func() { p.ask("drop", nil) }
	}
	message, _ := first.change(change{})
	lost()
	m.deliver(first, message)
	m.step("a race won by " + first.title())
}

// late delivers a message of the epoch before.
func (m *mixed) late(from, committer party) {
	m.t.Helper()
	message := from.say("late")
	m.commit(committer, "empty commit", change{})
	for _, p := range m.in {
		if p != from {
			same(m.t, "the late message at "+p.title(), p.hear(message), []byte("late"))
		}
	}
}

// The tree comes beside the Welcome, and the Welcome is cut down to one newcomer.
func TestLiveTreeBeside(t *testing.T) {
	everyLiveSuite(t, func(t *testing.T, id CipherSuite, p *peer) {
		alice, bob, carol := newOurs(t, id, "alice"), p.party(id, "bob"), newOurs(t, id, "carol")
		m := &mixed{t: t}
		m.create(alice, id)
		x := alice.commit(CommitOptions{Proposals: alice.proposals(change{add: [][]byte{carol.keyMessage(), bob.keyMessage()}})})
		carol.g = must(carol.cfg.Join(x.Welcome().For(carol.keys.Ref()), carol.keys, JoinOptions{Tree: x.Tree()}, carol.save))(t)
		w := x.Welcome().For(x.Welcome().NewMembers()[1])
		bob.ask("join", map[string]any{"message": hexBytes(w.Message()), "tree": hexBytes(x.Tree())})
		m.in = append(m.in, carol, bob)
		m.step("tree beside")
		m.commit(bob, "empty commit", change{})
		m.commit(carol, "empty commit", change{})
	})
}

// Five members of both sides: batches, removals of several, and everybody commits once, so that the tree is full of keys.
func TestLiveFive(t *testing.T) {
	everyLiveSuite(t, func(t *testing.T, id CipherSuite, p *peer) {
		alice, carol, erin := newOurs(t, id, "alice"), newOurs(t, id, "carol"), newOurs(t, id, "erin")
		bob, dave := p.party(id, "bob"), p.party(id, "dave")
		m := &mixed{t: t}
		m.create(alice, id)
		m.commit(alice, "batch", change{}, bob, carol, dave, erin)
		for _, by := range []party{dave, bob, erin, carol, alice} {
			m.commit(by, "empty commit", change{})
		}
		m.commit(bob, "removal of two", change{remove: []LeafIndex{carol.place(), erin.place()}})
		m.commit(dave, "batch", change{}, carol, erin)
		for _, by := range []party{carol, erin, alice, bob} {
			m.commit(by, "empty commit", change{})
		}
		m.propose(erin, dave, "update", change{})
		// Not one of theirs: ts-mls doesn't see that it was removed when somebody has its leaf in the same commit.
		m.commit(carol, "removed and added at once", change{remove: []LeafIndex{erin.place()}}, erin)
		m.commit(bob, "removed and added at once", change{remove: []LeafIndex{erin.place()}}, erin)
		m.commit(dave, "empty commit", change{})
		t.Logf("%d steps", m.steps)
	})
}

// External commits in both directions, new and again.
func TestLiveExternal(t *testing.T) {
	everyLiveSuite(t, func(t *testing.T, id CipherSuite, p *peer) {
		alice, bob, carol, dave := newOurs(t, id, "alice"), p.party(id, "bob"), newOurs(t, id, "carol"), p.party(id, "dave")
		m := &mixed{t: t}
		m.create(alice, id)
		m.external(bob, alice, false)
		m.external(carol, bob, false)
		m.external(dave, carol, false)
		for _, by := range []party{dave, carol, bob, alice} {
			m.commit(by, "empty commit", change{})
		}
		m.external(carol, dave, true)
		m.external(bob, alice, true)
		m.external(alice, carol, true)
		for _, by := range []party{bob, alice, dave, carol} {
			m.commit(by, "empty commit", change{})
		}
		t.Logf("%d steps", m.steps)
	})
}
