package line

import (
	"strings"
	"testing"

	"huisclos/chat"
	"huisclos/client"
)

func TestVerify(t *testing.T) {
	converse(t, 100, 60, nil, func(d *desk) {
		d.press("/verify nobody\r")
		d.sees("! error no_such_person.")
		d.press("/verify bob\r")
		d.sees("Your safety number with bob:")
		d.sees("01234  01234  01234  01234")
		d.sees("█▀")
		d.sees("You haven't verified bob")
		d.press("/verify bob 1\r")
		d.sees("! error safety_other.")
		d.press("/verify bob yes\r")
		d.sees("bob is verified: ✓")
		if d.verified["bob"] != client.ByPerson {
			t.Errorf("%v", d.verified)
		}
		d.press("/verify bob\r")
		d.sees("You verified bob on Tuesday 14 October 2025: you compared the numbers.")
		d.press("/verify bob 01234 01234\r")
		d.sees("bob is verified")
		d.press("/verify bob no\r")
		d.sees("bob is no longer verified.")
		if len(d.verified) != 0 {
			t.Errorf("%v", d.verified)
		}
	})
}

// A mark stands only before those who are verified, and those whose keys changed.
func TestMarks(t *testing.T) {
	converse(t, 100, 40, nil, func(d *desk) {
		for i, trust := range []client.Trust{client.TrustSeen, client.TrustVerified, client.TrustChanged} {
			m := d.said(chat.Lobby, []string{"anna", "bob", "carl"}[i], "hello")
			m.Trust = trust
			d.events <- m
		}
		d.sees("] anna: hello")
		d.sees("] ✓ bob: hello")
		d.sees("] ! carl: hello")
		d.mu.Lock()
		d.people[chat.Lobby] = []client.PersonView{
			{Name: "anna", Trust: client.TrustSeen, Since: start()}, {Name: "bob", Trust: client.TrustVerified, Since: start()}, {Name: "carl", Trust: client.TrustChanged, Since: start()},
		}
		d.mu.Unlock()
		d.press("/list\r")
		d.sees("seen, not verified")
		d.sees("✓ bob, since")
		d.sees("! carl, since")
		d.sees("changed: another account had this name")
		d.events <- client.IdentityChanged{Name: "bob", Err: chat.Errorf(chat.CodeIdentityChange), Verified: true}
		d.sees("You had verified bob. This isn't the account that you verified.")
	})
}

// An own message has no mark, and one whose sender isn't known neither.
func TestNoMark(t *testing.T) {
	if trustMark(client.TrustVerified, true) != "" || trustMark("", false) != "" || trustMark(client.TrustSeen, false) != "" {
		t.Error("a mark")
	}
	if got := (renderer{}).trust("! "); strings.TrimSpace(got) != "!" {
		t.Errorf("%q", got)
	}
}
