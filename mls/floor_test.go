package mls

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"testing"
)

// floor does the primitives that an operation can't avoid, straight on the standard library, and nothing else: no tree, no encoding, no
// checks. It uses as many cores as the operation, for the same parts.
type floor struct {
	s         *suite
	sign      ed25519.PrivateKey
	public    []byte // a KEM key
	private   hpke.PrivateKey
	secret    []byte
	enc, ct   []byte
	text      []byte
	signature []byte
	label     string
}

func newFloor(b testing.TB, s *suite) *floor {
	k := ok(s.kem.GenerateKey())(b)
	f := &floor{s: s, private: k, public: k.PublicKey().Bytes(), secret: s.random(), text: make([]byte, 4<<20), label: string(make([]byte, 24))}
	_, f.sign, _ = ed25519.GenerateKey(nil)
	f.enc, f.ct = f.seal(100, s.nh)
	f.signature = ed25519.Sign(f.sign, f.text[:300])
	return f
}

// each does f n times, on all cores.
func each(n int, f func()) {
	_ = inParallel(n, func(int) error {
		f()
		return nil
	})
}

func (f *floor) hash(n, size int) {
	for range n {
		h := f.s.newHash()
		h.Write(f.text[:size])
		h.Sum(nil)
	}
}

func (f *floor) mac(size int) {
	h := hmac.New(f.s.newHash, f.secret)
	h.Write(f.text[:size])
	h.Sum(nil)
}

func (f *floor) expand(n, length int) {
	for range n {
		_, _ = hkdf.Expand(f.s.newHash, f.secret, f.label, length)
	}
}

func (f *floor) extract(n int) {
	for range n {
		_, _ = hkdf.Extract(f.s.newHash, f.secret, f.secret)
	}
}

func (f *floor) signs(size int) { ed25519.Sign(f.sign, f.text[:size]) }

// verifies costs the same for a signature that is wrong only in its last step.
func (f *floor) verifies(size int) {
	ed25519.Verify(f.sign.Public().(ed25519.PublicKey), f.text[:size], f.signature)
}

func (f *floor) parse() { _, _ = f.s.kem.NewPublicKey(f.public) }

func (f *floor) seal(info, size int) (enc, ct []byte) {
	k, _ := f.s.kem.NewPublicKey(f.public)
	enc, sender, _ := hpke.NewSender(k, f.s.kdf, f.s.aead, f.text[:info])
	ct, _ = sender.Seal(nil, f.text[:size])
	return enc, ct
}

func (f *floor) open(info int) {
	r, _ := hpke.NewRecipient(f.enc, f.private, f.s.kdf, f.s.aead, f.text[:info])
	_, _ = r.Open(nil, f.ct)
}

// derive is a key pair, with the public half as bytes.
func (f *floor) derive() {
	k, _ := f.s.kem.DeriveKeyPair(f.secret)
	k.PublicKey().Bytes()
}

// aead seals, or opens: that costs the same.
func (f *floor) aead(size int) {
	a, _ := f.s.newAEAD(f.secret[:f.s.nk])
	a.Seal(nil, f.text[:f.s.nn], f.text[:size], nil)
}

// path is the derivation of n path secrets and their keys (RFC 9420 §7.4).
func (f *floor) path(n int) {
	f.expand(n, f.s.nh)
	each(n, func() {
		f.expand(1, f.s.nh)
		f.derive()
	})
}

// pathHashes are the parent hashes and tree hashes of a new path (§7.8, §7.9).
func (f *floor) pathHashes(steps, height int) {
	f.hash(steps, len(f.public)+2*f.s.nh+4)
	f.hash(height, len(f.public)+3*f.s.nh+8)
	f.hash(1, leafSize(f))
}

// schedule is the key schedule of an epoch (§8) after a message of some size, with the transcript and the tag.
func (f *floor) schedule(size int) {
	f.extract(2)
	f.expand(2+9, f.s.nh)
	f.hash(1, size+f.s.nh)
	f.hash(1, 2*f.s.nh)
	f.mac(f.s.nh)
}

// message is what a PrivateMessage takes (§6.3), but its signature: the ratchet's keys, the sender's data, two AEADs.
func (f *floor) message(size int) {
	f.expand(1, f.s.nh)
	for range 2 {
		f.expand(1, f.s.nk)
		f.expand(1, f.s.nn)
	}
	f.aead(size)
	f.aead(12)
}

// unfold goes down the secret tree for the first message of a member in an epoch (§9).
func (f *floor) unfold(height uint) { f.expand(2*int(height)+2, f.s.nh) }

// leafSize is that of a leaf from a commit.
func leafSize(f *floor) int { return len(f.public) + 200 + f.s.nh }

func (f *floor) commit(e *epoch) {
	steps := e.tree.filteredPath(e.own)
	seals := 0
	for _, s := range steps {
		seals += len(e.tree.resolution(s.copath, s.copathIndex))
	}
	size := 100 + leafSize(f) + len(steps)*(len(f.public)+4) + seals*(len(f.enc)+len(f.ct)+4) // of the path
	context := len(e.context)
	_, _ = f.s.kem.GenerateKey()
	f.path(len(steps))
	f.pathHashes(len(steps), int(e.tree.height))
	f.signs(leafSize(f))
	each(seals, func() { f.seal(context, f.s.nh) })
	f.signs(size + context)
	f.schedule(size)
	f.unfold(e.tree.height)
	f.message(size)
}

// addOne is a commit that also verifies a key package, and makes a Welcome for its owner.
func (f *floor) addOne(e *epoch, keyPackage int) {
	f.commit(e)
	f.added(keyPackage)
	f.hash(int(e.tree.height), len(f.public)+3*f.s.nh+8)
	f.welcome(1)
}

// added is one who is added: his keys and signatures, the reference of his key package, his leaf's hash.
func (f *floor) added(keyPackage int) {
	leaf := keyPackage - len(f.public) - 70
	f.parse() // the leaf's key; the other one is parsed to seal to it
	f.verifies(leaf)
	f.verifies(keyPackage)
	f.hash(1, keyPackage)
	f.hash(1, leaf)
}

// welcome is the GroupInfo, and the group's secrets for n newcomers (§12.4.3.1).
func (f *floor) welcome(n int) {
	f.signs(400)
	f.expand(3, f.s.nh)
	f.aead(500)
	each(n, func() { f.seal(500, 2*f.s.nh+4) })
}

func (f *floor) process(e *epoch, from LeafIndex, size int) {
	steps := e.tree.filteredPath(from)
	at := 0
	for !steps[at].copathIndex.covers(e.own) {
		at++
	}
	f.unfold(e.tree.height)
	f.message(size)
	f.verifies(size + len(e.context))
	f.verifies(leafSize(f))
	each(1+at, f.parse) // the leaf's, and those that aren't derived
	f.pathHashes(len(steps), int(e.tree.height))
	f.open(len(e.context))
	f.path(len(steps) - at)
	f.schedule(size)
}

func (f *floor) create(t ratchetTree, keyPackage, commit int) {
	n := int(t.root.members) - 1
	leaf := keyPackage - len(f.public) - 70
	each(n, func() {
		f.added(keyPackage)
		f.hash(1, 2*f.s.nh+8) // a parent
	})
	_, _ = f.s.kem.GenerateKey()
	_, _ = f.s.kem.GenerateKey()
	f.path(int(t.height))
	f.pathHashes(int(t.height), int(t.height))
	f.signs(leaf)
	f.signs(leaf)
	f.signs(commit)
	f.schedule(commit)
	f.message(commit)
	f.welcome(n)
}

// join: everybody's signature, and the hash of every node; besides, for a parent that isn't blank, its parent hash beside either child, since
// exactly one must name it (§7.9.2).
func (f *floor) join(e *epoch) {
	f.open(500)
	f.expand(3, f.s.nh)
	f.aead(500)
	f.verifies(400) // GroupInfo
	var leaves, blanks, parents int
	walkTree(e.tree, func(_ nodeIndex, n *treeNode) {
		switch {
		case n.leaf != nil:
			leaves++
		case n.parent != nil:
			parents++
		default:
			blanks++
		}
	})
	each(leaves, func() {
		f.verifies(leafSize(f))
		f.hash(1, leafSize(f))
	})
	each(blanks, func() { f.hash(1, 2*f.s.nh+8) })
	each(parents, func() {
		f.hash(1, len(f.public)+3*f.s.nh+8)
		f.hash(2, len(f.public)+2*f.s.nh+8)
	})
	steps := e.tree.filteredPath(e.own)
	last := LeafIndex(e.tree.root.members) - 1
	at := 0
	for !steps[at].copathIndex.covers(last) {
		at++
	}
	f.path(len(steps) - at)
	f.extract(1)
	f.expand(10, f.s.nh)
	f.mac(f.s.nh)
	f.hash(1, 2*f.s.nh)
}

// size is that of the padded content of 256 bytes: with its signature.
const contentSize = (256 + 2 + 64 + 2 + 31) / 32 * 32

func (f *floor) protect(n, groupID int) {
	for range n {
		f.signs(256 + 2*f.s.nh + 2*groupID + 60)
		f.message(contentSize)
	}
}

func (f *floor) unprotect(n, groupID int) {
	for range n {
		f.message(contentSize)
		f.verifies(256 + 2*f.s.nh + 2*groupID + 60)
	}
}
