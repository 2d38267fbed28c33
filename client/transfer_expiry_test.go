package client_test

import (
	"slices"
	"testing"

	"huisclos/client"
)

// What will vanish on the old device vanishes on the new one too, which has been handed it over.
func TestHandedOverAndExpires(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", nil), w.person("bob", nil)
	alice.found("team")
	alice.invite("team", "bob")
	await[client.Invited](bob, nil)
	bob.post("team", client.Draft{Text: "for a moment", Expires: client.MinExpiry})
	await(alice, text("for a moment"))
	bob.say("team", "for good")
	await(alice, text("for good"))
	vault, _ := alice.addDevice()
	laptop := w.person("alice", vault)
	await(laptop, func(e client.HistoryMoved) bool { return e.Done })
	has := func(text string) bool {
		return slices.ContainsFunc(laptop.read("team"), func(l string) bool { return l == "bob: "+text })
	}
	if !has("for a moment") || !has("for good") {
		t.Fatalf("the laptop reads %q", laptop.read("team"))
	}
	await(laptop, func(u client.Updated) bool { return u.Message.Form == client.Expired })
	if has("for a moment") || !has("for good") {
		t.Errorf("the laptop reads %q", laptop.read("team"))
	}
}
