package mls

import "bytes"

// Proposal asks for a change of the group (RFC 9420 §12.1). Exactly the field that its Type names is set.
type Proposal struct {
	Type ProposalType

	Add          *KeyPackage // ProposalAdd
	Update       *LeafNode   // ProposalUpdate
	Remove       LeafIndex   // ProposalRemove
	PSK          PSKID       // ProposalPSK
	ReInit       *ReInit     // ProposalReInit
	externalInit []byte      // ProposalExternalInit: the KEM output
	Extensions   Extensions  // ProposalGroupContextExtensions
}

// ReInit closes the group in favour of another (RFC 9420 §12.1.5).
type ReInit struct {
	GroupID    []byte
	Version    ProtocolVersion
	Suite      CipherSuite
	Extensions Extensions
}

func (p *ReInit) encode(w *writer) {
	w.opaque(p.GroupID)
	w.u16(uint16(p.Version))
	w.u16(uint16(p.Suite))
	p.Extensions.encode(w)
}

func decodeReInit(r *reader) *ReInit {
	return &ReInit{GroupID: r.opaque(), Version: ProtocolVersion(r.u16()), Suite: CipherSuite(r.u16()), Extensions: decodeExtensions(r)}
}

func (p *Proposal) encode(w *writer) {
	w.u16(uint16(p.Type))
	p.encodeBody(w)
}

func (p *Proposal) encodeBody(w *writer) {
	switch p.Type {
	case ProposalAdd:
		p.Add.encode(w)
	case ProposalUpdate:
		p.Update.encode(w)
	case ProposalRemove:
		w.u32(uint32(p.Remove))
	case ProposalPSK:
		p.PSK.encode(w)
	case ProposalReInit:
		p.ReInit.encode(w)
	case ProposalExternalInit:
		w.opaque(p.externalInit)
	case ProposalGroupContextExtensions:
		p.Extensions.encode(w)
	default:
		panic("mls: a proposal of no known type is written")
	}
}

func decodeProposal(r *reader) *Proposal { return decodeProposalBody(r, ProposalType(r.u16())) }

func decodeProposalBody(r *reader, t ProposalType) *Proposal {
	p := &Proposal{Type: t}
	switch t {
	case ProposalAdd:
		p.Add = decodeKeyPackage(r)
	case ProposalUpdate:
		p.Update = decodeLeafNode(r)
	case ProposalRemove:
		p.Remove = LeafIndex(r.u32())
	case ProposalPSK:
		p.PSK = decodePSKID(r)
	case ProposalReInit:
		p.ReInit = decodeReInit(r)
	case ProposalExternalInit:
		p.externalInit = r.opaque()
	case ProposalGroupContextExtensions:
		p.Extensions = decodeExtensions(r)
	default:
		if r.err == nil { // its length isn't known, so nothing after it can be read
			r.err, r.b = fail(ErrUnsupported, "12.1/type", "proposal type 0x%04X", uint16(t)), nil
		}
	}
	return p
}

// filled tells whether the field that the type names is set.
func (p *Proposal) filled() error {
	if p == nil || p.Type == ProposalAdd && p.Add == nil || p.Type == ProposalUpdate && p.Update == nil || p.Type == ProposalReInit && p.ReInit == nil ||
		!p.Type.isDefault() {
		return misuse("a proposal that lacks what its type names")
	}
	return nil
}

// pathRequired tells whether a commit with such a proposal needs a path (RFC 9420 §12.4, §17.4).
func (t ProposalType) pathRequired() bool {
	switch t {
	case ProposalAdd, ProposalPSK, ProposalReInit:
		return false
	}
	return true
}

// externalAllowed tells whether an external sender may propose it (RFC 9420 §12.1.8, §17.4).
func (t ProposalType) externalAllowed() bool {
	switch t {
	case ProposalAdd, ProposalRemove, ProposalPSK, ProposalReInit, ProposalGroupContextExtensions:
		return true
	}
	return false
}

// proposalOrRef is ProposalOrRef of RFC 9420 §12.4: one of the two.
type proposalOrRef struct {
	proposal *Proposal
	ref      []byte
}

func (p proposalOrRef) encode(w *writer) {
	if p.proposal != nil {
		w.u8(1)
		p.proposal.encode(w)
		return
	}
	w.u8(2)
	w.opaque(p.ref)
}

func decodeProposalOrRef(r *reader) proposalOrRef {
	switch t := r.u8(); t {
	case 1:
		return proposalOrRef{proposal: decodeProposal(r)}
	case 2:
		return proposalOrRef{ref: r.opaque()}
	default:
		r.fail("12.4/proposal-or-ref", "type %d", t)
		return proposalOrRef{}
	}
}

// commit is Commit of RFC 9420 §12.4.
type commit struct {
	proposals []proposalOrRef
	path      *updatePath
}

func (c *commit) encode(w *writer) {
	w.vector(func() {
		for _, p := range c.proposals {
			p.encode(w)
		}
	})
	w.optional(c.path != nil)
	if c.path != nil {
		c.path.encode(w)
	}
}

func decodeCommit(r *reader) *commit {
	c := &commit{proposals: readList(r, decodeProposalOrRef)}
	if r.optional() {
		c.path = decodeUpdatePath(r)
	}
	return c
}

// updatePath is UpdatePath of RFC 9420 §7.6.
type updatePath struct {
	leaf  *LeafNode
	nodes []updatePathNode
}

type updatePathNode struct {
	encryptionKey []byte
	secrets       []hpkeCiphertext
}

func (u *updatePath) encode(w *writer) {
	u.leaf.encode(w)
	w.vector(func() {
		for _, n := range u.nodes {
			w.opaque(n.encryptionKey)
			w.vector(func() {
				for _, c := range n.secrets {
					c.encode(w)
				}
			})
		}
	})
}

func decodeUpdatePath(r *reader) *updatePath {
	return &updatePath{leaf: decodeLeafNode(r), nodes: readList(r, func(r *reader) updatePathNode {
		return updatePathNode{encryptionKey: r.opaque(), secrets: readList(r, decodeHPKECiphertext)}
	})}
}

// PSKType and PSKUsage say where a pre-shared key comes from (RFC 9420 §8.4).
type (
	PSKType  uint8
	PSKUsage uint8
)

// The kinds of pre-shared keys.
const (
	PSKExternal   PSKType = 1
	PSKResumption PSKType = 2

	UsageApplication PSKUsage = 1
	UsageReInit      PSKUsage = 2
	UsageBranch      PSKUsage = 3
)

// PSKID is PreSharedKeyID of RFC 9420 §8.4. Its nonce is drawn by this package.
type PSKID struct {
	Type    PSKType
	ID      []byte   // PSKExternal
	Usage   PSKUsage // PSKResumption, with the next two
	GroupID []byte
	Epoch   uint64
	nonce   []byte
}

func (p PSKID) encode(w *writer) {
	w.u8(uint8(p.Type))
	switch p.Type {
	case PSKResumption:
		w.u8(uint8(p.Usage))
		w.opaque(p.GroupID)
		w.u64(p.Epoch)
	default:
		w.opaque(p.ID)
	}
	w.opaque(p.nonce)
}

func decodePSKID(r *reader) PSKID {
	p := PSKID{Type: PSKType(r.u8())}
	switch p.Type {
	case PSKExternal:
		p.ID = r.opaque()
	case PSKResumption:
		p.Usage = PSKUsage(r.u8())
		if p.Usage < UsageApplication || p.Usage > UsageBranch {
			r.fail("8.4/usage", "resumption PSK usage %d", p.Usage)
		}
		p.GroupID, p.Epoch = r.opaque(), r.u64()
	default:
		r.fail("8.4/type", "PSK type %d", p.Type)
	}
	p.nonce = r.opaque()
	return p
}

// same tells whether two name the same key, with the same nonce.
func (p PSKID) same(q PSKID) bool { return bytes.Equal(marshal(p), marshal(q)) }
