package mlstest

import "huisclos/mls"

// PSKID is PreSharedKeyID of RFC 9420 §8.4.
type PSKID struct {
	Type    mls.PSKType
	ID      []byte       // PSKExternal, and types that don't exist
	Usage   mls.PSKUsage // PSKResumption, with the next two
	GroupID []byte
	Epoch   uint64
	Nonce   []byte
}

func (p PSKID) encode(w *Writer) {
	w.U8(uint8(p.Type))
	if p.Type == mls.PSKResumption {
		w.U8(uint8(p.Usage))
		w.Opaque(p.GroupID)
		w.U64(p.Epoch)
	} else {
		w.Opaque(p.ID)
	}
	w.Opaque(p.Nonce)
}

// PSK names a pre-shared key and has it.
type PSK struct {
	ID  PSKID
	Key []byte
}

func (s *Suite) pskSecret(psks []PSK) []byte {
	out := make([]byte, s.Nh)
	for i, p := range psks {
		var w Writer
		p.ID.encode(&w)
		w.U16(uint16(i))
		w.U16(uint16(len(psks)))
		out = s.extract(s.Expand(s.extract(make([]byte, s.Nh), p.Key), "derived psk", w.B, s.Nh), out)
	}
	return out
}

// ReInit of RFC 9420 §12.1.5.
type ReInit struct {
	GroupID    []byte
	Version    mls.ProtocolVersion
	Suite      mls.CipherSuite
	Extensions mls.Extensions
}

// Proposal of RFC 9420 §12.1. The field that the type names is written; for a type that isn't known, Raw.
type Proposal struct {
	Type       mls.ProposalType
	Add        *KeyPackage
	Update     *LeafNode
	Remove     uint32
	PSK        PSK
	ReInit     ReInit
	KEMOutput  []byte // ExternalInit
	Extensions mls.Extensions
	Raw        []byte
}

func (p *Proposal) encode(w *Writer) {
	w.U16(uint16(p.Type))
	switch p.Type {
	case mls.ProposalAdd:
		p.Add.encode(w)
	case mls.ProposalUpdate:
		p.Update.encode(w)
	case mls.ProposalRemove:
		w.U32(p.Remove)
	case mls.ProposalPSK:
		p.PSK.ID.encode(w)
	case mls.ProposalReInit:
		w.Opaque(p.ReInit.GroupID)
		w.U16(uint16(p.ReInit.Version))
		w.U16(uint16(p.ReInit.Suite))
		encodeExtensions(w, p.ReInit.Extensions)
	case mls.ProposalExternalInit:
		w.Opaque(p.KEMOutput)
	case mls.ProposalGroupContextExtensions:
		encodeExtensions(w, p.Extensions)
	default:
		w.Raw(p.Raw)
	}
}

// Item is a proposal in a commit: by value, or by reference where Ref is set. Then Proposal and Sender are what it refers to, for applying it.
type Item struct {
	*Proposal
	Ref    []byte
	Sender uint32 // whose Update it is
	Kind   uint8  // of ProposalOrRef; 0: the right one
}

func (i Item) encode(w *Writer) {
	kind := i.Kind
	if kind == 0 {
		if kind = 1; i.Ref != nil {
			kind = 2
		}
	}
	if w.U8(kind); i.Ref != nil {
		w.Opaque(i.Ref)
	} else {
		i.Proposal.encode(w)
	}
}

// Values are proposals by value.
func Values(list ...*Proposal) []Item {
	items := make([]Item, len(list))
	for i, p := range list {
		items[i].Proposal = p
	}
	return items
}

// Ciphertext is HPKECiphertext of RFC 9420 §7.6.
type Ciphertext struct{ KEM, Text []byte }

func (c Ciphertext) encode(w *Writer) {
	w.Opaque(c.KEM)
	w.Opaque(c.Text)
}

// PathNode is UpdatePathNode of RFC 9420 §7.6.
type PathNode struct {
	Key     []byte
	Secrets []Ciphertext
}

// UpdatePath of RFC 9420 §7.6.
type UpdatePath struct {
	Leaf  *LeafNode
	Nodes []PathNode
}

// Commit of RFC 9420 §12.4.
type Commit struct {
	Proposals []Item
	Path      *UpdatePath
}

func (c *Commit) encode(w *Writer) {
	w.Vector(func(w *Writer) {
		for _, i := range c.Proposals {
			i.encode(w)
		}
	})
	w.Optional(c.Path != nil)
	if c.Path == nil {
		return
	}
	c.Path.Leaf.encode(w)
	w.Vector(func(w *Writer) {
		for _, n := range c.Path.Nodes {
			w.Opaque(n.Key)
			w.Vector(func(w *Writer) {
				for _, s := range n.Secrets {
					s.encode(w)
				}
			})
		}
	})
}
