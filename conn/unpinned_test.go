package conn_test

import (
	"testing"

	"huisclos/chat"
	"huisclos/conn"
)

// A server is reached without a pin only by who says so, and never with one.
func TestUnpinned(t *testing.T) {
	h := newHost(t, nil, func(*conn.Stream) {})
	link, err := conn.Dial(t.Context(), h.address, chat.Fingerprint{}, conn.Config{Unpinned: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := link.Exporter(); err != nil {
		t.Error(err)
	}
	_ = link.Close()
	if _, err := conn.Dial(t.Context(), h.address, h.pin, conn.Config{Unpinned: true}); chat.CodeOf(err) != chat.CodeIdentity {
		t.Errorf("a pin that isn't looked at: %v", err)
	}
}
