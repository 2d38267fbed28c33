package mls

import (
	"errors"
	"testing"
)

// What could not be saved never happened: a later save doesn't bring it back from the dead, though the key that it used stays used.
func TestUnsavedIsNotFoundLater(t *testing.T) {
	alice, bob := newClient(t, X25519AES128SHA256Ed25519, "alice"), newClient(t, X25519AES128SHA256Ed25519, "bob")
	alice.create(GroupOptions{})
	alice.add(bob)
	alice.broken = errors.New("the disk is full")
	if _, err := alice.g.ProposeUpdate(LeafChange{}, nil, alice.saveMessage); !is(err, ErrSave) {
		t.Fatal(err)
	}
	if _, err := alice.g.Commit(CommitOptions{}, alice.savePending); !is(err, ErrSave) {
		t.Fatal(err)
	}
	alice.broken = nil
	bob.mustReceive(alice.send("something that is saved"))
	alice.restart()
	if n := len(alice.g.Proposals()); n != 0 || alice.g.Pending() != nil {
		t.Fatalf("%d proposals and a pending commit %t that nobody got", n, alice.g.Pending() != nil)
	}
	agree(t, alice, bob)
}

// Two who want one and the same in the group don't keep others from committing; nor does who proposes somebody who is in it.
func TestProposalsThatDontFitTogether(t *testing.T) {
	id := X25519AES128SHA256Ed25519
	alice, bob, carol := newClient(t, id, "alice"), newClient(t, id, "bob"), newClient(t, id, "carol")
	alice.create(GroupOptions{})
	alice.add(bob)
	first, second, member := carol.keyPackage(KeyPackageOptions{}), carol.keyPackage(KeyPackageOptions{}), alice.keyPackage(KeyPackageOptions{})
	for _, k := range []*KeyPackageSecrets{first, second, member} {
		bob.mustReceive(must(alice.g.Propose(&Proposal{Type: ProposalAdd, Add: k.Package}, nil, alice.saveMessage))(t))
	}
	alice.mustReceive(must(bob.g.ProposeUpdate(LeafChange{}, nil, bob.saveMessage))(t))
	p := alice.commit(CommitOptions{})
	bob.mustReceive(p.Message())
	carol.g = must(carol.cfg.Join(p.Welcome(), first, JoinOptions{Tree: p.Tree()}, carol.save))(t)
	agree(t, alice, bob, carol)

	// By value it is the caller's fault.
	if _, err := alice.g.Commit(CommitOptions{Proposals: []*Proposal{{Type: ProposalAdd, Add: second.Package}}}, alice.savePending); !is(err, ErrInvalid) {
		t.Fatal(err)
	}
}

// The same proposal of the same member has one reference, so it is there once.
func TestProposalTwice(t *testing.T) {
	alice, bob := newClient(t, X25519AES128SHA256Ed25519, "alice"), newClient(t, X25519AES128SHA256Ed25519, "bob")
	alice.create(GroupOptions{})
	alice.add(bob)
	p := &Proposal{Type: ProposalRemove, Remove: bob.g.Own()}
	must(alice.g.Propose(p, nil, alice.saveMessage))(t)
	if _, err := alice.g.Propose(p, nil, alice.saveMessage); !is(err, ErrMisuse) {
		t.Fatal(err)
	}
	alice.restart()
	if n := len(alice.g.Proposals()); n != 1 {
		t.Fatalf("%d proposals", n)
	}
}
