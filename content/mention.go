package content

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"huisclos/chat"
)

// mentionsKey is the key of the extension that holds mentions, as it is encoded: the text "huisclos/mentions". Text keys are for
// private use (MIMI content §8.2.1), so no registered extension will have it.
const mentionsKey = "\x71" + "huisclos/mentions"

// MaxMentions bounds the mentions of a message.
const MaxMentions = 64

// Mention is a place in a text that stands for a person. What the author wrote at that place is a hint for readers that
// know nothing of mentions; who is meant is the account alone, and Rendered shows the reader's own name for it.
type Mention struct {
	Start, End int // bytes of the text: Start is the first, End the one after the last
	Account    chat.AccountID
}

// readMentions reads [* [start, length, account]]: in the order of the text, without overlap, none empty, none through the middle of
// a character.
func readMentions(raw []byte, text string) ([]Mention, bool) {
	r := &reader{rest: raw}
	n := r.array(1, MaxMentions)
	list, last := make([]Mention, 0, n), 0
	for range n {
		r.array(3, 3)
		start, length := r.number(math.MaxUint32), r.number(math.MaxUint32)
		account := r.bytes(len(chat.AccountID{}))
		if r.failed || len(account) != len(chat.AccountID{}) || length == 0 || start+length > uint64(len(text)) {
			return nil, false
		}
		m := Mention{Start: int(start), End: int(start + length), Account: chat.AccountID(account)} //nolint:gosec // within the text
		if m.Start < last || m.Account.IsZero() || !isBoundary(text, m.Start) || !isBoundary(text, m.End) {
			return nil, false
		}
		last = m.End
		list = append(list, m)
	}
	return list, r.ok()
}

// isBoundary reports whether a character begins at that byte of a text in UTF-8, or the text ends.
func isBoundary(text string, at int) bool { return at == len(text) || utf8.RuneStart(text[at]) }

// appendExtensions writes the extensions of a message with those mentions.
func appendExtensions(b []byte, list []Mention) []byte {
	if len(list) == 0 {
		return appendHead(b, majorMap, 0)
	}
	b = append(appendHead(b, majorMap, 1), mentionsKey...)
	b = appendArray(b, len(list))
	for _, m := range list {
		b = appendArray(b, 3)
		b = appendNumber(b, uint64(m.Start))       //nolint:gosec // checked by marshal
		b = appendNumber(b, uint64(m.End-m.Start)) //nolint:gosec // checked by marshal
		b = appendBytes(b, m.Account[:])
	}
	return b
}

// Rendered is the text as it is shown: at each mention stands "@" and the name that the reader knows the account by, whatever the
// author wrote there; and where the mentions are in it. name gives "" for an account that it doesn't know, which is shown by the first
// digits of its ID. In Markdown the name is escaped.
//
// An "@" elsewhere in the text mentions nobody: a face makes the difference visible.
func (m *Message) Rendered(name func(chat.AccountID) string) (string, []Mention) {
	if len(m.Mentions) == 0 {
		return m.Text, nil
	}
	var b strings.Builder
	list, last := make([]Mention, 0, len(m.Mentions)), 0
	for _, at := range m.Mentions {
		b.WriteString(m.Text[last:at.Start])
		last = at.End
		shown := name(at.Account)
		if shown == "" {
			shown = "?" + at.Account.String()[:8]
		}
		if m.Markdown {
			shown = escapeMarkdown(shown)
		}
		start := b.Len()
		b.WriteString("@" + shown)
		list = append(list, Mention{Start: start, End: b.Len(), Account: at.Account})
	}
	b.WriteString(m.Text[last:])
	return b.String(), list
}

// Mentioned reports whether the message mentions an account.
func (m *Message) Mentioned(a chat.AccountID) bool {
	return slices.ContainsFunc(m.Mentions, func(at Mention) bool { return at.Account == a })
}

// escapeMarkdown puts a backslash before ASCII punctuation, which then stands for itself (CommonMark §2.4).
func escapeMarkdown(s string) string {
	var b strings.Builder
	for _, c := range s {
		if strings.ContainsRune("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", c) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}
