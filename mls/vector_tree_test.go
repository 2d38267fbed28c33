package mls

import (
	"fmt"
	"slices"
	"testing"
)

func TestVectorTreeOperations(t *testing.T) {
	type vector struct {
		Suite      CipherSuite `json:"cipher_suite"`
		Before     hexBytes    `json:"tree_before"`
		After      hexBytes    `json:"tree_after"`
		HashBefore hexBytes    `json:"tree_hash_before"`
		HashAfter  hexBytes    `json:"tree_hash_after"`
		Proposal   hexBytes    `json:"proposal"`
		Sender     LeafIndex   `json:"proposal_sender"`
	}
	for i, v := range vectors[vector](t, "tree-operations") {
		t.Run(fmt.Sprintf("%d %s", i, v.Suite), func(t *testing.T) {
			s := vectorSuite(t, v.Suite)
			tree := decode(t, v.Before, decodeRatchetTree)
			same(t, "hash before", s.treeHash(tree), v.HashBefore)
			switch p := decode(t, v.Proposal, decodeProposal); p.Type {
			case ProposalAdd:
				tree, _ = tree.add(p.Add.Leaf)
			case ProposalUpdate:
				tree = tree.update(v.Sender, p.Update)
			case ProposalRemove:
				tree = tree.remove(p.Remove)
			}
			same(t, "tree", marshal(tree), v.After)
			same(t, "hash", s.treeHash(tree), v.HashAfter)
		})
	}
}

// anybody is a validator that takes everybody: the vectors' identities are random.
type anybody struct{}

func (anybody) ValidateMember(*LeafNode) error              { return nil }
func (anybody) ValidateSuccessor(_, _ *LeafNode) error      { return nil }
func (anybody) ValidateExternalSender(ExternalSender) error { return nil }
func (anybody) ClientID(*LeafNode) []byte                   { return nil }

func TestVectorTreeValidation(t *testing.T) {
	type vector struct {
		Suite       CipherSuite   `json:"cipher_suite"`
		Tree        hexBytes      `json:"tree"`
		GroupID     hexBytes      `json:"group_id"`
		Hashes      []hexBytes    `json:"tree_hashes"`
		Resolutions [][]nodeIndex `json:"resolutions"`
	}
	for i, v := range vectors[vector](t, "tree-validation") {
		t.Run(fmt.Sprintf("%d %s", i, v.Suite), func(t *testing.T) {
			s := vectorSuite(t, v.Suite)
			tree := decode(t, v.Tree, decodeRatchetTree)
			s.treeHash(tree)
			walkTree(tree, func(x nodeIndex, n *treeNode) {
				if int(x) >= len(v.Hashes) {
					return
				}
				same(t, fmt.Sprint("hash of ", x), n.hash, v.Hashes[x])
				var indices []nodeIndex
				for _, r := range tree.resolution(n, x) {
					indices = append(indices, r.index)
				}
				if !slices.Equal(indices, v.Resolutions[x]) {
					t.Fatalf("resolution of %d: %v, want %v", x, indices, v.Resolutions[x])
				}
			})
			c := &Config{Validator: anybody{}, MaxLifetime: -1}
			if _, err := c.verifyTree(s, tree, v.GroupID, nil); err != nil {
				t.Fatal(err)
			}
			same(t, "again", marshal(tree), v.Tree)
		})
	}
}

func TestVectorTreeKEM(t *testing.T) {
	type vector struct {
		Suite      CipherSuite `json:"cipher_suite"`
		Epoch      uint64      `json:"epoch"`
		GroupID    hexBytes    `json:"group_id"`
		Transcript hexBytes    `json:"confirmed_transcript_hash"`
		Tree       hexBytes    `json:"ratchet_tree"`
		Private    []struct {
			Encryption hexBytes  `json:"encryption_priv"`
			Signature  hexBytes  `json:"signature_priv"`
			Index      LeafIndex `json:"index"`
			Paths      []struct {
				Node   nodeIndex `json:"node"`
				Secret hexBytes  `json:"path_secret"`
			} `json:"path_secrets"`
		} `json:"leaves_private"`
		Updates []struct {
			Sender   LeafIndex  `json:"sender"`
			Path     hexBytes   `json:"update_path"`
			Secrets  []hexBytes `json:"path_secrets"`
			Commit   hexBytes   `json:"commit_secret"`
			HashThen hexBytes   `json:"tree_hash_after"`
		} `json:"update_paths"`
	}
	for i, v := range vectors[vector](t, "treekem") {
		t.Run(fmt.Sprintf("%d %s", i, v.Suite), func(t *testing.T) {
			s := vectorSuite(t, v.Suite)
			tree := decode(t, v.Tree, decodeRatchetTree)
			keys := map[LeafIndex]privateKeys{}
			signers := map[LeafIndex]*SignatureKey{}
			for _, p := range v.Private {
				signers[p.Index] = must(s.sig.parse(p.Signature))(t)
				k := privateKeys{p.Index.node(): must(s.privateKey(p.Encryption))(t)}
				for _, n := range p.Paths {
					k[n.Node] = must(s.deriveKeyPair(s.deriveSecret(Secret(n.Secret), "node")))(t)
				}
				for x, key := range k {
					same(t, fmt.Sprint("key of ", x), key.PublicKey().Bytes(), tree.node(x).publicKey())
				}
				keys[p.Index] = k
			}
			for _, u := range v.Updates {
				path := decode(t, u.Path, decodeUpdatePath)
				steps := tree.filteredPath(u.Sender)
				nodes := s.nodesOf(steps, func(i int) []byte { return path.nodes[i].encryptionKey })
				same(t, "parent hash", path.leaf.parentHash, nodes.leafHash)
				if err := tree.checkPathShape(steps, path.nodes, nil); err != nil {
					t.Fatal(err)
				}
				after := tree.withPath(u.Sender, path.leaf, steps, nodes.parents)
				same(t, "tree hash", s.treeHash(after), u.HashThen)
				context := marshal(&groupContext{suite: v.Suite, groupID: v.GroupID, epoch: v.Epoch, treeHash: u.HashThen, confirmedTranscriptHash: v.Transcript})
				for _, p := range v.Private {
					if p.Index == u.Sender {
						continue
					}
					k := privateKeys{}
					for x, key := range keys[p.Index] {
						k[x] = key
					}
					same(t, "commit secret", must(s.openPath(tree, steps, path.nodes, p.Index, k, nil, context))(t), u.Commit)
				}
				checkOwnPath(t, s, v.GroupID, tree, u.Sender, signers[u.Sender], keys)
			}
		})
	}
}

// checkOwnPath makes a path of our own, which every other leaf must open to the same secret.
func checkOwnPath(t *testing.T, s *suite, groupID []byte, tree ratchetTree, sender LeafIndex, signer *SignatureKey, keys map[LeafIndex]privateKeys) {
	t.Helper()
	steps := tree.filteredPath(sender)
	p := must(s.derivePath(s.random(), len(steps)))(t)
	nodes := s.nodesOf(steps, func(i int) []byte { return p.keys[i].PublicKey().Bytes() })
	own := &ownPath{leaf: must(s.kem.GenerateKey())(t), signature: signer}
	leaf := tree.leaf(sender).changed(SourceCommit, own, LeafChange{})
	leaf.parentHash = nodes.leafHash
	if err := leaf.sign(s, signer, groupID, sender); err != nil {
		t.Fatal(err)
	}
	after := tree.withPath(sender, leaf, steps, nodes.parents)
	c := &Config{Validator: anybody{}, MaxLifetime: -1}
	if _, err := c.verifyTree(s, after, groupID, nil); err != nil {
		t.Fatal(err)
	}
	context := s.treeHash(after)
	sealed := must(s.sealPath(tree, steps, nodes.parents, p, nil, context))(t)
	for i, k := range keys {
		if i == sender {
			continue
		}
		opened := privateKeys{}
		for x, key := range k {
			opened[x] = key
		}
		same(t, "commit secret of our path", must(s.openPath(tree, steps, sealed, i, opened, nil, context))(t), p.commit)
	}
}
