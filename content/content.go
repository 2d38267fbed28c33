package content

import (
	"bytes"
	"crypto/rand"
	"strings"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"

	"huisclos/chat"
	"huisclos/wire"
)

// Disposition says what a part is for (MIMI content §4.2.2).
type Disposition uint8

// The dispositions that this version tells apart.
const (
	Render   Disposition = 1
	Reaction Disposition = 2
)

// Cardinality says what follows in a part (MIMI content §4.2).
type Cardinality uint8

// The cardinalities.
const (
	Null     Cardinality = 0
	Single   Cardinality = 1
	External Cardinality = 2
	Multi    Cardinality = 3
)

// The content types of text.
const (
	Plain    = "text/plain;charset=utf-8"
	Markdown = "text/markdown;variant=GFM-MIMI"
)

// Overhead is the greatest difference, in bytes, between a text and its message.
const Overhead = 96

// single is a NestedPart of cardinality 1.
type single struct {
	_           struct{} `cbor:",toarray"`
	Disposition Disposition
	Language    string
	Cardinality Cardinality
	Type        string
	Content     []byte
}

var (
	null     = cbor.RawMessage{0xf6}
	emptyMap = cbor.RawMessage{0xa0}
)

// FromText makes the message of a plain text. CodeFrame when text isn't UTF-8.
func FromText(text string) ([]byte, error) {
	var salt [16]byte
	_, _ = rand.Read(salt[:]) // never fails
	return fromText(salt, text)
}

func fromText(salt [16]byte, text string) ([]byte, error) {
	if !utf8.ValidString(text) {
		return nil, chat.Errorf(chat.CodeFrame)
	}
	return wire.Marshal(&message{
		Salt: salt, Replaces: null, Expires: null, InReplyTo: null, Extensions: emptyMap, Topic: []byte{},
		Part: wire.Marshal(&single{Disposition: Render, Cardinality: Single, Type: Plain, Content: []byte(text)}),
	}), nil
}

// message has the fields of a MIMI message, in their order.
type message struct {
	_          struct{}        `cbor:",toarray"`
	Salt       [16]byte        // random, so that equal messages differ
	Replaces   cbor.RawMessage // the ID of the message that this one edits or deletes, or null
	Topic      []byte          // empty
	Expires    cbor.RawMessage // [relative, seconds], or null
	InReplyTo  cbor.RawMessage // an ID, or null
	Extensions cbor.RawMessage // a map
	Part       cbor.RawMessage // NestedPart
}

// Text is the text of a message. CodeFrame when it isn't a message in deterministic CBOR; CodeLater when it is one
// that says something else than a text to show, or says more than this version can show rightly.
func Text(raw []byte) (string, error) {
	m, err := parse(raw)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(m.Replaces, null) || !bytes.Equal(m.Expires, null) {
		return "", chat.Errorf(chat.CodeLater)
	}
	var p single
	if wire.Unmarshal(m.Part, &p) != nil || p.Cardinality != Single || p.Disposition != Render {
		return "", chat.Errorf(chat.CodeLater)
	}
	if p.Type != Plain && p.Type != Markdown && !strings.HasPrefix(p.Type, "text/plain") && !strings.HasPrefix(p.Type, "text/markdown") {
		return "", chat.Errorf(chat.CodeLater)
	}
	if !utf8.Valid(p.Content) {
		return "", chat.Errorf(chat.CodeFrame)
	}
	return string(p.Content), nil
}

// parse checks the shape of a message and that it is deterministic.
func parse(raw []byte) (*message, error) {
	var m message
	if err := wire.Unmarshal(raw, &m); err != nil {
		return nil, err
	}
	var part []cbor.RawMessage
	ok := isID(m.Replaces) && isID(m.InReplyTo) && isExpiry(m.Expires) && isMap(m.Extensions) &&
		wire.Unmarshal(m.Part, &part) == nil && isPart(part, maxNesting)
	if !ok || !bytes.Equal(wire.Marshal(&m), raw) || !isDeterministic(raw) { // the decoder fills up a short salt
		return nil, chat.Errorf(chat.CodeFrame)
	}
	return &m, nil
}

func isID(raw cbor.RawMessage) bool {
	if bytes.Equal(raw, null) {
		return true
	}
	var id []byte
	return wire.Unmarshal(raw, &id) == nil && len(id) == len(chat.MessageID{})
}

// isExpiry: null, or [relative, seconds].
func isExpiry(raw cbor.RawMessage) bool {
	if bytes.Equal(raw, null) {
		return true
	}
	var e struct {
		_        struct{} `cbor:",toarray"`
		Relative bool
		Time     uint32
	}
	return wire.Unmarshal(raw, &e) == nil
}

func isMap(raw cbor.RawMessage) bool {
	var m map[any]cbor.RawMessage
	return len(raw) > 0 && raw[0]>>5 == 5 && wire.Unmarshal(raw, &m) == nil
}

// maxNesting bounds parts within parts.
const maxNesting = 4

// isPart: disposition, language, cardinality, and what that one asks for.
func isPart(p []cbor.RawMessage, depth int) bool {
	var (
		disposition Disposition
		language    string
		cardinality Cardinality
	)
	if len(p) < 3 || wire.Unmarshal(p[0], &disposition) != nil || wire.Unmarshal(p[1], &language) != nil || wire.Unmarshal(p[2], &cardinality) != nil {
		return false
	}
	switch cardinality {
	case Null:
		return len(p) == 3
	case Single:
		var (
			kind string
			body []byte
		)
		return len(p) == 5 && wire.Unmarshal(p[3], &kind) == nil && wire.Unmarshal(p[4], &body) == nil
	case Multi:
		return isMulti(p, depth)
	}
	return len(p) > 3 // External, and what later versions add
}

func isMulti(p []cbor.RawMessage, depth int) bool {
	var (
		semantics uint8
		parts     [][]cbor.RawMessage
	)
	if depth == 0 || len(p) != 5 || wire.Unmarshal(p[3], &semantics) != nil || wire.Unmarshal(p[4], &parts) != nil || len(parts) < 2 {
		return false
	}
	for _, part := range parts {
		if !isPart(part, depth-1) {
			return false
		}
	}
	return true
}

// isDeterministic reports whether raw is what an encoder of deterministic CBOR writes.
func isDeterministic(raw []byte) bool {
	var v any
	if wire.Unmarshal(raw, &v) != nil {
		return false
	}
	enc, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		return false
	}
	again, err := enc.Marshal(v)
	return err == nil && bytes.Equal(again, raw)
}
