package mls

import (
	"bytes"
	"time"
)

// LeafNodeSource says how a leaf came into the tree (RFC 9420 §7.2).
type LeafNodeSource uint8

// The sources of a leaf.
const (
	SourceKeyPackage LeafNodeSource = 1
	SourceUpdate     LeafNodeSource = 2
	SourceCommit     LeafNodeSource = 3
)

// Lifetime of a leaf from a key package, in seconds since 1970 (RFC 9420 §7.2).
type Lifetime struct {
	NotBefore, NotAfter uint64
}

// contains tells whether t is within it.
func (l Lifetime) contains(t time.Time) bool {
	s := t.Unix()
	return s >= 0 && uint64(s) >= l.NotBefore && uint64(s) <= l.NotAfter
}

// LeafNode is a member as the tree shows him (RFC 9420 §7.2). It doesn't change once it is made.
type LeafNode struct {
	EncryptionKey []byte
	SignatureKey  []byte
	Credential    Credential
	Capabilities  Capabilities
	Source        LeafNodeSource
	Lifetime      Lifetime // of SourceKeyPackage
	parentHash    []byte   // of SourceCommit
	Extensions    Extensions
	signature     []byte
}

// encodeContent writes all that is signed but the context.
func (l *LeafNode) encodeContent(w *writer) {
	w.opaque(l.EncryptionKey)
	w.opaque(l.SignatureKey)
	l.Credential.encode(w)
	l.Capabilities.encode(w)
	w.u8(uint8(l.Source))
	switch l.Source {
	case SourceKeyPackage:
		w.u64(l.Lifetime.NotBefore)
		w.u64(l.Lifetime.NotAfter)
	case SourceCommit:
		w.opaque(l.parentHash)
	}
	l.Extensions.encode(w)
}

// room is about what the encoded leaf takes, so that a writer needn't grow.
func (l *LeafNode) room() int {
	if l == nil {
		return 8
	}
	n := 128 + len(l.EncryptionKey) + len(l.SignatureKey) + len(l.Credential.Identity) + len(l.parentHash) + len(l.signature)
	for _, e := range l.Extensions {
		n += len(e.Data) + 6
	}
	return n
}

func (l *LeafNode) encode(w *writer) {
	l.encodeContent(w)
	w.opaque(l.signature)
}

func decodeLeafNode(r *reader) *LeafNode {
	l := &LeafNode{EncryptionKey: r.opaque(), SignatureKey: r.opaque(), Credential: decodeCredential(r), Capabilities: decodeCapabilities(r)}
	l.Source = LeafNodeSource(r.u8())
	switch l.Source {
	case SourceKeyPackage:
		l.Lifetime = Lifetime{r.u64(), r.u64()}
	case SourceUpdate:
	case SourceCommit:
		l.parentHash = r.opaque()
	default:
		r.fail("7.2/source", "leaf node source %d", l.Source)
	}
	l.Extensions = decodeExtensions(r)
	l.signature = r.opaque()
	return l
}

// toBeSigned is LeafNodeTBS (RFC 9420 §7.2): leaves made in a group name the group and the place.
func (l *LeafNode) toBeSigned(groupID []byte, index LeafIndex) []byte {
	w := writer{b: make([]byte, 0, l.room()+len(groupID))}
	l.encodeContent(&w)
	if l.Source != SourceKeyPackage {
		w.opaque(groupID)
		w.u32(uint32(index))
	}
	return w.b
}

func (l *LeafNode) sign(s *suite, key *SignatureKey, groupID []byte, index LeafIndex) (err error) {
	l.signature, err = s.signWithLabel(key, "LeafNodeTBS", l.toBeSigned(groupID, index))
	return err
}

func (l *LeafNode) verifySignature(s *suite, groupID []byte, index LeafIndex) error {
	if !s.verifyWithLabel(l.SignatureKey, "LeafNodeTBS", l.toBeSigned(groupID, index), l.signature) {
		return invalid("7.3/signature", "the signature of leaf %d is wrong", index)
	}
	return nil
}

// Equal compares all of two leaves.
func (l *LeafNode) Equal(other *LeafNode) bool { return bytes.Equal(marshal(l), marshal(other)) }

// checkAlone verifies what can be seen in the leaf itself (RFC 9420 §7.2, §7.3): the keys are keys, the credential and each extension are
// among its own capabilities, and so are the group's version and suite.
func (l *LeafNode) checkAlone(s *suite) error {
	if _, err := s.checkHPKEKey(l.EncryptionKey); err != nil {
		return err
	}
	if err := l.Extensions.check(); err != nil {
		return err
	}
	return l.checkStored(s)
}

// checkStored is checkAlone for a leaf in a tree that others verified when it came: whether its encryption key is one they
// have seen then, and looking again would cost as much as its signature.
func (l *LeafNode) checkStored(s *suite) error {
	if !s.sig.check(l.SignatureKey) {
		return invalid("5.1.1/signature-key", "not a signature key of the suite")
	}
	if err := l.Credential.checkKey(s, l.SignatureKey); err != nil {
		return err
	}
	c := &l.Capabilities
	if !c.Credential(l.Credential.Type) {
		return invalid("7.2/credential-listed", "the leaf's own credential type %d isn't among its capabilities", l.Credential.Type)
	}
	for _, e := range l.Extensions {
		if !c.Extension(e.Type) {
			return invalid("7.3/extension-listed", "the leaf's extension %d isn't among its capabilities", e.Type)
		}
	}
	return c.check(s.id)
}

// check verifies that the lists name the version and the suite, and nothing that must not be listed (RFC 9420 §7.2).
func (c *Capabilities) check(id CipherSuite) error {
	version, suite := false, false
	for _, v := range c.Versions {
		version = version || v == MLS10
	}
	for _, v := range c.CipherSuites {
		suite = suite || v == id
	}
	if !version || !suite {
		return invalid("11.1/version-suite", "the capabilities lack the group's version or cipher suite")
	}
	for _, t := range c.Extensions {
		if t.isDefault() {
			return invalid("7.2/default-listed", "the default extension %d is listed", t)
		}
	}
	for _, t := range c.Proposals {
		if t.isDefault() {
			return invalid("7.2/default-listed", "the default proposal %d is listed", t)
		}
	}
	return nil
}

// checkRequired verifies required_capabilities (RFC 9420 §7.3, §11.1) and the group's own extensions (§13.4).
func (c *Capabilities) checkRequired(context Extensions) error {
	for _, e := range context {
		if !c.Extension(e.Type) {
			return invalid("13.4/context-extension", "the group's extension %d isn't supported", e.Type)
		}
	}
	q, err := context.RequiredCapabilities()
	if err != nil || q == nil {
		return err
	}
	for _, t := range q.Extensions {
		if !c.Extension(t) {
			return invalid("7.3/required", "the required extension %d isn't supported", t)
		}
	}
	for _, t := range q.Proposals {
		if !c.Proposal(t) {
			return invalid("7.3/required", "the required proposal %d isn't supported", t)
		}
	}
	for _, t := range q.Credentials {
		if !c.Credential(t) {
			return invalid("7.3/required", "the required credential type %d isn't supported", t)
		}
	}
	return nil
}

// checkLifetime verifies that a leaf from a key package counts for no longer than max seconds and, unless now is the zero time, that it counts now
// (RFC 9420 §7.2, §7.3). What others committed was added in time, even if it is read later.
func (l *LeafNode) checkLifetime(now time.Time, max uint64) error {
	if l.Source != SourceKeyPackage {
		return nil
	}
	if l.Lifetime.NotAfter < l.Lifetime.NotBefore || l.Lifetime.NotAfter-l.Lifetime.NotBefore > max {
		return invalid("7.2/lifetime-total", "a lifetime of more than %d seconds, or of less than nothing", max)
	}
	if !now.IsZero() && !l.Lifetime.contains(now) {
		return invalid("7.3/lifetime", "the key package isn't valid yet, or no longer")
	}
	return nil
}
