package conn

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"strconv"

	"huisclos/chat"
)

// Opcodes, RFC 6455 §5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// Close codes, RFC 6455 §7.4.1.
const (
	closeNormal   = 1000
	closeProtocol = 1002
	closeTooBig   = 1009
)

const (
	bitFIN  = 0x80
	bitsRSV = 0x70
	bitMask = 0x80

	// maxControl is the greatest payload of a control frame, RFC 6455 §5.5.
	maxControl = 125
	// trusted is how much memory a foreign length gets before its bytes have come.
	trusted = 4 << 10
)

var errPeerClosed = errors.New("conn: the peer sent a close frame")

// scanner reads the messages of one end of a WebSocket. It belongs to the goroutine that reads.
type scanner struct {
	r       io.Reader
	fromC   bool // the peer is a client: its frames are masked, a server's are not (RFC 6455 §5.1)
	limit   int  // bytes of one message
	longer  *Longer
	scratch [maxHeader - 2]byte
}

// Longer lets some messages be longer than the others, as their first bytes tell.
type Longer struct {
	Limit int
	May   func(start []byte) bool // at least 3 bytes
}

// head is the header of one frame.
type head struct {
	op     byte
	fin    bool
	masked bool
	mask   [4]byte
	size   int
}

// message returns the next binary message, put together from its fragments; control is called for each
// ping and pong on the way, with bytes that it must not keep. errPeerClosed after a close
// frame; io.EOF where the stream ends between messages; CodeTooLarge (limit), CodeFrame.
func (s *scanner) message(control func(op byte, payload []byte)) ([]byte, error) {
	var msg []byte
	begun := false
	for {
		h, err := s.head()
		if err != nil {
			if begun {
				err = unexpected(err)
			}
			return nil, err
		}
		if h.op >= opClose {
			if err := s.control(h, control); err != nil {
				return nil, err
			}
			continue
		}
		if begun != (h.op == opContinuation) || h.op == opText {
			return nil, malformed("message out of order or not binary")
		}
		if h.size > s.limit-len(msg) && (s.longer == nil || h.size > s.longer.Limit-len(msg)) {
			return nil, s.tooLarge()
		}
		if msg, err = s.payload(h, msg); err != nil {
			return nil, err
		}
		if h.fin {
			return msg, nil
		}
		begun = true
	}
}

func (s *scanner) tooLarge() error {
	return chat.Errorf(chat.CodeTooLarge, "limit", strconv.Itoa(s.limit))
}

// mayBeLonger looks at the start of a message that goes beyond the limit. What is from masked on is masked still.
func (s *scanner) mayBeLonger(h head, msg []byte, masked int) bool {
	var start [3]byte
	n := copy(start[:], msg)
	if h.masked && masked < n {
		applyMask(start[masked:n], h.mask)
	}
	return s.longer.May(start[:n])
}

// head reads and checks a frame's header.
func (s *scanner) head() (h head, err error) {
	b := s.scratch[:2]
	if _, err := io.ReadFull(s.r, b); err != nil {
		return h, err
	}
	h.op, h.fin, h.masked = b[0]&0x0f, b[0]&bitFIN != 0, b[1]&bitMask != 0
	length := int(b[1] &^ bitMask)
	switch {
	case b[0]&bitsRSV != 0:
		return h, malformed("reserved bits")
	case h.op > opBinary && h.op < opClose || h.op > opPong:
		return h, malformed("opcode")
	case h.masked != s.fromC:
		return h, malformed("masking")
	case h.op >= opClose && (!h.fin || length > maxControl):
		return h, malformed("control frame")
	}
	extra := 0
	switch length {
	case 126:
		extra = 2
	case 127:
		extra = 8
	}
	b = s.scratch[:extra]
	if h.masked {
		b = s.scratch[:extra+4]
	}
	if _, err := io.ReadFull(s.r, b); err != nil {
		return h, unexpected(err)
	}
	if h.size, err = size(length, b[:extra]); err != nil {
		return h, err
	}
	copy(h.mask[:], b[extra:])
	return h, nil
}

// size reads the extended payload length, which must be the shortest form (RFC 6455 §5.2).
func size(length int, extended []byte) (int, error) {
	switch len(extended) {
	case 2:
		n := int(binary.BigEndian.Uint16(extended))
		if n < 126 {
			return 0, malformed("length")
		}
		return n, nil
	case 8:
		n := binary.BigEndian.Uint64(extended)
		if n <= 0xffff || n > 1<<62 {
			return 0, malformed("length")
		}
		return int(min(n, 1<<31-1)), nil //nolint:gosec // bounded; over every limit all the same
	}
	return length, nil
}

// payload appends a frame's payload to msg. Memory grows with what has arrived.
func (s *scanner) payload(h head, msg []byte) ([]byte, error) {
	start := len(msg)
	for left := h.size; left > 0; {
		n := min(left, max(trusted, len(msg)-start))
		at := len(msg)
		if at == 0 {
			msg = make([]byte, n)
		} else {
			msg = append(msg, make([]byte, n)...)
		}
		if _, err := io.ReadFull(s.r, msg[at:]); err != nil {
			return nil, unexpected(err)
		}
		if left == h.size && start+h.size > s.limit && !s.mayBeLonger(h, msg, start) {
			return nil, s.tooLarge()
		}
		left -= n
	}
	if h.masked {
		applyMask(msg[start:], h.mask)
	}
	return msg, nil
}

// control reads a control frame's payload and acts on it.
func (s *scanner) control(h head, f func(op byte, payload []byte)) error {
	p := make([]byte, h.size) // rare, and an idle connection shall keep no buffer
	if _, err := io.ReadFull(s.r, p); err != nil {
		return unexpected(err)
	}
	if h.masked {
		applyMask(p, h.mask)
	}
	if h.op != opClose {
		f(h.op, p)
		return nil
	}
	if len(p) == 1 {
		return malformed("close frame") // a code has two bytes, RFC 6455 §5.5.1
	}
	return errPeerClosed
}

// unexpected makes of an end inside a frame what it is.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// malformed is a frame that breaks RFC 6455.
func malformed(what string) error {
	return chat.Errorf(chat.CodeFrame).Because(errors.New("conn: websocket: " + what))
}

// applyMask is its own inverse, RFC 6455 §5.3.
func applyMask(b []byte, mask [4]byte) {
	word := uint64(binary.LittleEndian.Uint32(mask[:]))
	word |= word << 32
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^word)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= mask[i&3]
	}
}

// maxHeader is the greatest header that append writes.
const maxHeader = 14

// appendHeader writes the header of a whole message; mask is nil for a server's.
func appendHeader(b []byte, op byte, size int, masked bool) []byte {
	m := byte(0)
	if masked {
		m = bitMask
	}
	switch {
	case size < 126:
		b = append(b, bitFIN|op, m|byte(size))
	case size <= 0xffff:
		b = append(b, bitFIN|op, m|126)
		b = binary.BigEndian.AppendUint16(b, uint16(size)) //nolint:gosec // checked
	default:
		b = append(b, bitFIN|op, m|127)
		b = binary.BigEndian.AppendUint64(b, uint64(size)) //nolint:gosec // a length
	}
	return b
}

// appendServer writes a message as servers do, unmasked.
func appendServer(b []byte, op byte, payload []byte) []byte {
	return append(appendHeader(b, op, len(payload), false), payload...)
}

// appendClient writes a message as clients do, masked. Inside TLS the mask hides nothing from anyone;
// it must only be there and differ from frame to frame.
func appendClient(b []byte, op byte, payload []byte) []byte {
	b = appendHeader(b, op, len(payload), true)
	var mask [4]byte
	binary.LittleEndian.PutUint32(mask[:], rand.Uint32()) //nolint:gosec // see above
	b = append(b, mask[:]...)
	at := len(b)
	b = append(b, payload...)
	applyMask(b[at:], mask)
	return b
}

// closePayload is the payload of a close frame.
func closePayload(code uint16) []byte { return binary.BigEndian.AppendUint16(nil, code) }

// closeCode is what a close frame says of err.
func closeCode(err error) uint16 {
	switch chat.CodeOf(err) {
	case chat.CodeTooLarge:
		return closeTooBig
	case chat.CodeFrame:
		return closeProtocol
	}
	return closeNormal
}
