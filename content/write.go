package content

import (
	"crypto/rand"
	"strconv"

	"huisclos/chat"
)

// Overhead is the greatest difference, in bytes, between a text and its message, whatever it answers, edits, and when it
// expires; but for its mentions.
const Overhead = 104

// MentionOverhead is the most that n mentions add.
func MentionOverhead(n int) int {
	if n == 0 {
		return 0
	}
	return len(mentionsKey) + 3 + n*(1+5+5+2+len(chat.AccountID{}))
}

// Say is a plain text.
func Say(text string) Message { return Message{Kind: KindText, Text: text} }

// Reply is a plain text that answers a message.
func Reply(to chat.MessageID, text string) Message {
	return Message{Kind: KindText, InReplyTo: to, Text: text}
}

// Edit gives one's own message another text. What it answers and when it expires stay as they were.
func Edit(of chat.MessageID, text string) Message {
	return Message{Kind: KindEdit, Replaces: of, Text: text}
}

// Delete takes a message back.
func Delete(of chat.MessageID) Message { return Message{Kind: KindDelete, Replaces: of} }

// React puts an emoji at a message. It must be one by IsEmoji.
func React(to chat.MessageID, emoji string) Message {
	return Message{Kind: KindReaction, InReplyTo: to, Reaction: emoji}
}

// Unreact takes one's own reaction back, by the ID of the message that was the reaction.
func Unreact(reaction chat.MessageID) Message {
	return Message{Kind: KindUnreact, Replaces: reaction}
}

// Report says what became of messages here, of each once; at most MaxStatuses.
func Report(statuses ...Status) Message { return Message{Kind: KindReport, Statuses: statuses} }

// Control is a message about the room.
func Control(body []byte) Message { return Message{Kind: KindControl, Control: body} }

// AsMarkdown is the same with its text as Markdown. HTML in it is shown as it is written.
func (m Message) AsMarkdown() Message {
	m.Markdown = true
	return m
}

// Expiring is the same text with an expiry. An edit of such a text should have its original's, so that a reader
// who hasn't the original knows when to let go of the edit.
func (m Message) Expiring(e Expiry) Message {
	m.Expires = e
	return m
}

// Mentioning is the same text with its mentions, in the order of the text.
func (m Message) Mentioning(mentions ...Mention) Message {
	m.Mentions = mentions
	return m
}

// Marshal writes the message under a fresh salt. CodeTooLarge (limit); CodeFrame when it isn't a message that Parse would read as
// the same: text that isn't UTF-8, a reaction that is no emoji, a mention beside the text, a field that the kind doesn't have, a
// zero ID, or KindUnsupported.
func (m Message) Marshal() ([]byte, error) {
	var salt [16]byte
	_, _ = rand.Read(salt[:]) // never fails
	return m.marshal(salt)
}

func (m Message) marshal(salt [16]byte) ([]byte, error) {
	c := container{salt: salt, replaces: m.Replaces, expires: m.Expires, inReplyTo: m.InReplyTo}
	for _, at := range m.Mentions {
		if at.Start < 0 || at.End <= at.Start {
			return nil, chat.Errorf(chat.CodeFrame)
		}
	}
	c.extensions = appendExtensions(nil, m.Mentions)
	c.part = m.part()
	raw := c.append(make([]byte, 0, len(c.part.body)+len(c.extensions)+Overhead))
	if len(raw) > MaxSize {
		return nil, chat.Errorf(chat.CodeTooLarge, "limit", strconv.Itoa(MaxSize))
	}
	if back, err := Parse(raw); err != nil || m.Kind == KindUnsupported || !back.equal(&m) {
		return nil, chat.Errorf(chat.CodeFrame).Because(err)
	}
	return raw, nil
}

// part is the message's one part.
func (m *Message) part() part {
	p := part{disposition: render, cardinality: singlePart}
	switch m.Kind {
	case KindText, KindEdit:
		p.kind, p.body = typePlain, []byte(m.Text)
		if m.Markdown {
			p.kind = typeMarkdown
		}
	case KindDelete:
		p.cardinality = nullPart
	case KindUnreact:
		p.disposition, p.cardinality = reaction, nullPart
	case KindReaction:
		p.disposition, p.kind, p.body = reaction, typePlain, []byte(m.Reaction)
	case KindReport:
		p.disposition, p.kind, p.body = unspecified, typeReport, appendStatuses(nil, m.Statuses)
	case KindControl:
		p.disposition, p.kind, p.body = unspecified, typeControl, m.Control
	case KindUnsupported:
	}
	return p
}

// FromText is the message of a plain text. CodeFrame when text isn't UTF-8.
func FromText(text string) ([]byte, error) { return Say(text).Marshal() }

// Text is the text of a message that is one and nothing more. CodeFrame when it isn't a message; CodeLater when it is one
// of another kind, or one that expires.
func Text(raw []byte) (string, error) {
	m, err := Parse(raw)
	if err != nil {
		return "", err
	}
	if m.Kind != KindText || !m.Expires.IsZero() {
		return "", chat.Errorf(chat.CodeLater)
	}
	return m.Text, nil
}
