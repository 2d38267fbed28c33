package conn_test

import (
	"testing"

	"huisclos/chat"
	"huisclos/conn"
)

// A server is reached without a pin only by who says so; one that is given counts all the same.
func TestAnyone(t *testing.T) {
	h := newHost(t, nil, func(*conn.Stream) {})
	for _, pin := range []chat.Fingerprint{{}, h.pin} {
		link, err := conn.Dial(t.Context(), h.address, pin, conn.Config{Anyone: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := link.Exporter(); err != nil {
			t.Error(err)
		}
		_ = link.Close()
	}
	if _, err := conn.Dial(t.Context(), h.address, chat.Fingerprint{1}, conn.Config{Anyone: true}); chat.CodeOf(err) != chat.CodeIdentity {
		t.Errorf("a pin that isn't looked at: %v", err)
	}
	if _, err := conn.Dial(t.Context(), h.address, chat.Fingerprint{}, conn.Config{}); chat.CodeOf(err) != chat.CodeIdentity {
		t.Errorf("no pin, unasked: %v", err)
	}
}
