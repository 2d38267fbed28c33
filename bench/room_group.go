package main

import (
	"errors"
	"fmt"
	"time"

	"huisclos/mls"
	"huisclos/trust"
	"huisclos/wire"
)

const benchSuite = mls.MLKEM768X25519AES256SHA384Ed25519

// anyone is an authentication service that costs nothing.
type anyone struct{}

func (anyone) ValidateMember(*mls.LeafNode) error              { return nil }
func (anyone) ValidateSuccessor(_, _ *mls.LeafNode) error      { return nil }
func (anyone) ValidateExternalSender(mls.ExternalSender) error { return errors.New("nobody") }
func (anyone) ClientID(leaf *mls.LeafNode) []byte              { return leaf.SignatureKey }

// benchGroups are the parameters of private rooms (docs/protocol.md, section 18).
func benchGroups() *mls.Config {
	return &mls.Config{
		Validator: anyone{}, Now: time.Now, Suites: []mls.CipherSuite{benchSuite},
		Extensions:  []mls.ExtensionType{0xF100, 0xF101, mls.ExtensionLastResort},
		Credentials: []mls.CredentialType{mls.CredentialBasic},
	}
}

// keyPackage makes one of a device's.
func (m *member) keyPackage(cfg *mls.Config) (*mls.KeyPackageSecrets, error) {
	key, err := cfg.NewSignatureKey(benchSuite)
	if err != nil {
		return nil, err
	}
	leaf := m.device.SignLeaf(m.server, m.account.ID(), 1, key.Public())
	return cfg.NewKeyPackage(benchSuite, key, mls.BasicCredential(leaf.Marshal()), mls.KeyPackageOptions{})
}

// publish gives the server one key package of the member.
func (m *member) publish(cfg *mls.Config) error {
	k, err := m.keyPackage(cfg)
	if err != nil {
		return err
	}
	put := &wire.PutPackages{Ref: 1, Packages: []wire.KeyPackage{{Ref: k.Ref(), Data: k.Message()}}}
	if err := m.link.Write(wire.Encode(put)); err != nil {
		return err
	}
	for {
		raw, err := m.link.Read()
		if err != nil {
			return err
		}
		f, err := wire.Decode(raw)
		if err != nil {
			return err
		}
		switch f := f.(type) {
		case *wire.PackageState:
			return nil
		case *wire.Failure:
			return f.Err()
		}
	}
}

// joinAlone makes a group of n members in the steps of the room's, and times the last one's joining.
func joinAlone(cfg *mls.Config, n int) (time.Duration, error) {
	save := func(mls.Changes) error { return nil }
	maker := &member{account: trust.NewAccount(), device: trust.NewDevice()}
	key, err := cfg.NewSignatureKey(benchSuite)
	if err != nil {
		return 0, err
	}
	leaf := maker.device.SignLeaf(maker.server, maker.account.ID(), 1, key.Public())
	g, err := cfg.Create(benchSuite, key, mls.BasicCredential(leaf.Marshal()), mls.GroupOptions{}, save)
	if err != nil {
		return 0, err
	}
	add := func(many int) (*mls.KeyPackageSecrets, *mls.Welcome, error) {
		var o mls.CommitOptions
		var last *mls.KeyPackageSecrets
		for range many {
			m := newMember(maker.server, 0)
			k, err := m.keyPackage(cfg)
			if err != nil {
				return nil, nil, err
			}
			last = k
			o.Proposals = append(o.Proposals, &mls.Proposal{Type: mls.ProposalAdd, Add: k.Package})
		}
		p, err := g.Commit(o, func(*mls.Pending, mls.Changes) error { return nil })
		if err != nil {
			return nil, nil, err
		}
		w := p.Welcome()
		return last, w, p.Accept(save)
	}
	for left := n - 2; left > 0; left -= min(left, wire.MaxTake) {
		if _, _, err := add(min(left, wire.MaxTake)); err != nil {
			return 0, err
		}
	}
	k, w, err := add(1)
	if err != nil {
		return 0, err
	}
	tree := g.Tree()
	message := w.Message()
	begin := time.Now()
	parsed, err := mls.ParseMessage(message)
	if err != nil {
		return 0, err
	}
	joined, err := cfg.Join(parsed.Welcome(), k, mls.JoinOptions{Tree: tree}, save)
	took := time.Since(begin)
	if err == nil && joined.Size() != n {
		err = fmt.Errorf("a group of %d", joined.Size())
	}
	return took, err
}
