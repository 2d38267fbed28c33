package mlstest

import (
	"huisclos/mls"
)

// LeafNode of RFC 9420 §7.2.
type LeafNode struct {
	EncryptionKey []byte
	SignatureKey  []byte
	Credential    mls.Credential
	Capabilities  mls.Capabilities
	Source        mls.LeafNodeSource
	Lifetime      mls.Lifetime // of SourceKeyPackage
	ParentHash    []byte       // of SourceCommit
	Extensions    mls.Extensions
	Signature     []byte
}

// Clone copies it, so that a hook may change it.
func (l *LeafNode) Clone() *LeafNode { return must(ParseLeafNode(encoded(l))) }

func encodeCredential(w *Writer, c mls.Credential) {
	w.U16(uint16(c.Type))
	if c.Type != mls.CredentialX509 {
		w.Opaque(c.Identity)
		return
	}
	w.Vector(func(w *Writer) {
		for _, cert := range c.Certificates {
			w.Opaque(cert)
		}
	})
}

func encodeExtensions(w *Writer, x mls.Extensions) {
	w.Vector(func(w *Writer) {
		for _, e := range x {
			w.U16(uint16(e.Type))
			w.Opaque(e.Data)
		}
	})
}

func (l *LeafNode) encodeContent(w *Writer) {
	w.Opaque(l.EncryptionKey)
	w.Opaque(l.SignatureKey)
	encodeCredential(w, l.Credential)
	u16s(w, l.Capabilities.Versions)
	u16s(w, l.Capabilities.CipherSuites)
	u16s(w, l.Capabilities.Extensions)
	u16s(w, l.Capabilities.Proposals)
	u16s(w, l.Capabilities.Credentials)
	w.U8(uint8(l.Source))
	switch l.Source {
	case mls.SourceKeyPackage:
		w.U64(l.Lifetime.NotBefore)
		w.U64(l.Lifetime.NotAfter)
	case mls.SourceCommit:
		w.Opaque(l.ParentHash)
	}
	encodeExtensions(w, l.Extensions)
}

func (l *LeafNode) encode(w *Writer) {
	l.encodeContent(w)
	w.Opaque(l.Signature)
}

// Sign signs LeafNodeTBS (RFC 9420 §7.2) for a place in a group; a key package's leaf has none.
func (l *LeafNode) Sign(k *Signer, groupID []byte, index uint32) {
	var w Writer
	l.encodeContent(&w)
	if l.Source != mls.SourceKeyPackage {
		w.Opaque(groupID)
		w.U32(index)
	}
	l.Signature = k.Sign("LeafNodeTBS", w.B)
}

func (r *reader) credential() (c mls.Credential) {
	if c.Type = mls.CredentialType(r.u16()); c.Type != mls.CredentialX509 {
		c.Identity = r.opaque()
		return c
	}
	r.each(func(r *reader) { c.Certificates = append(c.Certificates, r.opaque()) })
	return c
}

func (r *reader) extensions() (x mls.Extensions) {
	r.each(func(r *reader) { x = append(x, mls.Extension{Type: mls.ExtensionType(r.u16()), Data: r.opaque()}) })
	return x
}

func (r *reader) leaf() *LeafNode {
	l := &LeafNode{EncryptionKey: r.opaque(), SignatureKey: r.opaque(), Credential: r.credential()}
	l.Capabilities = mls.Capabilities{Versions: readU16s[mls.ProtocolVersion](r), CipherSuites: readU16s[mls.CipherSuite](r),
		Extensions: readU16s[mls.ExtensionType](r), Proposals: readU16s[mls.ProposalType](r), Credentials: readU16s[mls.CredentialType](r)}
	l.Source = mls.LeafNodeSource(r.u8())
	switch l.Source {
	case mls.SourceKeyPackage:
		l.Lifetime = mls.Lifetime{NotBefore: r.u64(), NotAfter: r.u64()}
	case mls.SourceCommit:
		l.ParentHash = r.opaque()
	}
	l.Extensions = r.extensions()
	l.Signature = r.opaque()
	return l
}

// ParseLeafNode reads one.
func ParseLeafNode(b []byte) (*LeafNode, error) {
	r := reader{b: b}
	l := r.leaf()
	return l, r.err
}

// KeyPackage of RFC 9420 §10.
type KeyPackage struct {
	Version    mls.ProtocolVersion
	Suite      mls.CipherSuite
	InitKey    []byte
	Leaf       *LeafNode
	Extensions mls.Extensions
	Signature  []byte

	// Init and Encryption are the private keys, of one that NewKeyPackage made.
	Init, Encryption []byte
}

func (k *KeyPackage) encodeContent(w *Writer) {
	w.U16(uint16(k.Version))
	w.U16(uint16(k.Suite))
	w.Opaque(k.InitKey)
	k.Leaf.encode(w)
	encodeExtensions(w, k.Extensions)
}

func (k *KeyPackage) encode(w *Writer) {
	k.encodeContent(w)
	w.Opaque(k.Signature)
}

// Sign signs the leaf, then all of it.
func (k *KeyPackage) Sign(key *Signer) {
	k.Leaf.Sign(key, nil, 0)
	k.SignOuter(key)
}

// SignOuter signs KeyPackageTBS and leaves the leaf's signature as it is.
func (k *KeyPackage) SignOuter(key *Signer) {
	var w Writer
	k.encodeContent(&w)
	k.Signature = key.Sign("KeyPackageTBS", w.B)
}

// Ref is KeyPackageRef (RFC 9420 §5.2).
func (k *KeyPackage) Ref(s *Suite) []byte {
	return s.RefHash("KeyPackage Reference", encoded(k))
}

// Message is the key package as an MLSMessage.
func (k *KeyPackage) Message() []byte { return Message(mls.WireKeyPackage, encoded(k)) }

// ParseKeyPackage reads a key package's MLSMessage.
func ParseKeyPackage(message []byte) (*KeyPackage, error) {
	r := reader{b: message}
	r.u32()
	k := &KeyPackage{Version: mls.ProtocolVersion(r.u16()), Suite: mls.CipherSuite(r.u16()), InitKey: r.opaque(), Leaf: r.leaf(), Extensions: r.extensions(),
		Signature: r.opaque()}
	return k, r.err
}

// NewKeyPackage makes a signed key package whose leaf is like the given one but for its encryption key. Change it and Sign it again, or
// don't sign it.
func (s *Suite) NewKeyPackage(like *LeafNode, key *Signer, lifetime mls.Lifetime) *KeyPackage {
	k := &KeyPackage{Version: mls.MLS10, Suite: s.ID, Leaf: like.Clone()}
	k.Init, k.InitKey = s.NewKey()
	k.Encryption, k.Leaf.EncryptionKey = s.NewKey()
	k.Leaf.SignatureKey, k.Leaf.Source, k.Leaf.Lifetime = key.Public, mls.SourceKeyPackage, lifetime
	k.Sign(key)
	return k
}

// Message puts the head of an MLSMessage (RFC 9420 §6) before a structure.
func Message(format mls.WireFormat, body []byte) []byte {
	var w Writer
	w.U16(uint16(mls.MLS10))
	w.U16(uint16(format))
	w.Raw(body)
	return w.B
}
