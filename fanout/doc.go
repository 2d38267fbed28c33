// Package fanout carries wake-ups between the nodes of a server: hub.Bus. Local is for one node, in one process.
//
// A wake-up says that a room's log has grown, and up to where. It may be late, doubled or lost; who hears it reads
// the log, which is the truth.
package fanout
