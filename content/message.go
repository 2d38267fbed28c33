package content

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"huisclos/chat"
)

// Kind is what a message is.
type Kind uint8

// The kinds.
const (
	// KindUnsupported is well formed, but says something that this version doesn't know.
	KindUnsupported Kind = iota
	// KindText is a text to show, perhaps as the answer to another message.
	KindText
	// KindEdit is the text that Replaces shows from now on.
	KindEdit
	// KindDelete takes Replaces back.
	KindDelete
	// KindReaction is an emoji at the message InReplyTo.
	KindReaction
	// KindUnreact takes the reaction Replaces back.
	KindUnreact
	// KindReport says what became of other messages at its author's.
	KindReport
	// KindControl is about the room itself, for programs. It isn't shown, also by those who don't know what is in it.
	KindControl
)

var kindNames = [...]string{
	KindUnsupported: "unsupported", KindText: "text", KindEdit: "edit", KindDelete: "delete", KindReaction: "reaction", KindUnreact: "unreact",
	KindReport: "report", KindControl: "control",
}

// String is the name of the protocol's table.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// The content types (MIMI content §7.1, message status §7.1; the last is ours).
const (
	typePlain    = "text/plain;charset=utf-8"
	typeMarkdown = "text/markdown;variant=GFM-MIMI"
	typeReport   = "application/mimi-message-status"
	typeControl  = "application/vnd.huisclos.control"
)

// Message is what a message says. Which fields say something depends on its kind; the others are zero.
//
// A message is named by its first ID: whoever edits, deletes, answers or reports on an edited message names the
// original, not an edit of it.
type Message struct {
	Kind      Kind
	Replaces  chat.MessageID // of an edit, a deletion, the taking back of a reaction
	InReplyTo chat.MessageID // what a text answers, perhaps; what a reaction is at
	Expires   Expiry         // of a text; of an edit, a copy of its original's
	Text      string         // of a text or an edit, in UTF-8, as its author wrote it: see Rendered
	Markdown  bool           // the text is Markdown: GitHub's, without HTML and automatic links (§7.1.1)
	Mentions  []Mention      // in the text
	Reaction  string         // an emoji, by IsEmoji
	Statuses  []Status       // of a report
	Control   []byte         // of room control
}

// Parse reads a message. CodeFrame when its bytes aren't one, in deterministic CBOR and within the bounds.
func Parse(raw []byte) (Message, error) {
	c, err := parseContainer(raw)
	if err != nil {
		return Message{}, err
	}
	m, ok := c.message()
	if !ok {
		return Message{}, chat.Errorf(chat.CodeFrame)
	}
	return m, nil
}

// message says what a container is; false when what a part holds isn't what its type says.
func (c *container) message() (m Message, ok bool) {
	p := &c.part
	replaces, ok := !c.replaces.IsZero(), true
	plain := !replaces && c.expires.IsZero() // neither an edit nor something that goes by itself
	switch {
	case p.cardinality == nullPart && replaces && p.disposition == reaction:
		return Message{Kind: KindUnreact, Replaces: c.replaces}, true
	case p.cardinality == nullPart && replaces:
		return Message{Kind: KindDelete, Replaces: c.replaces}, true
	case p.cardinality != singlePart:
	case p.disposition == reaction:
		if plain && !c.inReplyTo.IsZero() && isPlain(p.kind) && IsEmoji(string(p.body)) {
			return Message{Kind: KindReaction, InReplyTo: c.inReplyTo, Reaction: string(p.body)}, true
		}
	case p.kind == typeReport && plain:
		m.Kind = KindReport
		m.Statuses, ok = readStatuses(p.body)
		return m, ok
	case p.kind == typeControl && plain:
		return Message{Kind: KindControl, Control: bytes.Clone(p.body)}, true
	case p.disposition.shows() && (isPlain(p.kind) || isMarkdown(p.kind)):
		return c.text()
	}
	return Message{Kind: KindUnsupported, Replaces: c.replaces, InReplyTo: c.inReplyTo, Expires: c.expires}, true
}

// text reads a text or an edit.
func (c *container) text() (m Message, ok bool) {
	m = Message{Kind: KindText, InReplyTo: c.inReplyTo, Expires: c.expires, Text: string(c.part.body), Markdown: isMarkdown(c.part.kind)}
	if !c.replaces.IsZero() {
		m.Kind, m.Replaces, m.InReplyTo = KindEdit, c.replaces, chat.MessageID{} // an edit changes the text alone (§9.3)
	}
	ok = utf8.ValidString(m.Text)
	if ok && c.mentions != nil {
		m.Mentions, ok = readMentions(c.mentions, m.Text)
	}
	return m, ok
}

// isPlain reports whether a content type is plain text in UTF-8.
func isPlain(kind string) bool { return kind == typePlain || kind == "text/plain" }

// isMarkdown reports whether a content type is Markdown, of any variant; it is in UTF-8 too.
func isMarkdown(kind string) bool {
	return kind == "text/markdown" || strings.HasPrefix(kind, "text/markdown;")
}

// About is the message that this one is about: what it edits, takes back, or is a reaction at. Zero for the others.
func (m *Message) About() chat.MessageID {
	if m.Kind == KindReaction {
		return m.InReplyTo
	}
	return m.Replaces
}

// equal compares two messages.
func (m *Message) equal(o *Message) bool {
	return m.Kind == o.Kind && m.Replaces == o.Replaces && m.InReplyTo == o.InReplyTo && m.Expires == o.Expires && m.Text == o.Text &&
		m.Markdown == o.Markdown && slices.Equal(m.Mentions, o.Mentions) && m.Reaction == o.Reaction &&
		slices.Equal(m.Statuses, o.Statuses) && bytes.Equal(m.Control, o.Control)
}
