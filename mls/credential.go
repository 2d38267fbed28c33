package mls

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
)

// CredentialType says what a credential holds (RFC 9420 §5.3 and §17.5).
type CredentialType uint16

// The credential types that this package carries.
const (
	CredentialBasic CredentialType = 1
	CredentialX509  CredentialType = 2
)

// Credential presents a member's identity (RFC 9420 §5.3). What it means, and whether it is true, the Validator says.
type Credential struct {
	Type CredentialType
	// Identity of a basic credential: bytes of the application.
	Identity []byte
	// Certificates of an X.509 credential, DER, the end entity's first.
	Certificates [][]byte
}

// BasicCredential is an identity in the application's own form.
func BasicCredential(identity []byte) Credential {
	return Credential{Type: CredentialBasic, Identity: bytes.Clone(identity)}
}

// Equal compares type and content.
func (c Credential) Equal(other Credential) bool {
	return bytes.Equal(marshal(c), marshal(other))
}

func (c Credential) encode(w *writer) {
	w.u16(uint16(c.Type))
	switch c.Type {
	case CredentialX509:
		w.vector(func() {
			for _, cert := range c.Certificates {
				w.opaque(cert)
			}
		})
	default:
		w.opaque(c.Identity)
	}
}

func decodeCredential(r *reader) Credential {
	c := Credential{Type: CredentialType(r.u16())}
	switch c.Type {
	case CredentialBasic:
		c.Identity = r.opaque()
	case CredentialX509:
		c.Certificates = readList(r, (*reader).opaque)
	default:
		// The form of another type isn't known, so what comes after it can't be read (RFC 9420 §13.5 forbids GREASE here).
		if r.err == nil {
			r.err, r.b = fail(ErrUnsupported, "5.3/type", "credential type 0x%04X", uint16(c.Type)), nil
		}
	}
	return c
}

// checkKey verifies that an X.509 credential's end entity has the leaf's signature key (RFC 9420 §5.3).
func (c Credential) checkKey(s *suite, signatureKey []byte) error {
	if c.Type != CredentialX509 {
		return nil
	}
	if len(c.Certificates) == 0 {
		return invalid("5.3/chain", "an X.509 credential without a certificate")
	}
	cert, err := x509.ParseCertificate(c.Certificates[0])
	if err != nil {
		return invalid("5.3/certificate", "the end entity's certificate can't be read")
	}
	var key []byte
	switch k := cert.PublicKey.(type) {
	case ed25519.PublicKey:
		key = k
	case *ecdsa.PublicKey:
		key, _ = k.Bytes()
	}
	if len(key) == 0 || !bytes.Equal(key, signatureKey) {
		return invalid("5.3/certificate-key", "the certificate is for another key than the leaf's")
	}
	return nil
}

// Validator is the application's authentication service (RFC 9420 §5.3.1). An error refuses what was asked about, and becomes the
// cause of an ErrRefused.
type Validator interface {
	// ValidateMember says whether a new leaf's credential belongs to its signature key: at a join, an Add, an external commit.
	ValidateMember(leaf *LeafNode) error
	// ValidateSuccessor says whether one member's leaf may be replaced by another: at an Update, a commit with a path, a
	// resynchronisation.
	ValidateSuccessor(old, new *LeafNode) error
	// ValidateExternalSender says whether somebody who isn't a member may propose.
	ValidateExternalSender(sender ExternalSender) error
	// ClientID names the client that a leaf stands for: a group has one leaf of each (RFC 9420 §12.2). nil when the signature key
	// alone tells clients apart.
	ClientID(leaf *LeafNode) []byte
}

func refused(what string, cause error) error {
	return &Error{Class: ErrRefused, Check: "5.3.1/authentication", Detail: what, Cause: cause}
}
