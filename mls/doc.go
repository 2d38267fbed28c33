// Package mls is Messaging Layer Security, RFC 9420: groups whose members agree on a key with every change of membership.
// It knows neither network nor disk nor clock; whoever uses it hands in bytes, a clock and a way to save.
//
// It guarantees:
//
//   - Steps can't be skipped. Bytes become a [Message] by [ParseMessage]; a Message becomes something verified by
//     [Group.Open]; what was verified changes the group by its Accept, and a plaintext comes from there only.
//   - Nothing that failed a check changed anything. Every operation works on a copy; the group takes it over at the end, in one step.
//   - Nothing leaves before it is saved. Each operation that uses up a key takes a function that makes its [Changes]
//     durable, and gives out ciphertext or plaintext only when that function has returned nil. So a crash reuses no key and
//     no generation, and a message is accepted once.
//   - A commit of one's own is staged ([Group.Commit]) and counts when the delivery service took it ([Pending.Accept]), or is dropped.
//   - Secrets print as [secret] and compare in constant time.
//
// The files follow the chapters of the RFC; each constant, structure and check names its section. The checks have stable names
// (see [Error]) and are listed with their tests in docs/security/validation.md.
//
// A [Group] isn't safe for concurrent use: one goroutine owns it.
package mls
