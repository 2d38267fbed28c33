package mls

import (
	"crypto/rand"
	"slices"
)

// ProtocolVersion of RFC 9420 §6.
type ProtocolVersion uint16

// MLS10 is the only version.
const MLS10 ProtocolVersion = 1

// ExtensionType of RFC 9420 §17.3.
type ExtensionType uint16

// The extensions of RFC 9420, and the mark of a key package that may be used more than once (RFC 9750's last resort,
// draft-ietf-mls-extensions).
const (
	ExtensionApplicationID        ExtensionType = 1
	ExtensionRatchetTree          ExtensionType = 2
	ExtensionRequiredCapabilities ExtensionType = 3
	ExtensionExternalPub          ExtensionType = 4
	ExtensionExternalSenders      ExtensionType = 5
	ExtensionLastResort           ExtensionType = 10
)

// ProposalType of RFC 9420 §17.4.
type ProposalType uint16

// The proposals of RFC 9420.
const (
	ProposalAdd                    ProposalType = 1
	ProposalUpdate                 ProposalType = 2
	ProposalRemove                 ProposalType = 3
	ProposalPSK                    ProposalType = 4
	ProposalReInit                 ProposalType = 5
	ProposalExternalInit           ProposalType = 6
	ProposalGroupContextExtensions ProposalType = 7
)

// isDefault: what every client has, and no capabilities list (RFC 9420 §7.2).
func (t ExtensionType) isDefault() bool { return t >= 1 && t <= 5 }
func (t ProposalType) isDefault() bool  { return t >= 1 && t <= 7 }

// Extension is a typed value in a leaf, a key package, a GroupInfo or a group context (RFC 9420 §13.4).
type Extension struct {
	Type ExtensionType
	Data []byte
}

// Extensions is a list of them, one of each type.
type Extensions []Extension

// Get gives the data of a type.
func (x Extensions) Get(t ExtensionType) ([]byte, bool) {
	for _, e := range x {
		if e.Type == t {
			return e.Data, true
		}
	}
	return nil, false
}

// With replaces or appends an extension, on a copy.
func (x Extensions) With(t ExtensionType, data []byte) Extensions {
	out := slices.Clone(x)
	for i := range out {
		if out[i].Type == t {
			out[i].Data = data
			return out
		}
	}
	return append(out, Extension{t, data})
}

func (x Extensions) encode(w *writer) {
	w.vector(func() {
		for _, e := range x {
			w.u16(uint16(e.Type))
			w.opaque(e.Data)
		}
	})
}

// check refuses two of one type (RFC 9420 §13.4).
func (x Extensions) check() error {
	if len(x) > 16 {
		seen := make(map[ExtensionType]bool, len(x))
		for _, e := range x {
			if seen[e.Type] {
				return malformed("13.4/duplicate", "two extensions of type %d", e.Type)
			}
			seen[e.Type] = true
		}
		return nil
	}
	for i, e := range x {
		for _, other := range x[:i] {
			if e.Type == other.Type {
				return malformed("13.4/duplicate", "two extensions of type %d", e.Type)
			}
		}
	}
	return nil
}

func decodeExtensions(r *reader) Extensions {
	x := Extensions(readList(r, func(r *reader) Extension { return Extension{ExtensionType(r.u16()), r.opaque()} }))
	if err := x.check(); err != nil && r.err == nil {
		r.err, r.b = err, nil
	}
	return x
}

// Capabilities is what a client supports (RFC 9420 §7.2).
type Capabilities struct {
	Versions     []ProtocolVersion
	CipherSuites []CipherSuite
	Extensions   []ExtensionType
	Proposals    []ProposalType
	Credentials  []CredentialType
}

func (c *Capabilities) encode(w *writer) {
	writeU16s(w, c.Versions)
	writeU16s(w, c.CipherSuites)
	writeU16s(w, c.Extensions)
	writeU16s(w, c.Proposals)
	writeU16s(w, c.Credentials)
}

func decodeCapabilities(r *reader) Capabilities {
	return Capabilities{
		Versions: readU16s[ProtocolVersion](r), CipherSuites: readU16s[CipherSuite](r), Extensions: readU16s[ExtensionType](r),
		Proposals: readU16s[ProposalType](r), Credentials: readU16s[CredentialType](r),
	}
}

// Extension tells whether an extension is supported; the default ones are by everybody.
func (c *Capabilities) Extension(t ExtensionType) bool {
	return t.isDefault() || slices.Contains(c.Extensions, t)
}

// Proposal tells whether a proposal is supported; the default ones are by everybody.
func (c *Capabilities) Proposal(t ProposalType) bool {
	return t.isDefault() || slices.Contains(c.Proposals, t)
}

// Credential tells whether a credential type is supported. None is by default.
func (c *Capabilities) Credential(t CredentialType) bool { return slices.Contains(c.Credentials, t) }

// RequiredCapabilities is the group context extension of RFC 9420 §11.1.
type RequiredCapabilities struct {
	Extensions  []ExtensionType
	Proposals   []ProposalType
	Credentials []CredentialType
}

func (q *RequiredCapabilities) encode(w *writer) {
	writeU16s(w, q.Extensions)
	writeU16s(w, q.Proposals)
	writeU16s(w, q.Credentials)
}

// Extension gives it as an extension.
func (q *RequiredCapabilities) Extension() Extension {
	return Extension{ExtensionRequiredCapabilities, marshal(q)}
}

// RequiredCapabilities reads the extension; nil when there is none.
func (x Extensions) RequiredCapabilities() (*RequiredCapabilities, error) {
	data, ok := x.Get(ExtensionRequiredCapabilities)
	if !ok {
		return nil, nil
	}
	r := reader{b: data}
	q := &RequiredCapabilities{readU16s[ExtensionType](&r), readU16s[ProposalType](&r), readU16s[CredentialType](&r)}
	return q, r.end()
}

// ExternalSender may propose without being a member (RFC 9420 §12.1.8.1).
type ExternalSender struct {
	SignatureKey []byte
	Credential   Credential
}

func (e ExternalSender) encode(w *writer) {
	w.opaque(e.SignatureKey)
	e.Credential.encode(w)
}

// ExternalSendersExtension gives them as an extension.
func ExternalSendersExtension(senders ...ExternalSender) Extension {
	var w writer
	w.vector(func() {
		for _, s := range senders {
			s.encode(&w)
		}
	})
	return Extension{ExtensionExternalSenders, w.b}
}

// ExternalSenders reads the extension.
func (x Extensions) ExternalSenders() ([]ExternalSender, error) {
	data, ok := x.Get(ExtensionExternalSenders)
	if !ok {
		return nil, nil
	}
	r := reader{b: data}
	list := readList(&r, func(r *reader) ExternalSender { return ExternalSender{r.opaque(), decodeCredential(r)} })
	return list, r.end()
}

// grease draws one of the values that RFC 9420 §13.5 reserves: 0x0A0A, 0x1A1A, … 0xEAEA.
func grease() uint16 {
	var b [1]byte
	_, _ = rand.Read(b[:])
	v := uint16(b[0]%15)<<4 | 0x0A
	return v<<8 | v
}

// withGrease adds a reserved value to each list that a leaf announces (RFC 9420 §13.5).
func (c Capabilities) withGrease() Capabilities {
	c.CipherSuites = append(slices.Clone(c.CipherSuites), CipherSuite(grease()))
	c.Extensions = append(slices.Clone(c.Extensions), ExtensionType(grease()))
	c.Proposals = append(slices.Clone(c.Proposals), ProposalType(grease()))
	c.Credentials = append(slices.Clone(c.Credentials), CredentialType(grease()))
	return c
}
