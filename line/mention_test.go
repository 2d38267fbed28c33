package line

import (
	"strings"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/client"
)

// A mention stands out, and what only looks like one doesn't.
func TestMentionsStandOut(t *testing.T) {
	r := renderer{style: style{Color16}, words: words(t, "en"), zone: time.UTC, me: "bob"}
	for text, c := range map[string]struct {
		mentions []client.MentionView
		want     string
		mark     bool
	}{
		"hello @bob!":      {[]client.MentionView{{Start: 6, End: 10, Name: "bob", Me: true}}, "hello \x1b[1;7m@bob\x1b[0m!", true},
		"hello @bob?":      {nil, "hello @bob?", false},
		"hello bob":        {nil, "hello \x1b[1;7mbob\x1b[0m", true},
		"@carol and @dave": {[]client.MentionView{{Start: 0, End: 6, Name: "carol"}}, "\x1b[1m@carol\x1b[0m and @dave", false},
		"@ca\x1b[31mrol":   {[]client.MentionView{{Start: 0, End: 11, Name: "carol"}}, "", false},
		"out of bounds":    {[]client.MentionView{{Start: 3, End: 99}, {Start: -1, End: 2}}, "out of bounds", false},
	} {
		m := client.Message{Form: client.Text, Text: text, Sender: "alice", Account: chat.AccountID{1}, Room: "lobby", Mentions: c.mentions}
		for _, x := range c.mentions {
			m.MentionsMe = m.MentionsMe || x.Me
		}
		rows := strings.Join(r.message(m, 200), "\n")
		if !strings.Contains(rows, c.want) || strings.Contains(rows, "»") != c.mark || strings.Contains(rows, "\x1b[31m") {
			t.Errorf("%q shows as %q", text, rows)
		}
	}
}
