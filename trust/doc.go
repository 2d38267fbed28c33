// Package trust says who is who: account and device keys, the certificates that bind them, names and what
// they may look like, safety numbers (PROTOCOL §1, §4, §6). It is pure.
//
// It guarantees: every signature is made and checked under a label of its own, so that one can't serve for another; a
// certificate counts only when account and device have signed each other; the zero value of a key is refused;
// private keys print as [secret].
package trust
