package mls

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"testing"
)

// A member whose program dies: at the k-th time that it saves, either before anything is on the disk or after all of it is. Then it starts
// again from the disk, sees what is there and goes on. Whatever k is, no key and no generation serves twice, and no message is
// accepted twice or lost.

var errCrash = errors.New("the power is gone")

// crasher is a member with a disk on which state, outbox and inbox change together.
type crasher struct {
	*client
	outbox  [][]byte
	inbox   []string
	saves   int
	crashAt int // the save that crashes, from 1; 0: none
	after   bool
	used    map[string][]byte // what each key of his own opened
}

// transaction is a save with something more, all or nothing.
func (c *crasher) transaction(changes Changes, more func()) error {
	c.saves++
	crash := c.saves == c.crashAt
	if crash && !c.after {
		return errCrash
	}
	if err := c.client.save(changes); err != nil {
		return err
	}
	if more != nil {
		more()
	}
	if crash {
		return errCrash
	}
	return nil
}

// survive runs a step. When it crashes the program starts again; then done says whether the step is on the disk, else it runs again.
func (c *crasher) survive(step func() error, done func() bool) {
	c.t.Helper()
	err := step()
	if errors.Is(err, errCrash) {
		c.client.restart()
		if done() {
			return
		}
		err = step()
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *crasher) send(text string) []byte {
	c.t.Helper()
	n := len(c.outbox)
	c.survive(func() error {
		_, err := c.g.Protect([]byte(text), nil, func(m []byte, changes Changes) error {
			return c.transaction(changes, func() { c.outbox = append(c.outbox, m) })
		})
		return err
	}, func() bool { return len(c.outbox) > n })
	return c.outbox[len(c.outbox)-1]
}

func (c *crasher) propose(p *Proposal) []byte {
	c.t.Helper()
	n := len(c.outbox)
	c.survive(func() error {
		save := func(m []byte, changes Changes) error {
			return c.transaction(changes, func() { c.outbox = append(c.outbox, m) })
		}
		if p == nil {
			_, err := c.g.ProposeUpdate(LeafChange{}, nil, save)
			return err
		}
		_, err := c.g.Propose(p, nil, save)
		return err
	}, func() bool { return len(c.outbox) > n })
	return c.outbox[len(c.outbox)-1]
}

// commit makes a commit, and then the delivery service takes it or not.
func (c *crasher) commit(o CommitOptions, taken bool) *Pending {
	c.t.Helper()
	c.survive(func() error {
		_, err := c.g.Commit(o, func(p *Pending, changes Changes) error {
			return c.transaction(changes, func() { c.outbox = append(c.outbox, p.Message()) })
		})
		return err
	}, func() bool { return c.g.Pending() != nil })
	p := c.g.Pending()
	epoch := c.g.Epoch()
	c.survive(func() error {
		if !taken {
			return c.g.Pending().Drop(func(changes Changes) error { return c.transaction(changes, nil) })
		}
		return c.g.Pending().Accept(func(changes Changes) error { return c.transaction(changes, nil) })
	}, func() bool { return c.g.Epoch() > epoch || !taken && c.g.Pending() == nil })
	return p
}

func (c *crasher) accept(message []byte) {
	c.t.Helper()
	inbox, epoch, proposals := len(c.inbox), c.g.Epoch(), len(c.g.Proposals())
	c.survive(func() error {
		v, err := c.g.Open(must(ParseMessage(message))(c.t))
		if err != nil {
			return err
		}
		save := func(changes Changes) error { return c.transaction(changes, nil) }
		switch v := v.(type) {
		case *ApplicationMessage:
			_, err = v.Accept(func(plaintext []byte, changes Changes) error {
				return c.transaction(changes, func() { c.inbox = append(c.inbox, string(plaintext)) })
			})
		case *ProposalMessage:
			err = v.Accept(save)
		case *StagedCommit:
			err = v.Accept(save)
		}
		return err
	}, func() bool { return len(c.inbox) > inbox || c.g.Epoch() > epoch || len(c.g.Proposals()) > proposals })

	// The same message again, now and after a restart.
	for range 2 {
		v, err := c.g.Open(must(ParseMessage(message))(c.t))
		if a, ok := v.(*ApplicationMessage); ok {
			_, err = a.Accept(c.saveMessage)
		} else if p, ok := v.(*ProposalMessage); ok {
			err = p.Accept(c.save)
		}
		if !is(err, ErrReplay) && !is(err, ErrPastEpoch) {
			c.t.Fatalf("the message is accepted again: %v", err)
		}
		c.client.restart()
	}
}

// note remembers under which key each message of the outbox was encrypted, and fails when one served two.
func (c *crasher) note(epochs map[uint64]Secret) {
	c.t.Helper()
	for _, b := range c.outbox {
		p := must(ParseMessage(b))(c.t).private
		k := c.g.s.senderDataKey(epochs[p.epoch], p.ciphertext)
		data := must(c.g.s.aeadFor(k.key).Open(nil, k.nonce, p.encryptedSenderData, p.senderDataAAD()))(c.t)
		name := fmt.Sprintf("epoch %d, type %d, leaf and generation %x", p.epoch, min(p.contentType, 2), data[:8])
		if other, ok := c.used[name]; ok && !bytes.Equal(other, b) {
			c.t.Fatalf("one key for two messages: %s", name)
		}
		c.used[name] = b
	}
}

func TestCrash(t *testing.T) {
	saves := crashRun(t, 0, false)
	if saves < 20 {
		t.Fatalf("only %d steps", saves)
	}
	for k := 1; k <= saves; k++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("save %d, on disk %t", k, after), func(t *testing.T) {
				t.Parallel()
				crashRun(t, k, after)
			})
		}
	}
}

// crashRun is a conversation in which alice crashes once.
func crashRun(t *testing.T, crashAt int, after bool) (saves int) {
	id := X25519AES128SHA256Ed25519
	alice := &crasher{client: newClient(t, id, "alice"), used: map[string][]byte{}}
	bob, carol := newClient(t, id, "bob"), newClient(t, id, "carol")
	senderData := map[uint64]Secret{}
	note := func() { senderData[bob.g.Epoch()] = append(Secret(nil), bob.g.epoch.senderData...) }

	// Alice joins, and that may crash too.
	bob.create(GroupOptions{})
	k := alice.keyPackage(KeyPackageOptions{})
	p := bob.commit(CommitOptions{Proposals: []*Proposal{{Type: ProposalAdd, Add: k.Package}}})
	note()
	alice.crashAt, alice.after = crashAt, after
	join := func() (err error) {
		alice.g, err = alice.cfg.Join(p.Welcome(), k, JoinOptions{Tree: p.Tree()}, func(c Changes) error { return alice.transaction(c, nil) })
		return err
	}
	if err := join(); errors.Is(err, errCrash) {
		if len(alice.disk) == 0 {
			err = join()
		} else {
			alice.client.restart()
			err = nil
		}
		if err != nil {
			t.Fatal(err)
		}
	}

	for i := range 3 {
		bob.mustReceive(alice.send(fmt.Sprint("one ", i)))
	}
	var late [][]byte
	for i := range 4 {
		late = append(late, bob.send(fmt.Sprint("two ", i)))
	}
	alice.accept(late[2])
	alice.accept(late[0])
	bob.mustReceive(alice.propose(nil)) // an Update of hers
	q := bob.commit(CommitOptions{})
	note()
	alice.accept(q.Message())
	alice.accept(late[1]) // of the past epoch
	bob.mustReceive(alice.send("three"))

	ck := carol.keyPackage(KeyPackageOptions{})
	lost := alice.commit(CommitOptions{}, false)
	added := alice.commit(CommitOptions{Proposals: []*Proposal{{Type: ProposalAdd, Add: ck.Package}}}, true)
	if bytes.Equal(lost.Message(), added.Message()) {
		t.Fatal("the dropped commit again")
	}
	bob.mustReceive(added.Message())
	note()
	carol.g = must(carol.cfg.Join(added.Welcome(), ck, JoinOptions{Tree: added.Tree()}, carol.save))(t)
	m := alice.send("four")
	same(t, "text", bob.mustReceive(m), []byte("four"))
	same(t, "text", carol.mustReceive(m), []byte("four"))
	alice.accept(late[3]) // two epochs ago
	alice.accept(carol.send("five"))

	r := alice.propose(&Proposal{Type: ProposalRemove, Remove: carol.g.Own()})
	bob.mustReceive(r)
	last := alice.commit(CommitOptions{}, true)
	bob.mustReceive(last.Message())
	note()
	same(t, "text", bob.mustReceive(alice.send("six")), []byte("six"))
	same(t, "authenticator", alice.g.Authenticator(), bob.g.Authenticator())

	alice.note(senderData)
	if want := []string{"two 2", "two 0", "two 1", "two 3", "five"}; fmt.Sprint(alice.inbox) != fmt.Sprint(want) {
		t.Fatalf("the inbox has %q", alice.inbox)
	}
	return alice.saves
}

// A save that fails leaves the group as it was; a key that was used for sending is never used again all the same, since nobody knows
// what the saver did.
func TestFailedSave(t *testing.T) {
	alice, bob := newClient(t, X25519AES128SHA256Ed25519, "alice"), newClient(t, X25519AES128SHA256Ed25519, "bob")
	alice.create(GroupOptions{})
	alice.add(bob)
	alice.broken = errors.New("the disk is full")
	var leaked []byte
	if _, err := alice.g.Protect([]byte("lost"), nil, func(m []byte, c Changes) error { leaked = m; return alice.save(c) }); !is(err, ErrSave) {
		t.Fatal(err)
	}
	if _, err := alice.g.Commit(CommitOptions{}, alice.savePending); !is(err, ErrSave) || alice.g.Pending() != nil {
		t.Fatal(err)
	}
	alice.broken = nil
	m := alice.send("told")
	first, second := bob.open(leaked), bob.open(m)
	if a, b := first.(*ApplicationMessage).Generation(), second.(*ApplicationMessage).Generation(); a == b {
		t.Fatalf("generation %d twice", a)
	}
	bob.mustReceive(m)
	bob.broken = errors.New("the disk is full")
	m = alice.send("again")
	if _, err := bob.receive(m); !is(err, ErrSave) {
		t.Fatal(err)
	}
	before := maps.Clone(bob.disk)
	bob.broken = nil
	same(t, "text", bob.mustReceive(m), []byte("again"))
	if len(bob.disk) < len(before) {
		t.Fatal("records are lost")
	}
	agree(t, alice, bob)
}

func (c *client) open(b []byte) Verified {
	c.t.Helper()
	return must(c.g.Open(must(ParseMessage(b))(c.t)))(c.t)
}
