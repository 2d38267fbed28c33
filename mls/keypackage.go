package mls

import (
	"bytes"
	"crypto/hpke"
	"time"
)

// KeyPackage lets somebody be added to a group while he is away (RFC 9420 §10).
type KeyPackage struct {
	Version    ProtocolVersion
	Suite      CipherSuite
	InitKey    []byte
	Leaf       *LeafNode
	Extensions Extensions
	signature  []byte
}

func (k *KeyPackage) encodeContent(w *writer) {
	w.u16(uint16(k.Version))
	w.u16(uint16(k.Suite))
	w.opaque(k.InitKey)
	k.Leaf.encode(w)
	k.Extensions.encode(w)
}

// room is about what the encoded key package takes.
func (k *KeyPackage) room() int { return k.Leaf.room() + len(k.InitKey) + len(k.signature) + 128 }

func (k *KeyPackage) encode(w *writer) {
	k.encodeContent(w)
	w.opaque(k.signature)
}

func decodeKeyPackage(r *reader) *KeyPackage {
	return &KeyPackage{Version: ProtocolVersion(r.u16()), Suite: CipherSuite(r.u16()), InitKey: r.opaque(), Leaf: decodeLeafNode(r),
		Extensions: decodeExtensions(r), signature: r.opaque()}
}

func (k *KeyPackage) toBeSigned() []byte {
	w := writer{b: make([]byte, 0, k.room())}
	k.encodeContent(&w)
	return w.b
}

// ref is KeyPackageRef (RFC 9420 §5.2).
func (k *KeyPackage) ref(s *suite) []byte {
	w := writer{b: make([]byte, 0, k.room())}
	k.encode(&w)
	return s.refHash("MLS 1.0 KeyPackage Reference", w.b)
}

// LastResort tells whether it may be used more than once.
func (k *KeyPackage) LastResort() bool {
	_, ok := k.Extensions.Get(ExtensionLastResort)
	return ok
}

// check verifies a key package (RFC 9420 §10.1) all but its credential and what depends on a group. It gives its init key.
func (k *KeyPackage) check(s *suite, now time.Time, maxLifetime uint64) (hpke.PublicKey, error) {
	if k.Version != MLS10 {
		return nil, fail(ErrUnsupported, "10.1/version", "protocol version %d", k.Version)
	}
	if k.Suite != s.id {
		return nil, invalid("10.1/suite", "a key package for another cipher suite")
	}
	l := k.Leaf
	if l.Source != SourceKeyPackage {
		return nil, invalid("7.3/source-key-package", "the leaf of a key package has source %d", l.Source)
	}
	if bytes.Equal(l.EncryptionKey, k.InitKey) {
		return nil, invalid("10.1/init-key", "the init key is the leaf's encryption key")
	}
	initKey, err := s.checkHPKEKey(k.InitKey)
	if err != nil {
		return nil, err
	}
	if err := l.checkAlone(s); err != nil {
		return nil, err
	}
	if err := k.Extensions.check(); err != nil {
		return nil, err
	}
	for _, e := range k.Extensions {
		if !l.Capabilities.Extension(e.Type) {
			return nil, invalid("10/extension-listed", "the key package's extension %d isn't among its capabilities", e.Type)
		}
	}
	if err := l.checkLifetime(now, maxLifetime); err != nil {
		return nil, err
	}
	if err := l.verifySignature(s, nil, 0); err != nil {
		return nil, err
	}
	if !s.verifyWithLabel(l.SignatureKey, "KeyPackageTBS", k.toBeSigned(), k.signature) {
		return nil, invalid("10.1/signature", "the key package's signature is wrong")
	}
	return initKey, nil
}

// KeyPackageSecrets is a key package with what only its owner has. It is kept, sealed, until it was used: Join tells when to delete it. A
// last-resort one is kept until it is replaced (RFC 9420 §16.8).
type KeyPackageSecrets struct {
	Package    *KeyPackage
	ref        []byte
	init       hpke.PrivateKey
	encryption hpke.PrivateKey
	signature  *SignatureKey
	used       bool // by a Join, and it isn't a last resort
}

// Marshal writes all of it, private keys included, for Config.LoadKeyPackage.
func (k *KeyPackageSecrets) Marshal() Secret {
	var w writer
	w.u16(stateVersion)
	k.Package.encode(&w)
	w.opaque(privateBytes(k.init))
	w.opaque(privateBytes(k.encryption))
	w.opaque(k.signature.private)
	return w.b
}

// LoadKeyPackage reads what Marshal wrote. ErrUnsupported for a later version, ErrMalformed for what it isn't.
func (c *Config) LoadKeyPackage(b Secret) (*KeyPackageSecrets, error) {
	r := reader{b: bytes.Clone(b)}
	if v := r.u16(); v != stateVersion && r.err == nil {
		return nil, fail(ErrUnsupported, "", "a key package of version %d", v)
	}
	k := &KeyPackageSecrets{Package: decodeKeyPackage(&r)}
	initKey, encryption, signature := r.opaque(), r.opaque(), r.opaque()
	if err := r.end(); err != nil {
		return nil, err
	}
	s, err := c.suite(k.Package.Suite)
	if err != nil {
		return nil, err
	}
	if k.init, err = s.privateKey(initKey); err != nil {
		return nil, err
	}
	if k.encryption, err = s.privateKey(encryption); err != nil {
		return nil, err
	}
	if k.signature, err = s.sig.parse(signature); err != nil {
		return nil, err
	}
	if !bytes.Equal(k.init.PublicKey().Bytes(), k.Package.InitKey) || !bytes.Equal(k.encryption.PublicKey().Bytes(), k.Package.Leaf.EncryptionKey) ||
		!bytes.Equal(k.signature.public, k.Package.Leaf.SignatureKey) {
		return nil, malformed("", "a key package with private keys of another")
	}
	k.ref = k.Package.ref(s)
	return k, nil
}

// Ref names the key package in a Welcome (RFC 9420 §5.2): a hash of the suite's length.
func (k *KeyPackageSecrets) Ref() []byte { return bytes.Clone(k.ref) }

// Message is the key package as an MLSMessage, to publish.
func (k *KeyPackageSecrets) Message() []byte {
	return marshal(&Message{Format: WireKeyPackage, keyPackage: k.Package})
}

// defaultLifetime of a key package.
const defaultLifetime = 90 * 24 * time.Hour

// KeyPackageOptions shape a key package.
type KeyPackageOptions struct {
	// Lifetime from now; 0 means 90 days. It starts an hour earlier, for clocks that go wrong.
	Lifetime time.Duration
	// LastResort marks it as one that may be used more than once.
	LastResort bool
	// Leaf has extensions for the leaf, Package for the key package. Their types must be among the capabilities of the Config.
	Leaf, Package Extensions
}

// NewKeyPackage makes a key package for a suite, signed by key.
func (c *Config) NewKeyPackage(id CipherSuite, key *SignatureKey, credential Credential, o KeyPackageOptions) (*KeyPackageSecrets, error) {
	s, err := c.suite(id)
	if err != nil {
		return nil, err
	}
	if c.Now == nil {
		return nil, misuse("a Config without a clock")
	}
	if o.Lifetime == 0 {
		o.Lifetime = defaultLifetime
	}
	initKey, err := s.kem.GenerateKey()
	if err != nil {
		return nil, misuse("%v", err)
	}
	leaf, encryption, err := c.newLeaf(s, key, credential, o.Leaf)
	if err != nil {
		return nil, err
	}
	leaf.Source = SourceKeyPackage
	now := c.now()
	leaf.Lifetime = Lifetime{uint64(now.Add(-time.Hour).Unix()), uint64(now.Add(o.Lifetime).Unix())}
	p := &KeyPackage{Version: MLS10, Suite: id, InitKey: initKey.PublicKey().Bytes(), Leaf: leaf, Extensions: o.Package}
	if o.LastResort {
		leaf.Capabilities.Extensions = append(leaf.Capabilities.Extensions, ExtensionLastResort)
		p.Extensions = p.Extensions.With(ExtensionLastResort, []byte{})
	}
	if c.Grease {
		leaf.addGreaseExtension()
		t := ExtensionType(grease())
		leaf.Capabilities.Extensions = append(leaf.Capabilities.Extensions, t)
		p.Extensions = p.Extensions.With(t, []byte{})
	}
	if err := leaf.sign(s, key, nil, 0); err != nil {
		return nil, err
	}
	if p.signature, err = s.signWithLabel(key, "KeyPackageTBS", p.toBeSigned()); err != nil {
		return nil, err
	}
	if _, err := p.check(s, now, c.maxLifetime()); err != nil {
		return nil, err
	}
	return &KeyPackageSecrets{Package: p, ref: p.ref(s), init: initKey, encryption: encryption, signature: key}, nil
}

// newLeaf makes an unsigned leaf with a fresh encryption key.
func (c *Config) newLeaf(s *suite, key *SignatureKey, credential Credential, x Extensions) (*LeafNode, hpke.PrivateKey, error) {
	if key == nil || key.scheme != s.sig {
		return nil, nil, misuse("the signature key isn't one of %s", s.name)
	}
	encryption, err := s.kem.GenerateKey()
	if err != nil {
		return nil, nil, misuse("%v", err)
	}
	caps := c.capabilities(s.id)
	if c.Grease {
		caps = caps.withGrease()
	}
	return &LeafNode{EncryptionKey: encryption.PublicKey().Bytes(), SignatureKey: key.public, Credential: credential, Capabilities: caps, Extensions: x}, encryption, nil
}

// addGreaseExtension adds one to the leaf, and says that it is supported (RFC 9420 §13.5).
func (l *LeafNode) addGreaseExtension() {
	t := ExtensionType(grease())
	l.Extensions = l.Extensions.With(t, []byte{})
	l.Capabilities.Extensions = append(l.Capabilities.Extensions, t)
}
