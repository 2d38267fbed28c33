// Package content is what a message says: the content model of MIMI (draft-ietf-mimi-content) in deterministic CBOR, as
// it stands inside the encryption. It is pure.
//
// This version writes plain text, and reads text and Markdown. What it can't show (a reaction, an edit, an attachment, a part of
// a later version) it recognises as well formed and reports as CodeLater, so that a face says that
// something came rather than nothing. Message IDs are those of package chat, 16 bytes.
package content
