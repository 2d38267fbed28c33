// Package arch holds the tests of the tree's rules: docs/design/architecture.md says what they are for.
package arch
