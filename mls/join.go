package mls

import (
	"bytes"
	"crypto/hmac"
	"slices"
)

// Joining by a Welcome (RFC 9420 §12.4.3.1).

// JoinOptions are what a Welcome doesn't have in it.
type JoinOptions struct {
	// Tree is the ratchet tree, where the Welcome doesn't have it: what Group.Tree or Pending.Tree gave.
	Tree []byte
	// From is the group that this one continues or branches from (RFC 9420 §11.2, §11.3), when the Welcome says so.
	From *Group
}

// Join enters a group by a Welcome, with the key package that it is for. The key package's secrets must be gone, or it a last-resort
// one, when save returns: it gets the group's records and deletes them in one go.
func (c *Config) Join(w *Welcome, k *KeyPackageSecrets, o JoinOptions, save Saver) (*Group, error) {
	s, secrets, err := c.openSecrets(w, k)
	if err != nil {
		return nil, err
	}
	psk, err := c.welcomePSK(s, secrets, o.From)
	if err != nil {
		return nil, err
	}
	member := s.memberSecret(secrets.joiner, psk)
	key, nonce := s.welcomeKey(s.welcomeSecret(member))
	encoded, err := s.aeadFor(key).Open(nil, nonce, w.encryptedGroupInfo, nil)
	if err != nil {
		return nil, invalid("12.4.3.1/group-info", "the GroupInfo doesn't open: another pre-shared key, or not what was sent")
	}
	r := reader{b: encoded}
	info := decodeGroupInfo(&r)
	if err := r.end(); err != nil {
		return nil, err
	}
	if info.context.suite != s.id {
		return nil, invalid("12.4.3.1/suite", "a Welcome of %s into a group of %s", s.id, info.context.suite)
	}
	tree, index, err := c.verifyGroupInfo(s, info, o.Tree)
	if err != nil {
		return nil, err
	}
	own, err := findLeaf(tree, k.Package.Leaf)
	if err != nil {
		return nil, err
	}
	if err := checkOrigin(secrets.psks, info, tree, o.From); err != nil {
		return nil, err
	}
	e := newEpoch(s, info.context, marshal(&info.context), tree, own, member)
	e.signature = k.signature
	if e.private, err = s.joinerKeys(tree, own, info.signer, secrets.pathSecret); err != nil {
		return nil, err
	}
	e.private[own.node()] = k.encryption
	if !hmac.Equal(s.mac(e.secrets.confirmation, info.context.confirmedTranscriptHash), info.confirmationTag) {
		return nil, invalid("12.4.3.1/confirmation-tag", "the confirmation tag is wrong")
	}
	e.confirmationTag = info.confirmationTag
	e.interim = s.interimHash(info.context.confirmedTranscriptHash, info.confirmationTag)
	g, err := c.begin(s, e, index, save)
	if err == nil {
		k.used = !k.Package.LastResort()
		g.welcomed = info
	}
	return g, err
}

// openSecrets finds and opens what a Welcome has for a key package.
func (c *Config) openSecrets(w *Welcome, k *KeyPackageSecrets) (*suite, *groupSecrets, error) {
	if w == nil || k == nil || k.init == nil {
		return nil, nil, misuse("no Welcome or no key package")
	}
	if k.used {
		return nil, nil, fail(ErrReplay, "16.8/key-package", "the key package was used: it is good for one group")
	}
	s, err := c.suite(w.suite)
	if err != nil {
		return nil, nil, err
	}
	if k.Package.Suite != w.suite {
		return nil, nil, invalid("12.4.3.1/key-package-suite", "a Welcome of another suite than the key package")
	}
	for _, entry := range w.secrets {
		if !bytes.Equal(entry.newMember, k.ref) {
			continue
		}
		encoded, err := s.decryptWithLabel(k.init, "Welcome", w.encryptedGroupInfo, entry.secrets)
		if err != nil {
			return nil, nil, err
		}
		r := reader{b: encoded}
		secrets := decodeGroupSecrets(&r)
		if err := r.end(); err != nil {
			return nil, nil, err
		}
		if len(secrets.joiner) != s.nh {
			return nil, nil, invalid("12.4.3.1/joiner-secret", "a joiner secret of %d bytes", len(secrets.joiner))
		}
		return s, secrets, nil
	}
	return nil, nil, fail(ErrMissing, "12.4.3.1/not-for-us", "the Welcome isn't for this key package")
}

// welcomePSK finds the pre-shared keys of a Welcome. One that continues another group stands alone among its kind (RFC 9420 §12.4.3.1).
func (c *Config) welcomePSK(s *suite, secrets *groupSecrets, from *Group) (Secret, error) {
	keys := make([]Secret, len(secrets.psks))
	origins := 0
	for i, id := range secrets.psks {
		if len(id.nonce) != s.nh {
			return nil, invalid("8.4/nonce", "a PSK nonce of %d bytes", len(id.nonce))
		}
		if slices.ContainsFunc(secrets.psks[:i], id.same) {
			return nil, invalid("12.2/same-psk", "one pre-shared key twice")
		}
		var err error
		if id.isOrigin() {
			if origins++; origins > 1 {
				return nil, invalid("12.4.3.1/one-origin", "a Welcome that continues two groups")
			}
			keys[i], err = from.originKey(id)
		} else if from != nil {
			keys[i], err = from.findPSK(id)
		} else {
			keys[i], err = c.findPSK(id)
		}
		if err != nil {
			return nil, err
		}
	}
	return s.pskSecret(secrets.psks, keys), nil
}

// verifyGroupInfo verifies a GroupInfo with its tree (RFC 9420 §12.4.3, §12.4.3.1): the tree's hash, its validity, and the signature of a
// member in it.
func (c *Config) verifyGroupInfo(s *suite, info *GroupInfo, beside []byte) (ratchetTree, *treeIndex, error) {
	if c.HasGroup != nil && c.HasGroup(info.context.groupID) {
		return ratchetTree{}, nil, invalid("12.4.3/group-id", "this client is in a group of this ID")
	}
	encoded, ok := info.extensions.Get(ExtensionRatchetTree)
	if !ok {
		encoded = bytes.Clone(beside)
	}
	if encoded == nil {
		return ratchetTree{}, nil, fail(ErrMissing, "12.4.3.3/tree", "the ratchet tree is neither in the message nor beside it")
	}
	r := reader{b: encoded}
	tree := decodeRatchetTree(&r)
	if err := r.end(); err != nil {
		return ratchetTree{}, nil, err
	}
	if !bytes.Equal(s.treeHash(tree), info.context.treeHash) {
		return ratchetTree{}, nil, invalid("12.4.3.1/tree-hash", "the tree isn't the one that the GroupInfo is about")
	}
	signer := tree.leaf(info.signer)
	if signer == nil {
		return ratchetTree{}, nil, invalid("12.4.3.1/signer", "nobody is at leaf %d, who is said to have signed", info.signer)
	}
	if !s.verifyWithLabel(signer.SignatureKey, "GroupInfoTBS", info.toBeSigned(), info.signature) {
		return ratchetTree{}, nil, invalid("12.4.3.1/signature", "the GroupInfo's signature is wrong")
	}
	for _, e := range info.context.extensions {
		if !e.Type.isDefault() && !slices.Contains(c.Extensions, e.Type) {
			return ratchetTree{}, nil, fail(ErrUnsupported, "13.4/context-extension", "the group's extension %d isn't supported here", e.Type)
		}
	}
	if err := c.validateSenders(info.context.extensions); err != nil {
		return ratchetTree{}, nil, err
	}
	index, err := c.verifyTree(s, tree, info.context.groupID, info.context.extensions)
	return tree, index, err
}

// findLeaf finds the place of a leaf.
func findLeaf(t ratchetTree, leaf *LeafNode) (LeafIndex, error) {
	own := LeafIndex(0)
	found := false
	t.members(func(i LeafIndex, l *LeafNode) bool {
		if bytes.Equal(l.EncryptionKey, leaf.EncryptionKey) && l.Equal(leaf) {
			own, found = i, true
		}
		return !found
	})
	if !found {
		return 0, invalid("12.4.3.1/own-leaf", "the key package's leaf isn't in the tree")
	}
	return own, nil
}

// joinerKeys derives a newcomer's private keys: from the lowest node that he shares with the committer up to the root (RFC 9420 §12.4.3.1).
func (s *suite) joinerKeys(t ratchetTree, own, committer LeafIndex, pathSecret Secret) (privateKeys, error) {
	keys := privateKeys{}
	if pathSecret == nil {
		return keys, nil
	}
	// The committer's path is filtered as it was: whose copath is empty has no key, and who was added since isn't.
	steps := t.filteredPath(committer)
	at := slices.IndexFunc(steps, func(p pathStep) bool { return p.copathIndex.covers(own) })
	if at < 0 || len(pathSecret) != s.nh {
		return nil, invalid("12.4.3.1/path-secret", "a path secret for no node")
	}
	p, err := s.derivePath(pathSecret, len(steps)-at)
	if err != nil {
		return nil, err
	}
	for i, k := range p.keys {
		step := steps[at+i]
		if step.node.parent == nil || !bytes.Equal(k.PublicKey().Bytes(), step.node.parent.encryptionKey) {
			return nil, invalid("12.4.3.1/path-keys", "the key of node %d doesn't come from the path secret", step.index)
		}
		keys[step.index] = k
	}
	return keys, nil
}
