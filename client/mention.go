package client

import (
	"unicode"
	"unicode/utf8"

	"huisclos/chat"
	"huisclos/content"
	"huisclos/trust"
)

// Mentions: "@bob" in what a person writes means the account that has that name here, if it is a member's; readers are shown their own name for it.

// mentionRecord is a place in a text that stands for a person: its first byte, and the one after its last.
type mentionRecord struct {
	_          struct{} `cbor:",toarray"`
	Start, End uint32
	Account    chat.AccountID
}

// MentionView is a place in Message.Text that stands for a person: "@" and the name under which the account was first seen here, whatever the sender wrote.
type MentionView struct {
	Start, End int // bytes
	Account    chat.AccountID
	Name       string // empty for an account that isn't known here
	Me         bool
}

func mentioned(all []mentionRecord, a chat.AccountID) bool {
	for i := range all {
		if all[i].Account == a {
			return true
		}
	}
	return false
}

// validMentions holds what a member tells of the past to what content.Parse asks of the log.
func validMentions(text string, all []mentionRecord) bool {
	last := uint32(0)
	for _, m := range all {
		if m.Start < last || m.End <= m.Start || int64(m.End) > int64(len(text)) || m.Account.IsZero() || !boundary(text, m.Start) || !boundary(text, m.End) {
			return false
		}
		last = m.End
	}
	return len(all) <= content.MaxMentions
}

func boundary(text string, at uint32) bool { return int(at) == len(text) || utf8.RuneStart(text[at]) }

// maxMarks is how many "@" of a text are looked at.
const maxMarks = 1000

// findMentions finds whom a text names, at most content.MaxMentions and as many as still fit. In a private room its members can be; in a key room, which has none,
// whoever is known here. What looks like a name and isn't one stays text.
func (e *engine) findMentions(r *room, text string) []content.Mention {
	var all []content.Mention
	before, marks := rune(' '), 0
	for i := 0; i < len(text) && len(all) < content.MaxMentions && marks < maxMarks; {
		c, size := utf8.DecodeRuneInString(text[i:])
		if c != '@' || partOfWord(before) {
			before = c
			i += size
			continue
		}
		marks++
		if a, n := e.nameIn(r, text[i+1:]); n > 0 {
			all = append(all, content.Mention{Start: i, End: i + 1 + n, Account: a})
			i += 1 + n
			before = ' '
			continue
		}
		before = c
		i += size
	}
	if most := e.maxText(); most > 0 {
		for len(all) > 0 && len(text)+content.MentionOverhead(len(all)) > most {
			all = all[:len(all)-1]
		}
	}
	return all
}

// nameIn finds the longest name at the beginning of a text, and its length in bytes.
func (e *engine) nameIn(r *room, text string) (found chat.AccountID, length int) {
	runes := 0
	for i, c := range text {
		if unicode.IsSpace(c) || runes == chat.MaxNameRunes {
			break
		}
		runes++
		end := i + utf8.RuneLen(c)
		next, _ := utf8.DecodeRuneInString(text[end:])
		if end < len(text) && (partOfWord(next) || unicode.Is(unicode.M, next)) {
			continue // a name ends with its word
		}
		if a, ok := e.people.names[trust.FoldName(text[:end])]; ok && (r.priv == nil || r.priv.devices[a] > 0) {
			found, length = a, end
		}
	}
	return found, length
}

func partOfWord(c rune) bool { return unicode.In(c, unicode.L, unicode.N) || c == '_' }

// rendered is an entry's text as it is shown, and the mentions in it.
func (b *book) rendered(rec *entryRecord) (string, []MentionView, error) {
	if len(rec.Mentions) == 0 || !validMentions(rec.Text, rec.Mentions) {
		return rec.Text, nil, nil
	}
	m := content.Message{Text: rec.Text, Markdown: rec.Markdown}
	for _, at := range rec.Mentions {
		m.Mentions = append(m.Mentions, content.Mention{Start: int(at.Start), End: int(at.End), Account: at.Account})
	}
	names := make(map[chat.AccountID]string)
	for _, at := range rec.Mentions {
		name, err := b.name(at.Account)
		if err != nil {
			return "", nil, err
		}
		names[at.Account] = name
	}
	text, places := m.Rendered(func(a chat.AccountID) string { return names[a] })
	views := make([]MentionView, len(places))
	for i, at := range places {
		views[i] = MentionView{Start: at.Start, End: at.End, Account: at.Account, Name: names[at.Account], Me: at.Account == b.me}
	}
	return text, views, nil
}
