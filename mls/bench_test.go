package mls

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"
)

// What operations cost beside their floor (floor_test.go). Both are timed in turns, and the medians compared. Messages are parsed and
// written inside of what is timed; saving costs what the group does for it, and no disk.
//
//	go test ./mls -run '^$' -bench . -benchtime 20x

type benchCase struct {
	suite CipherSuite
	n     int
}

func benchCases(more ...benchCase) []benchCase {
	var list []benchCase
	for _, id := range []CipherSuite{X25519AES128SHA256Ed25519, MLKEM768X25519AES256SHA384Ed25519} {
		for _, n := range []int{10, 100, 1000} {
			list = append(list, benchCase{id, n})
		}
	}
	return append(list, more...)
}

var fiveThousand = benchCase{X25519AES128SHA256Ed25519, 5000}

func (c benchCase) name() string { return fmt.Sprintf("suite=%04X/members=%d", uint16(c.suite), c.n) }

// ok is the value, or the end of the benchmark.
func ok[T any](v T, err error) func(testing.TB) T {
	return func(b testing.TB) T {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
		return v
	}
}

func noSave(Changes) error                  { return nil }
func noSavePending(*Pending, Changes) error { return nil }
func noSaveMessage([]byte, Changes) error   { return nil }

// samples are times of an operation and of its floor, in turns.
type samples struct{ op, floor []time.Duration }

func timed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// take times both.
func (s *samples) take(floor, op func()) {
	s.floor = append(s.floor, timed(floor))
	s.op = append(s.op, timed(op))
}

func median(d []time.Duration) float64 {
	d = slices.Sorted(slices.Values(d))
	return float64(d[len(d)/2])
}

func (s *samples) report(b *testing.B) {
	op, floor := median(s.op), median(s.floor)
	b.ReportMetric(0, "ns/op") // it would count what isn't timed here
	b.ReportMetric(op/1e3, "µs")
	b.ReportMetric(floor/1e3, "µs-floor")
	b.ReportMetric(op/floor, "x/floor")
}

// world is a group all of whose members are here.
type world struct {
	cfg     *Config
	s       *suite
	keys    []*SignatureKey
	tree    ratchetTree
	private privateKeys // of all nodes
	context groupContext
	secret  Secret // of the epoch
}

func newBenchConfig() *Config {
	return &Config{Validator: names{}, Now: func() time.Time { return testTime }}
}

// worldKey says what a world is like.
type worldKey struct {
	benchCase
	committed int
}

// worlds are kept: one of 5,000 takes seconds.
var worlds = map[worldKey]*world{}

// worldOf is a group in which the first so many members have committed once.
func worldOf(b testing.TB, c benchCase, committed int) *world {
	k := worldKey{c, committed}
	if worlds[k] == nil {
		worlds[k] = newWorld(b, c, committed)
	}
	return worlds[k]
}

// newWorld makes one: trees as commits make them, without the commits.
func newWorld(b testing.TB, c benchCase, committed int) *world {
	w := &world{cfg: newBenchConfig(), private: privateKeys{}}
	w.s = ok(w.cfg.suite(c.suite))(b)
	id := []byte("a group")
	var tree ratchetTree
	for i := range c.n {
		w.keys = append(w.keys, ok(w.cfg.NewSignatureKey(c.suite))(b))
		leaf, encryption, err := w.cfg.newLeaf(w.s, w.keys[i], BasicCredential(fmt.Append(nil, "member ", i)), nil)
		if err != nil {
			b.Fatal(err)
		}
		leaf.Source = SourceKeyPackage
		if err := leaf.sign(w.s, w.keys[i], nil, 0); err != nil {
			b.Fatal(err)
		}
		w.private[LeafIndex(i).node()] = encryption
		if i == 0 {
			tree = ratchetTree{&treeNode{leaf: leaf, members: 1}, 0}
		} else {
			tree, _ = tree.add(leaf)
		}
	}
	for i := range LeafIndex(committed) {
		own := &ownPath{first: w.s.random(), leaf: ok(w.s.kem.GenerateKey())(b), signature: w.keys[i]}
		steps := tree.filteredPath(i)
		p := ok(w.s.derivePath(own.first, len(steps)))(b)
		nodes := w.s.nodesOf(steps, func(k int) []byte { return p.keys[k].PublicKey().Bytes() })
		leaf := tree.leaf(i).changed(SourceCommit, own, LeafChange{})
		leaf.parentHash = nodes.leafHash
		if err := leaf.sign(w.s, own.signature, id, i); err != nil {
			b.Fatal(err)
		}
		tree = tree.withPath(i, leaf, steps, nodes.parents)
		w.private.adopt(i, own, steps, p)
	}
	w.tree, w.secret = tree, w.s.random()
	w.context = groupContext{suite: w.s.id, groupID: id, epoch: 1, treeHash: w.s.treeHash(tree), confirmedTranscriptHash: w.s.random()}
	return w
}

// member is the group as one of them has it.
func (w *world) member(b testing.TB, i LeafIndex) *Group {
	e := newEpochFrom(w.s, w.context, marshal(&w.context), w.tree, i, bytes.Clone(w.secret))
	e.signature, e.private = w.keys[i], privateKeys{i.node(): w.private[i.node()]}
	for _, step := range w.tree.directPath(i) {
		if k := w.private[step.index]; k != nil {
			e.private[step.index] = k
		}
	}
	e.confirmationTag = w.s.mac(e.secrets.confirmation, e.confirmedTranscriptHash)
	e.interim = w.s.interimHash(e.confirmedTranscriptHash, e.confirmationTag)
	return ok(w.cfg.begin(w.s, e, indexTree(w.tree, w.cfg.clientID), noSave))(b)
}

// process receives a commit.
func process(b testing.TB, g *Group, message []byte) {
	v := ok(g.Open(ok(ParseMessage(message))(b)))(b)
	if err := v.(*StagedCommit).Accept(noSave); err != nil {
		b.Fatal(err)
	}
}

// inTurns lets the first member commit, and the one in the middle process it; half of a group's members have the same to do as he. cold
// is a group in which nobody else has committed.
func inTurns(b *testing.B, cold, commits, processes bool) {
	for _, c := range benchCases(fiveThousand) {
		b.Run(c.name(), func(b *testing.B) {
			committed := c.n
			if cold {
				committed = 1
			}
			w := worldOf(b, c, committed)
			f := newFloor(b, w.s)
			alice, bob := w.member(b, 0), w.member(b, LeafIndex(w.tree.size()/2))
			var s samples
			for range b.N {
				before := alice.epoch
				var message []byte
				commit := func() {
					p := ok(alice.Commit(CommitOptions{}, noSavePending))(b)
					message = p.Message()
					if err := p.Accept(noSave); err != nil {
						b.Fatal(err)
					}
				}
				if commits {
					s.take(func() { f.commit(before) }, commit)
				} else {
					commit()
				}
				if processes {
					s.take(func() { f.process(bob.epoch, 0, len(message)) }, func() { process(b, bob, message) })
				} else {
					process(b, bob, message)
				}
			}
			s.report(b)
		})
	}
}

func BenchmarkWarmCommit(b *testing.B)  { inTurns(b, false, true, false) }
func BenchmarkProcessWarm(b *testing.B) { inTurns(b, false, false, true) }
func BenchmarkColdCommit(b *testing.B)  { inTurns(b, true, true, false) }
func BenchmarkProcessCold(b *testing.B) { inTurns(b, true, false, true) }

// BenchmarkAddOne commits an Add in a group whose members have all committed, with the Welcome. The commit is dropped each time.
func BenchmarkAddOne(b *testing.B) {
	for _, c := range benchCases(fiveThousand) {
		b.Run(c.name(), func(b *testing.B) {
			w := worldOf(b, c, c.n)
			f := newFloor(b, w.s)
			alice := w.member(b, 0)
			_, packages := newcomers(b, w.cfg, c.suite, 1)
			var s samples
			for range b.N {
				s.take(func() { f.addOne(alice.epoch, len(packages[0])) }, func() {
					add := &Proposal{Type: ProposalAdd, Add: ok(ParseMessage(packages[0]))(b).KeyPackage()}
					ok(alice.Commit(CommitOptions{Proposals: []*Proposal{add}}, noSavePending))(b).Welcome().Message()
				})
				if err := alice.Pending().Drop(noSave); err != nil {
					b.Fatal(err)
				}
			}
			s.report(b)
		})
	}
}

// newcomers make key packages, as they come from a server.
func newcomers(b testing.TB, cfg *Config, id CipherSuite, n int) (all []*KeyPackageSecrets, messages [][]byte) {
	for i := range n {
		key := ok(cfg.NewSignatureKey(id))(b)
		k := ok(cfg.NewKeyPackage(id, key, BasicCredential(fmt.Append(nil, "newcomer ", i)), KeyPackageOptions{}))(b)
		all, messages = append(all, k), append(messages, k.Message())
	}
	return all, messages
}

// adding commits Adds of parsed key packages.
func adding(b testing.TB, g *Group, packages [][]byte) *Pending {
	var o CommitOptions
	for _, m := range packages {
		o.Proposals = append(o.Proposals, &Proposal{Type: ProposalAdd, Add: ok(ParseMessage(m))(b).KeyPackage()})
	}
	p := ok(g.Commit(o, noSavePending))(b)
	if err := p.Accept(noSave); err != nil {
		b.Fatal(err)
	}
	return p
}

// BenchmarkCreate makes a group of one, and the others members by one commit with their Welcome.
func BenchmarkCreate(b *testing.B) {
	for _, c := range benchCases() {
		b.Run(c.name(), func(b *testing.B) {
			cfg := newBenchConfig()
			key := ok(cfg.NewSignatureKey(c.suite))(b)
			_, packages := newcomers(b, cfg, c.suite, c.n-1)
			create := func() (*Group, *Pending) {
				g := ok(cfg.Create(c.suite, key, BasicCredential([]byte("the creator")), GroupOptions{}, noSave))(b)
				return g, adding(b, g, packages)
			}
			g, p := create()
			f := newFloor(b, g.s)
			var s samples
			for range b.N {
				s.take(func() { f.create(g.epoch.tree, len(packages[0]), len(p.message)) }, func() {
					_, p := create()
					p.Welcome().Message()
					p.Tree()
				})
			}
			s.report(b)
		})
	}
}

// benchJoin lets the last of some newcomers join, with the tree beside the Welcome.
func benchJoin(b *testing.B, g *Group, packages []*KeyPackageSecrets, messages [][]byte) {
	p := adding(b, g, messages)
	k := packages[len(packages)-1]
	welcome, tree := p.Welcome().For(k.Ref()).Message(), p.Tree()
	f := newFloor(b, g.s)
	var s samples
	for range b.N {
		k.used = false
		s.take(func() { f.join(g.epoch) }, func() {
			ok(g.cfg.Join(ok(ParseMessage(welcome))(b).Welcome(), k, JoinOptions{Tree: tree}, noSave))(b)
		})
	}
	s.report(b)
}

// BenchmarkJoin joins a group whose members were all added by one commit.
func BenchmarkJoin(b *testing.B) {
	for _, c := range benchCases() {
		b.Run(c.name(), func(b *testing.B) {
			cfg := newBenchConfig()
			packages, messages := newcomers(b, cfg, c.suite, c.n-1)
			g := ok(cfg.Create(c.suite, ok(cfg.NewSignatureKey(c.suite))(b), BasicCredential([]byte("the creator")), GroupOptions{}, noSave))(b)
			benchJoin(b, g, packages, messages)
		})
	}
}

// BenchmarkJoinWarm joins one whose members have all committed.
func BenchmarkJoinWarm(b *testing.B) {
	for _, c := range benchCases() {
		b.Run(c.name(), func(b *testing.B) {
			w := worldOf(b, c, c.n)
			packages, messages := newcomers(b, w.cfg, c.suite, 1)
			benchJoin(b, w.member(b, 0), packages, messages)
		})
	}
}

// batch is how many messages are sent, or received, for one sample.
const batch = 100

// talk sends 256 bytes from the first to the member in the middle.
func talk(b *testing.B, sending bool) {
	for _, c := range benchCases(fiveThousand) {
		b.Run(c.name(), func(b *testing.B) {
			w := worldOf(b, c, c.n)
			f := newFloor(b, w.s)
			alice, bob := w.member(b, 0), w.member(b, LeafIndex(w.tree.size()/2))
			text := make([]byte, 256)
			var s samples
			for range b.N {
				var messages [batch][]byte
				send := func() {
					for i := range messages {
						messages[i] = ok(alice.Protect(text, nil, noSaveMessage))(b)
					}
				}
				receive := func() {
					for _, m := range messages {
						v := ok(bob.Open(ok(ParseMessage(m))(b)))(b).(*ApplicationMessage)
						ok(v.Accept(noSaveMessage))(b)
					}
				}
				if sending {
					s.take(func() { f.protect(batch, len(w.context.groupID)) }, send)
					receive()
				} else {
					send()
					s.take(func() { f.unprotect(batch, len(w.context.groupID)) }, receive)
				}
			}
			s.report(b)
			b.ReportMetric(median(s.op)/1e3/batch, "µs")
			b.ReportMetric(median(s.floor)/1e3/batch, "µs-floor")
		})
	}
}

func BenchmarkProtect256(b *testing.B)   { talk(b, true) }
func BenchmarkUnprotect256(b *testing.B) { talk(b, false) }

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkMemory is what a member who has joined holds, beside the tree in its serialised form.
func BenchmarkMemory(b *testing.B) {
	for _, c := range benchCases() {
		if c.n < 100 {
			continue
		}
		b.Run(c.name(), func(b *testing.B) {
			w := worldOf(b, c, c.n)
			packages, messages := newcomers(b, w.cfg, c.suite, 1)
			p := adding(b, w.member(b, 0), messages)
			welcome, tree := p.Welcome().Message(), p.Tree()
			var ratio float64
			for range b.N {
				packages[0].used = false
				before := heap()
				g := ok(w.cfg.Join(ok(ParseMessage(bytes.Clone(welcome)))(b).Welcome(), packages[0], JoinOptions{Tree: bytes.Clone(tree)}, noSave))(b)
				after := heap()
				ratio = float64(after-before) / float64(len(tree))
				runtime.KeepAlive(g)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ratio, "x/tree")
			b.ReportMetric(float64(len(tree)), "bytes-tree")
			runtime.KeepAlive(tree)
		})
	}
}
