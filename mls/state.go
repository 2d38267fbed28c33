package mls

import (
	"crypto/hpke"
	"maps"
	"slices"
	"strings"
)

// A group's state on disk: records that Changes write, and Load reads. Each begins with its version; the forms are this package's own,
// in the presentation language of RFC 9420 §2.1. A message changes a few small records, a commit those of its path.

// stateVersion stands before the group's record. Later versions of the package read earlier ones.
const stateVersion = 1

// marshalHead writes the group's record: everything of an epoch but its tree and its message keys.
func (g *Group) marshalHead(e *epoch, reinit *ReInit) []byte {
	var w writer
	w.u16(stateVersion)
	e.groupContext.encode(&w)
	w.u32(uint32(e.own))
	w.opaque(e.interim)
	w.opaque(e.confirmationTag)
	for _, s := range []Secret{e.secrets.init, e.secrets.senderData, e.secrets.exporter, e.secrets.external, e.secrets.confirmation,
		e.secrets.membership, e.secrets.resumption, e.secrets.authenticator} {
		w.opaque(s)
	}
	w.u32(uint32(e.tree.height))
	w.opaque(e.signature.private)
	w.vector(func() {
		for _, x := range slices.Sorted(maps.Keys(e.private)) {
			w.u32(uint32(x))
			w.opaque(privateBytes(e.private[x]))
		}
	})
	w.optional(g.removed)
	w.optional(g.origin && e == g.epoch)
	w.optional(reinit != nil)
	if reinit != nil {
		reinit.encode(&w)
	}
	return w.b
}

func privateBytes(k hpke.PrivateKey) []byte {
	b, err := k.Bytes()
	if err != nil { // only for keys that were made from no bytes, and ours are
		panic("mls: " + err.Error())
	}
	return b
}

// decodeHead reads the group's record, all but what other records hold.
func (g *Group) decodeHead(b []byte) error {
	r := reader{b: b}
	if v := r.u16(); v != stateVersion && r.err == nil {
		return fail(ErrUnsupported, "", "a group's state of version %d", v)
	}
	e := &epoch{groupContext: decodeGroupContext(&r)}
	e.number, e.reception.own = e.groupContext.epoch, LeafIndex(r.u32())
	e.context = marshal(&e.groupContext)
	e.interim, e.confirmationTag = r.opaque(), r.opaque()
	for _, s := range []*Secret{&e.secrets.init, &e.secrets.senderData, &e.secrets.exporter, &e.secrets.external, &e.secrets.confirmation,
		&e.secrets.membership, &e.secrets.resumption, &e.secrets.authenticator} {
		*s = r.opaque()
	}
	e.senderData = e.secrets.senderData
	e.tree.height = uint(r.u32())
	signature := r.opaque()
	private := map[nodeIndex][]byte{}
	r.each(func(r *reader) {
		x := nodeIndex(r.u32())
		private[x] = r.opaque()
	})
	g.removed, g.origin = r.optional(), r.optional()
	if r.optional() {
		g.reinit = decodeReInit(&r)
	}
	if err := r.end(); err != nil {
		return err
	}
	var err error
	if g.s, err = g.cfg.suite(e.suite); err != nil {
		return err
	}
	if err := g.s.checkSecrets(e.secrets.init, e.secrets.senderData, e.secrets.exporter, e.secrets.external, e.secrets.confirmation,
		e.secrets.membership, e.secrets.resumption, e.secrets.authenticator); err != nil {
		return err
	}
	if e.signature, err = g.s.sig.parse(signature); err != nil {
		return err
	}
	e.private = privateKeys{}
	for x, b := range private {
		if e.private[x], err = g.s.privateKey(b); err != nil {
			return err
		}
	}
	e.messages = &secretTree{s: g.s, height: e.tree.height, nodes: map[nodeIndex]Secret{}, ratchets: map[ratchetID]*ratchet{}}
	g.epoch = e
	return nil
}

// marshal writes a past epoch's record; its leaves and keys have their own.
func (r *reception) marshal() []byte {
	var w writer
	w.u16(stateVersion)
	w.opaque(r.context)
	w.u32(uint32(r.own))
	w.opaque(r.senderData)
	w.u32(uint32(r.messages.height))
	return w.b
}

func (g *Group) decodePast(number uint64, b []byte) error {
	r := reader{b: b}
	if v := r.u16(); v != stateVersion && r.err == nil {
		return fail(ErrUnsupported, "", "a past epoch's state of version %d", v)
	}
	p := &reception{number: number, context: r.opaque(), own: LeafIndex(r.u32()), senderData: r.opaque(), changed: map[LeafIndex]*LeafNode{}}
	p.messages = &secretTree{s: g.s, height: uint(r.u32()), nodes: map[nodeIndex]Secret{}, ratchets: map[ratchetID]*ratchet{}}
	if err := r.end(); err != nil {
		return err
	}
	if _, err := g.receptionFor(number); err == nil || number > g.epoch.number || p.messages.height > maxHeight {
		return malformed("", "a past epoch %d, of height %d", number, p.messages.height)
	}
	g.past = append(g.past, p)
	return g.s.checkSecrets(p.senderData)
}

// marshal writes a queued proposal.
func (q *queued) marshal() []byte {
	var w writer
	w.u16(stateVersion)
	w.u32(q.order)
	q.content.encode(&w)
	w.optional(q.encryption != nil)
	if q.encryption != nil {
		w.opaque(privateBytes(q.encryption))
		w.opaque(q.signature.private)
	}
	return w.b
}

func (g *Group) decodeQueued(b []byte) error {
	r := reader{b: b}
	if v := r.u16(); v != stateVersion && r.err == nil {
		return fail(ErrUnsupported, "", "a proposal's state of version %d", v)
	}
	q := &queued{order: r.u32(), content: decodeAuthenticatedContent(&r)}
	var err error
	if r.optional() {
		private, signature := r.opaque(), r.opaque()
		if r.err == nil {
			if q.encryption, err = g.s.privateKey(private); err != nil {
				return err
			}
			if q.signature, err = g.s.sig.parse(signature); err != nil {
				return err
			}
		}
	}
	if err := r.end(); err != nil {
		return err
	}
	if q.content.content.contentType != ContentProposal {
		return malformed("", "a proposal that is none")
	}
	q.proposal, q.sender, q.ref = q.content.content.proposal, q.content.content.sender, q.content.ref(g.s)
	g.proposals = append(g.proposals, q)
	return nil
}

// marshal writes a pending commit: the signed content, and what only this member knows of it. The rest is worked out again.
func (p *Pending) marshal() []byte {
	w := writer{b: make([]byte, 0, p.content.content.room()+len(p.message))}
	w.u16(stateVersion)
	p.content.encode(&w)
	w.opaque(p.message)
	w.optional(p.welcome != nil)
	if p.welcome != nil {
		p.welcome.encode(&w)
	}
	w.optional(p.own != nil)
	if p.own != nil {
		w.opaque(p.own.first)
		w.opaque(privateBytes(p.own.leaf))
		w.opaque(p.own.signature.private)
	}
	if p.psk != nil {
		w.opaque(p.psk)
	}
	return w.b
}

func (g *Group) decodePending(b []byte) error {
	r := reader{b: b}
	if v := r.u16(); v != stateVersion && r.err == nil {
		return fail(ErrUnsupported, "", "a pending commit's state of version %d", v)
	}
	p := &Pending{g: g, content: decodeAuthenticatedContent(&r), message: r.opaque()}
	if r.optional() {
		p.welcome = decodeWelcome(&r)
	}
	var err error
	if r.optional() {
		first, leaf, signature := r.opaque(), r.opaque(), r.opaque()
		if r.err == nil {
			p.own = &ownPath{first: first}
			if p.own.leaf, err = g.s.privateKey(leaf); err != nil {
				return err
			}
			if p.own.signature, err = g.s.sig.parse(signature); err != nil {
				return err
			}
		}
	}
	if len(r.b) > 0 { // what its pre-shared keys made, where it has any
		p.psk = r.opaque()
		if len(p.psk) != g.s.nh {
			r.fail("", "a PSK secret of %d bytes", len(p.psk))
		}
	}
	if err := r.end(); err != nil {
		return err
	}
	if c := p.content.content; c.contentType != ContentCommit || c.sender != (Sender{SenderMember, uint32(g.epoch.own)}) || (p.own == nil) != (c.commit.path == nil) {
		return malformed("", "a pending commit that is none of this member")
	}
	g.pendingPSK = p.psk // the keys themselves may be gone: the application keeps them as long as it likes
	staged, err := g.stage(p.content, p.own)
	g.pendingPSK = nil
	if err != nil {
		return err
	}
	p.n, p.epoch = staged.n, staged.epoch
	g.pending = p
	return nil
}

// all are the records of a group as it stands, for one that is new.
func (g *Group) all() Changes {
	var nodes []resolved
	walkTree(g.epoch.tree, func(x nodeIndex, n *treeNode) {
		if n.publicKey() != nil {
			nodes = append(nodes, resolved{x, n})
		}
	})
	c := make(Changes, len(nodes), len(nodes)+2)
	_ = inParallel(len(nodes), func(i int) error {
		one := c[i : i : i+1] // its own place
		one.node(nodes[i].index, nodes[i].node)
		return nil
	})
	c.secretTree(g.epoch)
	c.put(recordGroup, g.marshalHead(g.epoch, g.reinit))
	return c
}

// Load reads a group from its records: what all Changes together left. ErrUnsupported for a state of a later version, ErrMalformed for
// records that aren't what was written; that they are complete and unchanged, the caller's storage guarantees.
func (c *Config) Load(records map[string][]byte) (*Group, error) {
	g := &Group{cfg: c, resumption: map[uint64]Secret{}}
	head, ok := records[recordGroup]
	if !ok {
		return nil, fail(ErrMissing, "", "no record of a group")
	}
	if err := g.decodeHead(slices.Clone(head)); err != nil {
		return nil, err
	}
	leaves, parents, err := readNodes(records)
	if err != nil {
		return nil, err
	}
	if g.epoch.tree, err = assemble(g.epoch.tree.height, leaves, parents); err != nil {
		return nil, err
	}
	if err := g.checkOwnLeaf(); err != nil {
		return nil, err
	}
	g.index = indexTree(g.epoch.tree, c.clientID)
	keys := slices.Sorted(maps.Keys(records))
	for _, kind := range []struct {
		prefix string
		read   func(name string, b []byte) error
	}{
		{"past/", g.loadPast}, {"pastleaf/", g.loadPastLeaf}, {"resumption/", g.loadResumption}, {"secret/", g.loadSecret},
		{"ratchet/", g.loadRatchet}, {"skipped/", g.loadSkipped}, {"proposal/", func(_ string, b []byte) error { return g.decodeQueued(b) }},
	} {
		for _, key := range keys {
			name, ok := strings.CutPrefix(key, kind.prefix)
			if !ok {
				continue
			}
			if err := kind.read(name, slices.Clone(records[key])); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(g.proposals, func(a, b *queued) int { return compare(uint64(a.order), uint64(b.order)) })
	slices.SortFunc(g.past, func(a, b *reception) int { return -compare(a.number, b.number) })
	if b, ok := records[recordPending]; ok {
		if err := g.decodePending(slices.Clone(b)); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func readNodes(records map[string][]byte) (map[nodeIndex]*LeafNode, map[nodeIndex]*parentNode, error) {
	leaves, parents := map[nodeIndex]*LeafNode{}, map[nodeIndex]*parentNode{}
	for key, b := range records {
		name, ok := strings.CutPrefix(key, "tree/")
		if !ok {
			continue
		}
		var x nodeIndex
		if err := scan(name, "%08x", (*uint32)(&x)); err != nil {
			return nil, nil, err
		}
		r := reader{b: slices.Clone(b)}
		if x.isLeaf() {
			leaves[x] = decodeLeafNode(&r)
		} else {
			parents[x] = decodeParentNode(&r)
		}
		if err := r.end(); err != nil {
			return nil, nil, err
		}
	}
	return leaves, parents, nil
}

// assemble builds a tree out of its nodes.
func assemble(height uint, leaves map[nodeIndex]*LeafNode, parents map[nodeIndex]*parentNode) (ratchetTree, error) {
	found := 0
	var build func(x nodeIndex) *treeNode
	build = func(x nodeIndex) *treeNode {
		n := &treeNode{leaf: leaves[x], parent: parents[x]}
		if n.publicKey() != nil {
			found++
		}
		if x.isLeaf() {
			if n.leaf != nil {
				n.members = 1
			}
			return n
		}
		n.left, n.right = build(x.left()), build(x.right())
		n.members = n.left.members + n.right.members
		return n
	}
	if err := checkHeight(height, leaves); err != nil {
		return ratchetTree{}, err
	}
	t := ratchetTree{build(rootOf(height)), height}
	if found != len(leaves)+len(parents) {
		return t, malformed("", "nodes outside of the tree")
	}
	return t, nil
}

func (g *Group) loadPast(name string, b []byte) error {
	var number uint64
	if err := scan(name, "%016x", &number); err != nil {
		return err
	}
	return g.decodePast(number, b)
}

func (g *Group) loadPastLeaf(name string, b []byte) error {
	var number uint64
	var i uint32
	if err := scan(name, "%016x/%08x", &number, &i); err != nil {
		return err
	}
	p, err := g.receptionFor(number)
	if err != nil || p == &g.epoch.reception {
		return malformed("", "a leaf of an epoch that isn't here")
	}
	if len(b) == 0 {
		p.changed[LeafIndex(i)] = nil
		return nil
	}
	r := reader{b: b}
	p.changed[LeafIndex(i)] = decodeLeafNode(&r)
	return r.end()
}

func (g *Group) loadResumption(name string, b []byte) error {
	var number uint64
	if err := scan(name, "%016x", &number); err != nil {
		return err
	}
	g.resumption[number] = b
	return g.s.checkSecrets(b)
}

// loadSecret, loadRatchet and loadSkipped put message keys into their epoch's secret tree.
func (g *Group) loadSecret(name string, b []byte) error {
	var number uint64
	var x uint32
	if err := scan(name, "%016x/%08x", &number, &x); err != nil {
		return err
	}
	p, err := g.receptionFor(number)
	if err != nil {
		return malformed("", "a secret of an epoch that isn't here")
	}
	p.messages.nodes[nodeIndex(x)] = b
	return g.s.checkSecrets(b)
}

func (g *Group) loadRatchet(name string, b []byte) error {
	var number uint64
	var i uint32
	var letter rune
	if err := scan(name, "%016x/%08x%c", &number, &i, &letter); err != nil {
		return err
	}
	p, err := g.receptionFor(number)
	if err != nil {
		return malformed("", "a ratchet of an epoch that isn't here")
	}
	r := reader{b: b}
	head := &ratchet{generation: r.u32(), secret: r.opaque()}
	if len(head.secret) == 0 {
		head.secret = nil
	}
	p.messages.ratchets[ratchetID{LeafIndex(i), letter == 'a'}] = head
	if err := r.end(); err != nil || head.secret == nil {
		return err
	}
	return g.s.checkSecrets(head.secret)
}

func (g *Group) loadSkipped(name string, b []byte) error {
	var number uint64
	var i, generation uint32
	var letter rune
	if err := scan(name, "%016x/%08x%c/%08x", &number, &i, &letter, &generation); err != nil {
		return err
	}
	p, err := g.receptionFor(number)
	if err != nil {
		return malformed("", "a key of an epoch that isn't here")
	}
	head := p.messages.ratchets[ratchetID{LeafIndex(i), letter == 'a'}]
	if head == nil {
		return malformed("", "a key of a ratchet that isn't here")
	}
	r := reader{b: b}
	if head.skipped == nil {
		head.skipped = map[uint32]messageKey{}
	}
	k := messageKey{r.opaque(), r.opaque()}
	if err := r.end(); err != nil {
		return err
	}
	if len(k.key) != g.s.nk || len(k.nonce) != g.s.nn {
		return malformed("", "a key of %d bytes, a nonce of %d", len(k.key), len(k.nonce))
	}
	head.skipped[generation] = k
	return nil
}
