package client_test

import (
	"strings"
	"sync"
	"testing"

	"huisclos/client"
	"huisclos/wire"
)

// A message of 200 bytes costs at most 1 KiB on the wire to each reader, however large the room is: nothing in it depends on that.
func TestSizeOfAMessage(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	alice.say("team", "first")
	await(bob, text("first"))
	var mu sync.Mutex
	size := 0
	bob.between(func(f wire.Frame) []wire.Frame {
		if e, ok := f.(*wire.Entries); ok && len(e.Entries) > 0 {
			mu.Lock()
			size = max(size, len(wire.Marshal(e)))
			mu.Unlock()
		}
		return []wire.Frame{f}
	})
	body := strings.Repeat("x", 200)
	alice.say("team", body)
	await(bob, text(body))
	mu.Lock()
	defer mu.Unlock()
	t.Logf("%d bytes", size)
	if size == 0 || size > 1024 {
		t.Errorf("a message of 200 bytes is a frame of %d", size)
	}
}
