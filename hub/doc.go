// Package hub is the server's domain: rooms, the order of their logs, who is
// where, who may do what, limits and retention. It knows no network, no SQL and
// no cipher; what it needs from the outside are the interfaces Store and Bus.
package hub
