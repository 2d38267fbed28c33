// Package access is the login as two state machines over bytes, without sockets, and the strings that a server may know:
// hcs1… (its fingerprint) and hcp1… (the public half of an access key) (PROTOCOL §2, §4). It is pure, and knows
// nothing of the shared key, so that both sides may import it.
//
// It guarantees: a Client goes on only with the server of its pin, that has signed the transcript of this very TLS connection, at
// the best protocol version that both know. A Server believes nobody before the device has signed the same transcript; a newcomer
// has then proven to hold the shared key, or is a Claim that says it hasn't (a further device of an account); account and device have signed each other, and the account has signed its name for
// this server. Nothing of a login is of use on another connection, at another server, or a second time. Each step
// happens once, in order; a machine that has refused something refuses the rest.
package access
