package mls

import "bytes"

// Message is an MLSMessage (RFC 9420 §6) that was read and not yet verified: nothing in it is known to be true.
type Message struct {
	Format WireFormat

	public     *publicMessage
	private    *privateMessage
	welcome    *Welcome
	groupInfo  *GroupInfo
	keyPackage *KeyPackage
}

// MaxMessage is the longest message in bytes that ParseMessage takes: room for a Welcome into a group of several thousand members
// with post-quantum keys.
const MaxMessage = 64 << 20

// ParseMessage reads an MLSMessage. ErrMalformed when it isn't one, ErrUnsupported for another version or an unknown type in it.
func ParseMessage(b []byte) (*Message, error) {
	if len(b) > MaxMessage {
		return nil, malformed("6/size", "%d bytes are more than a message may have", len(b))
	}
	r := reader{b: bytes.Clone(b)} // what is read aliases it
	m := decodeMessage(&r)
	if err := r.end(); err != nil {
		return nil, err
	}
	return m, nil
}

func decodeMessage(r *reader) *Message {
	if v := ProtocolVersion(r.u16()); v != MLS10 && r.err == nil {
		r.err, r.b = fail(ErrUnsupported, "6/version", "protocol version %d", v), nil
	}
	m := &Message{Format: WireFormat(r.u16())}
	switch m.Format {
	case WirePublicMessage:
		m.public = decodePublicMessage(r)
	case WirePrivateMessage:
		m.private = decodePrivateMessage(r)
	case WireWelcome:
		m.welcome = decodeWelcome(r)
	case WireGroupInfo:
		m.groupInfo = decodeGroupInfo(r)
	case WireKeyPackage:
		m.keyPackage = decodeKeyPackage(r)
		if r.err == nil && m.keyPackage.Version != MLS10 {
			r.fail("10/version", "a key package of version %d in a message of version 1", m.keyPackage.Version)
		}
	default:
		if r.err == nil {
			r.err, r.b = fail(ErrUnsupported, "6/wire-format", "wire format %d", m.Format), nil
		}
	}
	return m
}

func (m *Message) encode(w *writer) {
	w.u16(uint16(MLS10))
	w.u16(uint16(m.Format))
	switch m.Format {
	case WirePublicMessage:
		m.public.encode(w)
	case WirePrivateMessage:
		m.private.encode(w)
	case WireWelcome:
		m.welcome.encode(w)
	case WireGroupInfo:
		m.groupInfo.encode(w)
	case WireKeyPackage:
		m.keyPackage.encode(w)
	}
}

// Bytes writes the message again: what ParseMessage read.
func (m *Message) Bytes() []byte { return marshal(m) }

// GroupID of a public or private message or a GroupInfo, as it claims; nil otherwise.
func (m *Message) GroupID() []byte {
	switch {
	case m.public != nil:
		return bytes.Clone(m.public.auth.content.groupID)
	case m.private != nil:
		return bytes.Clone(m.private.groupID)
	case m.groupInfo != nil:
		return bytes.Clone(m.groupInfo.context.groupID)
	}
	return nil
}

// Epoch of a public or private message or a GroupInfo, as it claims.
func (m *Message) Epoch() uint64 {
	switch {
	case m.public != nil:
		return m.public.auth.content.epoch
	case m.private != nil:
		return m.private.epoch
	case m.groupInfo != nil:
		return m.groupInfo.context.epoch
	}
	return 0
}

// ContentType of a public or private message, as it claims.
func (m *Message) ContentType() ContentType {
	switch {
	case m.public != nil:
		return m.public.auth.content.contentType
	case m.private != nil:
		return m.private.contentType
	}
	return 0
}

// KeyPackage in the message, unverified; nil when it is something else. What adds it verifies it.
func (m *Message) KeyPackage() *KeyPackage { return m.keyPackage }

// Welcome in the message; nil when it is something else.
func (m *Message) Welcome() *Welcome { return m.welcome }

// GroupInfo in the message, unverified; nil when it is something else.
func (m *Message) GroupInfo() *GroupInfo { return m.groupInfo }
