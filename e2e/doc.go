// Package e2e holds whole conversations and attacks as scripts on the real programs (testscript), in testdata/script:
//
//	spec_*      what the specification says, line by line (docs/specification.md)
//	contract_*  what scripts may rest on (docs/guide.md)
//	bad_*       bad input and faults
//	attack_*    attackers
//	hostile_*   servers and members of private rooms who mean ill (e2e/hostile)
//
// The commands that scripts have beside those of testscript are in commands_test.go.
package e2e
