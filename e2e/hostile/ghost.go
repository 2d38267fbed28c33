package main

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/mls"
	"huisclos/mls/mlstest"
	"huisclos/trust"
	"huisclos/wire"
)

// The numbers that clients of private rooms use (package client).
const (
	suite          = mls.MLKEM768X25519AES256SHA384Ed25519
	extensionState = mls.ExtensionType(0xF100)
	extensionRoom  = mls.ExtensionType(0xF101)
)

// swap makes a key package to be given in another's place.
type swap func(wire.TakenPackage) []byte

// anybody believes every leaf: the server's own half of MLS.
type anybody struct{}

func (anybody) ValidateMember(*mls.LeafNode) error                   { return nil }
func (anybody) ValidateSuccessor(*mls.LeafNode, *mls.LeafNode) error { return nil }
func (anybody) ValidateExternalSender(mls.ExternalSender) error      { return nil }
func (anybody) ClientID(l *mls.LeafNode) []byte                      { return l.SignatureKey }

func anyConfig() *mls.Config {
	return &mls.Config{
		Validator: anybody{}, Now: time.Now, Suites: []mls.CipherSuite{suite}, Credentials: []mls.CredentialType{mls.CredentialBasic},
		Extensions: []mls.ExtensionType{extensionState, extensionRoom, mls.ExtensionLastResort},
	}
}

func nothing(mls.Changes) error { return nil }

// ghostly is somebody who doesn't exist, with an account and a device that the server has made.
type ghostly struct {
	account *trust.Account
	device  *trust.Device
}

func newGhost() *ghostly { return &ghostly{trust.NewAccount(), trust.NewDevice()} }

// leaf makes a leaf key and a credential for it that names an account and a device.
func (g *ghostly) leaf(server chat.Fingerprint, account chat.AccountID, device chat.DeviceID) (*mls.SignatureKey, mls.Credential, error) {
	key, err := anyConfig().NewSignatureKey(suite)
	if err != nil {
		return nil, mls.Credential{}, err
	}
	l := g.device.SignLeaf(server, account, 1, key.Public())
	l.Device = device
	return key, mls.BasicCredential(l.Marshal()), nil
}

// enrol gives the ghost a name on the server.
func (s *liar) enrol(ctx context.Context, g *ghostly, name string) error {
	_, err := s.shelf.Enrol(ctx, hub.Enrolment{
		Account: g.account.ID(), Device: g.device.ID(), Certificate: trust.Certify(g.account, g.device, 1, time.Now().UnixMilli()).Marshal(), ListVersion: 1,
		Name: name, Folded: trust.FoldName(name), Skeleton: trust.Skeleton(name), NameSig: g.account.SignName(s.identity.Fingerprint(), name), Generation: 1,
		At: time.Now(),
	})
	return err
}

// swap gives other key packages for somebody.
func (s *liar) swap(ctx context.Context, args []string) (string, error) {
	if len(args) != 2 {
		return "", errUsage
	}
	victim, err := s.peer(args[0])
	if err != nil {
		return "", err
	}
	var lie swap
	if args[1] == "stolen" {
		g := newGhost()
		lie = func(t wire.TakenPackage) []byte {
			key, credential, err := g.leaf(s.identity.Fingerprint(), t.Account, t.Device)
			if err != nil {
				return t.Data
			}
			k, err := anyConfig().NewKeyPackage(suite, key, credential, mls.KeyPackageOptions{Lifetime: time.Hour})
			if err != nil {
				return t.Data
			}
			return k.Message()
		}
	} else {
		other, err := s.peer(args[1])
		if err != nil {
			return "", err
		}
		taken, err := s.shelf.TakePackages(ctx, victim.Device, []chat.AccountID{other.Account}, 1<<20)
		if err != nil || len(taken) == 0 {
			return "", errors.Join(err, errNobody)
		}
		lie = func(wire.TakenPackage) []byte { return taken[0].Data }
	}
	s.mu.Lock()
	s.swaps[victim.Account] = lie
	s.mu.Unlock()
	return "ok", nil
}

// ghost enters the room by an external commit, with the newest state that the server has.
func (s *liar) ghost(ctx context.Context, args []string) (string, error) {
	if len(args) != 1 {
		return "", errUsage
	}
	room, _ := s.shelf.private()
	state, err := s.shelf.State(ctx, room)
	if err != nil {
		return "", err
	}
	g := newGhost()
	account, device := g.account.ID(), g.device.ID()
	if args[0] != "-" {
		p, err := s.peer(args[0])
		if err != nil {
			return "", err
		}
		account, device = p.Account, p.Device
	} else if err := s.enrol(ctx, g, "ghost"); err != nil {
		return "", err
	}
	m, err := mls.ParseMessage(state.Info)
	if err != nil {
		return "", err
	}
	key, credential, err := g.leaf(s.identity.Fingerprint(), account, device)
	if err != nil {
		return "", err
	}
	id := chat.NewMessageID(time.Now())
	_, message, err := anyConfig().JoinExternal(m.GroupInfo(), key, credential, mls.ExternalOptions{Tree: state.Tree, AuthenticatedData: id[:]},
		func([]byte, mls.Changes) error { return nil })
	if err != nil {
		return "", err
	}
	envelope := wire.Marshal(&wire.PrivateEnvelope{Version: 2, Room: room, Account: account, Device: device, ID: id, Message: message})
	return s.put(ctx, id, chat.Commit, envelope)
}

// own makes a group of the server's own in the place of the private room's, far ahead of it, with somebody in it.
func (s *liar) own(ctx context.Context, args []string) (string, error) {
	if len(args) != 1 {
		return "", errUsage
	}
	victim, err := s.peer(args[0])
	if err != nil {
		return "", err
	}
	g := newGhost()
	if err := s.enrol(ctx, g, "stranger"); err != nil {
		return "", err
	}
	taken, err := s.shelf.TakePackages(ctx, g.device.ID(), []chat.AccountID{victim.Account}, 1<<20)
	if err != nil || len(taken) == 0 {
		return "", errors.Join(err, errNobody)
	}
	m, err := mls.ParseMessage(taken[0].Data)
	if err != nil {
		return "", err
	}
	key, credential, err := g.leaf(s.identity.Fingerprint(), g.account.ID(), g.device.ID())
	if err != nil {
		return "", err
	}
	room, _ := s.shelf.private()
	server := s.identity.Fingerprint()
	group, err := anyConfig().Create(suite, key, credential, mls.GroupOptions{ID: append(server[:], room[:]...)}, nothing)
	if err != nil {
		return "", err
	}
	o := mls.CommitOptions{Proposals: []*mls.Proposal{{Type: mls.ProposalAdd, Add: m.KeyPackage()}}}
	for range 30 {
		pending, err := group.Commit(o, func(*mls.Pending, mls.Changes) error { return nil })
		if err != nil {
			return "", err
		}
		if err := pending.Accept(nothing); err != nil {
			return "", err
		}
		o = mls.CommitOptions{}
	}
	info, err := group.GroupInfo(false)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	s.made.Info, s.made.Tree, s.state = info, group.Tree(), "own"
	s.mu.Unlock()
	return "ok", nil
}

// message puts a message into somebody's mouth.
func (s *liar) message(ctx context.Context, args []string) (string, error) {
	if len(args) != 1 {
		return "", errUsage
	}
	p, err := s.peer(args[0])
	if err != nil {
		return "", err
	}
	room, _ := s.shelf.private()
	state, err := s.shelf.State(ctx, room)
	if err != nil {
		return "", err
	}
	m, err := mls.ParseMessage(state.Info)
	if err != nil {
		return "", err
	}
	id := chat.NewMessageID(time.Now())
	var w mlstest.Writer // a PrivateMessage (RFC 9420 §6.3) of the epoch that there is, full of noise
	w.Opaque(m.GroupInfo().GroupID())
	w.U64(m.GroupInfo().Epoch())
	w.U8(uint8(mls.ContentApplication))
	w.Opaque(id[:])
	w.Opaque(noise(28))
	w.Opaque(noise(200))
	envelope := wire.Marshal(&wire.PrivateEnvelope{
		Version: 2, Room: room, Account: p.Account, Device: p.Device, ID: id, Message: mlstest.Message(mls.WirePrivateMessage, w.B),
	})
	return s.put(ctx, id, chat.Content, envelope)
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// welcome gives somebody a Welcome into a group that the server has made, as if by a member.
func (s *liar) welcome(ctx context.Context, args []string) (string, error) {
	if len(args) != 2 {
		return "", errUsage
	}
	victim, err := s.peer(args[0])
	if err != nil {
		return "", err
	}
	by, err := s.peer(args[1])
	if err != nil {
		return "", err
	}
	taken, err := s.shelf.TakePackages(ctx, by.Device, []chat.AccountID{victim.Account}, 1<<20)
	if err != nil || len(taken) == 0 {
		return "", errors.Join(err, errNobody)
	}
	m, err := mls.ParseMessage(taken[0].Data)
	if err != nil {
		return "", err
	}
	g := newGhost()
	key, credential, err := g.leaf(s.identity.Fingerprint(), by.Account, by.Device)
	if err != nil {
		return "", err
	}
	var room chat.RoomID
	copy(room[:], noise(len(room)))
	server := s.identity.Fingerprint()
	group, err := anyConfig().Create(suite, key, credential, mls.GroupOptions{ID: append(server[:], room[:]...)}, nothing)
	if err != nil {
		return "", err
	}
	pending, err := group.Commit(mls.CommitOptions{
		Proposals: []*mls.Proposal{{Type: mls.ProposalAdd, Add: m.KeyPackage()}}, WelcomeTree: true, WelcomeExternalPub: true,
	}, func(*mls.Pending, mls.Changes) error { return nil })
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	s.extra[victim.Device] = append(s.extra[victim.Device], wire.Invitation{
		Room: room, Seq: 1, Account: by.Account, Device: by.Device, Time: time.Now().UnixMilli(), Welcome: pending.Welcome().Message(),
	})
	t := s.seats[args[0]]
	s.mu.Unlock()
	t.Push(wire.Encode(&wire.Invited{Room: room}))
	return "ok", nil
}
