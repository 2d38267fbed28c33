// Package content is what a message says: the content model of MIMI (draft-ietf-mimi-content-09, with the reports of
// draft-mahy-mimi-message-status-01) in deterministic CBOR, as it stands inside the encryption. It is pure.
//
// Parse reads a message and says what it is: a text, an edit, a deletion, a reaction, the taking back of one, a report, or
// room control. It is strict: bytes that aren't of the draft's shape, or beyond the bounds below, are CodeFrame. What is of that shape
// but isn't one of those (an attachment, several parts, what a later version adds) is KindUnsupported and no error, so that a
// face says that something came rather than nothing. Say, Reply, Edit, Delete, React, Unreact and Report make messages; Marshal
// writes nothing that Parse would read as something else.
//
// A Timeline puts a room's messages together: it applies edits, deletions, reactions and reports to the messages that
// they are about. What it shows follows from the set of log entries alone, so all clients show the same, and one account's words are
// changed by that account alone, or by a moderator whom the caller names.
//
// Where this differs from the draft:
//
//   - Message IDs are those of package chat: 16 bytes, in the envelope, chosen by the sender. The draft's are hashes
//     of 32 bytes over the sender's and the room's URI. Here both are signed with the content, so an ID needn't bind them, and it is
//     known before the message is sealed. The salt stays, since it costs little and keeps the draft's shape.
//   - The extensions senderUri and roomUri aren't written, and not believed: the envelope says both.
//   - Neither tags nor floating-point numbers, as everywhere in the protocol.
//   - A mention is an extension of ours, a range of the text with an account, not a link in Markdown: so plain text has mentions
//     too, and what its author wrote there isn't what is shown (Message.Rendered).
//   - Of several parts none is chosen: whoever chooses among alternatives shows different people different messages (§9.5).
//   - One reaction a message; a reaction isn't edited, it is taken back.
package content
