package mls_test

import (
	"bytes"
	"crypto/ecdh"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"huisclos/mls"
	"huisclos/mls/mlstest"
)

// What the checks found, each with the test that tells it.

// A commit's own key is used up by it: the past epoch keeps nothing that it could be made from (RFC 9420 §9.2).
func TestCommitKeyIsDeleted(t *testing.T) {
	w := newWorld(t, mls.X25519AES128SHA256Ed25519)
	epoch := w.alice.g.Epoch()
	w.step(w.carol, mls.CommitOptions{}, w.all...)
	for _, node := range []uint32{4, 5, 3, 7} { // carol's leaf, and what is above it
		if name := fmt.Sprintf("secret/%016x/%08x", epoch, node); w.alice.disk[name] != nil {
			t.Errorf("%s is still there", name)
		}
	}
	if name := fmt.Sprintf("ratchet/%016x/%08xh", epoch, 2); w.alice.disk[name] != nil {
		t.Errorf("%s is still there", name)
	}
	b := must(w.bob.g.Protect([]byte("x"), nil, w.bob.saveMessage))
	w.step(w.dave, mls.CommitOptions{}, w.all...)
	w.alice.g = must(w.alice.cfg.Load(maps.Clone(w.alice.disk)))
	if err := w.alice.receive(b); err != nil {
		t.Error("a late message after it:", err)
	}
	p := must(w.carol.g.Commit(mls.CommitOptions{Proposals: []*mls.Proposal{{Type: mls.ProposalRemove}}}, w.carol.savePending))
	if err := w.alice.receive(p.Message()); err != nil || !w.alice.g.Removed() {
		t.Error("a removal:", err)
	}
	for _, node := range []uint32{4, 5, 3, 7} {
		if name := fmt.Sprintf("secret/%016x/%08x", epoch+2, node); w.alice.disk[name] != nil {
			t.Errorf("%s is still there after a removal", name)
		}
	}
	must(w.alice.cfg.Load(maps.Clone(w.alice.disk)))
}

// A message that was opened, and accepted when its epoch was no longer kept, left a record that no Load could read.
func TestAcceptAfterItsEpochIsGone(t *testing.T) {
	w := newWorld(t, mls.X25519AES128SHA256Ed25519)
	v := must(w.alice.open(w.forger().Application("x", mlstest.Wrap{}))).(*mls.ApplicationMessage)
	for range 6 {
		w.step(w.carol, mls.CommitOptions{}, w.all...)
	}
	before := w.alice.snapshot()
	if _, err := v.Accept(w.alice.saveMessage); !errors.Is(err, mls.ErrPastEpoch) {
		t.Error(err)
	}
	w.alice.unchanged(t, before)
	must(w.alice.cfg.Load(maps.Clone(w.alice.disk)))
}

// Who reads a proposal when the key package in it is over must still be able to follow the commit that was made in time (RFC 9420 §7.3).
func TestLateReaderFollows(t *testing.T) {
	w := newWorld(t, mls.X25519AES128SHA256Ed25519)
	erin := w.newcomer("erin")
	w.alice.cfg.Now = func() time.Time { return now.Add(365 * 24 * time.Hour) }
	b := must(w.bob.g.Propose(&mls.Proposal{Type: mls.ProposalAdd, Add: erin.keys.Package}, nil, w.bob.saveMessage))
	w.given(b)
	w.step(w.carol, mls.CommitOptions{}, w.all...)
	if w.alice.g.Size() != 6 {
		t.Fatal("erin isn't in the group")
	}
}

// GREASE that a leaf lists isn't something that its client supports (RFC 9420 §13.5).
func TestGreaseIsNotSupport(t *testing.T) {
	m := newMember(mls.X25519AES128SHA256Ed25519, "alice")
	m.cfg.Grease = true
	m.g = must(m.cfg.Create(mls.X25519AES128SHA256Ed25519, m.key, m.credential(), mls.GroupOptions{}, m.save))
	list := m.g.Leaf(0).Capabilities.Extensions
	at := slices.IndexFunc(list, func(x mls.ExtensionType) bool { return x&0x0f0f == 0x0a0a })
	if at < 0 {
		t.Fatal("there is no GREASE in the leaf")
	}
	for _, x := range []mls.Extensions{{{Type: list[at]}}, {(&mls.RequiredCapabilities{Extensions: list[at : at+1]}).Extension()}} {
		_, err := m.g.Commit(mls.CommitOptions{Proposals: []*mls.Proposal{{Type: mls.ProposalGroupContextExtensions, Extensions: x}}}, m.savePending)
		if c := mls.CheckOf(err); c != "13.4/context-extension" && c != "7.3/required" {
			t.Error(err)
		}
	}
}

// A pre-shared key's nonce is drawn each time, also for a proposal that somebody else made (RFC 9420 §8.4).
func TestNonceIsFresh(t *testing.T) {
	w := newWorld(t, mls.X25519AES128SHA256Ed25519)
	w.given(must(w.bob.g.Propose(&mls.Proposal{Type: mls.ProposalPSK, PSK: mls.PSKID{Type: mls.PSKExternal, ID: []byte("known")}}, nil, w.bob.saveMessage)))
	// The same by value beside itself: with the same nonce, one of the two would be left out.
	p := must(w.carol.g.Commit(mls.CommitOptions{Proposals: []*mls.Proposal{w.carol.g.Proposals()[0].Proposal}}, w.carol.savePending))
	if n := len(must(w.alice.open(p.Message())).(*mls.StagedCommit).Proposals()); n != 2 {
		t.Errorf("%d proposals are in the commit", n)
	}
}

// A member with a key of low order kept all others from committing: nothing can be encrypted to it.
func TestLowOrder(t *testing.T) {
	ours := must(ecdh.X25519().GenerateKey(bytes.NewReader(mlstest.Random(64))))
	for _, point := range []string{strings.Repeat("00", 32), "01" + strings.Repeat("00", 31), "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157", "ec" + strings.Repeat("ff", 30) + "7f", "ed" + strings.Repeat("ff", 30) + "7f",
		"ee" + strings.Repeat("ff", 30) + "7f", "ec" + strings.Repeat("ff", 31), strings.Repeat("00", 31) + "80"} {
		for _, id := range []mls.CipherSuite{mls.X25519AES128SHA256Ed25519, pq} {
			w := newWorld(t, id)
			key := lowOrder(w, point)
			if _, err := ours.ECDH(must(ecdh.X25519().NewPublicKey(key[len(key)-32:]))); err == nil {
				t.Errorf("%s isn't of low order", point)
			}
			if err := w.committed(add(w.stranger("eve", func(k *mlstest.KeyPackage) { k.InitKey = key }))); mls.CheckOf(err) != "5.1.1/hpke-key" {
				t.Errorf("%s: %v", point, err)
			}
		}
	}
}

// What a caller forgot is an error and no panic.
func TestForgotten(t *testing.T) {
	w := newWorld(t, mls.X25519AES128SHA256Ed25519)
	for _, p := range []*mls.Proposal{nil, {}, {Type: mls.ProposalAdd}, {Type: mls.ProposalUpdate}, {Type: mls.ProposalReInit}, {Type: 0x0A0A}} {
		if _, err := w.alice.g.Commit(mls.CommitOptions{Proposals: []*mls.Proposal{p}}, w.alice.savePending); !errors.Is(err, mls.ErrMisuse) {
			t.Error(err)
		}
		if _, err := w.alice.g.Propose(p, nil, w.alice.saveMessage); !errors.Is(err, mls.ErrMisuse) {
			t.Error(err)
		}
	}
	info := must(mls.ParseMessage(must(w.alice.g.GroupInfo(true)))).GroupInfo()
	erin := newMember(w.id, "erin")
	erin.cfg.Validator = nil
	if _, _, err := erin.cfg.JoinExternal(info, erin.key, erin.credential(), mls.ExternalOptions{}, erin.saveMessage); !errors.Is(err, mls.ErrMisuse) {
		t.Error(err)
	}
}

// What mlstest forges without breaking anything is right: all follow, message by message, in both wire formats and every suite.
func TestForgerIsRight(t *testing.T) {
	for _, id := range []mls.CipherSuite{mls.X25519AES128SHA256Ed25519, mls.P256AES128SHA256P256, mls.X25519ChaCha20SHA256Ed25519, mls.P521AES256SHA512P521,
		mls.P384AES256SHA384P384, pq} {
		t.Run(id.String(), func(t *testing.T) {
			w := newWorld(t, id)
			f := w.forger()
			for _, public := range []bool{false, true} {
				w.given(f.Application("hello", mlstest.Wrap{Padding: make([]byte, 7)}))
				b, item := f.Propose(add(w.stranger(fmt.Sprint("eve ", public), nil)), mlstest.Wrap{Public: public})
				w.given(b)
				erin := w.newcomer(fmt.Sprint("erin ", public))
				made := f.Commit(mlstest.Plan{Proposals: append(mlstest.Values(add(erin.pack)), item), Wrap: mlstest.Wrap{Public: public, Generation: 1}})
				for _, m := range w.all {
					if m != w.bob { // he has no key for what is his own
						if err := m.receive(made.Message); err != nil {
							t.Fatal(m.name, ": ", err)
						}
						if !bytes.Equal(m.g.Authenticator(), made.Next.Secrets.Authenticator) {
							t.Fatal(m.name, "is in another epoch")
						}
					}
				}
				made.Adds = made.Adds[:1]
				if err := erin.join(w, made, mlstest.Invitation{}, mls.JoinOptions{}); err != nil {
					t.Fatal(err)
				}
				w.all = append(w.all, erin.member)
				f = made.Next
				if !public {
					w.all = slices.DeleteFunc(w.all, func(m *member) bool { return m == w.bob })
				}
			}
			l, key := outsider(w, "zoe")
			made := f.Commit(mlstest.Plan{External: l, Wrap: mlstest.Wrap{Signer: key}})
			w.given(made.Message)
			if !bytes.Equal(w.alice.g.Authenticator(), made.Next.Secrets.Authenticator) {
				t.Fatal("an external commit leads elsewhere")
			}
		})
	}
}
