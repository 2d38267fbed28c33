package mls

import (
	"bytes"
	"slices"
)

// groupContext is GroupContext of RFC 9420 §8.1: what the members of an epoch agree on.
type groupContext struct {
	suite                   CipherSuite
	groupID                 []byte
	epoch                   uint64
	treeHash                []byte
	confirmedTranscriptHash []byte
	extensions              Extensions
}

func (c *groupContext) encode(w *writer) {
	w.u16(uint16(MLS10))
	w.u16(uint16(c.suite))
	w.opaque(c.groupID)
	w.u64(c.epoch)
	w.opaque(c.treeHash)
	w.opaque(c.confirmedTranscriptHash)
	c.extensions.encode(w)
}

func decodeGroupContext(r *reader) groupContext {
	if v := ProtocolVersion(r.u16()); v != MLS10 && r.err == nil {
		r.err, r.b = fail(ErrUnsupported, "8.1/version", "protocol version %d", v), nil
	}
	return groupContext{suite: CipherSuite(r.u16()), groupID: r.opaque(), epoch: r.u64(), treeHash: r.opaque(),
		confirmedTranscriptHash: r.opaque(), extensions: decodeExtensions(r)}
}

// GroupInfo tells a newcomer the state of a group (RFC 9420 §12.4.3).
type GroupInfo struct {
	context         groupContext
	extensions      Extensions
	confirmationTag []byte
	signer          LeafIndex
	signature       []byte
}

func (g *GroupInfo) encodeContent(w *writer) {
	g.context.encode(w)
	g.extensions.encode(w)
	w.opaque(g.confirmationTag)
	w.u32(uint32(g.signer))
}

func (g *GroupInfo) encode(w *writer) {
	g.encodeContent(w)
	w.opaque(g.signature)
}

func decodeGroupInfo(r *reader) *GroupInfo {
	return &GroupInfo{context: decodeGroupContext(r), extensions: decodeExtensions(r), confirmationTag: r.opaque(),
		signer: LeafIndex(r.u32()), signature: r.opaque()}
}

// toBeSigned is GroupInfoTBS.
func (g *GroupInfo) toBeSigned() []byte {
	var w writer
	g.encodeContent(&w)
	return w.b
}

// Suite, GroupID and Epoch are what it claims; joining verifies it.
func (g *GroupInfo) Suite() CipherSuite { return g.context.suite }

// GroupID as it claims.
func (g *GroupInfo) GroupID() []byte { return bytes.Clone(g.context.groupID) }

// TreeHash of the group context, as it claims (RFC 9420 §8.1).
func (g *GroupInfo) TreeHash() []byte { return bytes.Clone(g.context.treeHash) }

// Signer is the leaf of who signed it, as it claims; joining verifies the signature.
func (g *GroupInfo) Signer() LeafIndex { return g.signer }

// Epoch as it claims.
func (g *GroupInfo) Epoch() uint64 { return g.context.epoch }

// Extension of the GroupInfo itself.
func (g *GroupInfo) Extension(t ExtensionType) ([]byte, bool) { return g.extensions.Get(t) }

// groupSecrets is GroupSecrets of RFC 9420 §12.4.3.1.
type groupSecrets struct {
	joiner     Secret
	pathSecret Secret // may be absent
	psks       []PSKID
}

func (g *groupSecrets) encode(w *writer) {
	w.opaque(g.joiner)
	w.optional(g.pathSecret != nil)
	if g.pathSecret != nil {
		w.opaque(g.pathSecret)
	}
	w.vector(func() {
		for _, p := range g.psks {
			p.encode(w)
		}
	})
}

func decodeGroupSecrets(r *reader) *groupSecrets {
	g := &groupSecrets{joiner: r.opaque()}
	if r.optional() {
		g.pathSecret = r.opaque()
	}
	g.psks = readList(r, decodePSKID)
	return g
}

// Welcome lets newcomers in (RFC 9420 §12.4.3.1).
type Welcome struct {
	suite              CipherSuite
	secrets            []encryptedGroupSecrets
	encryptedGroupInfo []byte
}

type encryptedGroupSecrets struct {
	newMember []byte // KeyPackageRef
	secrets   hpkeCiphertext
}

func (x *Welcome) encode(w *writer) {
	room := 64 + len(x.encryptedGroupInfo)
	for _, s := range x.secrets {
		room += len(s.newMember) + len(s.secrets.kemOutput) + len(s.secrets.ciphertext) + 12
	}
	w.b = slices.Grow(w.b, room)
	w.u16(uint16(x.suite))
	w.vector(func() {
		for _, s := range x.secrets {
			w.opaque(s.newMember)
			s.secrets.encode(w)
		}
	})
	w.opaque(x.encryptedGroupInfo)
}

func decodeWelcome(r *reader) *Welcome {
	return &Welcome{suite: CipherSuite(r.u16()), secrets: readList(r, func(r *reader) encryptedGroupSecrets {
		return encryptedGroupSecrets{newMember: r.opaque(), secrets: decodeHPKECiphertext(r)}
	}), encryptedGroupInfo: r.opaque()}
}

// Suite of the group.
func (x *Welcome) Suite() CipherSuite { return x.suite }

// NewMembers are the references of the key packages that it is for (KeyPackageSecrets.Ref).
func (x *Welcome) NewMembers() [][]byte {
	refs := make([][]byte, len(x.secrets))
	for i, s := range x.secrets {
		refs[i] = bytes.Clone(s.newMember)
	}
	return refs
}

// Message is the Welcome as an MLSMessage.
func (x *Welcome) Message() []byte { return marshal(&Message{Format: WireWelcome, welcome: x}) }

// For cuts a Welcome down to one newcomer: the same GroupInfo, his own secrets. nil when it isn't for him.
func (x *Welcome) For(ref []byte) *Welcome {
	for _, s := range x.secrets {
		if bytes.Equal(s.newMember, ref) {
			return &Welcome{x.suite, []encryptedGroupSecrets{s}, x.encryptedGroupInfo}
		}
	}
	return nil
}
