// Package keys holds the client half of the shared key: K, its printed form hc1…, the link that
// people share, and everything that is derived from K (PROTOCOL §2, §3).
//
// It guarantees that K leaves a Key only by name: Reveal for people, Bytes for the vault. Everything else prints
// [secret]. What is derived is bound to the server's fingerprint and the generation, so that one
// key never means two things. The zero Key is refused.
//
// No package of the server imports it: internal/arch proves that.
package keys
