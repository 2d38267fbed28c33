// Package recovery is how somebody comes back after the loss of every device: 24 words that are the account's secret, and the
// backup that the server keeps sealed under a key from them (PROTOCOL §8). It is pure.
//
// It guarantees: words give a secret only if their checksum is right, and any 24 words of one list are told apart from those of
// another; a backup opens only with the account's secret, for the server and under the number that it was made for, and
// whole; what is read is what Seal would write. Secrets print as [secret].
package recovery
