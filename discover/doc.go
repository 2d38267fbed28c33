// Package discover finds servers on the local network: multicast DNS (RFC 6762) with
// service discovery (RFC 6763), service type _huisclos._tcp.
//
// What it finds is a claim. Anyone on the network can answer in any server's name, so a
// Candidate is only where to knock; a server is known by the fingerprint in the
// key, which the login proves (PROTOCOL §4). An announcement holds the fingerprint,
// the port and the addresses of the interface, nothing else: neither key nor names.
//
// Answers are bounded and parsed strictly; a network without multicast gives
// no candidates and no error.
package discover
