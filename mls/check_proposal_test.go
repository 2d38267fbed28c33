package mls_test

import (
	"bytes"
	"fmt"

	"huisclos/mls"
	"huisclos/mls/mlstest"
)

func remove(i uint32) *mlstest.Proposal {
	return &mlstest.Proposal{Type: mls.ProposalRemove, Remove: i}
}

// packageAttacks: RFC 9420 §10.
var packageAttacks = []attack{
	{"10/extension-listed", mls.ErrInvalid, "", added("eve", func(w *world, k *mlstest.KeyPackage) { k.Extensions = mls.Extensions{{Type: unknown}} })},
	{"10.1/version", mls.ErrUnsupported, "", added("eve", func(w *world, k *mlstest.KeyPackage) { k.Version = 2 })},
	{"10.1/suite", mls.ErrInvalid, "", added("eve", func(w *world, k *mlstest.KeyPackage) { k.Suite = mls.P256AES128SHA256P256 })},
	{"10.1/init-key", mls.ErrInvalid, "", added("eve", func(w *world, k *mlstest.KeyPackage) { k.InitKey = k.Leaf.EncryptionKey })},
	{"10.1/signature", mls.ErrInvalid, "", func(w *world) error {
		k := w.stranger("eve", nil)
		k.Signature = flip(k.Signature)
		return w.committed(add(k))
	}},
	{"10.1/signature", mls.ErrInvalid, "another's", func(w *world) error {
		k := w.stranger("eve", nil)
		k.SignOuter(w.forger().Signer)
		return w.proposed(add(k))
	}},
}

// proposalAttacks: RFC 9420 §12.1.
var proposalAttacks = []attack{
	{"12.1.3/blank", mls.ErrInvalid, "", func(w *world) error { return w.proposed(remove(6)) }},
	{"12.1.3/blank", mls.ErrInvalid, "outside of the tree", func(w *world) error { return w.committed(remove(1<<32 - 1)) }},
	{"12.1.4/nonce", mls.ErrInvalid, "", func(w *world) error {
		return w.committed(psk(mlstest.PSKID{Type: mls.PSKExternal, ID: []byte("known"), Nonce: []byte("short")}))
	}},
	{"12.1.4/usage", mls.ErrInvalid, "reinit", func(w *world) error {
		return w.committed(psk(mlstest.PSKID{Type: mls.PSKResumption, Usage: mls.UsageReInit, GroupID: w.alice.g.ID(), Epoch: w.alice.g.Epoch()}))
	}},
	{"12.1.4/usage", mls.ErrInvalid, "branch", func(w *world) error {
		return w.proposed(psk(mlstest.PSKID{Type: mls.PSKResumption, Usage: mls.UsageBranch, GroupID: w.alice.g.ID(), Epoch: w.alice.g.Epoch()}))
	}},
	{"12.1.5/version", mls.ErrInvalid, "", func(w *world) error {
		return w.committed(&mlstest.Proposal{Type: mls.ProposalReInit, ReInit: mlstest.ReInit{Suite: w.id}})
	}},
	{"12.1.6/context", mls.ErrInvalid, "", func(w *world) error {
		return w.proposed(&mlstest.Proposal{Type: mls.ProposalExternalInit, KEMOutput: []byte("x")})
	}},
	{"12.1.8/external-type", mls.ErrMalformed, "ExternalInit", external(service, mlstest.Content{Type: mls.ContentProposal,
		Proposal: &mlstest.Proposal{Type: mls.ProposalExternalInit}})},
	{"12.1.8/external-type", mls.ErrMalformed, "Update", func(w *world) error {
		return external(service, mlstest.Content{Type: mls.ContentProposal, Proposal: w.forger().UpdateProposal(nil)})(w)
	}},
}

// listAttacks: RFC 9420 §12.2, §12.4.
var listAttacks = []attack{
	{"12.2/own-update", mls.ErrInvalid, "by value", func(w *world) error { return w.committed(w.forger().UpdateProposal(nil)) }},
	{"12.2/own-update", mls.ErrInvalid, "by reference", func(w *world) error {
		f := w.forger()
		b, item := f.Propose(f.UpdateProposal(nil), mlstest.Wrap{})
		w.given(b)
		return w.path(mlstest.Plan{Proposals: []mlstest.Item{item}, Wrap: mlstest.Wrap{Generation: 1}})
	}},
	{"12.2/own-remove", mls.ErrInvalid, "", func(w *world) error { return w.committed(remove(1)) }},
	{"12.2/same-leaf", mls.ErrInvalid, "two removals", func(w *world) error { return w.committed(remove(2), remove(2)) }},
	{"12.2/same-leaf", mls.ErrInvalid, "an Update and a removal", func(w *world) error {
		f := must(mlstest.New(w.carol.disk))
		b, item := f.Propose(f.UpdateProposal(nil), mlstest.Wrap{Generation: 9}) // carol herself goes on from 0
		for _, m := range []*member{w.alice, w.bob} {
			if err := m.receive(b); err != nil {
				return err
			}
		}
		return w.path(mlstest.Plan{Proposals: append(mlstest.Values(remove(2)), item)})
	}},
	{"12.2/same-proposal", mls.ErrInvalid, "", func(w *world) error {
		b, item := w.forger().Propose(add(w.stranger("eve", nil)), mlstest.Wrap{})
		w.given(b)
		return w.path(mlstest.Plan{Proposals: []mlstest.Item{item, item}, Wrap: mlstest.Wrap{Generation: 1}})
	}},
	{"12.2/same-client", mls.ErrInvalid, "a member", added("carol", func(*world, *mlstest.KeyPackage) {})},
	{"12.2/same-client", mls.ErrInvalid, "two newcomers", func(w *world) error {
		return w.committed(add(w.stranger("eve", nil)), add(w.stranger("eve", nil)))
	}},
	{"12.2/same-psk", mls.ErrInvalid, "", func(w *world) error {
		p := psk(mlstest.PSKID{Type: mls.PSKExternal, ID: []byte("known")})
		return w.committed(p, p)
	}},
	{"12.2/same-psk", mls.ErrInvalid, "in a Welcome", func(w *world) error {
		p := psk(mlstest.PSKID{Type: mls.PSKExternal, ID: []byte("known")}).PSK
		return w.welcomed(mlstest.Invitation{PSKs: []mlstest.PSK{p, p}})
	}},
	{"12.2/two-extensions", mls.ErrInvalid, "", func(w *world) error { return w.committed(extensions(), extensions()) }},
	{"12.2/reinit-alone", mls.ErrInvalid, "", func(w *world) error { return w.committed(reinit(w, nil), add(w.stranger("eve", nil))) }},
	{"12.2/reinit-alone", mls.ErrInvalid, "two", func(w *world) error { return w.committed(reinit(w, nil), reinit(w, nil)) }},
	{"12.2/external-init", mls.ErrInvalid, "", func(w *world) error {
		return w.committed(&mlstest.Proposal{Type: mls.ProposalExternalInit, KEMOutput: []byte("x")})
	}},
	{"12.4/unknown-proposal", mls.ErrMissing, "", func(w *world) error {
		return w.path(mlstest.Plan{Proposals: []mlstest.Item{{Ref: mlstest.Random(32)}}})
	}},
	{"12.4/path-required", mls.ErrInvalid, "empty", func(w *world) error { return w.path(mlstest.Plan{NoPath: true}) }},
	{"12.4/path-required", mls.ErrInvalid, "Remove", func(w *world) error {
		return w.path(mlstest.Plan{NoPath: true, Proposals: mlstest.Values(remove(2))})
	}},
	{"12.4/path-required", mls.ErrInvalid, "extensions", func(w *world) error {
		return w.path(mlstest.Plan{NoPath: true, Proposals: mlstest.Values(extensions(mls.Extension{Type: known}), add(w.stranger("eve", nil)))})
	}},
	{"12.4.2/psk-available", mls.ErrMissing, "external", func(w *world) error {
		return w.committed(psk(mlstest.PSKID{Type: mls.PSKExternal, ID: []byte("another")}))
	}},
	{"12.4.2/psk-available", mls.ErrMissing, "of an epoch that is gone", func(w *world) error {
		return w.committed(psk(mlstest.PSKID{Type: mls.PSKResumption, Usage: mls.UsageApplication, GroupID: w.alice.g.ID(), Epoch: 0}))
	}},
	{"12.4.2/psk-available", mls.ErrMissing, "in a Welcome", func(w *world) error {
		return w.welcomed(mlstest.Invitation{PSKs: []mlstest.PSK{psk(mlstest.PSKID{Type: mls.PSKExternal, ID: []byte("another")}).PSK}})
	}},
	{"7.7/size", mls.ErrInvalid, "an Add", func(w *world) error {
		return full(w, w.forger().Commit(mlstest.Plan{Proposals: mlstest.Values(add(w.stranger("eve", nil))), Wrap: mlstest.Wrap{Public: true}}))
	}},
	{"7.7/size", mls.ErrInvalid, "an external commit", func(w *world) error {
		l, key := outsider(w, "eve")
		return full(w, w.forger().Commit(mlstest.Plan{External: l, Wrap: mlstest.Wrap{Signer: key}, NoPath: true,
			Commit: func(c *mlstest.Commit) { c.Path = &mlstest.UpdatePath{Leaf: asCommit(l)} }}))
	}},
}

func asCommit(l *mlstest.LeafNode) *mlstest.LeafNode {
	l = l.Clone()
	l.Source = mls.SourceCommit
	return l
}

// full is what alice says of a commit when her group is one of mls.MaxMembers, all leaves there and never looked at. The group's context stays,
// so bob can still forge.
func full(w *world, made *mlstest.Made) error {
	f := w.forger()
	height := append(bytes.Clone(f.Secrets.Authenticator), 0, 0, 0, 3)
	records := map[string][]byte{"group": bytes.Replace(w.alice.disk["group"], height, append(f.Secrets.Authenticator, 0, 0, 0, 17), 1)}
	for i := range uint32(mls.MaxMembers) {
		name := fmt.Sprintf("tree/%08x", 2*i)
		if records[name] = w.alice.disk[name]; i >= 5 {
			records[name] = w.alice.disk["tree/00000004"]
		}
	}
	w.alice.g = must(w.alice.cfg.Load(records))
	before := w.alice.g.Authenticator()
	_, err := w.alice.open(made.Message)
	if !bytes.Equal(w.alice.g.Authenticator(), before) || w.alice.g.Size() != mls.MaxMembers {
		w.Error("something was refused and has changed the state")
	}
	return err
}

func reinit(w *world, id []byte) *mlstest.Proposal {
	if id == nil {
		id = []byte("next")
	}
	return &mlstest.Proposal{Type: mls.ProposalReInit, ReInit: mlstest.ReInit{GroupID: id, Version: mls.MLS10, Suite: w.id}}
}
