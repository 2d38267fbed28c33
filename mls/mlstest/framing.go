package mlstest

import "huisclos/mls"

// Content is FramedContent of RFC 9420 §6. The field that Type names is written; Raw where it is set, and for types that don't exist.
type Content struct {
	GroupID           []byte
	Epoch             uint64
	Sender            mls.Sender
	AuthenticatedData []byte
	Type              mls.ContentType
	Application       []byte
	Proposal          *Proposal
	Commit            *Commit
	Raw               []byte
}

func (c *Content) encodeBody(w *Writer) {
	switch {
	case c.Raw != nil:
		w.Raw(c.Raw)
	case c.Type == mls.ContentApplication:
		w.Opaque(c.Application)
	case c.Type == mls.ContentProposal:
		c.Proposal.encode(w)
	case c.Type == mls.ContentCommit:
		c.Commit.encode(w)
	}
}

func (c *Content) encode(w *Writer) {
	w.Opaque(c.GroupID)
	w.U64(c.Epoch)
	w.U8(uint8(c.Sender.Type))
	if c.Sender.Type == mls.SenderMember || c.Sender.Type == mls.SenderExternal {
		w.U32(c.Sender.Index)
	}
	w.Opaque(c.AuthenticatedData)
	w.U8(uint8(c.Type))
	c.encodeBody(w)
}

// Authenticated is AuthenticatedContent of RFC 9420 §6.
type Authenticated struct {
	Format          mls.WireFormat
	Content         *Content
	Signature       []byte
	ConfirmationTag []byte // of a commit
}

func (a *Authenticated) encodeAuth(w *Writer) {
	w.Opaque(a.Signature)
	if a.Content.Type == mls.ContentCommit {
		w.Opaque(a.ConfirmationTag)
	}
}

func (a *Authenticated) encode(w *Writer) {
	w.U16(uint16(a.Format))
	a.Content.encode(w)
	a.encodeAuth(w)
}

// Ref is ProposalRef (RFC 9420 §5.2).
func (a *Authenticated) Ref(s *Suite) []byte { return s.RefHash("Proposal Reference", encoded(a)) }

// toBeSigned is FramedContentTBS (RFC 9420 §6.1).
func (a *Authenticated) toBeSigned(context *GroupContext) []byte {
	var w Writer
	w.U16(uint16(mls.MLS10))
	w.U16(uint16(a.Format))
	a.Content.encode(&w)
	if t := a.Content.Sender.Type; t == mls.SenderMember || t == mls.SenderNewMemberCommit {
		context.encode(&w)
	}
	return w.B
}

// Wrap says how content becomes a message. The zero value makes a right PrivateMessage of generation 0.
type Wrap struct {
	// Public makes a PublicMessage. Senders who aren't members need it.
	Public bool
	// Signer signs; nil: the member himself.
	Signer *Signer
	// Content runs before the content is signed, Signed after it.
	Content func(*Content)
	Signed  func(*Authenticated)
	// Tag runs over the membership tag of a PublicMessage.
	Tag func([]byte) []byte

	// Generation of the sender's ratchet. Not more than a few thousand: it is counted up to.
	Generation uint32
	// Claim is the generation that the sender data has; nil: Generation.
	Claim *uint32
	// Leaf is who the sender data says has sent it; nil: the content's sender.
	Leaf *uint32
	// Padding is put behind the content.
	Padding []byte
	// Plaintext, SenderData and Private run before the content and the sender data are encrypted, and over what comes out.
	Plaintext, SenderData func([]byte) []byte
	Private               func(*PrivateMessage)
}

// PrivateMessage of RFC 9420 §6.3.
type PrivateMessage struct {
	GroupID           []byte
	Epoch             uint64
	Type              mls.ContentType
	AuthenticatedData []byte
	SenderData        []byte
	Ciphertext        []byte
}

func (p *PrivateMessage) head(w *Writer) {
	w.Opaque(p.GroupID)
	w.U64(p.Epoch)
	w.U8(uint8(p.Type))
}

func (p *PrivateMessage) encode(w *Writer) {
	p.head(w)
	w.Opaque(p.AuthenticatedData)
	w.Opaque(p.SenderData)
	w.Opaque(p.Ciphertext)
}

// content is a member's, of the current epoch.
func (f *Forger) content(t mls.ContentType) *Content {
	return &Content{GroupID: f.Context.GroupID, Epoch: f.Context.Epoch, Sender: mls.Sender{Type: mls.SenderMember, Index: f.Own}, Type: t}
}

// Application is a message with application data.
func (f *Forger) Application(text string, o Wrap) []byte {
	c := f.content(mls.ContentApplication)
	c.Application = []byte(text)
	return f.Frame(c, o)
}

// Propose is a message with a proposal, and the proposal for a commit by reference.
func (f *Forger) Propose(p *Proposal, o Wrap) ([]byte, Item) {
	c := f.content(mls.ContentProposal)
	c.Proposal = p
	a := f.sign(c, o)
	return f.wrap(a, o), Item{Proposal: p, Sender: c.Sender.Index, Ref: a.Ref(f.Suite)}
}

// Frame signs content and makes a message of it.
func (f *Forger) Frame(c *Content, o Wrap) []byte { return f.wrap(f.sign(c, o), o) }

func (f *Forger) sign(c *Content, o Wrap) *Authenticated {
	a := &Authenticated{Format: mls.WirePrivateMessage, Content: c}
	if o.Public {
		a.Format = mls.WirePublicMessage
	}
	if o.Content != nil {
		o.Content(c)
	}
	signer := f.Signer
	if o.Signer != nil {
		signer = o.Signer
	}
	a.Signature = signer.Sign("FramedContentTBS", a.toBeSigned(&f.Context))
	if o.Signed != nil {
		o.Signed(a)
	}
	return a
}

func (f *Forger) wrap(a *Authenticated, o Wrap) []byte {
	if !o.Public {
		return Message(mls.WirePrivateMessage, encoded(f.encrypt(a, o)))
	}
	var w Writer
	a.Content.encode(&w)
	a.encodeAuth(&w)
	if a.Content.Sender.Type == mls.SenderMember {
		tbm := Writer{a.toBeSigned(&f.Context)}
		a.encodeAuth(&tbm)
		tag := f.Suite.MAC(f.Secrets.Membership, tbm.B)
		if o.Tag != nil {
			tag = o.Tag(tag)
		}
		w.Opaque(tag)
	}
	return Message(mls.WirePublicMessage, w.B)
}

// encrypt is RFC 9420 §6.3.1 and §6.3.2.
func (f *Forger) encrypt(a *Authenticated, o Wrap) *PrivateMessage {
	c, s := a.Content, f.Suite
	p := &PrivateMessage{GroupID: c.GroupID, Epoch: c.Epoch, Type: c.Type, AuthenticatedData: c.AuthenticatedData}
	leaf, claim := c.Sender.Index, o.Generation
	if o.Leaf != nil {
		leaf = *o.Leaf
	}
	if o.Claim != nil {
		claim = *o.Claim
	}
	var w, aad, data, head Writer
	c.encodeBody(&w)
	a.encodeAuth(&w)
	w.Raw(o.Padding)
	if o.Plaintext != nil {
		w.B = o.Plaintext(w.B)
	}
	p.head(&aad)
	aad.Opaque(p.AuthenticatedData)
	key, nonce := f.Key(leaf, c.Type == mls.ContentApplication, o.Generation)
	guard := Random(4)
	for i, g := range guard {
		nonce[i] ^= g
	}
	p.Ciphertext = s.cipher(key).Seal(nil, nonce, w.B, aad.B)

	data.U32(leaf)
	data.U32(claim)
	data.Raw(guard)
	if o.SenderData != nil {
		data.B = o.SenderData(data.B)
	}
	p.head(&head)
	sample := p.Ciphertext[:min(len(p.Ciphertext), s.Nh)]
	p.SenderData = s.cipher(s.Expand(f.Secrets.SenderData, "key", sample, s.nk)).Seal(nil, s.Expand(f.Secrets.SenderData, "nonce", sample, s.nn), data.B, head.B)
	if o.Private != nil {
		o.Private(p)
	}
	return p
}
