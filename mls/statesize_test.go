package mls

import (
	"fmt"
	"testing"
)

// What an operation writes doesn't grow with the group: a message its ratchet, a commit its path.
func TestChangesAreSmall(t *testing.T) {
	all := warmGroup(t, X25519AES128SHA256Ed25519, 32)
	alice, bob := all[0], all[1]
	size := func(c Changes) (records, bytes int) {
		for _, x := range c {
			bytes += len(x.Key) + len(x.Value)
		}
		return len(c), bytes
	}
	var changes Changes
	note := func(_ []byte, c Changes) error { changes = c; return alice.save(c) }
	m := must(alice.g.Protect([]byte("first"), nil, note))(t)
	if n, b := size(changes); n > 8 || b > 1<<10 {
		t.Errorf("the first message of an epoch changes %d records, %d bytes", n, b)
	}
	bob.mustReceive(m)
	must(alice.g.Protect([]byte("second"), nil, note))(t)
	if n, b := size(changes); n != 1 || b > 128 {
		t.Errorf("a message changes %d records, %d bytes", n, b)
	}
	p := must(alice.g.Commit(CommitOptions{}, alice.savePending))(t)
	if err := p.Accept(func(c Changes) error { changes = c; return alice.save(c) }); err != nil {
		t.Fatal(err)
	}
	if n, b := size(changes); n > 24 || b > 8<<10 || b > len(alice.g.Tree())/2 {
		t.Errorf("a commit changes %d records, %d bytes, of a tree of %d", n, b, len(alice.g.Tree()))
	}
}

// What is over is gone from the disk: past epochs, their keys and leaves, used keys, proposals, pending commits.
func TestNothingStaysBehind(t *testing.T) {
	all := warmGroup(t, X25519AES128SHA256Ed25519, 4)
	alice, bob := all[0], all[1]
	records := func() int { return len(alice.disk) }
	step := func() {
		for _, c := range all {
			for range all {
				m := c.send("from " + c.name)
				for _, y := range all {
					if y != c {
						y.mustReceive(m)
					}
				}
			}
		}
		m := must(bob.g.ProposeUpdate(LeafChange{}, nil, bob.saveMessage))(t)
		for _, x := range all {
			if x != bob {
				x.mustReceive(m)
			}
		}
		must(alice.g.Commit(CommitOptions{LeaveQueued: true}, alice.savePending))(t)
		p := all[2].commit(CommitOptions{})
		for i, x := range all {
			if i != 2 {
				x.mustReceive(p.Message())
			}
		}
	}
	for range 8 { // until as many epochs are kept as may be
		step()
	}
	before := records()
	for range 5 {
		step()
		if n := records(); n != before {
			t.Fatalf("%d records, after %d", n, before)
		}
	}
	if err := alice.g.Forget(alice.g.Epoch(), alice.save); err != nil {
		t.Fatal(err)
	}
	for key := range alice.disk {
		var number uint64
		if n, _ := fmt.Sscanf(key, "past/%016x", &number); n == 1 {
			t.Errorf("%s is left", key)
		}
	}
	agree(t, all...)
}
