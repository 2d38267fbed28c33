package conn

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/coder/websocket"

	"huisclos/chat"
)

// tunnel opens the outer WebSocket: its binary messages are a byte stream, cut anywhere.
func tunnel(ctx context.Context, t Target, o *websocket.DialOptions) (net.Conn, error) {
	ws, resp, err := websocket.Dial(ctx, t.Proxy, o)
	if err != nil {
		return nil, tunnelError(err, resp)
	}
	if ws.Subprotocol() != TunnelSubprotocol {
		_ = ws.CloseNow()
		return nil, chat.Errorf(chat.CodeNotHuisclos)
	}
	// Not ctx: it bounds the dialling, not the connection.
	return &outer{websocket.NetConn(context.WithoutCancel(ctx), ws, websocket.MessageBinary), ws}, nil
}

// outer closes at once: what there is to say goodbye was said inside.
type outer struct {
	net.Conn
	ws *websocket.Conn
}

func (o *outer) Close() error { return o.ws.CloseNow() }

// Write cuts what is long: the server reads messages of a bounded size.
func (o *outer) Write(b []byte) (n int, err error) {
	const most = 32 << 10
	for len(b) > most && err == nil {
		var k int
		k, err = o.Conn.Write(b[:most])
		n, b = n+k, b[most:]
	}
	if err != nil {
		return n, err
	}
	k, err := o.Conn.Write(b)
	return n + k, err
}

// tunnelError says what a proxy's answer means.
func tunnelError(err error, resp *http.Response) error {
	if resp == nil || resp.StatusCode == 0 || resp.StatusCode == http.StatusSwitchingProtocols {
		return err
	}
	err = errors.Join(errors.New("conn: the proxy answered "+resp.Status), err)
	switch resp.StatusCode {
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return err // the proxy is there, the server is not: CodeUnreachable
	case http.StatusServiceUnavailable:
		return chat.Errorf(chat.CodeFull).Because(err)
	}
	return chat.Errorf(chat.CodeNotHuisclos).Because(err)
}
