package mlstest

import (
	"slices"

	"huisclos/mls"
)

// GroupInfo of RFC 9420 §12.4.3.
type GroupInfo struct {
	Context         GroupContext
	Extensions      mls.Extensions
	ConfirmationTag []byte
	Signer          uint32
	Signature       []byte
}

func (g *GroupInfo) encodeContent(w *Writer) {
	g.Context.encode(w)
	encodeExtensions(w, g.Extensions)
	w.Opaque(g.ConfirmationTag)
	w.U32(g.Signer)
}

func (g *GroupInfo) encode(w *Writer) {
	g.encodeContent(w)
	w.Opaque(g.Signature)
}

// GroupSecrets of RFC 9420 §12.4.3.1.
type GroupSecrets struct {
	Joiner     []byte
	PathSecret []byte // nil: absent
	PSKs       []PSK
}

func (g *GroupSecrets) encode(w *Writer) {
	w.Opaque(g.Joiner)
	if w.Optional(g.PathSecret != nil); g.PathSecret != nil {
		w.Opaque(g.PathSecret)
	}
	w.Vector(func(w *Writer) {
		for _, p := range g.PSKs {
			p.ID.encode(w)
		}
	})
}

// Entry is EncryptedGroupSecrets of RFC 9420 §12.4.3.1.
type Entry struct {
	Ref     []byte
	Secrets Ciphertext
}

// Invitation is how a commit's newcomers are welcomed. The zero value makes a right Welcome with the tree in it.
type Invitation struct {
	// NoTree leaves the tree out of it.
	NoTree bool
	// Tree changes the tree that the newcomer sees. The tree hash follows it, and so do the epoch's secrets and the confirmation tag.
	Tree func(*Tree)
	// Context runs after it, and the epoch's secrets and the tag follow too.
	Context func(*GroupContext)
	// PSKs replaces the commit's, with what comes from them.
	PSKs []PSK
	// Info runs before the GroupInfo is signed by Signer (nil: the committer), Signed after it.
	Info, Signed func(*GroupInfo)
	Signer       *Signer
	// Plain runs over the encoded GroupInfo, Secrets over what newcomer i gets; both before they are encrypted.
	Plain   func([]byte) []byte
	Secrets func(i int, s *GroupSecrets)
	// Suite that the Welcome names; 0: the group's.
	Suite mls.CipherSuite
	// Entries runs over the encrypted secrets.
	Entries func([]Entry) []Entry
}

// Welcome forges the Welcome of a commit, as an MLSMessage.
func (m *Made) Welcome(v Invitation) []byte {
	if v.PSKs != nil {
		changed := *m
		changed.PSKs = v.PSKs
		m = &changed
	}
	s, tree := m.Next.Suite, m.Next.Tree
	f := *m.Next
	if v.Tree != nil {
		tree = tree.Clone()
		v.Tree(tree)
		f.Tree = tree
		f.Context.TreeHash = tree.RootHash(s)
	}
	if v.Context != nil {
		v.Context(&f.Context)
	}
	f.begin(m.member())
	info := f.info(!v.NoTree, v.Info, v.Signer)
	if v.Signed != nil {
		v.Signed(info)
	}
	plain := encoded(info)
	if v.Plain != nil {
		plain = v.Plain(plain)
	}
	secret := s.Derive(m.member(), "welcome")
	sealed := s.cipher(s.Expand(secret, "key", nil, s.nk)).Seal(nil, s.Expand(secret, "nonce", nil, s.nn), plain, nil)
	var entries []Entry
	for i, k := range m.Adds {
		g := &GroupSecrets{Joiner: m.Joiner, PSKs: m.PSKs}
		if at := slices.IndexFunc(m.steps, func(step Step) bool { return covers(step.Copath, m.Added[i]) }); at >= 0 {
			g.PathSecret = m.secrets[at]
		}
		if v.Secrets != nil {
			v.Secrets(i, g)
		}
		entries = append(entries, Entry{k.Ref(s), s.Seal(k.InitKey, "Welcome", sealed, encoded(g))})
	}
	if v.Entries != nil {
		entries = v.Entries(entries)
	}
	var w Writer
	if v.Suite == 0 {
		v.Suite = s.ID
	}
	w.U16(uint16(v.Suite))
	w.Vector(func(w *Writer) {
		for _, e := range entries {
			w.Opaque(e.Ref)
			e.Secrets.encode(w)
		}
	})
	w.Opaque(sealed)
	return Message(mls.WireWelcome, w.B)
}

// info is a signed GroupInfo of the forger's epoch.
func (f *Forger) info(withTree bool, before func(*GroupInfo), signer *Signer) *GroupInfo {
	g := &GroupInfo{Context: f.Context, ConfirmationTag: f.ConfirmationTag, Signer: f.Own}
	if withTree {
		g.Extensions = append(g.Extensions, mls.Extension{Type: mls.ExtensionRatchetTree, Data: f.Tree.Encode()})
	}
	if before != nil {
		before(g)
	}
	if signer == nil {
		signer = f.Signer
	}
	g.Sign(signer)
	return g
}

// Sign signs GroupInfoTBS (RFC 9420 §12.4.3).
func (g *GroupInfo) Sign(k *Signer) {
	var w Writer
	g.encodeContent(&w)
	g.Signature = k.Sign("GroupInfoTBS", w.B)
}

// GroupInfo forges a GroupInfo for external commits, with tree and external key, as an MLSMessage; before runs before it is signed.
func (f *Forger) GroupInfo(before func(*GroupInfo)) []byte {
	g := f.info(true, func(g *GroupInfo) {
		var w Writer
		w.Opaque(f.ExternalKey())
		g.Extensions = append(g.Extensions, mls.Extension{Type: mls.ExtensionExternalPub, Data: w.B})
		if before != nil {
			before(g)
		}
	}, nil)
	return Message(mls.WireGroupInfo, encoded(g))
}
