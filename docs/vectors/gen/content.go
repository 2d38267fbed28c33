package main

import (
	"encoding/hex"

	"huisclos/chat"
	"huisclos/wire"
)

// Content is content.json: what a message says, and what a room's messages come to.
type Content struct {
	Messages []ContentMessage // plain texts
	Kinds    []KindMessage    // one of each kind, and its variants
	Others   []OtherContent   // well formed, of a kind that this version doesn't know
	Refused  []OtherContent   // no messages
	Emoji    []string         // reactions
	NoEmoji  []Hex            // none
	Rooms    []RoomContent
}

// ContentMessage is one text.
type ContentMessage struct {
	Salt Hex
	Text string
	CBOR Hex
}

// OtherContent is what isn't shown as it is.
type OtherContent struct {
	Why  string
	CBOR Hex
}

// KindMessage is a message and what it says.
type KindMessage struct {
	Why       string `json:",omitempty"`
	Kind      string
	Replaces  Hex     `json:",omitempty"`
	InReplyTo Hex     `json:",omitempty"`
	Expires   *Expiry `json:",omitempty"`
	Text      string
	Markdown  bool      `json:",omitempty"`
	Mentions  []Mention `json:",omitempty"`
	Rendered  string    `json:",omitempty"` // with "bob" as the name of the account 02…02
	Reaction  string    `json:",omitempty"`
	Statuses  []Status  `json:",omitempty"`
	Control   Hex       `json:",omitempty"`
	CBOR      Hex       `json:",omitempty"`
}

// Expiry is [Relative, Seconds].
type Expiry struct {
	Relative bool
	Seconds  uint32
}

// Mention is a range of the text, in bytes, and who is meant.
type Mention struct {
	Start, End int
	Account    Hex
}

// Status is one status of a report.
type Status struct {
	ID    Hex
	State uint8
}

const plain = "text/plain;charset=utf-8"

func (w *world) content() Content {
	var c Content
	for _, text := range []string{"hello", "", "Élodie: ça va ? 🎸", "two\nlines"} {
		salt := seed("salt of "+text, 16)
		c.Messages = append(c.Messages, ContentMessage{Salt: salt, Text: text, CBOR: textMessage(salt, text)})
	}
	c.Kinds, c.Others, c.Refused = kindMessages(), otherContent(), refusedContent()
	c.Emoji = []string{"👍", "👍🏽", "❤", "❤️", "🇫🇷", "1️⃣", "👩🏽‍❤️‍💋‍👨🏿", "🏴‍☠️", "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "©", "\U0001faf9"}
	for _, s := range []string{"", "a", "1", "1\ufe0f", "ok", "👍👍", "🇫", "🇫🇷🇬", "👍\n", " 👍", "\u202e👍", "👍\u200d", "\u200d👍", "❤\ufe0e", "🏽", "👍\u0301", "🏴\U000e0067", "\xff"} {
		c.NoEmoji = append(c.NoEmoji, Hex(s))
	}
	c.Rooms = w.roomContents()
	return c
}

// textMessage is content.FromText with a salt that isn't random.
func textMessage(salt []byte, text string) []byte {
	return message{salt: salt, part: single(1, plain, text)}.bytes()
}

// message has a message's fields as they are written, in any shape; what isn't set is as in a plain text.
type message struct {
	salt                                                  []byte
	replaces, topic, expires, inReplyTo, extensions, part any
}

func (m message) bytes() []byte {
	if m.salt == nil {
		m.salt = seed("salt of others", 16)
	}
	if m.topic == nil {
		m.topic = []byte{}
	}
	if m.extensions == nil {
		m.extensions = map[string]any{}
	}
	if m.part == nil {
		m.part = single(1, plain, "x")
	}
	return wire.Marshal([]any{m.salt, m.replaces, m.topic, m.expires, m.inReplyTo, m.extensions, m.part})
}

func single(disposition int, kind, body string) []any {
	return []any{disposition, "", 1, kind, []byte(body)}
}

func mentioning(list ...any) map[string]any { return map[string]any{"huisclos/mentions": list} }

func kindMessages() []KindMessage {
	const markdown, report, control = "text/markdown;variant=GFM-MIMI", "application/mimi-message-status", "application/vnd.huisclos.control"
	original, other, who := Hex(seed("original", 16)), Hex(seed("other", 16)), Hex(account(2))
	id, mention := []byte(original), []any{4, 6, []byte(who)}
	statuses := string(wire.Marshal([]any{[]any{id, 2}, []any{[]byte(other), 1}}))
	list := []KindMessage{
		{Why: "Markdown", Kind: "text", Text: "*hello*", Markdown: true, CBOR: message{part: single(1, markdown, "*hello*")}.bytes()},
		{Why: "an answer", Kind: "text", InReplyTo: original, Text: "x", CBOR: message{inReplyTo: id}.bytes()},
		{Why: "until an hour after it was read", Kind: "text", Expires: &Expiry{true, 3600}, Text: "x", CBOR: message{expires: []any{true, 3600}}.bytes()},
		{Why: "until a time", Kind: "text", Expires: &Expiry{false, 1_800_000_000}, Text: "x", CBOR: message{expires: []any{false, 1_800_000_000}}.bytes()},
		{
			Why: "a mention", Kind: "text", Text: "ask @alice", Mentions: []Mention{{4, 10, who}}, Rendered: "ask @bob",
			CBOR: message{extensions: mentioning(mention), part: single(1, plain, "ask @alice")}.bytes(),
		},
		{Why: "an edit", Kind: "edit", Replaces: original, Text: "x", CBOR: message{replaces: id}.bytes()},
		{Why: "a deletion", Kind: "delete", Replaces: original, CBOR: message{replaces: id, part: []any{1, "", 0}}.bytes()},
		{Why: "a reaction", Kind: "reaction", InReplyTo: original, Reaction: "👍", CBOR: message{inReplyTo: id, part: single(2, plain, "👍")}.bytes()},
		{Why: "the taking back of a reaction", Kind: "unreact", Replaces: other, CBOR: message{replaces: []byte(other), part: []any{2, "", 0}}.bytes()},
		{Why: "a report", Kind: "report", Statuses: []Status{{original, 2}, {other, 1}}, CBOR: message{part: single(0, report, statuses)}.bytes()},
		{Why: "room control", Kind: "control", Control: Hex("any bytes"), CBOR: message{part: single(0, control, "any bytes")}.bytes()},
	}
	return list
}

// otherContent is well-formed content of which this version shows that it came.
func otherContent() []OtherContent {
	id := seed("original", 16)
	picture := []any{6, "", 2, "image/png", "https://example.com/x", 0, 5, 0, []byte{}, []byte{}, []byte{}, 0, []byte{}, "", "x.png"}
	return []OtherContent{
		{"an image", message{part: single(1, "image/png", "x")}.bytes()},
		{"an image elsewhere", message{part: picture}.bytes()},
		{"several parts", message{part: []any{1, "", 3, 0, []any{single(1, plain, "x"), single(1, "image/png", "x")}}}.bytes()},
		{"a part of a later version", message{part: []any{1, "", 4, "x"}}.bytes()},
		{"an attached text", message{part: single(6, plain, "x")}.bytes()},
		{"another character set", message{part: single(1, "text/plain;charset=latin-1", "x")}.bytes()},
		{"a reaction in words", message{inReplyTo: id, part: single(2, plain, "yes")}.bytes()},
		{"a reaction at nothing", message{part: single(2, plain, "👍")}.bytes()},
		{"a reaction that replaces one", message{replaces: id, inReplyTo: id, part: single(2, plain, "👍")}.bytes()},
		{"a reaction that expires", message{inReplyTo: id, expires: []any{true, 60}, part: single(2, plain, "👍")}.bytes()},
		{"no part, and nothing to delete", message{part: []any{1, "", 0}}.bytes()},
	}
}

// refusedContent is none.
func refusedContent() []OtherContent {
	who := account(2)
	good := hex.EncodeToString(textMessage(seed("salt of others", 16), "x"))
	spoilt := func(old, with string) []byte {
		b, err := hex.DecodeString(replaceOnce(good, old, with))
		if err != nil {
			panic(err) // constants
		}
		return b
	}
	deep := any([]any{1, "", 0})
	for range 4 {
		deep = []any{1, "", 3, 0, []any{deep, deep}}
	}
	report := func(v ...any) any { return single(0, "application/mimi-message-status", string(wire.Marshal(v))) }
	return []OtherContent{
		{"nothing", nil},
		{"a byte behind it", spoilt("4178", "417800")},
		{"a length that isn't the shortest", spoilt("4178", "580178")},
		{"a tag", spoilt("f6f6a0", "f6f6a109c100")},
		{"a floating-point number", spoilt("f6f6a0", "f6f6a109f93e00")},
		{"extensions out of order", spoilt("f6f6a0", "f6f6a209000800")},
		{"an extension twice", spoilt("f6f6a0", "f6f6a209000900")},
		{"undefined instead of null", spoilt("f6f6a0", "f6f7a0")},
		{"a salt that is too short", message{salt: make([]byte, 15)}.bytes()},
		{"an ID of the draft", message{inReplyTo: make([]byte, 32)}.bytes()},
		{"an ID of zeros", message{replaces: make([]byte, 16)}.bytes()},
		{"a topic that is too long", message{topic: make([]byte, 4097)}.bytes()},
		{"an expiry after no time", message{expires: []any{true, 0}}.bytes()},
		{"an expiry after more than 366 days", message{expires: []any{true, 366*24*3600 + 1}}.bytes()},
		{"an extension that is too long", message{extensions: map[int]any{9: make([]byte, 4095)}}.bytes()},
		{"an extension that is too deep", message{extensions: map[int]any{9: []any{[]any{[]any{[]any{}}}}}}.bytes()},
		{"parts that are too deep", message{part: deep}.bytes()},
		{"one of several parts", message{part: []any{1, "", 3, 0, []any{[]any{1, "", 0}}}}.bytes()},
		{"unknown semantics of parts", message{part: []any{1, "", 3, 3, []any{[]any{1, "", 0}, []any{1, "", 0}}}}.bytes()},
		{"text that isn't UTF-8", message{part: single(1, plain, "\xff")}.bytes()},
		{"a mention beside the text", message{extensions: mentioning([]any{0, 2, who})}.bytes()},
		{"a mention in the middle of a letter", message{extensions: mentioning([]any{0, 1, who}), part: single(1, plain, "é")}.bytes()},
		{"mentions that overlap", message{extensions: mentioning([]any{0, 2, who}, []any{1, 1, who}), part: single(1, plain, "xyz")}.bytes()},
		{"a mention of nobody", message{extensions: mentioning([]any{0, 1, make([]byte, 32)})}.bytes()},
		{"an empty report", message{part: report()}.bytes()},
		{"a report twice on a message", message{part: report([]any{seed("original", 16), 1}, []any{seed("original", 16), 2})}.bytes()},
	}
}

// account is an account ID of 32 equal bytes.
func account(n byte) []byte {
	var a chat.AccountID
	for i := range a {
		a[i] = n
	}
	return a[:]
}

// reportMessage is a report: of the first ID that it came, of the second that it was read.
func reportMessage(salt, came, read []byte) []byte {
	return message{salt: salt, part: single(0, "application/mimi-message-status", string(wire.Marshal([]any{[]any{came, 1}, []any{read, 2}})))}.bytes()
}
