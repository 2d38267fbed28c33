// Package client is the domain of the program that a person uses: it logs in,
// keeps the rooms' logs verified, sends what was queued exactly once, and tells
// its faces what happens. It knows no terminal and no SQL; what it needs from
// the outside are a Dialer and a Vault.
//
// What it guarantees:
//
//   - Nothing is shown that didn't pass every check of PROTOCOL §5: the chain of
//     the log, the sender's certificate and name, the sender's counter, what the sender
//     had seen, the seal. What fails is refused and shown as refused, or stops its room; it is never skipped silently.
//   - A name means the account that was first seen with it. A changed identity
//     stops the conversation and says why.
//   - What Queue accepted survives a crash of the program, is delivered in
//     order, and once. What Send reports is durable on the server.
//   - The counters of a message are on disk before the message leaves.
//   - A server that lost what it acknowledged is noticed before anything more is sent to it.
package client
