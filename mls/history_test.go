package mls

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Random histories: members of ours on simulated disks, a delivery service that takes the first commit of an epoch, and a model that knows
// who must be able to read what. history_steps_test.go has the steps.

// soul is somebody who may be a member. His state on disk is one life; who joins again begins another.
type soul struct {
	*client
	at     int    // the next event of the log that he reads
	joined uint64 // the epoch in which this life began
	inside bool   // has a state, perhaps one that was removed
	invite *invite
	unread []*letter
	read   []*letter
	fail   bool // the next save fails
}

// invite is a Welcome that wasn't used yet.
type invite struct {
	welcome, tree []byte
	keys          *KeyPackageSecrets
}

// letter is application data.
type letter struct {
	epoch   uint64
	text    string
	message []byte
}

// event is a handshake in the order of the delivery service.
type event struct {
	epoch   uint64
	from    *soul
	message []byte
}

// era is what the members of an epoch must agree on.
type era struct {
	number        uint64
	authenticator []byte
	tree          []byte
	resumption    Secret
	members       map[LeafIndex]*soul
}

type history struct {
	id       CipherSuite
	souls    []*soul
	log      []*event
	eras     []*era
	packages map[string]*KeyPackageSecrets // by their reference
	owners   map[string]*soul
	psks     map[string]Secret
	written  int
	counts   map[string]int
}

// contextType is an extension of the group context that everybody supports.
const contextType ExtensionType = 0xF0A1

func newHistory(t *rapid.T, counts map[string]int) *history {
	h := &history{counts: counts, id: X25519AES128SHA256Ed25519, packages: map[string]*KeyPackageSecrets{}, owners: map[string]*soul{}, psks: map[string]Secret{}}
	if rapid.IntRange(0, 19).Draw(t, "suite") == 0 {
		h.id = MLKEM768X25519AES256SHA384Ed25519
	}
	n := rapid.IntRange(2, 9).Draw(t, "souls")
	if rapid.IntRange(0, 9).Draw(t, "many") == 0 {
		n = rapid.IntRange(10, 50).Draw(t, "more souls")
	}
	for i := range n {
		h.souls = append(h.souls, h.newSoul(t, i))
	}
	first := h.souls[0]
	g, err := first.cfg.Create(h.id, first.key, first.credential(), GroupOptions{}, first.save)
	h.no(t, err)
	first.g, first.inside = g, true
	h.begin(t, g.epoch, map[LeafIndex]*soul{0: first})
	o := CommitOptions{}
	for _, s := range h.souls[1:rapid.IntRange(1, n).Draw(t, "in at once")] {
		o.Proposals = append(o.Proposals, &Proposal{Type: ProposalAdd, Add: h.newPackage(t, s)})
	}
	p, err := g.Commit(o, first.savePending)
	h.no(t, err)
	h.submit(t, first, p)
	return h
}

func (h *history) newSoul(t *rapid.T, i int) *soul {
	s := &soul{client: &client{name: fmt.Sprintf("soul %d", i), suite: h.id, disk: map[string][]byte{}}}
	s.cfg = &Config{Validator: names{}, Now: func() time.Time { return testTime }, Extensions: []ExtensionType{contextType}, PublicHandshake: rapid.Bool().Draw(t, "public"),
		Grease: rapid.Bool().Draw(t, "grease"), PSK: func(id PSKID) (Secret, error) { return h.psks[pskName(id)], nil }}
	var err error
	s.key, err = s.cfg.NewSignatureKey(h.id)
	h.no(t, err)
	return s
}

// pskName is a key's name without its nonce.
func pskName(id PSKID) string {
	id.nonce = nil
	return string(marshal(id))
}

// save overrides the client's, which fails for good.
func (s *soul) save(c Changes) error {
	if s.fail {
		s.fail = false
		return errors.New("the disk is full")
	}
	return s.client.save(c)
}

func (s *soul) saveMessage(_ []byte, c Changes) error { return s.save(c) }

func (s *soul) savePending(_ *Pending, c Changes) error { return s.save(c) }

func (h *history) no(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *history) head() *era { return h.eras[len(h.eras)-1] }

// era of a number; the first one is 0.
func (h *history) era(number uint64) *era { return h.eras[number] }

func (h *history) newPackage(t *rapid.T, s *soul) *KeyPackage {
	t.Helper()
	k, err := s.cfg.NewKeyPackage(h.id, s.key, s.credential(), KeyPackageOptions{})
	h.no(t, err)
	h.packages[string(k.Ref())], h.owners[string(k.Ref())] = k, s
	return k.Package
}

// begin notes what an epoch is, and verifies its tree as a newcomer would.
func (h *history) begin(t *rapid.T, e *epoch, members map[LeafIndex]*soul) {
	t.Helper()
	if int(e.number) != len(h.eras) {
		t.Fatalf("epoch %d after %d", e.number, len(h.eras)-1)
	}
	x := &era{number: e.number, authenticator: bytes.Clone(e.secrets.authenticator), tree: marshal(e.tree), resumption: bytes.Clone(e.secrets.resumption), members: members}
	h.eras = append(h.eras, x)
	h.psks[pskName(PSKID{Type: PSKResumption, Usage: UsageApplication, GroupID: e.groupID, Epoch: e.number})] = x.resumption
	r := reader{b: bytes.Clone(x.tree)}
	tree := decodeRatchetTree(&r)
	h.no(t, r.end())
	c, s := h.souls[0].cfg, suiteFor(h.id, MLKEM768X25519AES256SHA384Ed25519)
	_, err := c.verifyTree(s, tree, e.groupID, e.extensions)
	h.no(t, err)
	if !bytes.Equal(s.treeHash(tree), e.treeHash) {
		t.Fatal("the tree hash isn't that of the tree")
	}
	found := map[LeafIndex]string{}
	tree.members(func(i LeafIndex, l *LeafNode) bool { found[i] = string(l.Credential.Identity); return true })
	wanted := map[LeafIndex]string{}
	for i, m := range members {
		wanted[i] = m.name
	}
	if !maps.Equal(found, wanted) {
		t.Fatalf("epoch %d has the members %v, wanted %v", e.number, found, wanted)
	}
}

// check looks at a member who has reached a new epoch: that he agrees with the others, and that what he has is whole.
func (h *history) check(t *rapid.T, s *soul) {
	t.Helper()
	e := s.g.epoch
	x := h.era(e.number)
	if !bytes.Equal(s.g.Authenticator(), x.authenticator) || !bytes.Equal(s.g.Tree(), x.tree) {
		t.Fatalf("%s is alone in epoch %d", s.name, e.number)
	}
	if x.members[s.g.Own()] != s {
		t.Fatalf("%s is at another's leaf %d", s.name, s.g.Own())
	}
	index := indexTree(e.tree, s.cfg.clientID)
	if !maps.Equal(index.keys, s.g.index.keys) || !maps.Equal(index.counts, s.g.index.counts) || index.members != s.g.index.members || s.g.index.base != nil {
		t.Fatalf("%s's index isn't that of the tree", s.name)
	}
	for x, k := range e.private {
		if n := e.tree.node(x); n == nil || !bytes.Equal(n.publicKey(), k.PublicKey().Bytes()) {
			t.Fatalf("%s has a private key for node %d that isn't its", s.name, x)
		}
	}
	if e.private[e.own.node()] == nil || !bytes.Equal(e.signature.public, e.tree.leaf(e.own).SignatureKey) {
		t.Fatalf("%s lacks the keys of his leaf", s.name)
	}
	for _, step := range e.tree.directPath(e.own) {
		p := step.node.parent
		if p != nil && !slices.Contains(p.unmergedLeaves, uint32(e.own)) && e.private[step.index] == nil {
			t.Fatalf("%s lacks the key of node %d above him", s.name, step.index)
		}
	}
	h.checkDisk(t, s)
}

// checkDisk compares the disk with the memory: the same state, and no record too many.
func (h *history) checkDisk(t *rapid.T, s *soul) {
	t.Helper()
	if len(s.g.backlog) > 0 {
		return // a sending that wasn't saved: the next one brings it
	}
	again, err := s.cfg.Load(maps.Clone(s.disk))
	h.no(t, err)
	if !bytes.Equal(again.Authenticator(), s.g.Authenticator()) || !bytes.Equal(again.Tree(), s.g.Tree()) || again.Own() != s.g.Own() ||
		again.Removed() != s.g.Removed() || len(again.Proposals()) != len(s.g.Proposals()) || (again.Pending() == nil) != (s.g.Pending() == nil) {
		t.Fatalf("%s has something else on disk: in epoch %d not %d, %d proposals not %d, pending %t not %t", s.name, again.Epoch(), s.g.Epoch(),
			len(again.Proposals()), len(s.g.Proposals()), again.Pending() != nil, s.g.Pending() != nil)
	}
	memory, disk := recordsOf(s.g), slices.DeleteFunc(slices.Sorted(maps.Keys(s.disk)), func(k string) bool {
		number, _ := strings.CutPrefix(k, "ratchet/") // one that came with another, in an epoch that takes no handshakes
		return strings.HasSuffix(k, "h") && number < fmt.Sprintf("%016x", s.g.Epoch())
	})
	if !slices.Equal(memory, disk) {
		t.Fatalf("%s: in memory and not on disk %v, on disk and not in memory %v", s.name, without(memory, disk), without(disk, memory))
	}
}

func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(x string) bool { return slices.Contains(b, x) })
}

// recordsOf names the records that a group's state has.
func recordsOf(g *Group) []string {
	keys := []string{recordGroup}
	walkTree(g.epoch.tree, func(x nodeIndex, n *treeNode) {
		if n.publicKey() != nil {
			keys = append(keys, treeKey(x))
		}
	})
	keys = append(keys, g.epoch.messages.records(g.epoch.number)...)
	for _, p := range g.past {
		for _, k := range p.messages.records(p.number) {
			if !strings.HasSuffix(strings.Split(k, "/")[2], "h") { // a handshake's: only the current epoch takes those
				keys = append(keys, k)
			}
		}
		keys = append(keys, pastKey(p.number))
		for i := range p.changed {
			keys = append(keys, pastLeafKey(p.number, i))
		}
	}
	for e := range g.resumption {
		keys = append(keys, resumptionKey(e))
	}
	for _, q := range g.proposals {
		keys = append(keys, proposalKey(q.ref))
	}
	if g.pending != nil {
		keys = append(keys, recordPending)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// A history of random steps; then all catch up, and everything was read by everyone who should have, once. Longer ones:
// go test -run TestHistories ./mls -rapid.checks=1000 -rapid.steps=100
func TestHistories(t *testing.T) {
	checks := flag.Lookup("rapid.checks")
	if checks.Value.String() == checks.DefValue && checks.DefValue == "100" { // nobody asked for more
		_ = checks.Value.Set("20")
		defer func() { _ = checks.Value.Set(checks.DefValue) }()
	}
	counts := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t, counts)
		t.Repeat(h.steps())
		h.end(t)
	})
	t.Log(counts)
}
