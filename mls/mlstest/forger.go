package mlstest

import (
	"fmt"
	"strings"

	"huisclos/mls"
)

// GroupContext of RFC 9420 §8.1.
type GroupContext struct {
	Version        mls.ProtocolVersion
	Suite          mls.CipherSuite
	GroupID        []byte
	Epoch          uint64
	TreeHash       []byte
	TranscriptHash []byte // confirmed
	Extensions     mls.Extensions
}

func (c *GroupContext) encode(w *Writer) {
	w.U16(uint16(c.Version))
	w.U16(uint16(c.Suite))
	w.Opaque(c.GroupID)
	w.U64(c.Epoch)
	w.Opaque(c.TreeHash)
	w.Opaque(c.TranscriptHash)
	encodeExtensions(w, c.Extensions)
}

// Secrets of an epoch (RFC 9420 §8, table 4).
type Secrets struct{ Init, SenderData, Exporter, External, Confirmation, Membership, Resumption, Authenticator []byte }

func (s *Secrets) list() []*[]byte {
	return []*[]byte{&s.Init, &s.SenderData, &s.Exporter, &s.External, &s.Confirmation, &s.Membership, &s.Resumption, &s.Authenticator}
}

var secretLabels = []string{"init", "sender data", "exporter", "external", "confirm", "membership", "resumption", "authentication"}

// Forger is a hostile member in one epoch: what he knows.
type Forger struct {
	Suite           *Suite
	Context         GroupContext
	Own             uint32
	Tree            *Tree
	Secrets         Secrets
	Interim         []byte // transcript hash
	ConfirmationTag []byte
	Signer          *Signer
	Private         map[uint32][]byte // HPKE keys of nodes

	nodes map[uint32][]byte // of the secret tree
	heads map[ratchet]head
}

type ratchet struct {
	leaf        uint32
	application bool
}

type head struct {
	generation uint32
	secret     []byte
}

// New makes a forger from the records that mls.Changes left: those of package mls's state, version 1.
func New(records map[string][]byte) (*Forger, error) {
	f := &Forger{Private: map[uint32][]byte{}, nodes: map[uint32][]byte{}, heads: map[ratchet]head{}}
	r := reader{b: records["group"]}
	if v := r.u16(); v != 1 {
		return nil, fmt.Errorf("mlstest: a state of version %d", v)
	}
	f.Context = GroupContext{Version: mls.ProtocolVersion(r.u16()), Suite: mls.CipherSuite(r.u16()), GroupID: r.opaque(), Epoch: r.u64(), TreeHash: r.opaque(),
		TranscriptHash: r.opaque(), Extensions: r.extensions()}
	f.Own = r.u32()
	f.Interim, f.ConfirmationTag = r.opaque(), r.opaque()
	for _, s := range f.Secrets.list() {
		*s = r.opaque()
	}
	height := r.u32()
	signature := r.opaque()
	r.each(func(r *reader) { x := r.u32(); f.Private[x] = r.opaque() })
	if f.Suite = SuiteOf(f.Context.Suite); f.Suite == nil || r.err != nil || height > 20 {
		return nil, fmt.Errorf("mlstest: not the record of a group: %w", errEnd)
	}
	var err error
	if f.Signer, err = f.Suite.Signer(signature); err != nil {
		return nil, err
	}
	f.Tree = &Tree{make([]Node, 2<<height-1)}
	return f, f.load(records)
}

// load reads the tree and the message keys.
func (f *Forger) load(records map[string][]byte) error {
	for key, b := range records {
		kind, name, _ := strings.Cut(key, "/")
		var epoch uint64
		var x uint32
		var letter rune
		r := reader{b: b}
		switch kind {
		case "tree":
			if _, err := fmt.Sscanf(name, "%08x", &x); err != nil || int(x) >= len(f.Tree.Nodes) {
				return fmt.Errorf("mlstest: a record named %q", key)
			}
			if x%2 == 0 {
				f.Tree.Nodes[x].Leaf = r.leaf()
				break
			}
			p := &ParentNode{Key: r.opaque(), ParentHash: r.opaque()}
			r.each(func(r *reader) { p.Unmerged = append(p.Unmerged, r.u32()) })
			f.Tree.Nodes[x].Parent = p
		case "secret":
			if _, err := fmt.Sscanf(name, "%016x/%08x", &epoch, &x); err == nil && epoch == f.Context.Epoch {
				f.nodes[x] = b
			}
		case "ratchet":
			if _, err := fmt.Sscanf(name, "%016x/%08x%c", &epoch, &x, &letter); err == nil && epoch == f.Context.Epoch {
				f.heads[ratchet{x, letter == 'a'}] = head{r.u32(), r.opaque()}
			}
		}
		if r.err != nil {
			return fmt.Errorf("mlstest: record %q: %w", key, r.err)
		}
	}
	return nil
}

// Key is the key and the nonce of a generation of any member's ratchet (RFC 9420 §9), as long as the state still had what they come from.
func (f *Forger) Key(leaf uint32, application bool, generation uint32) (key, nonce []byte) {
	s := f.Suite
	h, ok := f.heads[ratchet{leaf, application}]
	if !ok {
		h.secret = f.ratchetSecret(leaf, application)
	}
	for g := h.generation; ; g++ {
		var w Writer
		w.U32(g)
		if g >= generation {
			return s.Expand(h.secret, "key", w.B, s.nk), s.Expand(h.secret, "nonce", w.B, s.nn)
		}
		h.secret = s.Expand(h.secret, "secret", w.B, s.Nh)
	}
}

func (f *Forger) ratchetSecret(leaf uint32, application bool) []byte {
	label := "handshake"
	if application {
		label = "application"
	}
	var secret []byte
	found := false
	walk := append(f.Tree.ancestors(leaf), 2*leaf)
	if len(walk) > 1 { // from the root down
		for i, j := 0, len(walk)-2; i < j; i, j = i+1, j-1 {
			walk[i], walk[j] = walk[j], walk[i]
		}
	}
	for k, x := range walk {
		if n, ok := f.nodes[x]; ok {
			secret, found = n, true
		}
		if k+1 < len(walk) && found {
			side := "right"
			if walk[k+1] == left(x) {
				side = "left"
			}
			secret = f.Suite.Expand(secret, "tree", []byte(side), f.Suite.Nh)
		}
	}
	if !found { // consumed, or nobody's place: nobody will open it
		secret = Random(f.Suite.Nh)
	}
	return f.Suite.Expand(secret, label, nil, f.Suite.Nh)
}

// Leaf is a copy of the member's own leaf.
func (f *Forger) Leaf() *LeafNode { return f.Tree.Leaf(f.Own).Clone() }

// ExternalKey is the public key for external commits (RFC 9420 §8).
func (f *Forger) ExternalKey() []byte {
	_, public := f.Suite.DeriveKey(f.Secrets.External)
	return public
}

// UpdateProposal is a right one of this member, with a fresh key; before runs before the leaf is signed.
func (f *Forger) UpdateProposal(before func(*LeafNode)) *Proposal {
	l := f.Leaf()
	l.Source = mls.SourceUpdate
	_, l.EncryptionKey = f.Suite.NewKey()
	if before != nil {
		before(l)
	}
	l.Sign(f.Signer, f.Context.GroupID, f.Own)
	return &Proposal{Type: mls.ProposalUpdate, Update: l}
}
