//go:build !js

package conn

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// reach opens the byte stream to t: TCP, or the outer WebSocket of a reverse proxy.
func reach(ctx context.Context, t Target, c Config) (net.Conn, error) {
	if t.Proxy == "" {
		return (&net.Dialer{}).DialContext(ctx, "tcp", t.HostPort())
	}
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Roots}, // the proxy's own; ours runs inside
		TLSHandshakeTimeout: 10 * time.Second,
		DisableKeepAlives:   true, // one request
	}
	return tunnel(ctx, t, &websocket.DialOptions{
		HTTPClient:      &http.Client{Transport: transport, CheckRedirect: noRedirect},
		Subprotocols:    []string{TunnelSubprotocol},
		CompressionMode: websocket.CompressionDisabled,
	})
}

// noRedirect keeps us with the host that the person named.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
