package client_test

import (
	"testing"

	"huisclos/chat"
	"huisclos/client"
)

// A message with nothing in it isn't sent, nor is one made to be that.
func TestEmptyMessages(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", nil)
	alice.join()
	r := alice.send("something")
	for _, text := range []string{"", " ", "\n\t"} {
		if _, err := alice.Send(w.ctx, chat.Lobby, text); chat.CodeOf(err) != chat.CodeEmpty {
			t.Errorf("send %q: %v", text, err)
		}
		if _, err := alice.Queue(w.ctx, chat.Lobby, text); chat.CodeOf(err) != chat.CodeEmpty {
			t.Errorf("queue %q: %v", text, err)
		}
		if _, err := alice.Post(w.ctx, chat.Lobby, client.Draft{What: client.Edited, Ref: r.ID, Text: text}); chat.CodeOf(err) != chat.CodeEmpty {
			t.Errorf("edit to %q: %v", text, err)
		}
	}
	if _, err := alice.SendDraft(w.ctx, chat.Lobby, client.Draft{What: client.TookBack, Ref: r.ID}); err != nil {
		t.Errorf("taking back: %v", err)
	}
}
