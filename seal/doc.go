// Package seal is the cipher of the key rooms: A256CBC-HS512, AES-256-CBC with PKCS#7 padding and then
// HMAC-SHA-512, cut to 32 bytes (RFC 7518 §5.2.5).
//
// It guarantees: the tag is compared, in constant time, before padding is looked at; every failure is the
// one error ErrOpen; the random IV of a message is drawn here and never given by a caller; a message opens only in the room, under the
// generation and in the name of the device that signed it (PROTOCOL §5). The zero value of a key is refused.
package seal
