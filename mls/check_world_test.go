package mls_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"sync"
	"testing"
	"time"

	"huisclos/mls"
	"huisclos/mls/mlstest"
)

// The world of the checks: a group of five, each of whom has committed once. Bob is hostile: what he sends is forged from his state. Alice is
// the one who must refuse it; then the group goes on.

var now = time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)

var lifetime = mls.Lifetime{NotBefore: uint64(now.Unix()) - 3600, NotAfter: uint64(now.Unix()) + 3600}

const (
	known   mls.ExtensionType = 0xF100 // every member supports it
	unknown mls.ExtensionType = 0xF777 // nobody does
)

// names is a validator for whom the identity of a basic credential is the client, and who doesn't like mallory.
type names struct{}

func (names) ValidateMember(l *mls.LeafNode) error {
	if string(l.Credential.Identity) == "mallory" {
		return errors.New("not her")
	}
	return nil
}

func (names) ValidateSuccessor(old, new *mls.LeafNode) error {
	if new.Credential.Type == mls.CredentialBasic && !bytes.Equal(old.Credential.Identity, new.Credential.Identity) {
		return errors.New("another name")
	}
	return nil
}

func (n names) ValidateExternalSender(s mls.ExternalSender) error {
	return n.ValidateMember(&mls.LeafNode{Credential: s.Credential})
}

func (names) ClientID(l *mls.LeafNode) []byte {
	if l.Credential.Type != mls.CredentialBasic {
		return nil
	}
	return l.Credential.Identity
}

// member is somebody with a disk.
type member struct {
	name string
	cfg  *mls.Config
	key  *mls.SignatureKey
	disk map[string][]byte
	g    *mls.Group
}

func (m *member) save(changes mls.Changes) error {
	for _, c := range changes {
		if c.Value == nil {
			delete(m.disk, c.Key)
		} else {
			m.disk[c.Key] = c.Value
		}
	}
	return nil
}

func (m *member) saveMessage(_ []byte, c mls.Changes) error       { return m.save(c) }
func (m *member) savePending(_ *mls.Pending, c mls.Changes) error { return m.save(c) }

func (m *member) credential() mls.Credential { return mls.BasicCredential([]byte(m.name)) }

func (m *member) keyPackage(id mls.CipherSuite) *mls.KeyPackageSecrets {
	return must(m.cfg.NewKeyPackage(id, m.key, m.credential(), mls.KeyPackageOptions{}))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newMember(id mls.CipherSuite, name string) *member {
	m := &member{name: name, disk: map[string][]byte{}}
	m.cfg = &mls.Config{Validator: names{}, Now: func() time.Time { return now }, Extensions: []mls.ExtensionType{known},
		Credentials: []mls.CredentialType{mls.CredentialBasic}, PSK: func(id mls.PSKID) (mls.Secret, error) {
			if string(id.ID) == "known" {
				return mls.Secret("the pre-shared key"), nil
			}
			return nil, errors.New("no such key")
		}}
	m.key = must(m.cfg.NewSignatureKey(id))
	return m
}

// open reads a message and gives what was verified, or the error.
func (m *member) open(b []byte) (mls.Verified, error) {
	p, err := mls.ParseMessage(b)
	if err != nil {
		return nil, err
	}
	return m.g.Open(p)
}

func (m *member) receive(b []byte) error {
	v, err := m.open(b)
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case *mls.ApplicationMessage:
		_, err = v.Accept(m.saveMessage)
	case *mls.ProposalMessage:
		err = v.Accept(m.save)
	case *mls.StagedCommit:
		err = v.Accept(m.save)
	}
	return err
}

func (m *member) commit(o mls.CommitOptions) *mls.Pending {
	p := must(m.g.Commit(o, m.savePending))
	if err := p.Accept(m.save); err != nil {
		panic(err)
	}
	return p
}

// world is the group, as it is for one test.
type world struct {
	testing.TB
	id      mls.CipherSuite
	all     []*member
	service *mls.SignatureKey // of the group's external sender 0

	alice, bob, carol, dave, frank *member
}

var (
	worlds   = map[mls.CipherSuite]*world{}
	worldsMu sync.Mutex
)

// newWorld gives a copy of the group.
func newWorld(t testing.TB, id mls.CipherSuite) *world {
	worldsMu.Lock()
	defer worldsMu.Unlock()
	base := worlds[id]
	if base == nil {
		base = makeWorld(id)
		worlds[id] = base
	}
	w := &world{TB: t, id: id, service: base.service}
	for _, b := range base.all {
		m := *b
		cfg := *b.cfg
		m.cfg, m.disk = &cfg, maps.Clone(b.disk)
		m.g = must(m.cfg.Load(maps.Clone(m.disk)))
		w.all = append(w.all, &m)
	}
	w.alice, w.bob, w.carol, w.dave, w.frank = w.all[0], w.all[1], w.all[2], w.all[3], w.all[4]
	return w
}

func makeWorld(id mls.CipherSuite) *world {
	w := &world{id: id}
	for _, name := range []string{"alice", "bob", "carol", "dave", "frank"} {
		w.all = append(w.all, newMember(id, name))
	}
	first := w.all[0]
	w.service = must(first.cfg.NewSignatureKey(id))
	first.g = must(first.cfg.Create(id, first.key, first.credential(), mls.GroupOptions{ID: []byte("group"), Extensions: mls.Extensions{
		mls.ExternalSendersExtension(mls.ExternalSender{SignatureKey: w.service.Public(), Credential: mls.BasicCredential([]byte("service"))})}}, first.save))
	var o mls.CommitOptions
	packages := map[*member]*mls.KeyPackageSecrets{}
	for _, m := range w.all[1:] {
		packages[m] = m.keyPackage(id)
		o.Proposals = append(o.Proposals, &mls.Proposal{Type: mls.ProposalAdd, Add: packages[m].Package})
	}
	p := first.commit(o)
	for m, k := range packages {
		m.g = must(m.cfg.Join(p.Welcome(), k, mls.JoinOptions{Tree: p.Tree()}, m.save))
	}
	for _, m := range w.all {
		w.step(m, mls.CommitOptions{}, w.all...)
	}
	return w
}

// step lets m commit, and others follow.
func (w *world) step(m *member, o mls.CommitOptions, others ...*member) *mls.Pending {
	p := m.commit(o)
	for _, x := range others {
		if x == m {
			continue
		}
		if err := x.receive(p.Message()); err != nil {
			panic(fmt.Sprint(x.name, ": ", err))
		}
	}
	return p
}

// forger is what bob knows.
func (w *world) forger() *mlstest.Forger { return must(mlstest.New(w.bob.disk)) }

// snapshot is what must not change when something is refused.
type snapshot struct {
	authenticator, tree []byte
	proposals           int
	disk                map[string][]byte
}

func (m *member) snapshot() snapshot {
	return snapshot{m.g.Authenticator(), m.g.Tree(), len(m.g.Proposals()), maps.Clone(m.disk)}
}

func (m *member) unchanged(t testing.TB, s snapshot) {
	t.Helper()
	n := m.snapshot()
	if !bytes.Equal(n.authenticator, s.authenticator) || !bytes.Equal(n.tree, s.tree) || n.proposals != s.proposals ||
		!maps.EqualFunc(n.disk, s.disk, bytes.Equal) {
		t.Error("something was refused and has changed the state")
	}
}

// sent is what alice says of a message.
func (w *world) sent(b []byte) error {
	w.Helper()
	before := w.alice.snapshot()
	_, err := w.alice.open(b)
	w.alice.unchanged(w, before)
	return err
}

// given is a message that all take; it prepares for what comes.
func (w *world) given(b []byte) {
	w.Helper()
	for _, m := range w.all {
		if err := m.receive(b); err != nil && !errors.Is(err, mls.ErrOwnMessage) {
			w.Fatalf("%s: %v", m.name, err)
		}
	}
}

// goesOn: a valid message and a valid commit come after what was refused, and alice takes them.
func (w *world) goesOn() {
	w.Helper()
	if w.alice.g.ReInitialized() != nil || w.alice.g.Size() != w.carol.g.Size() || w.alice.g.Epoch() != w.carol.g.Epoch() {
		return // the test went on by itself
	}
	if len(w.carol.g.Proposals()) == 0 {
		if err := w.alice.receive(must(w.carol.g.Protect([]byte("hello"), nil, w.carol.saveMessage))); err != nil {
			w.Error("after it, a message:", err)
		}
	}
	p := w.carol.commit(mls.CommitOptions{LeaveQueued: true})
	if err := w.alice.receive(p.Message()); err != nil {
		w.Error("after it, a commit:", err)
	}
	again := must(w.alice.cfg.Load(maps.Clone(w.alice.disk)))
	if !bytes.Equal(w.alice.g.Authenticator(), w.carol.g.Authenticator()) || !bytes.Equal(again.Authenticator(), w.carol.g.Authenticator()) {
		w.Error("after it, the members are in different epochs")
	}
}

// newcomer has a key package, in both forms.
type newcomer struct {
	*member
	keys *mls.KeyPackageSecrets
	pack *mlstest.KeyPackage
}

func (w *world) newcomer(name string) *newcomer { return newcomerOf(newMember(w.id, name), w.id) }

func newcomerOf(m *member, id mls.CipherSuite) *newcomer {
	n := &newcomer{member: &member{name: m.name, cfg: m.cfg, key: m.key, disk: map[string][]byte{}}}
	n.keys = n.keyPackage(id)
	n.pack = must(mlstest.ParseKeyPackage(n.keys.Message()))
	return n
}

// join is what a newcomer says of a Welcome. When it is refused, nothing was saved, and the right one is taken.
func (n *newcomer) join(w *world, made *mlstest.Made, v mlstest.Invitation, o mls.JoinOptions) error {
	w.Helper()
	welcome := func(v mlstest.Invitation) error {
		m, err := mls.ParseMessage(made.Welcome(v))
		if err == nil {
			n.g, err = n.cfg.Join(m.Welcome(), n.keys, o, n.save)
		}
		return err
	}
	err := welcome(v)
	if err == nil || o.From != nil || o.Tree != nil {
		return err
	}
	if len(n.disk) != 0 {
		w.Error("a Welcome was refused, and something was saved")
	}
	made.Adds[0], n.cfg.HasGroup = n.pack, nil
	if !bytes.Equal(made.Next.Tree.Leaf(made.Added[0]).EncryptionKey, n.pack.Leaf.EncryptionKey) {
		return err // the commit adds somebody else
	}
	if err := welcome(mlstest.Invitation{}); err != nil {
		w.Error("after it, the right Welcome:", err)
	} else if !bytes.Equal(n.g.Authenticator(), made.Next.Secrets.Authenticator) {
		w.Error("after it, another epoch")
	}
	return err
}

// welcomed forges a commit that adds erin, and asks her.
func (w *world) welcomed(v mlstest.Invitation) error {
	w.Helper()
	erin := w.newcomer("erin")
	return erin.join(w, w.forger().Commit(mlstest.Plan{Proposals: mlstest.Values(add(erin.pack))}), v, mls.JoinOptions{})
}

func add(k *mlstest.KeyPackage) *mlstest.Proposal {
	return &mlstest.Proposal{Type: mls.ProposalAdd, Add: k}
}

// stranger is a forged key package of somebody new; before runs before it is signed.
func (w *world) stranger(name string, before func(*mlstest.KeyPackage)) *mlstest.KeyPackage {
	f := w.forger()
	key := f.Suite.NewSigner()
	k := f.Suite.NewKeyPackage(f.Leaf(), key, lifetime)
	k.Leaf.Credential = mls.BasicCredential([]byte(name))
	if before != nil {
		before(k)
	}
	k.Sign(key)
	return k
}

// proposed and committed are what alice says of a proposal by itself, and by value in a commit.
func (w *world) proposed(p *mlstest.Proposal) error {
	w.Helper()
	b, _ := w.forger().Propose(p, mlstest.Wrap{})
	return w.sent(b)
}

func (w *world) committed(list ...*mlstest.Proposal) error {
	w.Helper()
	return w.sent(w.forger().Commit(mlstest.Plan{Proposals: mlstest.Values(list...)}).Message)
}

// path is what alice says of an empty commit with a wrong path.
func (w *world) path(p mlstest.Plan) error {
	w.Helper()
	return w.sent(w.forger().Commit(p).Message)
}

// certificate is a self-signed one.
func certificate(key *mlstest.Signer) []byte {
	t := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now, NotAfter: now.Add(time.Hour)}
	return must(x509.CreateCertificate(rand.Reader, t, t, key.Key().Public(), key.Key()))
}
