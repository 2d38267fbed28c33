// Package edit is a line editor for a terminal on which other things are
// written while somebody types.
//
// What it guarantees:
//
//   - What is printed while a line is edited appears above it, whole and in order; the line,
//     its prompt and the cursor are never torn. One lock and one write do it.
//   - The cursor stands on characters as people count them (grapheme clusters, Unicode
//     Annex 29), one or two columns wide; a line that is longer than the terminal goes on in the next row.
//   - Pasted text is text (bracketed paste): it is put into the line and
//     never acts as a key, however many lines it has.
//   - The terminal is put back as it was by Close, which may be called at any time
//     and more than once, also while a line is read.
//   - Foreign text that passed Safe can't move the cursor, change the
//     terminal's state, reverse the order of what stands around it or hide in it.
//
// It uses no mouse, no alternate screen and no terminal database: only CR, LF,
// colours (SGR), cursor up and right, erase below and bracketed paste, which every terminal
// since the VT100 and every multiplexer has.
package edit
