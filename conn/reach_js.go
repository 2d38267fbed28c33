package conn

import (
	"context"
	"errors"
	"net"

	"github.com/coder/websocket"

	"huisclos/chat"
)

// reach opens the byte stream to t. A browser has no TCP: only the tunnel can be reached from it.
func reach(ctx context.Context, t Target, _ Config) (net.Conn, error) {
	if t.Proxy == "" {
		return nil, chat.Errorf(chat.CodeUnreachable, "address", t.String()).
			Because(errors.New("conn: a browser reaches a server through its reverse proxy only: https://…"))
	}
	return tunnel(ctx, t, &websocket.DialOptions{Subprotocols: []string{TunnelSubprotocol}})
}
