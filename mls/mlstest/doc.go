// Package mlstest forges messages of MLS (RFC 9420): what package mls refuses to build, for tests that show that it refuses to take it too.
//
// A [Forger] is made from a member's saved state, so it knows everything that a hostile member knows: the secrets of the epoch, the secret
// tree, the signature key, the tree. With it a test builds a proposal, a commit, a Welcome, a GroupInfo, a key package or any message, right
// in all but what the test breaks:
//
//	f, err := mlstest.New(records)                 // what mls.Changes left on a member's disk
//	made := f.Commit(mlstest.Plan{                 // right, unless a hook of the plan breaks it
//		Leaf: func(l *mlstest.LeafNode) { l.EncryptionKey = stolen },  // before the leaf is signed
//	})
//	deliver(made.Message)                          // made.Next is the forger in the epoch that the commit begins
//
// Every structure of the RFC is a plain one here, with all its fields open, and writes itself without asking whether it makes sense. The
// hooks of [Plan], [Wrap] and [Invitation] run before or after the step that their names say, so that a field can be broken under a
// right signature, or the signature itself. Nothing changes in a Forger: it can forge the same message twice, under one key.
//
// It has its own small codec and key schedule, written from the RFC and not from package mls: what both agree on is a test of either.
// Keys don't print as [secret] here. It is for tests only.
package mlstest
