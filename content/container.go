package content

import (
	"math"

	"huisclos/chat"
)

// The bounds of a message, whatever it says (MIMI content §4.3, §6.3, §9.1; MaxSize is ours).
const (
	MaxSize       = 1 << 20 // bytes of a message
	maxTopic      = 4096    // bytes
	maxName       = 255     // bytes of an extension's key, a content type, a language
	maxExtensions = 64
	maxExtension  = 4095 // bytes of an extension's value
	maxDepth      = 4    // levels of the extensions, with their map; and of parts
	maxParts      = 1024 // of a message, at all levels
)

// disposition says what a part is for (MIMI content §8.2.2).
type disposition uint8

const (
	unspecified disposition = 0
	render      disposition = 1
	reaction    disposition = 2
	profile     disposition = 3
	inline      disposition = 4
	preview     disposition = 8
)

// shows reports whether a part is to be rendered; unknown dispositions are treated as render (MIMI content §9.1).
func (d disposition) shows() bool {
	return d == unspecified || d == render || d == inline || d > preview
}

// cardinality says what follows in a part (MIMI content §4.4).
type cardinality uint64

const (
	nullPart     cardinality = 0
	singlePart   cardinality = 1
	externalPart cardinality = 2
	multiPart    cardinality = 3
)

// processAll is the greatest of the part semantics (MIMI content §4.4).
const processAll = 2

// container is mimiContent (MIMI content §4.1). Zero IDs are null.
type container struct {
	salt       [16]byte
	replaces   chat.MessageID
	topic      []byte
	expires    Expiry
	inReplyTo  chat.MessageID
	extensions []byte // the map, as it is
	mentions   []byte // the value of that extension; nil for none
	part       part
}

// part is a NestedPart (MIMI content §4.4), the outermost.
type part struct {
	disposition disposition
	language    string
	cardinality cardinality
	kind        string // content type of a single part
	body        []byte // of a single part
	raw         []byte // the whole part
}

// parseContainer checks the shape of a message. CodeFrame.
func parseContainer(raw []byte) (*container, error) {
	if len(raw) > MaxSize {
		return nil, chat.Errorf(chat.CodeFrame)
	}
	r, c := &reader{rest: raw}, &container{}
	r.array(7, 7)
	if salt := r.bytes(len(c.salt)); len(salt) == len(c.salt) {
		c.salt = [16]byte(salt)
	} else {
		r.fail()
	}
	if !r.isNull() {
		c.replaces = r.id()
	}
	c.topic = r.bytes(maxTopic)
	if !r.isNull() {
		c.expires = r.expiry()
	}
	if !r.isNull() {
		c.inReplyTo = r.id()
	}
	c.readExtensions(r)
	c.part = r.outermost()
	if !r.ok() {
		return nil, chat.Errorf(chat.CodeFrame)
	}
	return c, nil
}

// readExtensions reads the map of §4.3, and takes ours out of it.
func (c *container) readExtensions(r *reader) {
	before := r.rest
	r.entries(maxExtensions, func(r *reader) { r.name(1, maxName) }, func(key []byte) {
		start := r.rest
		if len(key) == 1 && (key[0] == 1 || key[0] == 2) {
			r.text(maxExtension) // senderUri and roomUri
		} else {
			r.skip(maxDepth - 1)
		}
		value := start[:len(start)-len(r.rest)]
		r.check(len(value) <= maxExtension)
		if string(key) == mentionsKey {
			c.mentions = value
		}
	})
	c.extensions = before[:len(before)-len(r.rest)]
}

// append writes the message.
func (c *container) append(b []byte) []byte {
	b = appendArray(b, 7)
	b = appendBytes(b, c.salt[:])
	b = appendID(b, c.replaces)
	b = appendBytes(b, c.topic)
	b = c.expires.append(b)
	b = appendID(b, c.inReplyTo)
	b = append(b, c.extensions...)
	return c.part.append(b)
}

// append writes a null or single part by its fields, another one as it came.
func (p *part) append(b []byte) []byte {
	switch p.cardinality {
	case nullPart, singlePart:
		n := 3
		if p.cardinality == singlePart {
			n = 5
		}
		b = appendArray(b, n)
		b = appendNumber(b, uint64(p.disposition))
		b = appendText(b, p.language)
		b = appendNumber(b, uint64(p.cardinality))
		if p.cardinality == singlePart {
			b = appendBytes(appendText(b, p.kind), p.body)
		}
		return b
	}
	return append(b, p.raw...)
}

// outermost reads the part that a message has.
func (r *reader) outermost() part {
	before, left := r.rest, maxParts
	p := r.part(maxDepth, &left)
	p.raw = before[:len(before)-len(r.rest)]
	return p
}

// part reads a part at one of depth levels; left counts the parts that the message may still have.
func (r *reader) part(depth int, left *int) (p part) {
	*left--
	r.check(depth > 0 && *left >= 0)
	n := r.array(3, MaxSize)
	p.disposition = disposition(r.number(math.MaxUint8)) //nolint:gosec // bounded
	p.language = r.text(maxName)
	p.cardinality = cardinality(r.number(math.MaxUint64))
	if r.failed {
		return part{}
	}
	switch p.cardinality {
	case nullPart:
		r.check(n == 3)
	case singlePart:
		r.check(n == 5)
		p.kind, p.body = r.text(maxName), r.bytes(MaxSize)
	case externalPart:
		r.check(n == 15)
		r.external()
	case multiPart:
		r.check(n == 5)
		r.number(processAll)
		for range r.array(2, maxParts) {
			r.part(depth-1, left)
		}
	default: // of a later version
		for range n - 3 {
			r.skip(maxDepth)
		}
	}
	return p
}

// external reads the fields of an ExternalPart (MIMI content §4.5) after its cardinality.
func (r *reader) external() {
	r.text(maxName)          // content type
	r.text(MaxSize)          // URL
	r.number(math.MaxUint32) // expires
	r.number(math.MaxUint64) // size
	r.number(math.MaxUint16) // AEAD
	for range 3 {
		r.bytes(MaxSize) // key, nonce, additional data
	}
	r.number(math.MaxUint8) // hash function
	r.bytes(MaxSize)        // hash
	r.text(MaxSize)         // description
	r.text(MaxSize)         // file name
}
