package mls

import (
	"maps"
	"testing"
)

// Records that nobody wrote so are refused when they are read, not when the group uses them.
func TestLoadRefuses(t *testing.T) {
	alice, bob := newClient(t, X25519AES128SHA256Ed25519, "alice"), newClient(t, X25519AES128SHA256Ed25519, "bob")
	alice.create(GroupOptions{})
	alice.add(bob)
	late := bob.send("one")
	alice.mustReceive(bob.send("two")) // the key of one is kept
	p := bob.commit(CommitOptions{})
	alice.mustReceive(p.Message())
	alice.mustReceive(must(bob.g.ProposeUpdate(LeafChange{}, nil, bob.saveMessage))(t))
	must(alice.g.Commit(CommitOptions{}, alice.savePending))(t)
	g := alice.g
	past := *g.past[0]
	tree := *past.messages
	tree.height = 63
	past.messages = &tree
	head := *g.epoch
	head.own = 1 // bob's
	moved := *g.epoch
	moved.tree.height = maxHeight
	short := *g.epoch
	short.secrets.init = short.secrets.init[1:]
	speech := &framedContent{groupID: g.epoch.groupID, sender: Sender{SenderMember, 0}, contentType: ContentApplication}
	secret := []byte("not as long as the suite's")
	for name, change := range map[string]func(disk map[string][]byte){
		"a past epoch of an impossible height": func(d map[string][]byte) { d[pastKey(past.number)] = past.marshal() },
		"a past epoch in the future":           func(d map[string][]byte) { d[pastKey(past.number+9)] = g.past[0].marshal() },
		"a past epoch that is the current one": func(d map[string][]byte) { d[pastKey(g.Epoch())] = g.past[0].marshal() },
		"another's leaf":                       func(d map[string][]byte) { d[recordGroup] = g.marshalHead(&head, nil) },
		"a tree that is too high":              func(d map[string][]byte) { d[recordGroup] = g.marshalHead(&moved, nil) },
		"a secret that is too short":           func(d map[string][]byte) { d[recordGroup] = g.marshalHead(&short, nil) },
		"a commit among the proposals":         func(d map[string][]byte) { d["proposal/00"] = (&queued{content: g.pending.content}).marshal() },
		"a text as the pending commit": func(d map[string][]byte) {
			d[recordPending] = (&Pending{content: &authenticatedContent{content: speech}}).marshal()
		},
		"a pending commit without its path's key": func(d map[string][]byte) { d[recordPending] = (&Pending{content: g.pending.content}).marshal() },
		"a node under a second name":              func(d map[string][]byte) { d["tree/0"] = d[treeKey(0)] },
		"a short secret of the tree":              func(d map[string][]byte) { d[secretKey(g.Epoch(), 2)] = secret },
		"a short ratchet": func(d map[string][]byte) {
			d[ratchetKey(g.Epoch(), ratchetID{1, true})] = (&ratchet{secret: secret}).marshalHead()
		},
		"a short key": func(d map[string][]byte) {
			d[skippedKey(past.number, ratchetID{1, true}, 0)] = messageKey{secret, secret}.marshal()
		},
		"a short resumption key": func(d map[string][]byte) { d[resumptionKey(0)] = secret },
	} {
		disk := maps.Clone(alice.disk)
		change(disk)
		if _, err := alice.cfg.Load(disk); !is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	alice.restart()
	same(t, "the late message", alice.mustReceive(late), []byte("one"))
}
