package content

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"huisclos/chat"
)

func names(a chat.AccountID) string {
	return map[chat.AccountID]string{account(1): "bob", account(2): "snake_case*"}[a]
}

// Who is meant is the account; what the author wrote there is never shown.
func TestRendered(t *testing.T) {
	for _, c := range []struct {
		m    Message
		want string
	}{
		{Say("no one"), "no one"},
		{Say("@alice: pay mallory").Mentioning(Mention{0, 6, account(1)}), "@bob: pay mallory"},
		{Say("ask @x, @y").Mentioning(Mention{4, 6, account(1)}, Mention{8, 10, account(2)}), "ask @bob, @snake_case*"},
		{Say("ask @x").AsMarkdown().Mentioning(Mention{4, 6, account(2)}), `ask @snake\_case\*`},
		{Say("ask @alice").Mentioning(Mention{4, 10, account(3)}), "ask @?01000000"},
	} {
		got, list := c.m.Rendered(names)
		if got != c.want || len(list) != len(c.m.Mentions) {
			t.Errorf("%q, %v; want %q", got, list, c.want)
		}
		for i, at := range list {
			if at.Account != c.m.Mentions[i].Account || !strings.HasPrefix(got[at.Start:at.End], "@") {
				t.Errorf("%q: %v", got, at)
			}
		}
	}
}

func TestMentioned(t *testing.T) {
	m := Say("@alice").Mentioning(Mention{0, 6, account(1)})
	if !m.Mentioned(account(1)) || m.Mentioned(account(2)) {
		t.Error("who is mentioned?")
	}
}

// Whatever mentions are accepted can be rendered, and keep the text around them.
func TestMentionsFitTheirText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Say(rapid.StringN(0, 12, -1).Draw(t, "text"))
		for range rapid.IntRange(0, 3).Draw(t, "mentions") {
			start := rapid.IntRange(0, 12).Draw(t, "start")
			m.Mentions = append(m.Mentions, Mention{start, start + rapid.IntRange(0, 4).Draw(t, "length"), account(1)})
		}
		raw, err := m.Marshal()
		if err != nil {
			return
		}
		back, err := Parse(raw)
		if err != nil || !back.equal(&m) {
			t.Fatalf("%+v: %+v, %v", m, back, err)
		}
		text, list := back.Rendered(names)
		last, rest, was := 0, "", ""
		for i, at := range list {
			if text[at.Start:at.End] != "@bob" {
				t.Fatalf("%q at %v", text, at)
			}
			rest += text[last:at.Start]
			last = at.End
			from := 0
			if i > 0 {
				from = m.Mentions[i-1].End
			}
			was += m.Text[from:m.Mentions[i].Start]
		}
		if n := len(m.Mentions); n > 0 {
			was += m.Text[m.Mentions[n-1].End:]
		} else {
			was = m.Text
		}
		if rest+text[last:] != was {
			t.Fatalf("%q became %q", m.Text, text)
		}
	})
}
