// Command bench measures Huisclos against the budgets of its design, over the real protocol and beside
// yardsticks in the same run, and prints one table. Run it on an idle machine with two cores or more:
//
//	go run ./bench            # everything, some five minutes
//	go run ./bench -quick     # a tenth of the work, for a look
//	go run ./bench -only fanout,join
//	go run ./bench -mls       # package mls beside the floor of its primitives
//
// The server runs on one core and the load on another (taskset), as the peers in peers.md were measured. What is compared
// is the server's CPU time from /proc, the least noisy figure there is; it works on Linux only.
package main
