// Package wire is the protocol between client and server: what a frame holds,
// how it is written, how large it may be. It is pure: it knows neither network,
// clock nor disk. docs/protocol.md describes the same for a stranger.
//
// A frame is one WebSocket binary message: a CBOR array (RFC 8949) whose first
// element is the type. Encoding is deterministic (RFC 8949 §4.2.1) and decoding
// accepts nothing else, so that for every accepted frame Encode(Decode(b))
// gives b. No frame has optional elements; a new shape is a new type.
package wire
