package mls

import (
	"fmt"
	"testing"
)

// A group's life in every suite: people come, change their keys, go.
func TestGroup(t *testing.T) {
	everySuite(t, func(t *testing.T, id CipherSuite) {
		alice, bob, carol, dave := newClient(t, id, "alice"), newClient(t, id, "bob"), newClient(t, id, "carol"), newClient(t, id, "dave")
		alice.create(GroupOptions{})
		alice.add(bob)
		agree(t, alice, bob)
		p := bob.add(carol)
		alice.mustReceive(p.Message())
		agree(t, alice, bob, carol)
		p = carol.commit(CommitOptions{})
		alice.mustReceive(p.Message())
		bob.mustReceive(p.Message())
		agree(t, alice, bob, carol)
		p = alice.add(dave)
		bob.mustReceive(p.Message())
		carol.mustReceive(p.Message())
		agree(t, alice, bob, carol, dave)

		// An Update and a Remove by reference.
		m := must(bob.g.ProposeUpdate(LeafChange{}, nil, bob.saveMessage))(t)
		for _, c := range []*client{alice, carol, dave} {
			c.mustReceive(m)
		}
		m = must(alice.g.Propose(&Proposal{Type: ProposalRemove, Remove: carol.g.Own()}, nil, alice.saveMessage))(t)
		for _, c := range []*client{bob, carol, dave} {
			c.mustReceive(m)
		}
		for _, c := range []*client{alice, bob, carol, dave} {
			c.restart()
			if n := len(c.g.Proposals()); n != 2 {
				t.Fatalf("%s has %d proposals", c.name, n)
			}
		}
		p = dave.commit(CommitOptions{})
		for _, c := range []*client{alice, bob, carol} {
			c.mustReceive(p.Message())
		}
		agree(t, alice, bob, dave)
		if !carol.g.Removed() {
			t.Fatal("carol doesn't know that she was removed")
		}
		if _, err := carol.g.Protect([]byte("x"), nil, carol.saveMessage); !is(err, ErrRemoved) {
			t.Fatal(err)
		}
	})
}

// Many members, and each commits: the tree fills with keys.
func TestWarmGroup(t *testing.T) {
	all := warmGroup(t, X25519AES128SHA256Ed25519, 20)
	agree(t, all...)
	// The tree shrinks to its half and grows again.
	var o CommitOptions
	for _, c := range all[7:] {
		o.Proposals = append(o.Proposals, &Proposal{Type: ProposalRemove, Remove: c.g.Own()})
	}
	p := all[2].commit(o)
	for i, c := range all {
		if i != 2 {
			c.mustReceive(p.Message())
		}
	}
	agree(t, all[:7]...)
	p = all[0].add(all[7:]...)
	for _, c := range all[1:7] {
		c.mustReceive(p.Message())
	}
	agree(t, all...)
}

func warmGroup(t *testing.T, id CipherSuite, n int) []*client {
	t.Helper()
	all := make([]*client, n)
	for i := range all {
		all[i] = newClient(t, id, fmt.Sprint("member ", i))
	}
	all[0].create(GroupOptions{})
	all[0].add(all[1:]...)
	for _, c := range all {
		p := c.commit(CommitOptions{})
		for _, x := range all {
			if x != c {
				x.mustReceive(p.Message())
			}
		}
	}
	return all
}

func TestExternalCommit(t *testing.T) {
	everySuite(t, func(t *testing.T, id CipherSuite) {
		alice, bob, carol := newClient(t, id, "alice"), newClient(t, id, "bob"), newClient(t, id, "carol")
		alice.create(GroupOptions{})
		alice.add(bob)
		join := func(c *client, o ExternalOptions) []byte {
			info := must(ParseMessage(must(alice.g.GroupInfo(true))(t)))(t).GroupInfo()
			c.disk = map[string][]byte{}
			g, m, err := c.cfg.JoinExternal(info, c.key, c.credential(), o, c.saveMessage)
			if err != nil {
				t.Fatal(err)
			}
			c.g = g
			return m
		}
		m := join(carol, ExternalOptions{})
		alice.mustReceive(m)
		bob.mustReceive(m)
		agree(t, alice, bob, carol)
		// Bob lost his state and comes back in his old leaf's place.
		m = join(bob, ExternalOptions{Resync: func(_ LeafIndex, l *LeafNode) bool { return string(l.Credential.Identity) == "bob" }})
		alice.mustReceive(m)
		carol.mustReceive(m)
		agree(t, alice, bob, carol)
	})
}

func TestReInitAndBranch(t *testing.T) {
	alice, bob, carol := newClient(t, X25519AES128SHA256Ed25519, "alice"), newClient(t, X25519AES128SHA256Ed25519, "bob"), newClient(t, X25519AES128SHA256Ed25519, "carol")
	alice.create(GroupOptions{})
	alice.add(bob, carol)

	// A branch of two.
	id := alice.suite
	k := bob.keyPackage(KeyPackageOptions{})
	branch, p, err := alice.g.Branch([]byte("branch"), nil, alice.key, alice.credential(), []*KeyPackage{k.Package}, CommitOptions{}, alice.discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Accept(func(Changes) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := bob.cfg.Join(p.Welcome(), k, JoinOptions{Tree: p.Tree()}, func(Changes) error { return nil }); !is(err, ErrMissing) {
		t.Fatal(err)
	}
	in := must(bob.cfg.Join(p.Welcome(), k, JoinOptions{Tree: p.Tree(), From: bob.g}, func(Changes) error { return nil }))(t)
	same(t, "branch", in.Authenticator(), branch.Authenticator())

	// Another suite for all.
	next := MLKEM768X25519AES256SHA384Ed25519
	pending := bob.commit(CommitOptions{NoPath: true, Proposals: []*Proposal{{Type: ProposalReInit, ReInit: &ReInit{GroupID: []byte("again"), Version: MLS10, Suite: next}}}})
	alice.mustReceive(pending.Message())
	carol.mustReceive(pending.Message())
	if _, err := alice.g.Protect([]byte("x"), nil, alice.saveMessage); CheckOf(err) != "12.4.2/reinitialized" {
		t.Fatal(err)
	}
	var packages []*KeyPackage
	secrets := map[*client]*KeyPackageSecrets{}
	for _, c := range []*client{bob, carol, alice} {
		c.suite = next
		c.key = must(c.cfg.NewSignatureKey(next))(t)
		secrets[c] = c.keyPackage(KeyPackageOptions{})
	}
	packages = append(packages, secrets[bob].Package, secrets[carol].Package)
	alice.disk = map[string][]byte{}
	old := alice.g
	if _, _, err := old.Continue(alice.key, alice.credential(), packages[:1], CommitOptions{}, alice.savePending); CheckOf(err) != "11.2/members" {
		t.Fatal("without carol:", err)
	}
	alice.disk = map[string][]byte{}
	if alice.g, p, err = old.Continue(alice.key, alice.credential(), packages, CommitOptions{}, alice.savePending); err != nil {
		t.Fatal(err)
	}
	if err := p.Accept(alice.save); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*client{bob, carol} {
		c.disk = map[string][]byte{}
		c.g = must(c.cfg.Join(p.Welcome(), secrets[c], JoinOptions{Tree: p.Tree(), From: c.g}, c.save))(t)
	}
	agree(t, alice, bob, carol)
	if alice.g.Suite() != next || alice.suite == id {
		t.Fatal("the suite is the old one")
	}
}

func (c *client) discard(*Pending, Changes) error { return nil }

// A key package is kept on disk until somebody uses it, and then it is used up.
func TestKeyPackageOnDisk(t *testing.T) {
	everySuite(t, func(t *testing.T, id CipherSuite) {
		alice, bob := newClient(t, id, "alice"), newClient(t, id, "bob")
		alice.create(GroupOptions{})
		k := bob.keyPackage(KeyPackageOptions{})
		p := alice.commit(CommitOptions{WelcomeTree: true, Proposals: []*Proposal{{Type: ProposalAdd, Add: k.Package}}})
		stored := k.Marshal()
		k = must(bob.cfg.LoadKeyPackage(stored))(t)
		bob.g = must(bob.cfg.Join(p.Welcome(), k, JoinOptions{}, bob.save))(t)
		agree(t, alice, bob)
		if _, err := bob.cfg.Join(p.Welcome(), k, JoinOptions{}, bob.save); !is(err, ErrReplay) {
			t.Fatal(err)
		}
		stored[len(stored)-1] ^= 1
		if _, err := bob.cfg.LoadKeyPackage(stored); err == nil {
			t.Fatal("another signature key is taken")
		}

		// The last resort serves twice.
		last := bob.keyPackage(KeyPackageOptions{LastResort: true})
		for range 2 {
			alice.disk = map[string][]byte{}
			alice.create(GroupOptions{})
			p := alice.commit(CommitOptions{WelcomeTree: true, Proposals: []*Proposal{{Type: ProposalAdd, Add: last.Package}}})
			bob.disk = map[string][]byte{}
			bob.g = must(bob.cfg.Join(p.Welcome(), last, JoinOptions{}, bob.save))(t)
			agree(t, alice, bob)
		}
	})
}

// A Welcome tells newcomers more than the group context says, and who let them in; a pending commit's GroupInfo lets others in after it.
func TestWhatAWelcomeBrings(t *testing.T) {
	id := X25519AES128SHA256Ed25519
	alice, bob, carol := newClient(t, id, "alice"), newClient(t, id, "bob"), newClient(t, id, "carol")
	alice.create(GroupOptions{})
	k := bob.keyPackage(KeyPackageOptions{})
	p := must(alice.g.Commit(CommitOptions{WelcomeTree: true, WelcomeExtensions: Extensions{{0xF101, []byte("a name")}},
		Proposals: []*Proposal{{Type: ProposalAdd, Add: k.Package}}}, alice.savePending))(t)
	info := must(ParseMessage(must(p.GroupInfo(true))(t)))(t).GroupInfo()
	if _, ok := info.Extension(0xF101); ok {
		t.Fatal("what is for newcomers is in the GroupInfo for everybody")
	}
	if err := p.Accept(alice.save); err != nil {
		t.Fatal(err)
	}
	bob.g = must(bob.cfg.Join(p.Welcome(), k, JoinOptions{}, bob.save))(t)
	by, x, ok := bob.g.Welcomed()
	if name, _ := x.Get(0xF101); !ok || by != alice.g.Own() || string(name) != "a name" {
		t.Fatal(by, x, ok)
	}
	bob.restart()
	if _, _, ok := bob.g.Welcomed(); ok {
		t.Fatal("it is known after a restart")
	}
	g, m, err := carol.cfg.JoinExternal(info, carol.key, carol.credential(), ExternalOptions{}, carol.saveMessage)
	if err != nil {
		t.Fatal(err)
	}
	carol.g = g
	alice.mustReceive(m)
	bob.mustReceive(m)
	agree(t, alice, bob, carol)
}

// A pending commit survives a restart even when the application has dropped the pre-shared key that went into it, and so does the first
// commit of a group that branches from another.
func TestPendingCommitOutlivesItsPSK(t *testing.T) {
	id := X25519AES128SHA256Ed25519
	alice, bob := newClient(t, id, "alice"), newClient(t, id, "bob")
	key := func(PSKID) (Secret, error) { return Secret("a key that both have"), nil }
	alice.cfg.PSK, bob.cfg.PSK = key, key
	alice.create(GroupOptions{})
	alice.add(bob)
	p := must(alice.g.Commit(CommitOptions{Proposals: []*Proposal{{Type: ProposalPSK, PSK: PSKID{Type: PSKExternal, ID: []byte("x")}}}}, alice.savePending))(t)
	alice.cfg.PSK = nil
	alice.restart()
	if err := alice.g.Pending().Accept(alice.save); err != nil {
		t.Fatal(err)
	}
	bob.mustReceive(p.Message())
	agree(t, alice, bob)

	k := bob.keyPackage(KeyPackageOptions{})
	old := alice.g
	alice.disk = map[string][]byte{}
	if _, _, err := old.Branch([]byte("branch"), nil, alice.key, alice.credential(), []*KeyPackage{k.Package}, CommitOptions{}, alice.savePending); err != nil {
		t.Fatal(err)
	}
	alice.restart() // between the commit and its acceptance
	p = alice.g.Pending()
	if err := p.Accept(alice.save); err != nil {
		t.Fatal(err)
	}
	in := must(bob.cfg.Join(p.Welcome(), k, JoinOptions{Tree: p.Tree(), From: bob.g}, func(Changes) error { return nil }))(t)
	same(t, "branch", in.Authenticator(), alice.g.Authenticator())
}
