package client_test

import (
	"bytes"
	"context"
	"crypto/sha256"
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
	// mallory gets a key package of bob's.
	var kp []byte
	mallory.between(func(f wire.Frame) []wire.Frame {
		if p, ok := f.(*wire.Packages); ok && len(p.Packages) > 0 {
			kp = p.Packages[0].Data
		}
		return []wire.Frame{f}
	})
	mallory.found("own")
	mallory.invite("own", "bob")
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
	hash := sha256.Sum256([]byte("whatever"))
	nosave := func(mls.Changes) error { return nil }
	gid := append(append([]byte{}, server[:]...), room[:]...)
	g, err := cfg.Create(suite, key, mls.BasicCredential(leaf.Marshal()), mls.GroupOptions{ID: gid, Extensions: mls.Extensions{}.With(0xF100, hash[:])}, nosave)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := mls.ParseMessage(kp)
	for i := range 20 {
		o := mls.CommitOptions{}
		if i == 0 {
			o.Proposals = []*mls.Proposal{{Type: mls.ProposalAdd, Add: m.KeyPackage()}}
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
	shift, chain := chat.Seq(0), [32]byte{}
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
			if shift == 0 { // one real entry, and ours after it
				n := f.First
				h := wire.Chain(f.Before, n, wire.HashEnvelope(f.Entries[0].Envelope))
				shift = 1
				chain = wire.Chain(h, n+1, wire.HashEnvelope(entry.Envelope))
				return []wire.Frame{f, &wire.Entries{Type: 12, Room: room, First: n + 1, Before: h, Head: n + 1, Entries: []wire.Entry{entry}}}
			}
			f.First, f.Head, f.Before = f.First+1, f.Head+1, chain
			for i, e := range f.Entries {
				chain = wire.Chain(chain, f.First+chat.Seq(i), wire.HashEnvelope(e.Envelope))
				got = append(got, e.Envelope)
			}
		}
		return []wire.Frame{f}
	})
	alice.say("team", "trigger")
	await(bob, func(m client.Message) bool { return m.Form == client.Refused || m.Form == client.Unreadable }) // and he goes nowhere
	ctx, cancel := context.WithTimeout(w.ctx, 3*time.Second)
	defer cancel()
	_, _ = bob.Send(ctx, "team", "a secret for alice") // in the group that he was in, or not at all
	if all, err := bob.Members(w.ctx, "team"); err == nil && len(all) != 2 {
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
