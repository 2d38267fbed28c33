// Package console is the face of the admin commands that writes lines: the prompt of a
// running server, and the output of "huisclos admin …" in a shell.
//
// It guarantees that every command of the table (admin.Commands) can be typed, is explained by
// /help, and has its answer and its errors shown in the reader's language; that what others
// wrote (names, reasons, the names of client programs) can't act on the terminal; and that on a
// terminal a command that can't be taken back asks first, while a pipe is never asked.
//
// The key is written only where a person asked for it, or where the options say so.
package console
