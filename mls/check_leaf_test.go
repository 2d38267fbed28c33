package mls_test

import (
	"encoding/hex"
	"math"

	"huisclos/mls"
	"huisclos/mls/mlstest"
)

// update is what alice says of bob's Update, whose leaf was changed before it was signed.
func update(before func(w *world, l *mlstest.LeafNode)) func(w *world) error {
	return func(w *world) error {
		return w.proposed(w.forger().UpdateProposal(func(l *mlstest.LeafNode) { before(w, l) }))
	}
}

// pathLeaf is the same of the leaf in a path.
func pathLeaf(before func(w *world, l *mlstest.LeafNode)) func(w *world) error {
	return func(w *world) error {
		return w.path(mlstest.Plan{Leaf: func(l *mlstest.LeafNode) { before(w, l) }})
	}
}

// added is the same of an Add by value.
func added(name string, before func(w *world, k *mlstest.KeyPackage)) func(w *world) error {
	return func(w *world) error {
		return w.committed(add(w.stranger(name, func(k *mlstest.KeyPackage) { before(w, k) })))
	}
}

// lowOrder are points that X25519 turns into zero.
func lowOrder(w *world, hexPoint string) []byte {
	key := w.forger().Leaf().EncryptionKey
	return append(key[:len(key)-32:len(key)-32], must(hex.DecodeString(hexPoint))...)
}

func withCertificate(chain func(f *mlstest.Forger) [][]byte) func(w *world) error {
	return update(func(w *world, l *mlstest.LeafNode) {
		l.Credential = mls.Credential{Type: mls.CredentialX509, Certificates: chain(w.forger())}
		l.Capabilities.Credentials = append(l.Capabilities.Credentials, mls.CredentialX509)
	})
}

// leafAttacks: RFC 9420 §5.3, §7.2, §7.3.
var leafAttacks = []attack{
	{"5.1.1/hpke-key", mls.ErrInvalid, "an Update's", update(func(w *world, l *mlstest.LeafNode) { l.EncryptionKey = l.EncryptionKey[1:] })},
	{"5.1.1/hpke-key", mls.ErrInvalid, "zero", update(func(w *world, l *mlstest.LeafNode) {
		l.EncryptionKey = lowOrder(w, "0000000000000000000000000000000000000000000000000000000000000000")
	})},
	{"5.1.1/hpke-key", mls.ErrInvalid, "a path leaf's of low order", pathLeaf(func(w *world, l *mlstest.LeafNode) {
		l.EncryptionKey = lowOrder(w, "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")
	})},
	{"5.1.1/hpke-key", mls.ErrInvalid, "a path node's", func(w *world) error {
		return w.path(mlstest.Plan{NodeKey: func(int, []byte) []byte { return []byte("key") }})
	}},
	{"5.1.1/hpke-key", mls.ErrInvalid, "an init key of low order, not in the first form", added("eve", func(w *world, k *mlstest.KeyPackage) {
		k.InitKey = lowOrder(w, "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")
	})},
	{"5.1.1/signature-key", mls.ErrInvalid, "", update(func(w *world, l *mlstest.LeafNode) { l.SignatureKey = l.SignatureKey[1:] })},
	{"5.3/chain", mls.ErrInvalid, "", withCertificate(func(*mlstest.Forger) [][]byte { return nil })},
	{"5.3/certificate", mls.ErrInvalid, "", withCertificate(func(*mlstest.Forger) [][]byte { return [][]byte{{0x30, 0}} })},
	{"5.3/certificate-key", mls.ErrInvalid, "", withCertificate(func(f *mlstest.Forger) [][]byte {
		return [][]byte{certificate(f.Suite.NewSigner()), certificate(f.Signer)}
	})},
	{"5.3.1/authentication", mls.ErrRefused, "an Add", added("mallory", func(*world, *mlstest.KeyPackage) {})},
	{"5.3.1/authentication", mls.ErrRefused, "a proposed Add", func(w *world) error { return w.proposed(add(w.stranger("mallory", nil))) }},
	{"5.3.1/authentication", mls.ErrRefused, "an Update", update(func(w *world, l *mlstest.LeafNode) { l.Credential.Identity = []byte("robert") })},
	{"5.3.1/authentication", mls.ErrRefused, "a path", pathLeaf(func(w *world, l *mlstest.LeafNode) { l.Credential.Identity = []byte("robert") })},
	{"5.3.1/authentication", mls.ErrRefused, "an external sender", func(w *world) error {
		return w.committed(extensions(mls.ExternalSendersExtension(mls.ExternalSender{Credential: mls.BasicCredential([]byte("mallory"))})))
	}},
	{"5.3.1/authentication", mls.ErrRefused, "a member in a GroupInfo", func(w *world) error {
		erin, f := w.newcomer("erin"), w.forger()
		first := f.Commit(mlstest.Plan{Proposals: mlstest.Values(add(w.stranger("mallory", nil)))})
		return erin.join(w, first.Next.Commit(mlstest.Plan{Proposals: mlstest.Values(add(erin.pack))}), mlstest.Invitation{}, mls.JoinOptions{From: w.alice.g})
	}},
	{"7.2/credential-listed", mls.ErrInvalid, "", update(func(w *world, l *mlstest.LeafNode) { l.Capabilities.Credentials = []mls.CredentialType{7} })},
	{"7.2/default-listed", mls.ErrInvalid, "an extension", update(func(w *world, l *mlstest.LeafNode) {
		l.Capabilities.Extensions = append(l.Capabilities.Extensions, mls.ExtensionRatchetTree)
	})},
	{"7.2/default-listed", mls.ErrInvalid, "a proposal", update(func(w *world, l *mlstest.LeafNode) {
		l.Capabilities.Proposals = append(l.Capabilities.Proposals, mls.ProposalAdd)
	})},
	{"7.2/lifetime-total", mls.ErrInvalid, "too long", added("eve", func(w *world, k *mlstest.KeyPackage) { k.Leaf.Lifetime.NotAfter = math.MaxUint64 })},
	{"7.2/lifetime-total", mls.ErrInvalid, "backwards", added("eve", func(w *world, k *mlstest.KeyPackage) {
		k.Leaf.Lifetime = mls.Lifetime{NotBefore: 2, NotAfter: 1}
	})},
	{"7.3/signature", mls.ErrInvalid, "of an Update", func(w *world) error {
		p := w.forger().UpdateProposal(nil)
		p.Update.Signature = flip(p.Update.Signature)
		return w.proposed(p)
	}},
	{"7.3/signature", mls.ErrInvalid, "for another place", func(w *world) error {
		p := w.forger().UpdateProposal(nil)
		p.Update.Sign(w.forger().Signer, w.forger().Context.GroupID, 2)
		return w.proposed(p)
	}},
	{"7.3/signature", mls.ErrInvalid, "for another group", func(w *world) error {
		p := w.forger().UpdateProposal(nil)
		p.Update.Sign(w.forger().Signer, []byte("other"), 1)
		return w.proposed(p)
	}},
	{"7.3/signature", mls.ErrInvalid, "of a path", func(w *world) error {
		return w.path(mlstest.Plan{SignedLeaf: func(l *mlstest.LeafNode) { l.Signature = flip(l.Signature) }})
	}},
	{"7.3/signature", mls.ErrInvalid, "of a key package's leaf", func(w *world) error {
		f := w.forger()
		key := f.Suite.NewSigner()
		k := f.Suite.NewKeyPackage(f.Leaf(), key, lifetime)
		k.Leaf.Signature = flip(k.Leaf.Signature)
		k.SignOuter(key)
		return w.committed(add(k))
	}},
	{"7.3/extension-listed", mls.ErrInvalid, "", update(func(w *world, l *mlstest.LeafNode) {
		l.Extensions = append(l.Extensions, mls.Extension{Type: unknown})
	})},
	{"7.3/same-key", mls.ErrInvalid, "an Update", update(func(w *world, l *mlstest.LeafNode) { l.EncryptionKey = w.forger().Leaf().EncryptionKey })},
	{"7.3/same-key", mls.ErrInvalid, "a path", pathLeaf(func(w *world, l *mlstest.LeafNode) { l.EncryptionKey = w.forger().Leaf().EncryptionKey })},
	{"7.3/source-update", mls.ErrInvalid, "", update(func(w *world, l *mlstest.LeafNode) { l.Source = mls.SourceCommit })},
	{"7.3/source-commit", mls.ErrInvalid, "", pathLeaf(func(w *world, l *mlstest.LeafNode) { l.Source = mls.SourceUpdate })},
	{"7.3/source-commit", mls.ErrInvalid, "a key package's", pathLeaf(func(w *world, l *mlstest.LeafNode) {
		l.Source, l.Lifetime = mls.SourceKeyPackage, lifetime
	})},
	{"7.3/source-key-package", mls.ErrInvalid, "", added("eve", func(w *world, k *mlstest.KeyPackage) { k.Leaf.Source = mls.SourceUpdate })},
	{"7.3/credential-supported", mls.ErrInvalid, "a type that others don't know", pathLeaf(func(w *world, l *mlstest.LeafNode) {
		l.Credential = mls.Credential{Type: mls.CredentialX509, Certificates: [][]byte{certificate(w.forger().Signer)}}
		l.Capabilities.Credentials = append(l.Capabilities.Credentials, mls.CredentialX509)
	})},
	{"7.3/credential-supported", mls.ErrInvalid, "without the type that others use", pathLeaf(func(w *world, l *mlstest.LeafNode) {
		l.Credential = mls.Credential{Type: mls.CredentialX509, Certificates: [][]byte{certificate(w.forger().Signer)}}
		l.Capabilities.Credentials = []mls.CredentialType{mls.CredentialX509}
	})},
	{"7.3/encryption-key-unique", mls.ErrInvalid, "", added("eve", func(w *world, k *mlstest.KeyPackage) {
		k.Leaf.EncryptionKey = w.carol.g.Leaf(2).EncryptionKey
	})},
	{"7.3/encryption-key-unique", mls.ErrInvalid, "a parent's", added("eve", func(w *world, k *mlstest.KeyPackage) {
		k.Leaf.EncryptionKey = w.forger().Tree.Nodes[5].Parent.Key
	})},
	{"7.3/encryption-key-unique", mls.ErrInvalid, "twice in a path", func(w *world) error {
		var first []byte
		return w.path(mlstest.Plan{NodeKey: func(i int, key []byte) []byte {
			if first == nil {
				first = key
			}
			return first
		}})
	}},
	{"7.3/signature-key-unique", mls.ErrInvalid, "", func(w *world) error {
		f := w.forger()
		k := f.Suite.NewKeyPackage(f.Leaf(), f.Signer, lifetime)
		k.Leaf.Credential = mls.BasicCredential([]byte("bob's other name"))
		k.Sign(f.Signer)
		return w.committed(add(k))
	}},
	{"7.3/required", mls.ErrInvalid, "an extension", func(w *world) error {
		return w.committed(required(mls.RequiredCapabilities{Extensions: []mls.ExtensionType{unknown}}))
	}},
	{"7.3/required", mls.ErrInvalid, "a proposal", func(w *world) error {
		return w.committed(required(mls.RequiredCapabilities{Proposals: []mls.ProposalType{99}}))
	}},
	{"7.3/required", mls.ErrInvalid, "a credential", func(w *world) error {
		return w.committed(required(mls.RequiredCapabilities{Credentials: []mls.CredentialType{mls.CredentialX509}}))
	}},
	{"7.3/required", mls.ErrInvalid, "of an Add in the same commit", func(w *world) error {
		k := w.stranger("eve", func(k *mlstest.KeyPackage) { k.Leaf.Capabilities.Extensions = nil })
		return w.committed(add(k), required(mls.RequiredCapabilities{Extensions: []mls.ExtensionType{known}}))
	}},
	{"11.1/version-suite", mls.ErrInvalid, "no version", update(func(w *world, l *mlstest.LeafNode) { l.Capabilities.Versions = nil })},
	{"11.1/version-suite", mls.ErrInvalid, "another suite", added("eve", func(w *world, k *mlstest.KeyPackage) {
		k.Leaf.Capabilities.CipherSuites = []mls.CipherSuite{0x0A0A}
	})},
	{"13.4/context-extension", mls.ErrInvalid, "", func(w *world) error { return w.committed(extensions(mls.Extension{Type: unknown})) }},
	{"13.4/context-extension", mls.ErrInvalid, "of an Add", func(w *world) error {
		k := w.stranger("eve", func(k *mlstest.KeyPackage) { k.Leaf.Capabilities.Extensions = nil })
		return w.committed(extensions(mls.Extension{Type: known}), add(k))
	}},
	{"13.4/context-extension", mls.ErrInvalid, "of a path's leaf", func(w *world) error {
		return w.path(mlstest.Plan{Proposals: mlstest.Values(extensions(mls.Extension{Type: known})),
			Leaf: func(l *mlstest.LeafNode) { l.Capabilities.Extensions = nil }})
	}},
}

// required asks for capabilities.
func required(q mls.RequiredCapabilities) *mlstest.Proposal { return extensions(q.Extension()) }
