package mls

import (
	"encoding/hex"
	"fmt"
	"testing"
)

func TestVectorDeserialization(t *testing.T) {
	type vector struct {
		Header hexBytes `json:"vlbytes_header"`
		Length int      `json:"length"`
	}
	for _, v := range vectors[vector](t, "deserialization") {
		r := reader{b: v.Header}
		if n := r.length(); r.end() != nil || n != v.Length {
			t.Errorf("%x: %d, %v, want %d", []byte(v.Header), n, r.err, v.Length)
		}
		var w writer
		w.length(v.Length)
		same(t, "header", w.b, v.Header)
	}
}

func TestVectorTreeMath(t *testing.T) {
	type vector struct {
		Leaves  uint32    `json:"n_leaves"`
		Nodes   uint32    `json:"n_nodes"`
		Root    uint32    `json:"root"`
		Left    []*uint32 `json:"left"`
		Right   []*uint32 `json:"right"`
		Parent  []*uint32 `json:"parent"`
		Sibling []*uint32 `json:"sibling"`
	}
	for _, v := range vectors[vector](t, "tree-math") {
		root := rootOf(heightFor(v.Leaves))
		if uint32(root) != v.Root {
			t.Errorf("%d leaves: root %d, want %d", v.Leaves, root, v.Root)
		}
		for x := range v.Nodes {
			check := func(what string, want *uint32, got func() nodeIndex) {
				if want != nil && uint32(got()) != *want {
					t.Errorf("%s of %d: %d, want %d", what, x, got(), *want)
				}
			}
			n := nodeIndex(x)
			if n.isLeaf() != (v.Left[x] == nil) || (n == root) != (v.Parent[x] == nil) {
				t.Errorf("node %d: the wrong kind", x)
			}
			check("left", v.Left[x], n.left)
			check("right", v.Right[x], n.right)
			check("parent", v.Parent[x], n.parent)
			check("sibling", v.Sibling[x], n.sibling)
		}
	}
}

func TestVectorCryptoBasics(t *testing.T) {
	type vector struct {
		Suite CipherSuite `json:"cipher_suite"`
		Ref   struct {
			Label string   `json:"label"`
			Out   hexBytes `json:"out"`
			Value hexBytes `json:"value"`
		} `json:"ref_hash"`
		Expand struct {
			Secret, Context, Out hexBytes
			Label                string
			Length               int
		} `json:"expand_with_label"`
		Derive struct {
			Secret, Out hexBytes
			Label       string
		} `json:"derive_secret"`
		Tree struct {
			Secret, Out hexBytes
			Label       string
			Generation  uint32
			Length      int
		} `json:"derive_tree_secret"`
		Sign struct {
			Priv, Pub, Content, Signature hexBytes
			Label                         string
		} `json:"sign_with_label"`
		Encrypt struct {
			Priv, Pub, Context, Plaintext, Ciphertext hexBytes
			KEM                                       hexBytes `json:"kem_output"`
			Label                                     string
		} `json:"encrypt_with_label"`
	}
	for _, v := range vectors[vector](t, "crypto-basics") {
		t.Run(fmt.Sprint(v.Suite), func(t *testing.T) {
			s := vectorSuite(t, v.Suite)
			same(t, "RefHash", s.refHash(v.Ref.Label, v.Ref.Value), v.Ref.Out)
			same(t, "ExpandWithLabel", s.expandWithLabel(Secret(v.Expand.Secret), v.Expand.Label, v.Expand.Context, v.Expand.Length), v.Expand.Out)
			same(t, "DeriveSecret", s.deriveSecret(Secret(v.Derive.Secret), v.Derive.Label), v.Derive.Out)
			same(t, "DeriveTreeSecret", s.deriveTreeSecret(Secret(v.Tree.Secret), v.Tree.Label, v.Tree.Generation, v.Tree.Length), v.Tree.Out)

			if !s.verifyWithLabel(v.Sign.Pub, v.Sign.Label, v.Sign.Content, v.Sign.Signature) {
				t.Error("the signature doesn't verify")
			}
			key := must(s.sig.parse(v.Sign.Priv))(t)
			same(t, "public signature key", key.public, v.Sign.Pub)
			again := must(s.signWithLabel(key, v.Sign.Label, v.Sign.Content))(t)
			if !s.verifyWithLabel(v.Sign.Pub, v.Sign.Label, v.Sign.Content, again) {
				t.Error("our signature doesn't verify")
			}

			priv := must(s.privateKey(v.Encrypt.Priv))(t)
			same(t, "public HPKE key", priv.PublicKey().Bytes(), v.Encrypt.Pub)
			c := hpkeCiphertext{v.Encrypt.KEM, v.Encrypt.Ciphertext}
			same(t, "DecryptWithLabel", must(s.decryptWithLabel(priv, v.Encrypt.Label, v.Encrypt.Context, c))(t), v.Encrypt.Plaintext)
			ours := must(s.encryptWithLabel(v.Encrypt.Pub, v.Encrypt.Label, v.Encrypt.Context, v.Encrypt.Plaintext))(t)
			same(t, "ours", must(s.decryptWithLabel(priv, v.Encrypt.Label, v.Encrypt.Context, ours))(t), v.Encrypt.Plaintext)
		})
	}
}

func TestVectorKeySchedule(t *testing.T) {
	type vector struct {
		Suite   CipherSuite `json:"cipher_suite"`
		GroupID hexBytes    `json:"group_id"`
		Init    hexBytes    `json:"initial_init_secret"`
		Epochs  []struct {
			TreeHash      hexBytes `json:"tree_hash"`
			Commit        hexBytes `json:"commit_secret"`
			PSK           hexBytes `json:"psk_secret"`
			Transcript    hexBytes `json:"confirmed_transcript_hash"`
			Context       hexBytes `json:"group_context"`
			Joiner        hexBytes `json:"joiner_secret"`
			Welcome       hexBytes `json:"welcome_secret"`
			Init          hexBytes `json:"init_secret"`
			SenderData    hexBytes `json:"sender_data_secret"`
			Encryption    hexBytes `json:"encryption_secret"`
			ExporterKey   hexBytes `json:"exporter_secret"`
			Authenticator hexBytes `json:"epoch_authenticator"`
			External      hexBytes `json:"external_secret"`
			Confirmation  hexBytes `json:"confirmation_key"`
			Membership    hexBytes `json:"membership_key"`
			Resumption    hexBytes `json:"resumption_psk"`
			ExternalPub   hexBytes `json:"external_pub"`
			Exporter      struct {
				Label   string
				Context hexBytes
				Length  int
				Secret  hexBytes
			}
		}
	}
	for _, v := range vectors[vector](t, "key-schedule") {
		t.Run(fmt.Sprint(v.Suite), func(t *testing.T) {
			s := vectorSuite(t, v.Suite)
			init := Secret(v.Init)
			for i, e := range v.Epochs {
				context := marshal(&groupContext{suite: v.Suite, groupID: v.GroupID, epoch: uint64(i), treeHash: e.TreeHash, confirmedTranscriptHash: e.Transcript})
				same(t, "context", context, e.Context)
				joiner := s.joinerSecret(init, Secret(e.Commit), context)
				same(t, "joiner", joiner, e.Joiner)
				member := s.memberSecret(joiner, Secret(e.PSK))
				same(t, "welcome", s.welcomeSecret(member), e.Welcome)
				x, encryption := s.epochSecrets(s.epochSecret(member, context))
				for _, c := range []struct {
					what      string
					got, want []byte
				}{{"init", x.init, e.Init}, {"sender data", x.senderData, e.SenderData}, {"encryption", encryption, e.Encryption}, {"exporter", x.exporter, e.ExporterKey},
					{"authenticator", x.authenticator, e.Authenticator}, {"external", x.external, e.External}, {"confirmation", x.confirmation, e.Confirmation},
					{"membership", x.membership, e.Membership}, {"resumption", x.resumption, e.Resumption},
					{"external key", must(s.externalKey(x.external))(t).PublicKey().Bytes(), e.ExternalPub},
					{"exported", s.export(x.exporter, e.Exporter.Label, e.Exporter.Context, e.Exporter.Length), e.Exporter.Secret}} {
					same(t, c.what, c.got, c.want)
				}
				init = x.init
			}
		})
	}
}

func TestVectorPSKSecret(t *testing.T) {
	type vector struct {
		Suite CipherSuite `json:"cipher_suite"`
		PSKs  []struct {
			ID    hexBytes `json:"psk_id"`
			PSK   hexBytes `json:"psk"`
			Nonce hexBytes `json:"psk_nonce"`
		} `json:"psks"`
		Secret hexBytes `json:"psk_secret"`
	}
	for i, v := range vectors[vector](t, "psk_secret") {
		t.Run(fmt.Sprintf("%d %s", i, v.Suite), func(t *testing.T) {
			s := vectorSuite(t, v.Suite)
			var ids []PSKID
			var keys []Secret
			for _, p := range v.PSKs {
				ids = append(ids, PSKID{Type: PSKExternal, ID: p.ID, nonce: p.Nonce})
				keys = append(keys, Secret(p.PSK))
			}
			same(t, "secret", s.pskSecret(ids, keys), v.Secret)
		})
	}
}

func TestVectorTranscriptHashes(t *testing.T) {
	type vector struct {
		Suite     CipherSuite `json:"cipher_suite"`
		Key       hexBytes    `json:"confirmation_key"`
		Content   hexBytes    `json:"authenticated_content"`
		Before    hexBytes    `json:"interim_transcript_hash_before"`
		Confirmed hexBytes    `json:"confirmed_transcript_hash_after"`
		After     hexBytes    `json:"interim_transcript_hash_after"`
	}
	for _, v := range vectors[vector](t, "transcript-hashes") {
		t.Run(fmt.Sprint(v.Suite), func(t *testing.T) {
			s := vectorSuite(t, v.Suite)
			a := decode(t, v.Content, decodeAuthenticatedContent)
			confirmed := s.confirmedHash(v.Before, a)
			same(t, "confirmed", confirmed, v.Confirmed)
			same(t, "tag", s.mac(Secret(v.Key), confirmed), a.confirmationTag)
			same(t, "interim", s.interimHash(confirmed, a.confirmationTag), v.After)
			same(t, "again", marshal(a), v.Content)
		})
	}
}

func TestVectorSecretTree(t *testing.T) {
	type vector struct {
		Suite      CipherSuite `json:"cipher_suite"`
		Encryption hexBytes    `json:"encryption_secret"`
		SenderData struct {
			Secret     hexBytes `json:"sender_data_secret"`
			Ciphertext hexBytes
			Key, Nonce hexBytes
		} `json:"sender_data"`
		Leaves [][]struct {
			Generation       uint32
			ApplicationKey   hexBytes `json:"application_key"`
			ApplicationNonce hexBytes `json:"application_nonce"`
			HandshakeKey     hexBytes `json:"handshake_key"`
			HandshakeNonce   hexBytes `json:"handshake_nonce"`
		}
	}
	for i, v := range vectors[vector](t, "secret-tree") {
		t.Run(fmt.Sprintf("%d %s", i, v.Suite), func(t *testing.T) {
			s := vectorSuite(t, v.Suite)
			k := s.senderDataKey(Secret(v.SenderData.Secret), v.SenderData.Ciphertext)
			same(t, "sender data key", k.key, v.SenderData.Key)
			same(t, "sender data nonce", k.nonce, v.SenderData.Nonce)
			tree := newSecretTree(s, heightFor(uint32(len(v.Leaves))), append(Secret(nil), v.Encryption...))
			limits := ratchetLimits{forward: 1000, skipped: 1000}
			for leaf, generations := range v.Leaves {
				for _, g := range generations {
					for _, application := range []bool{true, false} {
						u := must(tree.use(ratchetID{LeafIndex(leaf), application}, g.Generation, limits))(t)
						key, nonce := g.HandshakeKey, g.HandshakeNonce
						if application {
							key, nonce = g.ApplicationKey, g.ApplicationNonce
						}
						same(t, "key", u.key, key)
						same(t, "nonce", u.nonce, nonce)
						tree.apply(u)
					}
				}
			}
			if len(tree.nodes) != 0 && len(v.Leaves) == 1<<tree.height {
				t.Errorf("%d secrets of the tree are left after each leaf was used", len(tree.nodes))
			}
		})
	}
}

func TestVectorMessages(t *testing.T) {
	message := func(r *reader) encoder { return decodeMessage(r) }
	body := func(p ProposalType) func(r *reader) encoder {
		return func(r *reader) encoder { return proposalBody{decodeProposalBody(r, p)} }
	}
	forms := map[string]func(*reader) encoder{
		"mls_welcome": message, "mls_group_info": message, "mls_key_package": message,
		"public_message_application": message, "public_message_proposal": message, "public_message_commit": message, "private_message": message,
		"ratchet_tree":  func(r *reader) encoder { return decodeRatchetTree(r) },
		"group_secrets": func(r *reader) encoder { return decodeGroupSecrets(r) },
		"commit":        func(r *reader) encoder { return decodeCommit(r) },
		"add_proposal":  body(ProposalAdd), "update_proposal": body(ProposalUpdate), "remove_proposal": body(ProposalRemove),
		"pre_shared_key_proposal": body(ProposalPSK), "re_init_proposal": body(ProposalReInit), "external_init_proposal": body(ProposalExternalInit),
		"group_context_extensions_proposal": body(ProposalGroupContextExtensions),
	}
	for i, v := range vectors[map[string]string](t, "messages") {
		for name, text := range v {
			f := forms[name]
			if f == nil {
				t.Fatalf("%s isn't known", name)
			}
			b, err := hex.DecodeString(text)
			if err != nil {
				t.Fatal(err)
			}
			r := reader{b: b}
			x := f(&r)
			if err := r.end(); err != nil {
				t.Fatalf("%d, %s: %v", i, name, err)
			}
			same(t, name, marshal(x), b)
		}
	}
}

// proposalBody writes a proposal without its type.
type proposalBody struct{ p *Proposal }

func (p proposalBody) encode(w *writer) { p.p.encodeBody(w) }
