package client_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/mls"
	"huisclos/trust"
	"huisclos/wire"
)

// anyone is an authentication service that takes everybody: that of an attacker.
type anyone struct{}

func (anyone) ValidateMember(*mls.LeafNode) error              { return nil }
func (anyone) ValidateSuccessor(_, _ *mls.LeafNode) error      { return nil }
func (anyone) ValidateExternalSender(mls.ExternalSender) error { return nil }
func (anyone) ClientID(l *mls.LeafNode) []byte                 { return l.SignatureKey }

// A server with an account of its own makes up a group that looks like the room's, with bob in it, and has him believe that he can't follow any more. He asks to
// come back, but says nothing there before somebody has spoken who was in the room; and he shows no members.
func TestLuredIntoAForgedGroup(t *testing.T) {
	w := newWorld(t)
	vault := client.NewMemory()
	alice, bob, mallory := w.person("alice", nil), w.person("bob", nil), w.person("mallory", vault)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	bob.say("team", "hello")
	await(alice, text("hello"))
	// mallory gets real key packages of everybody, so that nobody is missing in her tree.
	var packages []wire.TakenPackage
	mallory.between(func(f wire.Frame) []wire.Frame {
		if p, ok := f.(*wire.Packages); ok {
			packages = append(packages, p.Packages...)
		}
		return []wire.Frame{f}
	})
	mallory.found("own")
	if err := mallory.Invite(w.ctx, "own", "bob", "alice"); err != nil {
		t.Fatal(err)
	}
	var room chat.RoomID
	var aliceAcc chat.AccountID
	var aliceDev chat.DeviceID
	st, _ := bob.Status(w.ctx)
	for _, r := range st.Rooms {
		if r.Name == "team" {
			room = r.Room
		}
	}
	for m := range bob.Read(w.ctx, "team", 0, false) {
		if m.Sender == "alice" {
			aliceAcc, aliceDev = m.Account, m.Device
		}
	}
	var self struct {
		Account []byte         `cbor:"3,keyasint"`
		Device  []byte         `cbor:"4,keyasint"`
		ID      chat.AccountID `cbor:"16,keyasint"`
	}
	_ = vault.View(func(r client.Reader) error {
		b, _ := r.Get(client.TableSelf, []byte("self"))
		return wire.Unmarshal(b, &self)
	})
	dev, err := trust.ParseDevice(self.Device)
	if err != nil {
		t.Fatal(err)
	}
	// the forged group
	server := w.identity.Fingerprint()
	const suite = mls.MLKEM768X25519AES256SHA384Ed25519
	cfg := &mls.Config{Validator: anyone{}, Now: time.Now, Suites: []mls.CipherSuite{suite}, Extensions: []mls.ExtensionType{0xF100, 0xF101, mls.ExtensionLastResort}, Credentials: []mls.CredentialType{mls.CredentialBasic}}
	key, _ := cfg.NewSignatureKey(suite)
	leaf := dev.SignLeaf(server, self.ID, 1, key.Public())
	real, err := w.store.State(w.ctx, room)
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := bytes.Cut(real.Info, []byte{0xF1, 0x00, 0x20}) // the hash of the room's state, which the server sees
	if !ok {
		t.Fatal("no hash in the GroupInfo")
	}
	hash := after[:32]
	nosave := func(mls.Changes) error { return nil }
	gid := append(append([]byte{}, server[:]...), room[:]...)
	g, err := cfg.Create(suite, key, mls.BasicCredential(leaf.Marshal()), mls.GroupOptions{ID: gid, Extensions: mls.Extensions{}.With(0xF100, hash)}, nosave)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		o := mls.CommitOptions{}
		if i == 0 {
			for _, p := range packages {
				m, err := mls.ParseMessage(p.Data)
				if err != nil {
					t.Fatal(err)
				}
				o.Proposals = append(o.Proposals, &mls.Proposal{Type: mls.ProposalAdd, Add: m.KeyPackage()})
			}
		}
		p, err := g.Commit(o, func(*mls.Pending, mls.Changes) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Accept(nosave); err != nil {
			t.Fatal(err)
		}
	}
	info, _ := g.GroupInfo(false)
	tree := g.Tree()
	// a message of a later epoch, "of alice"
	fake := []byte{0, 1, 0, 2, byte(len(gid))}
	fake = append(fake, gid...)
	fake = binary.BigEndian.AppendUint64(fake, 1000)
	fake = append(fake, 1, 0, 16)
	fake = append(fake, make([]byte, 16)...)
	fake = append(fake, 16)
	fake = append(fake, make([]byte, 16)...)
	entry := wire.Entry{Time: time.Now().UnixMilli(), Kind: chat.Content, Envelope: wire.Marshal(&wire.PrivateEnvelope{Version: 2, Room: room, Account: aliceAcc, Device: aliceDev, ID: chat.NewMessageID(time.Now()), Message: fake})}
	var mu sync.Mutex
	var chain [32]byte
	var got [][]byte
	bob.between(func(f wire.Frame) []wire.Frame {
		mu.Lock()
		defer mu.Unlock()
		switch f := f.(type) {
		case *wire.RoomState:

			f.Info, f.Tree = info, tree
		case *wire.Ack:
			if f.Room == room {
				return nil
			}
		case *wire.Entries:
			if f.Room != room {
				break
			}
			if chain == [32]byte{} { // in the place of alice's
				f.Entries[0], chain = entry, f.Before
			}
			f.Before = chain
			for i, e := range f.Entries {
				chain = wire.Chain(chain, f.First+chat.Seq(i), wire.HashEnvelope(e.Envelope))
				got = append(got, e.Envelope)
			}
		}
		return []wire.Frame{f}
	})
	alice.say("team", "trigger")
	await[client.Returning](bob, nil) // nothing tells that tree from a true one
	ctx, cancel := context.WithTimeout(w.ctx, 3*time.Second)
	defer cancel()
	if _, err := bob.Send(ctx, "team", "a secret for alice"); err == nil {
		t.Error("bob's message went out")
	}
	if all, err := bob.Members(w.ctx, "team"); err == nil {
		t.Errorf("bob is shown %+v", all)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, raw := range got {
		env, err := wire.ParsePrivateEnvelope(raw)
		if err != nil {
			continue
		}
		m, err := mls.ParseMessage(env.Message)
		if err != nil {
			continue
		}
		v, err := g.Open(m)
		if err != nil {
			continue
		}
		switch v := v.(type) {
		case *mls.StagedCommit:
			_ = v.Accept(nosave)
		case *mls.ApplicationMessage:
			p, _ := v.Accept(func([]byte, mls.Changes) error { return nil })
			if bytes.Contains(p, []byte("secret")) {
				t.Errorf("mallory reads %q", p)
			}
		}
	}
}
