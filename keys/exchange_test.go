package keys

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	"pgregory.net/rapid"

	"huisclos/chat"
	"huisclos/trust"
)

// pairing is a world of one server, an inviter and a newcomer.
type pairing struct {
	server         [32]byte
	alice, bob     Party
	key            Key
	right, guessed Code
}

func somebody(server [32]byte, name string) Party {
	a, d := trust.NewAccount(), trust.NewDevice()
	return Party{Account: a.ID(), Certificate: trust.Certify(a, d, 1, 1).Marshal(), Name: name, NameSig: a.SignName(chat.FingerprintOf(server[:]), name)}
}

func newPairing(t testing.TB) *pairing {
	p := &pairing{server: [32]byte{1, 2, 3}, right: mustCode(t, "7-guitare-ocean"), guessed: mustCode(t, "7-guitare-oiseau")}
	p.alice, p.bob = somebody(p.server, "alice"), somebody(p.server, "bob")
	p.key = New(chat.FingerprintOf(p.server[:]))
	return p
}

func (p *pairing) inviter(t testing.TB, c Code) *Inviter {
	t.Helper()
	i, err := NewInviter(c, p.server, p.alice, Gift{Key: p.key, Invitation: []byte("welcome")})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (p *pairing) newcomer(c Code) *Newcomer { return NewNewcomer(c, p.server, p.bob) }

// offer begins a run of both ends.
func (p *pairing) offer(t testing.TB, n *Newcomer, i *Inviter) []byte {
	t.Helper()
	offer, err := i.Offer(n.Hello())
	if err != nil {
		t.Fatal(err)
	}
	return offer
}

// Two people who have the same code have each other's account, and the newcomer has the key.
func TestExchange(t *testing.T) {
	p := newPairing(t)
	n, i := p.newcomer(p.right), p.inviter(t, p.right)
	proof, err := n.Proof(p.offer(t, n, i))
	if err != nil {
		t.Fatal(err)
	}
	who, m, err := i.Gift(proof)
	if err != nil {
		t.Fatal(err)
	}
	whose, gift, err := n.Gift(m)
	if err != nil {
		t.Fatal(err)
	}
	if who.Account != p.bob.Account || who.Name != "bob" || whose.Account != p.alice.Account || whose.Name != "alice" {
		t.Error("they have met somebody else")
	}
	if !gift.Key.Equal(p.key) || string(gift.Invitation) != "welcome" {
		t.Error("another gift came")
	}
	for _, m := range [][]byte{proof, m} {
		if bytes.Contains(m, []byte("hc1")) || bytes.Contains(m, p.key.Bytes()) {
			t.Error("the key can be read on the way")
		}
	}
}

// Wrong words, or another number: the inviter sends nothing.
func TestWrongWords(t *testing.T) {
	p := newPairing(t)
	for _, guess := range []Code{p.guessed, mustCode(t, "8-guitare-ocean"), mustCode(t, "7-ocean-guitare")} {
		n, i := p.newcomer(guess), p.inviter(t, p.right)
		proof, err := n.Proof(p.offer(t, n, i))
		if err != nil {
			t.Fatal(err)
		}
		if _, m, err := i.Gift(proof); !errors.Is(err, chat.CodeCodeWrong) || m != nil {
			t.Error(guess.Reveal(), err)
		}
	}
}

// A server in between that guesses has one guess at each end: both machines are over after it, and the next message is refused.
func TestOneGuessAtEachEnd(t *testing.T) {
	p := newPairing(t)
	n, i := p.newcomer(p.right), p.inviter(t, p.right)
	toNewcomer, toInviter := p.inviter(t, p.guessed), p.newcomer(p.guessed) // the server's own two ends
	// At the newcomer's end: the server poses as the inviter.
	proof, err := n.Proof(p.offer(t, n, toNewcomer))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := toNewcomer.Gift(proof); !errors.Is(err, chat.CodeCodeWrong) {
		t.Fatal("the guess was right:", err)
	}
	// All that it can send now is refused: it can't make the tag.
	if _, _, err := n.Gift(mustForge(t, p)); !errors.Is(err, chat.CodeCodeWrong) {
		t.Error(err)
	}
	// At the inviter's end: it poses as the newcomer.
	guess, err := toInviter.Proof(p.offer(t, toInviter, i))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := i.Gift(guess); !errors.Is(err, chat.CodeCodeWrong) {
		t.Error(err)
	}
	// There is no second guess at either.
	again := p.newcomer(p.right)
	if _, err := i.Offer(again.Hello()); !errors.Is(err, chat.CodeFrame) {
		t.Error("the inviter runs again:", err)
	}
	if _, _, err := i.Gift(proof); !errors.Is(err, chat.CodeFrame) {
		t.Error("the inviter takes another proof:", err)
	}
	if _, err := n.Proof(p.offer(t, p.newcomer(p.right), p.inviter(t, p.right))); !errors.Is(err, chat.CodeFrame) {
		t.Error("the newcomer proves again:", err)
	}
	if _, _, err := n.Gift(mustForge(t, p)); !errors.Is(err, chat.CodeFrame) {
		t.Error("the newcomer takes another gift:", err)
	}
}

// mustForge is the last message of another run.
func mustForge(t *testing.T, p *pairing) []byte {
	n, i := p.newcomer(p.guessed), p.inviter(t, p.guessed)
	proof, err := n.Proof(p.offer(t, n, i))
	if err != nil {
		t.Fatal(err)
	}
	_, m, err := i.Gift(proof)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Whoever stands between with a server of his own is found out: the newcomer leaves before he proves anything, and an inviter
// gives nothing to a newcomer who sees another server, even one who has the words.
func TestAnotherServer(t *testing.T) {
	p := newPairing(t)
	other := *p
	other.server[0] ^= 1
	other.bob = somebody(other.server, "bob")
	n, i := NewNewcomer(p.right, other.server, other.bob), p.inviter(t, p.right)
	if proof, err := n.Proof(p.offer(t, n, i)); !errors.Is(err, chat.CodeIdentity) || proof != nil {
		t.Fatal(err)
	}
	n, i = NewNewcomer(p.right, p.server, p.bob), p.inviter(t, p.right)
	offer := p.offer(t, n, i)
	n.self = other.bob // a newcomer who has signed for another server
	proof, err := n.Proof(offer)
	if err != nil {
		t.Fatal(err)
	}
	if _, m, err := i.Gift(proof); !errors.Is(err, chat.CodeAuth) || m != nil {
		t.Fatal("a name that is signed for another server is taken:", err)
	}
	if _, err := NewInviter(p.right, other.server, p.alice, Gift{Key: p.key}); !errors.Is(err, chat.CodeIdentity) {
		t.Error("the key of another server can be given:", err)
	}
}

// No bit of any message can be changed on the way.
func TestChangedOnTheWay(t *testing.T) {
	p := newPairing(t)
	rapid.Check(t, func(rt *rapid.T) {
		at := rapid.IntRange(0, 3).Draw(rt, "message")
		flip := func(k int, m []byte) []byte {
			if k != at {
				return m
			}
			m = bytes.Clone(m)
			m[rapid.IntRange(0, len(m)-1).Draw(rt, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
			return m
		}
		n, i := p.newcomer(p.right), p.inviter(t, p.right)
		offer, err := i.Offer(flip(0, n.Hello()))
		if err != nil {
			return
		}
		proof, err := n.Proof(flip(1, offer))
		if err != nil {
			return
		}
		_, gift, err := i.Gift(flip(2, proof))
		if err != nil {
			return
		}
		if at != 3 {
			rt.Fatal("the inviter hasn't noticed")
		}
		if _, _, err := n.Gift(flip(3, gift)); err == nil {
			rt.Fatal("the newcomer hasn't noticed")
		}
	})
}

// An end doesn't pair with itself, and shows only what its account has signed.
func TestPartiesAreProven(t *testing.T) {
	p := newPairing(t)
	mallory := somebody(p.server, "mallory")
	for name, change := range map[string]func(*Party){
		"the inviter's own account": func(b *Party) { *b = p.alice },
		"another's account":         func(b *Party) { b.Account = mallory.Account },
		"another's certificate":     func(b *Party) { b.Certificate = mallory.Certificate },
		"vouched for, but no list":  func(b *Party) { *b = vouched(t, p.server, true) },
		"a name not signed":         func(b *Party) { b.Name = "carol" },
		"no certificate":            func(b *Party) { b.Certificate = nil },
		"a bad name":                func(b *Party) { b.Name = "a b" },
	} {
		bob := p.bob
		change(&bob)
		n, i := NewNewcomer(p.right, p.server, bob), p.inviter(t, p.right)
		offer := p.offer(t, n, i)
		if name == "the inviter's own account" {
			n.self.Account = mallory.Account // the check of this end would see it
		}
		proof, err := n.Proof(offer)
		if err != nil {
			t.Fatal(name, err)
		}
		if _, m, err := i.Gift(proof); err == nil || m != nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// vouched is somebody whose device another one has let in.
func vouched(t *testing.T, server [32]byte, alone bool) Party {
	t.Helper()
	fingerprint := chat.FingerprintOf(server[:])
	a, first, second := trust.NewAccount(), trust.NewDevice(), trust.NewDevice()
	l, err := trust.NewDeviceList(fingerprint, a.ID()).Change(a, trust.ListAdd, first.ID(), 1)
	if err == nil {
		l, err = l.ChangeBy(first, trust.ListAdd, second.ID(), 2)
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := second.Countersign(first.Vouch(a.ID(), second.Applicant(), 2, 2))
	if err != nil {
		t.Fatal(err)
	}
	proof, err := trust.Prove(c, l)
	if alone {
		proof = c.Marshal()
	}
	if err != nil {
		t.Fatal(err)
	}
	return Party{Account: a.ID(), Certificate: proof, Name: "carol", NameSig: a.SignName(fingerprint, "carol")}
}

// A device that another one has let in invites, and is invited, with its list.
func TestVouchedParties(t *testing.T) {
	p := newPairing(t)
	p.alice, p.bob = vouched(t, p.server, false), vouched(t, p.server, false)
	n, i := p.newcomer(p.right), p.inviter(t, p.right)
	proof, err := n.Proof(p.offer(t, n, i))
	if err != nil {
		t.Fatal(err)
	}
	got, gift, err := i.Gift(proof)
	if err != nil || got.Account != p.bob.Account {
		t.Fatal(err)
	}
	if by, _, err := n.Gift(gift); err != nil || by.Account != p.alice.Account {
		t.Error(err)
	}
}

func TestExchangeDoesNotPrint(t *testing.T) {
	p := newPairing(t)
	i := p.inviter(t, p.right)
	for _, s := range []string{fmt.Sprintf("%v", i.code), fmt.Sprintf("%+v", i.gift.Key)} {
		if s != redacted {
			t.Errorf("it prints %s", s)
		}
	}
}

// seeds says that the committed ones are there.
func seeds(f *testing.F, name string) {
	f.Helper()
	if all, err := os.ReadDir("testdata/fuzz/" + name); err != nil || len(all) == 0 {
		f.Fatal("no seeds")
	}
}

// No bytes but the one proof get the gift.
func FuzzInviter(f *testing.F) {
	seeds(f, "FuzzInviter")
	p := newPairing(f)
	n, i := p.newcomer(p.right), p.inviter(f, p.right)
	hello := n.Hello()
	offer, err := i.Offer(hello)
	if err != nil {
		f.Fatal(err)
	}
	proof, err := n.Proof(offer)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(hello)
	f.Add(proof)
	f.Fuzz(func(t *testing.T, raw []byte) {
		at := *i
		if _, m, err := at.Gift(raw); (err == nil) != bytes.Equal(raw, proof) || err != nil && m != nil {
			t.Fatal(err)
		}
		fresh := p.inviter(t, p.right)
		if m, err := fresh.Offer(raw); (err == nil) != (m != nil) || !fresh.Begun() {
			t.Fatal(err)
		}
	})
}

// A newcomer never proves more than once, takes no gift but the one of this run, and what it proves to a changed offer convinces nobody.
func FuzzNewcomer(f *testing.F) {
	seeds(f, "FuzzNewcomer")
	p := newPairing(f)
	n, i := p.newcomer(p.right), p.inviter(f, p.right)
	offer, err := i.Offer(n.Hello())
	if err != nil {
		f.Fatal(err)
	}
	before, waiting := *n, *i
	proof, err := n.Proof(offer)
	if err != nil {
		f.Fatal(err)
	}
	_, gift, err := i.Gift(proof)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(offer)
	f.Add(gift)
	f.Fuzz(func(t *testing.T, raw []byte) {
		at := *n
		if _, _, err := at.Gift(raw); (err == nil) != bytes.Equal(raw, gift) {
			t.Fatal(err)
		}
		begin, wait := before, waiting
		if m, err := begin.Proof(raw); err == nil {
			if _, _, err := wait.Gift(m); (err == nil) != bytes.Equal(raw, offer) {
				t.Fatal(err)
			}
		}
		if _, err := begin.Proof(offer); err == nil {
			t.Fatal("it proves twice")
		}
	})
}

func BenchmarkExchange(b *testing.B) {
	p := newPairing(b)
	for b.Loop() {
		n, i := p.newcomer(p.right), p.inviter(b, p.right)
		proof, err := n.Proof(p.offer(b, n, i))
		if err != nil {
			b.Fatal(err)
		}
		_, m, err := i.Gift(proof)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := n.Gift(m); err != nil {
			b.Fatal(err)
		}
	}
}
