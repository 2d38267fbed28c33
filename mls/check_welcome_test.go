package mls_test

import (
	"huisclos/mls"
	"huisclos/mls/mlstest"
)

// trees is what a newcomer says of a Welcome with another tree, of whose hash everything follows.
func trees(change func(t *mlstest.Tree)) func(w *world) error {
	return func(w *world) error { return w.welcomed(mlstest.Invitation{Tree: change}) }
}

// treeAttacks: RFC 9420 §7.9.2, §12.4.3.1. Erin is at leaf 5; nodes 1, 3, 5 and 7 are parents with keys.
var treeAttacks = []attack{
	{"7.9.2/parent-hash", mls.ErrInvalid, "another key", func(w *world) error {
		_, key := w.forger().Suite.NewKey()
		return trees(func(t *mlstest.Tree) { t.Nodes[5].Parent.Key = key })(w)
	}},
	{"7.9.2/parent-hash", mls.ErrInvalid, "a parent of nobody", func(w *world) error {
		_, key := w.forger().Suite.NewKey()
		return trees(func(t *mlstest.Tree) { t.Nodes[9].Parent = &mlstest.ParentNode{Key: key} })(w)
	}},
	{"7.9.2/parent-hash", mls.ErrInvalid, "a member under it who isn't said to be unmerged", trees(func(t *mlstest.Tree) {
		t.Nodes[1].Parent.Unmerged = []uint32{0, 1}
	})},
	{"12.4.3.1/unmerged-descendant", mls.ErrInvalid, "", trees(func(t *mlstest.Tree) { t.Nodes[3].Parent.Unmerged = []uint32{4} })},
	{"12.4.3.1/unmerged-descendant", mls.ErrInvalid, "outside of the tree", trees(func(t *mlstest.Tree) { t.Nodes[7].Parent.Unmerged = []uint32{1<<32 - 1} })},
	{"12.4.3.1/unmerged-between", mls.ErrInvalid, "", trees(func(t *mlstest.Tree) { t.Nodes[7].Parent.Unmerged = []uint32{2} })},
	{"12.4.3.1/unmerged-blank", mls.ErrInvalid, "", trees(func(t *mlstest.Tree) { t.Nodes[7].Parent.Unmerged = []uint32{6} })},
	{"7.3/encryption-key-unique", mls.ErrInvalid, "in a tree", trees(func(t *mlstest.Tree) { t.Nodes[5].Parent.Key = t.Nodes[3].Parent.Key })},
	{"7.3/signature", mls.ErrInvalid, "in a tree", func(w *world) error {
		// Without a path, so that no parent hash covers the leaf.
		erin, eve := w.newcomer("erin"), w.stranger("eve", nil)
		made := w.forger().Commit(mlstest.Plan{NoPath: true, Proposals: mlstest.Values(add(erin.pack), add(eve))})
		made.Adds = made.Adds[:1]
		return erin.join(w, made, mlstest.Invitation{Tree: func(t *mlstest.Tree) { t.Nodes[12].Leaf.Signature = flip(t.Nodes[12].Leaf.Signature) }}, mls.JoinOptions{})
	}},
	{"7.3/signature-key-unique", mls.ErrInvalid, "in a tree", trees(func(t *mlstest.Tree) { t.Nodes[8].Leaf.SignatureKey = t.Nodes[6].Leaf.SignatureKey })},
	{"7.3/credential-supported", mls.ErrInvalid, "in a tree", trees(func(t *mlstest.Tree) { t.Nodes[8].Leaf.Capabilities.Credentials = nil })},
}

// welcomeAttacks: RFC 9420 §8.4, §12.4.3, §12.4.3.1.
var welcomeAttacks = []attack{
	{"8.4/nonce", mls.ErrInvalid, "", func(w *world) error {
		return w.welcomed(mlstest.Invitation{PSKs: []mlstest.PSK{psk(mlstest.PSKID{Type: mls.PSKExternal, ID: []byte("known"), Nonce: []byte("short")}).PSK}})
	}},
	{"12.4.3/group-id", mls.ErrInvalid, "", func(w *world) error {
		erin := w.newcomer("erin")
		erin.cfg.HasGroup = func(id []byte) bool { return string(id) == "group" }
		return erin.join(w, w.forger().Commit(mlstest.Plan{Proposals: mlstest.Values(add(erin.pack))}), mlstest.Invitation{}, mls.JoinOptions{})
	}},
	{"12.4.3.1/not-for-us", mls.ErrMissing, "", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Entries: func([]mlstest.Entry) []mlstest.Entry { return nil }})
	}},
	{"12.4.3.1/key-package-suite", mls.ErrInvalid, "", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Suite: mls.X25519ChaCha20SHA256Ed25519})
	}},
	{"12.4.3.1/joiner-secret", mls.ErrInvalid, "", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Secrets: func(_ int, s *mlstest.GroupSecrets) { s.Joiner = s.Joiner[1:] }})
	}},
	{"12.4.3.1/group-info", mls.ErrInvalid, "", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Secrets: func(_ int, s *mlstest.GroupSecrets) { s.Joiner = flip(s.Joiner) }})
	}},
	{"12.4.3.1/group-info", mls.ErrInvalid, "pre-shared keys in another order", func(w *world) error {
		erin := w.newcomer("erin")
		one, two := psk(mlstest.PSKID{Type: mls.PSKExternal, ID: []byte("known")}), psk(mlstest.PSKID{Type: mls.PSKExternal, ID: []byte("known")})
		made := w.forger().Commit(mlstest.Plan{Proposals: mlstest.Values(add(erin.pack), one, two)})
		return erin.join(w, made, mlstest.Invitation{Secrets: func(_ int, s *mlstest.GroupSecrets) { s.PSKs = []mlstest.PSK{two.PSK, one.PSK} }}, mls.JoinOptions{})
	}},
	{"12.4.3.1/suite", mls.ErrInvalid, "", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Context: func(c *mlstest.GroupContext) { c.Suite = mls.X25519ChaCha20SHA256Ed25519 }})
	}},
	{"12.4.3.1/tree-hash", mls.ErrInvalid, "", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Context: func(c *mlstest.GroupContext) { c.TreeHash = flip(c.TreeHash) }})
	}},
	{"12.4.3.1/tree-hash", mls.ErrInvalid, "an older tree beside it", tree(func(f *mlstest.Forger) []byte {
		t := f.Tree.Clone()
		t.Blank(0)
		return t.Encode()
	})},
	{"12.4.3.1/signer", mls.ErrInvalid, "", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Info: func(g *mlstest.GroupInfo) { g.Signer = 6 }})
	}},
	{"12.4.3.1/signature", mls.ErrInvalid, "", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Signed: func(g *mlstest.GroupInfo) { g.Signature = flip(g.Signature) }})
	}},
	{"12.4.3.1/signature", mls.ErrInvalid, "of another member's name", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Info: func(g *mlstest.GroupInfo) { g.Signer = 0 }})
	}},
	{"12.4.3.1/own-leaf", mls.ErrInvalid, "", func(w *world) error {
		erin := w.newcomer("erin")
		made := w.forger().Commit(mlstest.Plan{Proposals: mlstest.Values(add(w.stranger("eve", nil)))})
		made.Adds[0] = erin.pack
		return erin.join(w, made, mlstest.Invitation{}, mls.JoinOptions{})
	}},
	{"12.4.3.1/path-secret", mls.ErrInvalid, "short", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Secrets: func(_ int, s *mlstest.GroupSecrets) { s.PathSecret = []byte{1} }})
	}},
	{"12.4.3.1/path-secret", mls.ErrInvalid, "empty", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Secrets: func(_ int, s *mlstest.GroupSecrets) { s.PathSecret = []byte{} }})
	}},
	{"12.4.3.1/path-keys", mls.ErrInvalid, "", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Secrets: func(_ int, s *mlstest.GroupSecrets) { s.PathSecret = flip(s.PathSecret) }})
	}},
	{"12.4.3.1/confirmation-tag", mls.ErrInvalid, "", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Info: func(g *mlstest.GroupInfo) { g.ConfirmationTag = flip(g.ConfirmationTag) }})
	}},
	{"12.4.3.3/tree", mls.ErrMissing, "", func(w *world) error { return w.welcomed(mlstest.Invitation{NoTree: true}) }},
	{"13.4/context-extension", mls.ErrUnsupported, "of the group that one joins", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Context: func(c *mlstest.GroupContext) { c.Extensions = mls.Extensions{{Type: unknown}} }})
	}},
	{"5.3.1/authentication", mls.ErrRefused, "an external sender of the group that one joins", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Context: func(c *mlstest.GroupContext) {
			c.Extensions = mls.Extensions{mls.ExternalSendersExtension(mls.ExternalSender{Credential: mls.BasicCredential([]byte("mallory"))})}
		}})
	}},
	{"7.3/required", mls.ErrInvalid, "of the group that one joins", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Context: func(c *mlstest.GroupContext) {
			c.Extensions = mls.Extensions{(&mls.RequiredCapabilities{Proposals: []mls.ProposalType{99}}).Extension()}
		}})
	}},
	{"16.8/key-package", mls.ErrReplay, "", func(w *world) error {
		erin := w.newcomer("erin")
		made := w.forger().Commit(mlstest.Plan{Proposals: mlstest.Values(add(erin.pack))})
		if err := erin.join(w, made, mlstest.Invitation{}, mls.JoinOptions{}); err != nil {
			return err
		}
		before := erin.snapshot()
		m := must(mls.ParseMessage(made.Welcome(mlstest.Invitation{})))
		_, err := erin.cfg.Join(m.Welcome(), erin.keys, mls.JoinOptions{}, erin.save)
		erin.unchanged(w, before)
		return err
	}},
}
