package mls

import "slices"

// Message framing (RFC 9420 §6): what is said, who says it, and the proof.

// WireFormat of RFC 9420 §17.2.
type WireFormat uint16

// The wire formats.
const (
	WirePublicMessage  WireFormat = 1
	WirePrivateMessage WireFormat = 2
	WireWelcome        WireFormat = 3
	WireGroupInfo      WireFormat = 4
	WireKeyPackage     WireFormat = 5
)

// ContentType of RFC 9420 §6.
type ContentType uint8

// The content types.
const (
	ContentApplication ContentType = 1
	ContentProposal    ContentType = 2
	ContentCommit      ContentType = 3
)

// SenderType of RFC 9420 §6.
type SenderType uint8

// The kinds of senders.
const (
	SenderMember            SenderType = 1
	SenderExternal          SenderType = 2
	SenderNewMemberProposal SenderType = 3
	SenderNewMemberCommit   SenderType = 4
)

// Sender of a message. Index is the leaf of a member, or the place among the external senders.
type Sender struct {
	Type  SenderType
	Index uint32
}

func (s Sender) encode(w *writer) {
	w.u8(uint8(s.Type))
	if s.Type == SenderMember || s.Type == SenderExternal {
		w.u32(s.Index)
	}
}

func decodeSender(r *reader) Sender {
	s := Sender{Type: SenderType(r.u8())}
	switch s.Type {
	case SenderMember, SenderExternal:
		s.Index = r.u32()
	case SenderNewMemberProposal, SenderNewMemberCommit:
	default:
		r.fail("6/sender-type", "sender type %d", s.Type)
	}
	return s
}

// framedContent is FramedContent of RFC 9420 §6. The field that contentType names is set.
type framedContent struct {
	groupID           []byte
	epoch             uint64
	sender            Sender
	authenticatedData []byte
	contentType       ContentType
	application       []byte
	proposal          *Proposal
	commit            *commit
}

func (c *framedContent) encode(w *writer) {
	w.opaque(c.groupID)
	w.u64(c.epoch)
	c.sender.encode(w)
	w.opaque(c.authenticatedData)
	w.u8(uint8(c.contentType))
	c.encodeBody(w)
}

func (c *framedContent) encodeBody(w *writer) {
	switch c.contentType {
	case ContentApplication:
		w.opaque(c.application)
	case ContentProposal:
		c.proposal.encode(w)
	case ContentCommit:
		w.b = slices.Grow(w.b, c.room())
		c.commit.encode(w)
	}
}

func decodeFramedContent(r *reader) *framedContent {
	c := &framedContent{groupID: r.opaque(), epoch: r.u64(), sender: decodeSender(r), authenticatedData: r.opaque(), contentType: ContentType(r.u8())}
	c.decodeBody(r)
	return c
}

func (c *framedContent) decodeBody(r *reader) {
	switch c.contentType {
	case ContentApplication:
		c.application = r.opaque()
	case ContentProposal:
		c.proposal = decodeProposal(r)
	case ContentCommit:
		c.commit = decodeCommit(r)
	default:
		r.fail("6/content-type", "content type %d", c.contentType)
	}
}

// authenticatedContent is AuthenticatedContent of RFC 9420 §6: content with its FramedContentAuthData.
type authenticatedContent struct {
	format          WireFormat
	content         *framedContent
	signature       []byte
	confirmationTag []byte // of a commit
}

func (a *authenticatedContent) encode(w *writer) {
	w.u16(uint16(a.format))
	a.content.encode(w)
	a.encodeAuth(w)
}

// encodeAuth writes FramedContentAuthData (RFC 9420 §6.1).
func (a *authenticatedContent) encodeAuth(w *writer) {
	w.opaque(a.signature)
	if a.content.contentType == ContentCommit {
		w.opaque(a.confirmationTag)
	}
}

func (a *authenticatedContent) decodeAuth(r *reader) {
	a.signature = r.opaque()
	if a.content.contentType == ContentCommit {
		a.confirmationTag = r.opaque()
	}
}

func decodeAuthenticatedContent(r *reader) *authenticatedContent {
	a := &authenticatedContent{format: WireFormat(r.u16())}
	a.content = decodeFramedContent(r)
	a.decodeAuth(r)
	return a
}

// room is about what the encoded content takes.
func (c *framedContent) room() int {
	n := 256 + len(c.groupID) + len(c.authenticatedData) + len(c.application)
	if c.commit == nil {
		return n
	}
	for _, p := range c.commit.proposals {
		n += 64
		if p.proposal != nil && p.proposal.Add != nil {
			n += p.proposal.Add.room()
		}
	}
	if c.commit.path != nil {
		for _, x := range c.commit.path.nodes {
			n += len(x.encryptionKey) + 8
			for _, s := range x.secrets {
				n += len(s.kemOutput) + len(s.ciphertext) + 8
			}
		}
		n += c.commit.path.leaf.room()
	}
	return n
}

// toBeSigned is FramedContentTBS (RFC 9420 §6.1): members and those who join by a commit sign the group context too.
func (a *authenticatedContent) toBeSigned(context []byte) []byte {
	w := writer{b: make([]byte, 0, a.content.room()+len(context))}
	w.u16(uint16(MLS10))
	w.u16(uint16(a.format))
	a.content.encode(&w)
	if t := a.content.sender.Type; t == SenderMember || t == SenderNewMemberCommit {
		w.raw(context)
	}
	return w.b
}

func (a *authenticatedContent) sign(s *suite, key *SignatureKey, context []byte) (err error) {
	a.signature, err = s.signWithLabel(key, "FramedContentTBS", a.toBeSigned(context))
	return err
}

func (a *authenticatedContent) verify(s *suite, public []byte, tbs []byte) error {
	if !s.verifyWithLabel(public, "FramedContentTBS", tbs, a.signature) {
		return invalid("6.1/signature", "the message's signature is wrong")
	}
	return nil
}

// ref is ProposalRef (RFC 9420 §5.2).
func (a *authenticatedContent) ref(s *suite) []byte {
	return s.refHash("MLS 1.0 Proposal Reference", marshal(a))
}

// publicMessage is PublicMessage of RFC 9420 §6.2.
type publicMessage struct {
	auth          authenticatedContent
	membershipTag []byte // of a member
}

func (p *publicMessage) encode(w *writer) {
	p.auth.content.encode(w)
	p.auth.encodeAuth(w)
	if p.auth.content.sender.Type == SenderMember {
		w.opaque(p.membershipTag)
	}
}

func decodePublicMessage(r *reader) *publicMessage {
	p := &publicMessage{auth: authenticatedContent{format: WirePublicMessage, content: decodeFramedContent(r)}}
	p.auth.decodeAuth(r)
	if p.auth.content.sender.Type == SenderMember {
		p.membershipTag = r.opaque()
	}
	return p
}

// membershipTagOf is the MAC over AuthenticatedContentTBM (RFC 9420 §6.2).
func (a *authenticatedContent) membershipTagOf(s *suite, key Secret, tbs []byte) []byte {
	var w writer
	a.encodeAuth(&w)
	return s.mac(key, tbs, w.b)
}

// privateMessage is PrivateMessage of RFC 9420 §6.3.
type privateMessage struct {
	groupID             []byte
	epoch               uint64
	contentType         ContentType
	authenticatedData   []byte
	encryptedSenderData []byte
	ciphertext          []byte
}

func (p *privateMessage) encode(w *writer) {
	p.encodeHead(w)
	w.opaque(p.authenticatedData)
	w.opaque(p.encryptedSenderData)
	w.opaque(p.ciphertext)
}

// encodeHead writes SenderDataAAD (RFC 9420 §6.3.2), with which a PrivateMessage begins.
func (p *privateMessage) encodeHead(w *writer) {
	w.opaque(p.groupID)
	w.u64(p.epoch)
	w.u8(uint8(p.contentType))
}

func decodePrivateMessage(r *reader) *privateMessage {
	p := &privateMessage{groupID: r.opaque(), epoch: r.u64(), contentType: ContentType(r.u8()), authenticatedData: r.opaque(),
		encryptedSenderData: r.opaque(), ciphertext: r.opaque()}
	if p.contentType < ContentApplication || p.contentType > ContentCommit {
		r.fail("6/content-type", "content type %d", p.contentType)
	}
	return p
}
