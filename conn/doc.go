// Package conn makes framed connections between clients and servers: TLS 1.3, inside
// it WebSocket (RFC 6455), inside it whole frames of package wire, which it doesn't look into.
//
// What it guarantees:
//
//   - Nothing but TLS 1.3 with the hybrid group X25519MLKEM768 is spoken, unless Classical
//     allows X25519 beside it.
//   - Dial returns a Link only to a server whose certificate holds the identity key that the
//     caller named, or is one of a public authority for the host; the login checks the identity
//     in that case. The check runs in VerifyConnection, which no kind of handshake skips.
//   - Behind a reverse proxy the same TLS runs inside an outer WebSocket (/tunnel): the
//     proxy sees ciphertext, and Exporter is always that of the innermost TLS.
//   - A foreign length is believed only as far as its bytes have arrived, and never over the limit.
//   - A peer that has vanished is noticed within Idle; one that doesn't read costs its own connection only.
//
// The framing is our own, some 200 lines for both ends, because the limit of a frame must
// change at the login, several frames must leave in one write, and an idle connection must cost
// next to nothing; no compression, since it would tell lengths of secrets. The
// outer WebSocket of the tunnel is github.com/coder/websocket at the client's end, which also speaks through browsers.
package conn
