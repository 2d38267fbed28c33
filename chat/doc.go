// Package chat holds the words of Huisclos: the identifiers, the sizes and the
// error codes that every other package uses, on both sides of the network.
//
// It guarantees three things. It imports the standard library only, so that
// every package may import it. Its identifiers are distinct types, so that a
// room is never taken for a device. Its errors are a code and parameters; the
// face that shows an error makes the text, in the reader's language.
package chat
