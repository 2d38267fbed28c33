package mls

import (
	"bytes"
	"crypto/hmac"
	"fmt"
	"testing"
)

func TestVectorMessageProtection(t *testing.T) {
	type vector struct {
		Suite       CipherSuite `json:"cipher_suite"`
		GroupID     hexBytes    `json:"group_id"`
		Epoch       uint64      `json:"epoch"`
		TreeHash    hexBytes    `json:"tree_hash"`
		Transcript  hexBytes    `json:"confirmed_transcript_hash"`
		SignPriv    hexBytes    `json:"signature_priv"`
		SignPub     hexBytes    `json:"signature_pub"`
		Encryption  hexBytes    `json:"encryption_secret"`
		SenderData  hexBytes    `json:"sender_data_secret"`
		Membership  hexBytes    `json:"membership_key"`
		Proposal    hexBytes    `json:"proposal"`
		PropPriv    hexBytes    `json:"proposal_priv"`
		PropPub     hexBytes    `json:"proposal_pub"`
		Commit      hexBytes    `json:"commit"`
		CommitPriv  hexBytes    `json:"commit_priv"`
		CommitPub   hexBytes    `json:"commit_pub"`
		Application hexBytes    `json:"application"`
		AppPriv     hexBytes    `json:"application_priv"`
	}
	for _, v := range vectors[vector](t, "message-protection") {
		t.Run(fmt.Sprint(v.Suite), func(t *testing.T) {
			s := vectorSuite(t, v.Suite)
			context := marshal(&groupContext{suite: v.Suite, groupID: v.GroupID, epoch: v.Epoch, treeHash: v.TreeHash, confirmedTranscriptHash: v.Transcript})
			key := must(s.sig.parse(v.SignPriv))(t)
			same(t, "public key", key.public, v.SignPub)
			reception := func() *reception { // of somebody else in a tree of two leaves, of which the second speaks
				return &reception{number: v.Epoch, context: context, own: 0, senderData: Secret(v.SenderData),
					messages: newSecretTree(s, 1, append(Secret(nil), v.Encryption...))}
			}
			open := func(m *Message) *authenticatedContent {
				var a *authenticatedContent
				if m.private != nil {
					var err error
					if a, _, err = reception().decrypt(s, m.private, ratchetLimits{10, 10}, func(i LeafIndex) bool { return i == 1 }); err != nil {
						t.Fatal(err)
					}
				} else {
					a = &m.public.auth
					if !hmac.Equal(m.public.membershipTag, a.membershipTagOf(s, Secret(v.Membership), a.toBeSigned(context))) {
						t.Fatal("membership tag")
					}
				}
				if err := a.verify(s, v.SignPub, a.toBeSigned(context)); err != nil {
					t.Fatal(err)
				}
				return a
			}
			for _, c := range []struct {
				message, body []byte
			}{{v.PropPriv, v.Proposal}, {v.PropPub, v.Proposal}, {v.CommitPriv, v.Commit}, {v.CommitPub, v.Commit}, {v.AppPriv, v.Application}} {
				a := open(must(ParseMessage(c.message))(t))
				var w writer
				a.content.encodeBody(&w)
				if a.content.contentType == ContentApplication {
					w.b = a.content.application
				}
				same(t, "content", w.b, c.body)

				// Ours, out of the same content.
				again := &authenticatedContent{format: a.format, content: a.content, confirmationTag: a.confirmationTag}
				if err := again.sign(s, key, context); err != nil {
					t.Fatal(err)
				}
				r := reception()
				g := &Group{s: s, cfg: &Config{}, epoch: &epoch{reception: *r, secrets: epochSecrets{membership: Secret(v.Membership)}}}
				g.epoch.own = 1
				b, _, err := g.protect(again)
				if err != nil {
					t.Fatal(err)
				}
				w = writer{}
				open(must(ParseMessage(b))(t)).content.encodeBody(&w)
				if !bytes.HasSuffix(w.b, c.body) {
					t.Fatal("ours opens to something else")
				}
			}
			// Application data is never public (RFC 9420 §6).
			a := &authenticatedContent{format: WirePublicMessage, content: &framedContent{groupID: v.GroupID, epoch: v.Epoch, sender: Sender{SenderMember, 1},
				contentType: ContentApplication, application: v.Application}}
			if err := a.sign(s, key, context); err != nil {
				t.Fatal(err)
			}
			p := &publicMessage{auth: *a, membershipTag: a.membershipTagOf(s, Secret(v.Membership), a.toBeSigned(context))}
			g := &Group{s: s, cfg: &Config{}, epoch: &epoch{reception: *reception(), groupContext: groupContext{groupID: v.GroupID, epoch: v.Epoch},
				secrets: epochSecrets{membership: Secret(v.Membership)}}}
			if _, err := g.Open(&Message{Format: WirePublicMessage, public: p}); CheckOf(err) != "6/application-public" {
				t.Fatal(err)
			}
		})
	}
}

func TestVectorWelcome(t *testing.T) {
	type vector struct {
		Suite      CipherSuite `json:"cipher_suite"`
		InitPriv   hexBytes    `json:"init_priv"`
		SignerPub  hexBytes    `json:"signer_pub"`
		KeyPackage hexBytes    `json:"key_package"`
		Welcome    hexBytes    `json:"welcome"`
	}
	for _, v := range vectors[vector](t, "welcome") {
		t.Run(fmt.Sprint(v.Suite), func(t *testing.T) {
			s := vectorSuite(t, v.Suite)
			package_ := must(ParseMessage(v.KeyPackage))(t).KeyPackage()
			w := must(ParseMessage(v.Welcome))(t).Welcome()
			k := &KeyPackageSecrets{Package: package_, ref: package_.ref(s), init: must(s.privateKey(v.InitPriv))(t)}
			_, secrets, err := (&Config{}).openSecrets(w, k)
			if err != nil {
				t.Fatal(err)
			}
			member := s.memberSecret(secrets.joiner, s.zero())
			key, nonce := s.welcomeKey(s.welcomeSecret(member))
			info := decode(t, must(s.aeadFor(key).Open(nil, nonce, w.encryptedGroupInfo, nil))(t), decodeGroupInfo)
			if !s.verifyWithLabel(v.SignerPub, "GroupInfoTBS", info.toBeSigned(), info.signature) {
				t.Fatal("signature")
			}
			e, _ := s.epochSecrets(s.epochSecret(member, marshal(&info.context)))
			same(t, "tag", s.mac(e.confirmation, info.context.confirmedTranscriptHash), info.confirmationTag)
		})
	}
}

// passiveClient is a member who joins and follows.
type passiveClient struct {
	Suite CipherSuite `json:"cipher_suite"`
	PSKs  []struct {
		ID  hexBytes `json:"psk_id"`
		PSK hexBytes `json:"psk"`
	} `json:"external_psks"`
	KeyPackage    hexBytes `json:"key_package"`
	SignPriv      hexBytes `json:"signature_priv"`
	Encryption    hexBytes `json:"encryption_priv"`
	Init          hexBytes `json:"init_priv"`
	Welcome       hexBytes `json:"welcome"`
	Tree          hexBytes `json:"ratchet_tree"`
	Authenticator hexBytes `json:"initial_epoch_authenticator"`
	Epochs        []struct {
		Proposals     []hexBytes `json:"proposals"`
		Commit        hexBytes   `json:"commit"`
		Authenticator hexBytes   `json:"epoch_authenticator"`
	} `json:"epochs"`
}

func TestVectorPassiveClientWelcome(t *testing.T) { testPassiveClient(t, "passive-client-welcome") }
func TestVectorPassiveClientHandlingCommit(t *testing.T) {
	testPassiveClient(t, "passive-client-handling-commit")
}
func TestVectorPassiveClientRandom(t *testing.T) { testPassiveClient(t, "passive-client-random") }

// Each client is also saved and loaded again after every step: its state on disk must go on like the one in memory.
func testPassiveClient(t *testing.T, name string) {
	for i, v := range vectors[passiveClient](t, name) {
		t.Run(fmt.Sprintf("%d %s", i, v.Suite), func(t *testing.T) {
			t.Parallel()
			s := vectorSuite(t, v.Suite)
			c := &Config{Validator: anybody{}, MaxLifetime: -1, PSK: func(id PSKID) (Secret, error) {
				for _, p := range v.PSKs {
					if id.Type == PSKExternal && bytes.Equal(p.ID, id.ID) {
						return Secret(p.PSK), nil
					}
				}
				return nil, fmt.Errorf("no such key")
			}}
			package_ := must(ParseMessage(v.KeyPackage))(t).KeyPackage()
			k := &KeyPackageSecrets{Package: package_, ref: package_.ref(s), init: must(s.privateKey(v.Init))(t),
				encryption: must(s.privateKey(v.Encryption))(t), signature: must(s.sig.parse(v.SignPriv))(t)}
			disk := map[string][]byte{}
			save := func(c Changes) error {
				for _, x := range c {
					if x.Value == nil {
						delete(disk, x.Key)
					} else {
						disk[x.Key] = x.Value
					}
				}
				return nil
			}
			g := must(c.Join(must(ParseMessage(v.Welcome))(t).Welcome(), k, JoinOptions{Tree: v.Tree}, save))(t)
			same(t, "authenticator", g.Authenticator(), v.Authenticator)
			for n, e := range v.Epochs {
				g = must(c.Load(disk))(t)
				for _, b := range e.Proposals {
					p, ok := must(g.Open(must(ParseMessage(b))(t)))(t).(*ProposalMessage)
					if !ok {
						t.Fatal("not a proposal")
					}
					if err := p.Accept(save); err != nil {
						t.Fatal(err)
					}
				}
				g = must(c.Load(disk))(t)
				staged, ok := must(g.Open(must(ParseMessage(e.Commit))(t)))(t).(*StagedCommit)
				if !ok {
					t.Fatal("not a commit")
				}
				if err := staged.Accept(save); err != nil {
					t.Fatal(err)
				}
				same(t, fmt.Sprint("authenticator of epoch ", n), g.Authenticator(), e.Authenticator)
			}
		})
	}
}
