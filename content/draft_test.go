package content

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// draft reads the examples of the draft: name, kind, bytes.
func draft(t testing.TB) map[string][2]string {
	t.Helper()
	b, err := os.ReadFile("testdata/draft.txt")
	if err != nil {
		t.Fatal(err)
	}
	list := map[string][2]string{}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] != "#" {
			raw, err := hex.DecodeString(f[2])
			if err != nil {
				t.Fatal(err)
			}
			list[f[0]] = [2]string{f[1], string(raw)}
		}
	}
	if len(list) != 13 {
		t.Fatalf("%d examples", len(list))
	}
	return list
}

// The draft's examples are what the draft says, and come back byte for byte.
func TestDraftExamples(t *testing.T) {
	for name, example := range draft(t) {
		raw := []byte(example[1])
		m, err := Parse(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := m.Kind.String(); got != example[0] {
			t.Errorf("%s: %s", name, got)
		}
		c, err := parseContainer(raw)
		if err != nil || !bytes.Equal(c.append(nil), raw) {
			t.Errorf("%s: written otherwise, %v", name, err)
		}
	}
	if m, _ := Parse([]byte(draft(t)["expiring"][1])); m.Expires != (Expiry{Seconds: 1644390004}) || !m.Markdown {
		t.Errorf("expiring: %+v", m)
	}
	if m, _ := Parse([]byte(draft(t)["reaction"][1])); m.Reaction != "❤" || m.InReplyTo.IsZero() {
		t.Errorf("reaction: %+v", m)
	}
	if m, _ := Parse([]byte(draft(t)["edit"][1])); m.Text != "Right on! _Congratulations_ y'all!" || m.Replaces.IsZero() || !m.InReplyTo.IsZero() {
		t.Errorf("edit: %+v", m)
	}
}

// The draft's IDs are another thing.
func TestIDsOfTheDraftAreRefused(t *testing.T) {
	raw := build(func(m *fields) { m.replaces = bytes.Repeat([]byte{1}, 32) })
	if _, err := Parse(raw); err == nil {
		t.Error("accepted an ID of 32 bytes")
	}
}
