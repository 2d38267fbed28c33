package mls

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"testing"
)

// Fuzzing from within: what members say, encrypted and signed with the right keys, and what a disk may hold. The seeds are of a real
// conversation, in fuzzseeds_test.go.

// speech is one of everything that a small group says.
type speech struct {
	alice, bob *client
	messages   [][]byte // MLSMessages of all kinds
	trees      [][]byte
	valid      []byte // a message that bob hasn't read
	commit     []byte // of alice, of the same epoch
}

func speak(t *testing.T, public bool) *speech {
	id := X25519AES128SHA256Ed25519
	alice, bob, carol := newClient(t, id, "alice"), newClient(t, id, "bob"), newClient(t, id, "carol")
	alice.cfg.PublicHandshake, bob.cfg.PublicHandshake = public, public
	alice.create(GroupOptions{ID: []byte("fuzz")})
	s := &speech{alice: alice, bob: bob}
	p := alice.add(bob)
	s.messages = append(s.messages, p.Message(), p.Welcome().Message(), must(alice.g.GroupInfo(true))(t), carol.keyPackage(KeyPackageOptions{}).Message())
	m := must(alice.g.ProposeUpdate(LeafChange{}, nil, alice.saveMessage))(t)
	bob.mustReceive(m)
	s.messages = append(s.messages, m)
	p = bob.commit(CommitOptions{})
	alice.mustReceive(p.Message())
	s.messages = append(s.messages, p.Message())
	s.trees = append(s.trees, alice.g.Tree())
	s.valid = alice.send("hello")
	s.commit = must(alice.g.Commit(CommitOptions{}, alice.savePending))(t).Message()
	s.messages = append(s.messages, s.valid, s.commit)
	return s
}

func seeds(f *testing.F, all ...[]byte) {
	f.Helper()
	if len(all) == 0 {
		f.Fatal("no seeds")
	}
	for _, b := range all {
		f.Add(b)
	}
}

// within runs f in a test of its own, as what it calls wants one.
func within(f *testing.F, public bool) (s *speech) {
	f.Helper()
	s = speak(&testing.T{}, public)
	return s
}

// bounded fails when f takes memory out of proportion to its input: a structure of Go is larger than the few bytes that it may come from,
// by a factor and no more.
func bounded(t *testing.T, input int, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > uint64(256*input+1<<16) {
		t.Fatalf("%d bytes took %d of memory", input, took)
	}
}

// twice checks that what a decoder takes has one form.
func twice[T encoder](f *testing.F, decode func(*reader) T) {
	f.Fuzz(func(t *testing.T, b []byte) {
		r := reader{b: bytes.Clone(b)}
		var x T
		bounded(t, len(b), func() { x = decode(&r) })
		if r.end() == nil && !bytes.Equal(marshal(x), b) {
			t.Fatalf("two forms: %x, %x", marshal(x), b)
		}
	})
}

func FuzzGroupInfo(f *testing.F) {
	s := within(f, false)
	seeds(f, s.messages[2][4:])
	twice(f, decodeGroupInfo)
}

func FuzzKeyPackage(f *testing.F) {
	seeds(f, within(f, false).messages[3][4:])
	twice(f, decodeKeyPackage)
}

// look is all of a group's state, to see that nothing has changed.
func look(g *Group) string {
	return fmt.Sprintf("%x %x %d %d %d %v", g.marshalHead(g.epoch, g.reinit), g.TreeHash(), len(g.proposals), len(g.past), g.epoch.messages.version, len(g.index.keys))
}

// try opens a message: an error of a known class or something verified, and the group is as it was and works.
func (s *speech) try(t *testing.T, b []byte) {
	t.Helper()
	m, err := ParseMessage(b)
	if err != nil {
		return
	}
	g := s.bob.g
	before := look(g)
	v, err := g.Open(m)
	var e *Error
	if (err == nil) == (v == nil) || err != nil && (!errors.As(err, &e) || classNames[e.Class] == "") {
		t.Fatalf("%v, %v", v, err)
	}
	if look(g) != before {
		t.Fatal("the group has changed")
	}
	good, err := ParseMessage(s.valid)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Open(good); err != nil {
		t.Fatalf("a good message no longer opens: %v", err)
	}
}

// A member says anything: the plaintext is whatever comes, encrypted with the right keys.
func FuzzPlaintext(f *testing.F) {
	s := within(f, false)
	for _, x := range s.spoken() {
		var w writer
		x.content.encodeBody(&w)
		x.encodeAuth(&w)
		f.Add(uint8(x.content.contentType), w.b)
	}
	f.Fuzz(func(t *testing.T, contentType uint8, plaintext []byte) {
		g := s.alice.g
		use, err := g.epoch.messages.next(ratchetID{g.epoch.own, contentType == uint8(ContentApplication)})
		if err != nil {
			t.Fatal(err)
		}
		p := &privateMessage{groupID: g.epoch.groupID, epoch: g.epoch.number, contentType: ContentType(contentType)}
		p.ciphertext = g.s.aeadFor(use.key).Seal(nil, guarded(use.nonce, [4]byte{}), plaintext, p.contentAAD())
		var d writer
		d.u32(uint32(g.epoch.own))
		d.u32(use.generation)
		d.raw(make([]byte, 4))
		k := g.s.senderDataKey(g.epoch.senderData, p.ciphertext)
		p.encryptedSenderData = g.s.aeadFor(k.key).Seal(nil, k.nonce, d.b, p.senderDataAAD())
		s.try(t, marshal(&Message{Format: WirePrivateMessage, private: p}))
	})
}

// A member says anything that can be read, and signs it: as a member, an external sender or a newcomer, in both wire formats.
func FuzzSigned(f *testing.F) {
	s := within(f, false)
	for _, x := range s.spoken() {
		var w writer
		x.content.encodeBody(&w)
		for sender := SenderMember; sender <= SenderNewMemberCommit; sender++ {
			f.Add(uint8(sender), uint8(x.content.contentType), w.b, sender == SenderMember)
		}
	}
	f.Fuzz(func(t *testing.T, sender, contentType uint8, body []byte, private bool) {
		g := s.alice.g
		a := &authenticatedContent{format: WirePublicMessage, confirmationTag: g.epoch.confirmationTag, content: &framedContent{groupID: g.epoch.groupID,
			epoch: g.epoch.number, sender: Sender{SenderType(sender%4 + 1), uint32(g.epoch.own)}, contentType: ContentType(contentType)}}
		if private && a.content.sender.Type == SenderMember {
			a.format = WirePrivateMessage
		}
		r := reader{b: bytes.Clone(body)}
		if a.content.decodeBody(&r); r.end() != nil {
			return
		}
		if err := a.sign(g.s, g.epoch.signature, g.epoch.context); err != nil {
			t.Fatal(err)
		}
		b, _, err := g.protect(a)
		if err != nil {
			t.Fatal(err)
		}
		s.try(t, b)
	})
}

// spoken is what alice can say in her epoch.
func (s *speech) spoken() (list []*authenticatedContent) {
	g := s.alice.g
	pending := g.pending.content
	add := func(t ContentType, c framedContent) {
		c.contentType = t
		list = append(list, &authenticatedContent{content: &c, signature: pending.signature, confirmationTag: pending.confirmationTag})
	}
	add(ContentCommit, framedContent{commit: pending.content.commit})
	add(ContentCommit, framedContent{commit: &commit{proposals: []proposalOrRef{{ref: g.s.random()}}}})
	add(ContentApplication, framedContent{application: []byte("hello")})
	k := s.bob.keyPackage(KeyPackageOptions{}).Package
	for _, p := range []*Proposal{{Type: ProposalAdd, Add: k}, {Type: ProposalUpdate, Update: pending.content.commit.path.leaf}, {Type: ProposalRemove, Remove: 1},
		{Type: ProposalPSK, PSK: PSKID{Type: PSKExternal, ID: []byte("x"), nonce: g.s.random()}}, {Type: ProposalExternalInit, externalInit: g.s.random()},
		{Type: ProposalPSK, PSK: PSKID{Type: PSKResumption, Usage: UsageApplication, GroupID: g.ID(), Epoch: 1, nonce: g.s.random()}},
		{Type: ProposalReInit, ReInit: &ReInit{Version: MLS10, Suite: g.s.id}}, {Type: ProposalGroupContextExtensions, Extensions: Extensions{{10, nil}}}} {
		add(ContentProposal, framedContent{proposal: p})
		add(ContentCommit, framedContent{commit: &commit{proposals: []proposalOrRef{{proposal: p}}, path: pending.content.commit.path}})
	}
	return list
}

// A record that was changed on disk is an error, or another group, which can be used; never a panic.
func FuzzLoad(f *testing.F) {
	s := within(f, false)
	alice := s.alice
	keys := slices.Sorted(maps.Keys(alice.disk))
	for i, key := range keys {
		value := alice.disk[key]
		f.Add(uint8(i), key, value)
		f.Add(uint8(i), key, value[:len(value)/2])
	}
	f.Fuzz(func(t *testing.T, which uint8, name string, value []byte) {
		for _, key := range []string{keys[int(which)%len(keys)], name} {
			records := maps.Clone(alice.disk)
			records[key] = value
			var g *Group
			var err error
			bounded(t, len(value)+1<<16, func() { g, err = alice.cfg.Load(records) })
			if err != nil {
				var e *Error
				if !errors.As(err, &e) || classNames[e.Class] == "" {
					t.Fatalf("%s: %v", key, err)
				}
				continue
			}
			use(g)
		}
	})
}

// use does what a group can do; whether it works is another question.
func use(g *Group) {
	save := func(Changes) error { return nil }
	saveMessage := func([]byte, Changes) error { return nil }
	if p := g.Pending(); p != nil {
		_ = p.Drop(save)
	}
	_, _ = g.Protect([]byte("x"), nil, saveMessage)
	_, _ = g.ProposeUpdate(LeafChange{}, nil, saveMessage)
	_, _ = g.GroupInfo(true)
	p, err := g.Commit(CommitOptions{}, func(*Pending, Changes) error { return nil })
	if err == nil {
		_ = p.Accept(save)
		_, _ = g.Protect([]byte("y"), nil, saveMessage)
	}
}
