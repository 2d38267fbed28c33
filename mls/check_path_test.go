package mls_test

import (
	"huisclos/mls"
	"huisclos/mls/mlstest"
)

// recipient lets erin in at leaf 2 without the path secret that she needs, and frank commit to the node above her, whose key she lacks.
func recipient(w *world) error {
	erin := w.newcomer("erin")
	made := w.forger().Commit(mlstest.Plan{Proposals: mlstest.Values(remove(2), add(erin.pack))})
	welcome := must(mls.ParseMessage(made.Welcome(mlstest.Invitation{Secrets: func(_ int, s *mlstest.GroupSecrets) { s.PathSecret = nil }}))).Welcome()
	erin.g = must(erin.cfg.Join(welcome, erin.keys, mls.JoinOptions{}, erin.save))
	if err := w.frank.receive(made.Message); err != nil {
		return err
	}
	before := erin.snapshot()
	_, err := erin.open(w.frank.commit(mls.CommitOptions{}).Message())
	erin.unchanged(w, before)
	return err
}

// pathAttacks: RFC 9420 §7.4 to §7.9, §12.4.2.
var pathAttacks = []attack{
	{"5.1.3/open", mls.ErrInvalid, "another ciphertext", func(w *world) error {
		return w.path(mlstest.Plan{Path: func(p *mlstest.UpdatePath) { p.Nodes[0].Secrets[0].Text = flip(p.Nodes[0].Secrets[0].Text) }})
	}},
	{"5.1.3/open", mls.ErrInvalid, "no KEM output", func(w *world) error {
		return w.path(mlstest.Plan{Path: func(p *mlstest.UpdatePath) { p.Nodes[0].Secrets[0].KEM = nil }})
	}},
	{"5.1.3/open", mls.ErrInvalid, "a Welcome's", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Entries: func(e []mlstest.Entry) []mlstest.Entry {
			e[0].Secrets.Text = flip(e[0].Secrets.Text)
			return e
		}})
	}},
	{"7.4/path-secret", mls.ErrInvalid, "short", func(w *world) error {
		return w.path(mlstest.Plan{Secret: func(_ int, s []byte) []byte { return s[1:] }})
	}},
	{"7.4/path-secret", mls.ErrInvalid, "empty", func(w *world) error {
		return w.path(mlstest.Plan{Secret: func(int, []byte) []byte { return nil }})
	}},
	{"7.5/recipient", mls.ErrInvalid, "", recipient},
	{"7.5/path-keys", mls.ErrInvalid, "another secret", func(w *world) error {
		return w.path(mlstest.Plan{Secret: func(_ int, s []byte) []byte { return mlstest.Random(len(s)) }})
	}},
	{"7.5/path-keys", mls.ErrInvalid, "another key at the root", func(w *world) error {
		_, key := w.forger().Suite.NewKey()
		return w.path(mlstest.Plan{NodeKey: func(i int, k []byte) []byte {
			if i == 2 {
				return key
			}
			return k
		}})
	}},
	{"7.6/path-length", mls.ErrInvalid, "short", func(w *world) error {
		return w.path(mlstest.Plan{Path: func(p *mlstest.UpdatePath) { p.Nodes = p.Nodes[:2] }})
	}},
	{"7.6/path-length", mls.ErrInvalid, "long", func(w *world) error {
		return w.path(mlstest.Plan{Path: func(p *mlstest.UpdatePath) { p.Nodes = append(p.Nodes, p.Nodes[0]) }})
	}},
	{"7.6/ciphertexts", mls.ErrInvalid, "too few", func(w *world) error {
		return w.path(mlstest.Plan{Path: func(p *mlstest.UpdatePath) { p.Nodes[2].Secrets = nil }})
	}},
	{"7.6/ciphertexts", mls.ErrInvalid, "one for a newcomer of the same commit", func(w *world) error {
		return w.path(mlstest.Plan{Proposals: mlstest.Values(add(w.stranger("eve", nil))), Path: func(p *mlstest.UpdatePath) {
			p.Nodes[2].Secrets = append(p.Nodes[2].Secrets, p.Nodes[2].Secrets[0])
		}})
	}},
	{"7.9.2/path-parent-hash", mls.ErrInvalid, "", pathLeaf(func(w *world, l *mlstest.LeafNode) { l.ParentHash = flip(l.ParentHash) })},
	{"7.9.2/path-parent-hash", mls.ErrInvalid, "none", pathLeaf(func(w *world, l *mlstest.LeafNode) { l.ParentHash = nil })},
	{"12.4.2/path-key-new", mls.ErrInvalid, "the leaf's", pathLeaf(func(w *world, l *mlstest.LeafNode) {
		l.EncryptionKey = w.carol.g.Leaf(2).EncryptionKey
	})},
	{"12.4.2/path-key-new", mls.ErrInvalid, "a node's old key", func(w *world) error {
		return w.path(mlstest.Plan{NodeKey: func(i int, k []byte) []byte {
			if i == 1 {
				return w.forger().Tree.Nodes[3].Parent.Key
			}
			return k
		}})
	}},
	{"12.4.2/path-key-new", mls.ErrInvalid, "a key of a newcomer of the same commit", func(w *world) error {
		k := w.stranger("eve", nil)
		return w.path(mlstest.Plan{Proposals: mlstest.Values(add(k)), Leaf: func(l *mlstest.LeafNode) { l.EncryptionKey = k.Leaf.EncryptionKey }})
	}},
}

// outsider is the leaf of somebody who isn't a member, with its key.
func outsider(w *world, name string) (*mlstest.LeafNode, *mlstest.Signer) {
	f := w.forger()
	key := f.Suite.NewSigner()
	l := f.Leaf()
	l.SignatureKey, l.Credential = key.Public, mls.BasicCredential([]byte(name))
	return l, key
}

// entered is what alice says of an external commit of somebody new.
func entered(name string, change func(w *world, p *mlstest.Plan)) func(w *world) error {
	return func(w *world) error {
		l, key := outsider(w, name)
		p := mlstest.Plan{External: l, Wrap: mlstest.Wrap{Signer: key}}
		change(w, &p)
		return w.sent(w.forger().Commit(p).Message)
	}
}

func values(list ...*mlstest.Proposal) func(*world, *mlstest.Plan) {
	return func(_ *world, p *mlstest.Plan) { p.Proposals = mlstest.Values(list...) }
}

// infos is what a newcomer says of a GroupInfo that was changed before it was signed.
func infos(before func(w *world, g *mlstest.GroupInfo)) func(w *world) error {
	return func(w *world) error {
		erin := newMember(w.id, "erin")
		m, err := mls.ParseMessage(w.forger().GroupInfo(func(g *mlstest.GroupInfo) { before(w, g) }))
		if err != nil {
			return err
		}
		_, _, err = erin.cfg.JoinExternal(m.GroupInfo(), erin.key, erin.credential(), mls.ExternalOptions{}, erin.saveMessage)
		return err
	}
}

// externalAttacks: RFC 9420 §8.3, §12.2, §12.4.3.2.
var externalAttacks = []attack{
	{"8.3/kem-output", mls.ErrInvalid, "", entered("eve", func(w *world, p *mlstest.Plan) {
		p.NoInit, p.Proposals = true, mlstest.Values(&mlstest.Proposal{Type: mls.ProposalExternalInit, KEMOutput: []byte("x")})
	})},
	{"12.2/one-external-init", mls.ErrInvalid, "none", entered("eve", func(w *world, p *mlstest.Plan) { p.NoInit = true })},
	{"12.2/one-external-init", mls.ErrInvalid, "two", entered("eve", values(&mlstest.Proposal{Type: mls.ProposalExternalInit}))},
	{"12.2/external-type", mls.ErrInvalid, "extensions", entered("eve", values(extensions()))},
	{"12.2/external-type", mls.ErrInvalid, "Add", entered("eve", func(w *world, p *mlstest.Plan) {
		p.Proposals = mlstest.Values(add(w.stranger("zoe", nil)))
	})},
	{"12.2/external-type", mls.ErrInvalid, "Update", entered("eve", func(w *world, p *mlstest.Plan) {
		p.Proposals = mlstest.Values(w.forger().UpdateProposal(nil))
	})},
	{"12.2/external-removes", mls.ErrInvalid, "", entered("eve", values(remove(2), remove(3)))},
	{"12.4.3.2/by-reference", mls.ErrInvalid, "", func(w *world) error {
		b, item := w.forger().Propose(remove(2), mlstest.Wrap{})
		w.given(b)
		return entered("carol", func(_ *world, p *mlstest.Plan) { p.Proposals = []mlstest.Item{item} })(w)
	}},
	{"12.4.3.2/path", mls.ErrInvalid, "", entered("eve", func(w *world, p *mlstest.Plan) { p.NoPath = true })},
	{"12.4.3.2/external-pub", mls.ErrMissing, "", infos(func(w *world, g *mlstest.GroupInfo) { g.Extensions = g.Extensions[:1] })},
	{"5.1.1/hpke-key", mls.ErrInvalid, "an external key", infos(func(w *world, g *mlstest.GroupInfo) { g.Extensions[1].Data = []byte{1, 7} })},
	{"5.3.1/authentication", mls.ErrRefused, "an external commit", entered("mallory", func(*world, *mlstest.Plan) {})},
	{"5.3.1/authentication", mls.ErrRefused, "who removes another", entered("eve", values(remove(2)))},
	{"6.1/signature", mls.ErrInvalid, "of an external commit", entered("eve", func(w *world, p *mlstest.Plan) {
		p.LeafSigner, p.Signer = p.Signer, w.forger().Signer
	})},
	{"7.3/same-key", mls.ErrInvalid, "an external commit that comes back", entered("carol", func(w *world, p *mlstest.Plan) {
		p.Proposals = mlstest.Values(remove(2))
		p.Leaf = func(l *mlstest.LeafNode) { l.EncryptionKey = w.forger().Tree.Leaf(2).EncryptionKey }
	})},
	{"7.3/signature", mls.ErrInvalid, "of an external commit's leaf", entered("eve", func(w *world, p *mlstest.Plan) {
		p.LeafSigner = w.forger().Signer
	})},
	{"7.3/signature-key-unique", mls.ErrInvalid, "an external commit", entered("eve", func(w *world, p *mlstest.Plan) {
		p.Signer = w.forger().Signer
		p.External.SignatureKey = p.Signer.Public
	})},
	{"12.2/same-client", mls.ErrInvalid, "an external commit that doesn't remove the old leaf", entered("carol", func(*world, *mlstest.Plan) {})},
	{"12.4.3.1/signature", mls.ErrInvalid, "before an external commit", infos(func(w *world, g *mlstest.GroupInfo) { g.Signer = 2 })},
	{"12.4.3.1/tree-hash", mls.ErrInvalid, "before an external commit", infos(func(w *world, g *mlstest.GroupInfo) { g.Context.TreeHash = nil })},
}
