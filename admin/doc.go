// Package admin is what the operator of a server can do: one table of commands
// (Commands), the Desk that carries them out on a running server, and a Unix socket
// (Listen, Dial) by which the programs of the same user reach that Desk.
//
// It guarantees three things. Console, socket and any later face run the same
// command through the same Desk, so none can do more than another. A command that
// fails has changed nothing. Results and errors travel as types and codes,
// never as sentences: who shows them speaks the reader's language.
//
// The package never holds the shared key. A KeyHolder, which package cmd/huisclos
// implements beside the server, makes, shows and seals it; the only trace here is a
// Secret on its way to a person who asked for it.
package admin
