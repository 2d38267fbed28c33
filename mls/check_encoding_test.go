package mls_test

import (
	"huisclos/mls"
	"huisclos/mls/mlstest"
)

// raw is what alice says of a commit with such a body, under a right signature.
func raw(body ...byte) func(w *world) error {
	return func(w *world) error {
		return w.sent(w.forger().Commit(mlstest.Plan{Wrap: mlstest.Wrap{Content: func(c *mlstest.Content) { c.Raw = body }}}).Message)
	}
}

// tree is what a newcomer says of a tree beside the Welcome.
func tree(b func(f *mlstest.Forger) []byte) func(w *world) error {
	return func(w *world) error {
		erin := w.newcomer("erin")
		made := w.forger().Commit(mlstest.Plan{Proposals: mlstest.Values(add(erin.pack))})
		return erin.join(w, made, mlstest.Invitation{NoTree: true}, mls.JoinOptions{Tree: b(made.Next)})
	}
}

// encodingAttacks: RFC 9420 §2.1, and the forms of the structures.
var encodingAttacks = []attack{
	{"2.1/truncated", mls.ErrMalformed, "a message cut off", func(w *world) error {
		b := w.forger().Application("x", mlstest.Wrap{})
		return w.sent(b[:len(b)-1])
	}},
	{"2.1/truncated", mls.ErrMalformed, "half a code point", func(w *world) error {
		return w.committed(&mlstest.Proposal{Type: mls.ProposalGroupContextExtensions, Extensions: mls.Extensions{
			{Type: mls.ExtensionRequiredCapabilities, Data: []byte{1, 0, 0, 0}}}})
	}},
	{"2.1/truncated", mls.ErrMalformed, "a vector longer than what follows", func(w *world) error {
		return w.sent([]byte{0, 1, 0, 2, 0xbf, 0xff, 0xff, 0xff})
	}},
	{"2.1/trailing", mls.ErrMalformed, "", func(w *world) error {
		return w.sent(append(w.forger().Application("x", mlstest.Wrap{}), 0))
	}},
	{"2.1.1/presence", mls.ErrMalformed, "", raw(0, 2)},
	{"2.1.2/shortest", mls.ErrMalformed, "two bytes", func(w *world) error { return w.sent([]byte{0, 1, 0, 2, 0x40, 1, 0}) }},
	{"2.1.2/shortest", mls.ErrMalformed, "four bytes", func(w *world) error { return w.sent([]byte{0, 1, 0, 2, 0x80, 0, 0x3f, 0xff, 0}) }},
	{"2.1.2/prefix", mls.ErrMalformed, "", func(w *world) error { return w.sent([]byte{0, 1, 0, 2, 0xc0, 0, 0, 0, 0, 0, 0, 1, 0}) }},
	{"5.1/suite", mls.ErrUnsupported, "", func(w *world) error { return w.welcomed(mlstest.Invitation{Suite: 0x7777}) }},
	{"5.3/type", mls.ErrUnsupported, "", func(w *world) error {
		return w.committed(add(w.stranger("eve", func(k *mlstest.KeyPackage) { k.Leaf.Credential.Type = 0x1234 })))
	}},
	{"6/version", mls.ErrUnsupported, "", func(w *world) error {
		b := w.forger().Application("x", mlstest.Wrap{})
		b[1] = 2
		return w.sent(b)
	}},
	{"6/wire-format", mls.ErrUnsupported, "", func(w *world) error { return w.sent([]byte{0, 1, 0, 9}) }},
	{"6/size", mls.ErrMalformed, "", func(w *world) error { return w.sent(make([]byte, mls.MaxMessage+1)) }},
	{"6/sender-type", mls.ErrMalformed, "", func(w *world) error {
		return w.sent(w.forger().Application("x", mlstest.Wrap{Public: true, Content: func(c *mlstest.Content) { c.Sender.Type = 9 }}))
	}},
	{"6/content-type", mls.ErrMalformed, "private", func(w *world) error {
		return w.sent(w.forger().Application("x", mlstest.Wrap{Private: func(p *mlstest.PrivateMessage) { p.Type = 9 }}))
	}},
	{"6/content-type", mls.ErrMalformed, "public", func(w *world) error {
		return w.sent(w.forger().Application("x", mlstest.Wrap{Public: true, Content: func(c *mlstest.Content) { c.Type = 9 }}))
	}},
	{"7.1/unmerged-sorted", mls.ErrMalformed, "", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Tree: func(t *mlstest.Tree) { t.Nodes[3].Parent.Unmerged = []uint32{2, 1} }})
	}},
	{"7.1/unmerged-sorted", mls.ErrMalformed, "twice", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Tree: func(t *mlstest.Tree) { t.Nodes[3].Parent.Unmerged = []uint32{2, 2} }})
	}},
	{"7.2/source", mls.ErrMalformed, "", func(w *world) error {
		return w.proposed(w.forger().UpdateProposal(func(l *mlstest.LeafNode) { l.Source = 9 }))
	}},
	{"8.1/version", mls.ErrUnsupported, "", func(w *world) error {
		return w.sent(w.forger().GroupInfo(func(g *mlstest.GroupInfo) { g.Context.Version = 2 }))
	}},
	{"8.4/type", mls.ErrMalformed, "", func(w *world) error {
		return w.committed(psk(mlstest.PSKID{Type: 9, ID: []byte("known")}))
	}},
	{"8.4/usage", mls.ErrMalformed, "", func(w *world) error {
		return w.committed(psk(mlstest.PSKID{Type: mls.PSKResumption, Usage: 9}))
	}},
	{"10/version", mls.ErrMalformed, "", func(w *world) error {
		return w.sent(w.stranger("eve", func(k *mlstest.KeyPackage) { k.Version = 2 }).Message())
	}},
	{"12.1/type", mls.ErrUnsupported, "", func(w *world) error { return w.committed(&mlstest.Proposal{Type: 0xF000}) }},
	{"12.1/type", mls.ErrUnsupported, "GREASE", func(w *world) error { return w.proposed(&mlstest.Proposal{Type: 0x0A0A}) }},
	{"12.4/proposal-or-ref", mls.ErrMalformed, "", raw(1, 9, 0)},
	{"12.4.3.3/node-type", mls.ErrMalformed, "", tree(func(*mlstest.Forger) []byte { return []byte{2, 1, 9} })},
	{"12.4.3.3/node-place", mls.ErrMalformed, "", tree(func(f *mlstest.Forger) []byte {
		return mlstest.EncodeNodes([]mlstest.Node{f.Tree.Nodes[1]})
	})},
	{"12.4.3.3/last-blank", mls.ErrMalformed, "", tree(func(f *mlstest.Forger) []byte {
		return mlstest.EncodeNodes([]mlstest.Node{f.Tree.Nodes[0], {}, {}})
	})},
	{"12.4.3.3/last-blank", mls.ErrMalformed, "empty", tree(func(f *mlstest.Forger) []byte { return []byte{0} })},
	{"12.4.3.3/odd", mls.ErrMalformed, "", tree(func(f *mlstest.Forger) []byte { return mlstest.EncodeNodes(f.Tree.Nodes[:4]) })},
	{"12.4.3.3/size", mls.ErrMalformed, "", tree(func(f *mlstest.Forger) []byte {
		return mlstest.EncodeNodes(make([]mlstest.Node, 2*mls.MaxMembers+1))
	})},
	{"13.4/duplicate", mls.ErrMalformed, "in a proposal", func(w *world) error {
		return w.committed(extensions(mls.Extension{Type: known}, mls.Extension{Type: known}))
	}},
	{"13.4/duplicate", mls.ErrMalformed, "in a leaf", func(w *world) error {
		return w.proposed(w.forger().UpdateProposal(func(l *mlstest.LeafNode) { l.Extensions = mls.Extensions{{Type: known}, {Type: known}} }))
	}},
	{"13.4/duplicate", mls.ErrMalformed, "in a GroupInfo", func(w *world) error {
		return w.welcomed(mlstest.Invitation{Info: func(g *mlstest.GroupInfo) { g.Extensions = append(g.Extensions, g.Extensions...) }})
	}},
	{"13.4/duplicate", mls.ErrMalformed, "many", func(w *world) error {
		var x mls.Extensions
		for i := range 20 {
			x = append(x, mls.Extension{Type: known + mls.ExtensionType(i%19)})
		}
		return w.committed(extensions(x...))
	}},
}

func psk(id mlstest.PSKID) *mlstest.Proposal {
	if id.Nonce == nil {
		id.Nonce = mlstest.Random(32)
	}
	return &mlstest.Proposal{Type: mls.ProposalPSK, PSK: mlstest.PSK{ID: id, Key: []byte("the pre-shared key")}}
}

// extensions replaces the group's, with its external senders kept out.
func extensions(x ...mls.Extension) *mlstest.Proposal {
	return &mlstest.Proposal{Type: mls.ProposalGroupContextExtensions, Extensions: x}
}
