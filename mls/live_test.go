package mls

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"slices"
	"testing"
	"time"
)

// party is a member of a mixed group: one of ours, or one of ts-mls.
type party interface {
	title() string
	where() (epoch uint64, authenticator, treeHash []byte)
	place() LeafIndex
	gone() bool // knows that he was removed
	keyMessage() []byte
	enter(welcome []byte)
	change(c change) (message, welcome []byte)
	propose(c change) []byte
	say(text string) []byte
	hear(message []byte) []byte
	info() []byte
	comeIn(info []byte, resync bool) []byte
	learn(id, key []byte)
	export(label string, context []byte, length int) []byte
	handshakes(public bool)
}

// change is what a commit or a proposal does.
type change struct {
	add    [][]byte
	remove []LeafIndex
	psk    []byte
}

// ours is a party of this package.
type ours struct {
	*client
	keys *KeyPackageSecrets
	psks map[string]Secret
}

func newOurs(t *testing.T, id CipherSuite, name string) *ours {
	o := &ours{client: newClient(t, id, name), psks: map[string]Secret{}}
	o.cfg.Now = time.Now // ts-mls looks at the clock
	o.cfg.PSK = func(id PSKID) (Secret, error) { return o.psks[string(id.ID)], nil }
	return o
}

func (o *ours) title() string { return o.name }

func (o *ours) where() (uint64, []byte, []byte) {
	return o.g.Epoch(), o.g.Authenticator(), o.g.TreeHash()
}

func (o *ours) place() LeafIndex { return o.g.Own() }

func (o *ours) gone() bool { return o.g.Removed() }

func (o *ours) keyMessage() []byte {
	o.keys = o.keyPackage(KeyPackageOptions{})
	return o.keys.Message()
}

func (o *ours) enter(welcome []byte) {
	o.t.Helper()
	o.disk = map[string][]byte{}
	o.g = must(o.cfg.Join(must(ParseMessage(welcome))(o.t).Welcome(), o.keys, JoinOptions{}, o.save))(o.t)
}

func (o *ours) proposals(c change) (list []*Proposal) {
	for _, k := range c.add {
		list = append(list, &Proposal{Type: ProposalAdd, Add: must(ParseMessage(k))(o.t).KeyPackage()})
	}
	for _, i := range c.remove {
		list = append(list, &Proposal{Type: ProposalRemove, Remove: i})
	}
	if c.psk != nil {
		list = append(list, &Proposal{Type: ProposalPSK, PSK: PSKID{Type: PSKExternal, ID: c.psk}})
	}
	return list
}

func (o *ours) change(c change) (message, welcome []byte) {
	o.t.Helper()
	p := o.commit(CommitOptions{Proposals: o.proposals(c), WelcomeTree: true})
	o.restart()
	if w := p.Welcome(); w != nil {
		welcome = w.Message()
	}
	return p.Message(), welcome
}

// propose without anything proposes fresh keys.
func (o *ours) propose(c change) []byte {
	o.t.Helper()
	list := o.proposals(c)
	if len(list) == 0 {
		return must(o.g.ProposeUpdate(LeafChange{}, nil, o.saveMessage))(o.t)
	}
	return must(o.g.Propose(list[0], nil, o.saveMessage))(o.t)
}

func (o *ours) say(text string) []byte { return o.send(text) }

func (o *ours) hear(message []byte) []byte {
	o.t.Helper()
	return o.mustReceive(message)
}

func (o *ours) info() []byte { return must(o.g.GroupInfo(true))(o.t) }

func (o *ours) comeIn(info []byte, resync bool) []byte {
	o.t.Helper()
	var x ExternalOptions
	if resync {
		x.Resync = func(_ LeafIndex, l *LeafNode) bool { return string(l.Credential.Identity) == o.name }
	}
	o.disk = map[string][]byte{}
	g, m, err := o.cfg.JoinExternal(must(ParseMessage(info))(o.t).GroupInfo(), o.key, o.credential(), x, o.saveMessage)
	if err != nil {
		o.t.Fatal(err)
	}
	o.g = g
	return m
}

func (o *ours) learn(id, key []byte) { o.psks[string(id)] = key }

func (o *ours) export(label string, context []byte, length int) []byte {
	return must(o.g.Export(label, context, length))(o.t)
}

func (o *ours) handshakes(public bool) { o.cfg.PublicHandshake = public }

// theirs is a party of ts-mls.
type theirs struct {
	p      *peer
	name   string
	public bool
}

func (p *peer) party(id CipherSuite, name string) *theirs {
	p.ask(name, "init", map[string]any{"suite": uint16(id), "now": time.Now().Unix()})
	return &theirs{p: p, name: name}
}

func (o *theirs) ask(op string, args map[string]any) answer {
	o.p.t.Helper()
	return o.p.ask(o.name, op, args)
}

func (o *theirs) title() string { return o.name + " (ts-mls)" }

func (o *theirs) where() (uint64, []byte, []byte) {
	a := o.ask("where", nil)
	return a.Epoch, a.Authenticator, a.TreeHash
}

func (o *theirs) place() LeafIndex { return LeafIndex(o.ask("where", nil).Own) }

func (o *theirs) gone() bool { return o.ask("where", nil).Removed }

func (o *theirs) keyMessage() []byte { return o.ask("keyPackage", nil).Message }

func (o *theirs) enter(welcome []byte) { o.ask("join", map[string]any{"message": hexBytes(welcome)}) }

func (o *theirs) arguments(c change) map[string]any {
	args := map[string]any{"public": o.public, "removes": c.remove}
	var adds []hexBytes
	for _, k := range c.add {
		adds = append(adds, k)
	}
	args["adds"] = adds
	if c.psk != nil {
		nonce := make([]byte, len(o.ask("where", nil).TreeHash)) // Nh bytes, as RFC 9420 §8.4 wants
		_, _ = rand.Read(nonce)
		args["psks"] = []map[string]any{{"id": hexBytes(c.psk), "nonce": hexBytes(nonce)}}
	}
	return args
}

func (o *theirs) change(c change) (message, welcome []byte) {
	o.p.t.Helper()
	a := o.ask("commit", o.arguments(c))
	return a.Message, a.Welcome
}

func (o *theirs) propose(c change) []byte {
	o.p.t.Helper()
	return o.ask("propose", o.arguments(c)).Message
}

func (o *theirs) say(text string) []byte {
	return o.ask("send", map[string]any{"data": hexBytes(text)}).Message
}

func (o *theirs) hear(message []byte) []byte {
	o.p.t.Helper()
	return o.ask("receive", map[string]any{"message": hexBytes(message)}).Data
}

func (o *theirs) info() []byte { return o.ask("info", nil).Message }

func (o *theirs) comeIn(info []byte, resync bool) []byte {
	o.p.t.Helper()
	return o.ask("external", map[string]any{"message": hexBytes(info), "resync": resync}).Message
}

func (o *theirs) learn(id, key []byte) {
	o.ask("psk", map[string]any{"id": hexBytes(id), "value": hexBytes(key)})
}

func (o *theirs) export(label string, context []byte, length int) []byte {
	return o.ask("exporter", map[string]any{"label": label, "data": hexBytes(context), "length": length}).Data
}

func (o *theirs) handshakes(public bool) { o.public = public }

// mixed is a group of parties; after every step all of them must agree.
type mixed struct {
	t     *testing.T
	in    []party
	steps int
}

// step ends one: all are in one epoch with one tree, and each hears what each other says, the later message first.
func (m *mixed) step(what string) {
	m.t.Helper()
	m.steps++
	epoch, authenticator, treeHash := m.in[0].where()
	for _, p := range m.in[1:] {
		e, a, h := p.where()
		if e != epoch || !bytes.Equal(a, authenticator) || !bytes.Equal(h, treeHash) {
			m.t.Fatalf("%s: %s is in epoch %d with %x, %s in %d with %x", what, p.title(), e, a, m.in[0].title(), epoch, authenticator)
		}
	}
	for _, p := range m.in {
		first, second := fmt.Sprintf("%s, one, by %s", what, p.title()), fmt.Sprintf("%s, two, by %s", what, p.title())
		a, b := p.say(first), p.say(second)
		for _, x := range m.in {
			if x != p {
				same(m.t, "the later message at "+x.title(), x.hear(b), []byte(second))
				same(m.t, "the earlier message at "+x.title(), x.hear(a), []byte(first))
			}
		}
	}
	context := []byte(what)
	secret := m.in[0].export("live", context, 40)
	for _, p := range m.in[1:] {
		same(m.t, "exported secret of "+p.title(), p.export("live", context, 40), secret)
	}
}

// deliver gives a message to all but its sender.
func (m *mixed) deliver(from party, message []byte) {
	m.t.Helper()
	for _, p := range m.in {
		if p != from {
			p.hear(message)
		}
	}
}

// commit makes one with what waits and c, and delivers it; newcomers enter.
func (m *mixed) commit(by party, what string, c change, newcomers ...party) {
	m.t.Helper()
	for _, p := range newcomers {
		c.add = append(c.add, p.keyMessage())
	}
	message, welcome := by.change(c)
	m.deliver(by, message)
	for _, p := range newcomers {
		p.enter(welcome)
	}
	m.in = slices.DeleteFunc(m.in, func(p party) bool {
		if slices.Contains(newcomers, p) {
			return true // removed and added in one commit
		}
		removed := slices.Contains(c.remove, p.place())
		if removed && !p.gone() {
			m.t.Fatalf("%s: %s doesn't know that he was removed", what, p.title())
		}
		return removed
	})
	m.in = append(m.in, newcomers...)
	m.step(what + " by " + by.title())
}

// propose makes a proposal, delivers it, and another commits it.
func (m *mixed) propose(by, committer party, what string, c change) {
	m.t.Helper()
	m.deliver(by, by.propose(c))
	message, _ := committer.change(change{})
	m.deliver(committer, message)
	m.in = slices.DeleteFunc(m.in, func(p party) bool { return slices.Contains(c.remove, p.place()) })
	m.step(what + " proposed by " + by.title() + ", committed by " + committer.title())
}

// external lets somebody in by the GroupInfo of a member.
func (m *mixed) external(newcomer, by party, resync bool) {
	m.t.Helper()
	if resync {
		m.in = slices.DeleteFunc(m.in, func(p party) bool { return p == newcomer })
	}
	m.deliver(newcomer, newcomer.comeIn(by.info(), resync))
	m.in = append(m.in, newcomer)
	m.step(fmt.Sprintf("%s from outside, by a GroupInfo of %s, resync %t", newcomer.title(), by.title(), resync))
}
