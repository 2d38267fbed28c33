package line

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"huisclos/chat"
	"huisclos/client"
)

// A room whose name isn't known is shown as pending, in the prompt and in the list, until the name comes; and it is told who is asked for what, and what slow mode keeps back.
func TestPending(t *testing.T) {
	converse(t, 100, 30, func(f *fake, _ *Options) {
		f.rooms["room"], f.rooms["team"] = nil, nil
		f.status.Rooms = append(f.status.Rooms, client.RoomView{Name: "room", Kind: chat.PrivateRoom, Joined: true, Online: -1, Pending: true, Missing: 3})
	}, func(d *desk) {
		shows := func(what ...string) {
			t.Helper()
			synctest.Wait()
			all := strings.Join(d.Rows(), "\n")
			for _, w := range what {
				if !strings.Contains(all, w) {
					t.Errorf("no %q in\n%s", w, all)
				}
			}
		}
		d.press("/join room\r")
		shows("[#room, pending]", "this device has just come into it")
		d.press("/rooms\r")
		shows("pending: its name is asked for", "asking for 3 messages")
		d.events <- client.PastAsked{Room: "room", Messages: 3}
		d.events <- client.PastAsked{Room: "room", Of: "bob", Messages: 3}
		shows("Asking the members of #room for 3 messages that this device can't read.", "Asking bob for 3 messages of #room.")
		d.events <- client.Invited{Room: "team", Was: "room", By: "bob", Members: 2}
		shows("[#team]")
		d.events <- client.PastEnded{Room: "team", Missing: 1}
		shows("1 message of #team is still missing here")
		d.events <- client.Held{Room: "team", Until: time.Now().Add(12 * time.Second), Queued: 1}
		shows("Slow mode in #team: your message goes in 12 seconds.")
		d.events <- client.PutOut{Room: "team", By: "bob", Silent: true}
		shows("You are out of #team: this device had said nothing there for 60 days.")
	})
}

func TestChangesOfSilenceAndLastResort(t *testing.T) {
	w := words(t, "en")
	got := changeText(w, client.Message{
		Room: "team", Sender: "alice", Added: []string{"bob"}, Weak: []string{"bob"}, Silent: []string{"carol"}, Sleeping: []string{"dave"},
		Changes: []client.Change{{About: client.AboutSlow, Value: "90"}, {About: client.AboutSlow, Value: "0"}},
	})
	for _, want := range []string{
		"alice turned on slow mode in #team: plain members wait 90 seconds between two messages.", "alice turned off slow mode in #team.",
		"bob came on a key of last resort", "carol is out of #team after 60 days of silence.", "A device of dave is out of #team",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestSpan(t *testing.T) {
	w := words(t, "fr")
	for word, want := range map[string]time.Duration{"30s": 30 * time.Second, "5m": 5 * time.Minute, "1h": time.Hour, "45": 45 * time.Second, "off": 0, "non": 0} {
		if got, ok := slowSpan(w, word); !ok || got != want {
			t.Errorf("%s: %v, %v", word, got, ok)
		}
	}
	for _, word := range []string{"", "soon", "-5s", "-5", "99999999", "99h", "3601", "500ms"} {
		if got, ok := slowSpan(w, word); ok {
			t.Errorf("%q: %v", word, got)
		}
	}
}
