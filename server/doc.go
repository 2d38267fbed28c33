// Package server is the hub's network face: it listens, lets people log in, and hands their frames to the hub.
//
// What it guarantees:
//
//   - Nobody's frame reaches the hub before a login that proved a device (and, for a newcomer, the shared key) on
//     this very connection: access.Server, PROTOCOL §4.
//   - Until then a visitor has five seconds, frames of at most 16 KiB and a place among a bounded number. Who is silent gives way
//     first, and the address with the most visitors first; so ten thousand silent connections keep nobody out.
//   - Handshakes take no more of the processors than one goroutine each, so that a flood of them
//     doesn't starve those who are in.
//   - An address whose logins fail too often is told to wait; others notice nothing.
//   - An idle connection has one goroutine, no timer and no buffer of ours.
//   - No key that opens messages is known here, and nothing secret is logged.
package server
