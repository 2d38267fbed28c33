package conn

import (
	"bufio"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6455 asks for it; nothing depends on its strength
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strings"

	"huisclos/chat"
)

const (
	// Path is where the WebSocket is, inside TLS.
	Path = "/huisclos"
	// TunnelPath is where a reverse proxy finds the outer WebSocket.
	TunnelPath = "/tunnel"
	// Subprotocol names what the frames hold, RFC 6455 §1.9.
	Subprotocol = "huisclos.1"
	// TunnelSubprotocol names the byte stream of the outer WebSocket.
	TunnelSubprotocol = "huisclos.tunnel"

	// maxHTTP bounds the request and the response that begin a WebSocket.
	maxHTTP = 8 << 10
)

// acceptKey is RFC 6455 §4.2.2, 5.4.
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see the import
	return base64.StdEncoding.EncodeToString(sum[:])
}

// askUpgrade is the client's side of RFC 6455 §4.1. It returns the reader of what follows.
func askUpgrade(rw io.ReadWriter, host string) (*bufio.Reader, error) {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:])
	key := base64.StdEncoding.EncodeToString(nonce[:])
	_, err := fmt.Fprintf(rw, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: %s\r\n\r\n", Path, host, key, Subprotocol)
	if err != nil {
		return nil, err
	}
	bounded := &io.LimitedReader{R: rw, N: maxHTTP}
	br := bufio.NewReader(bounded)
	resp, err := http.ReadResponse(br, &http.Request{Method: http.MethodGet})
	if err != nil {
		var network net.Error
		if errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, err
		}
		return nil, chat.Errorf(chat.CodeNotHuisclos).Because(err)
	}
	switch {
	case resp.StatusCode == http.StatusServiceUnavailable:
		return nil, chat.Errorf(chat.CodeFull)
	case resp.StatusCode != http.StatusSwitchingProtocols,
		!strings.EqualFold(resp.Header.Get("Upgrade"), "websocket"),
		!hasToken(resp.Header, "Connection", "upgrade"),
		resp.Header.Get("Sec-WebSocket-Accept") != acceptKey(key),
		resp.Header.Get("Sec-WebSocket-Protocol") != Subprotocol,
		resp.Header.Get("Sec-WebSocket-Extensions") != "":
		return nil, chat.Errorf(chat.CodeNotHuisclos).Because(errors.New("conn: answered " + resp.Status))
	}
	bounded.N = math.MaxInt64
	return br, nil
}

// upgradeError is why a request does not become a WebSocket.
type upgradeError struct {
	status int
	text   string
}

func (e *upgradeError) Error() string { return "conn: " + e.text }

// checkUpgrade is the server's side of RFC 6455 §4.2.1. It returns the value of Sec-WebSocket-Accept.
func checkUpgrade(r *http.Request, subprotocol string) (string, error) {
	key := r.Header.Get("Sec-WebSocket-Key")
	nonce, err := base64.StdEncoding.DecodeString(key)
	switch {
	case r.Method != http.MethodGet || !r.ProtoAtLeast(1, 1):
		return "", &upgradeError{http.StatusMethodNotAllowed, "a WebSocket begins with GET of HTTP/1.1"}
	case !strings.EqualFold(r.Header.Get("Upgrade"), "websocket"), !hasToken(r.Header, "Connection", "upgrade"):
		return "", &upgradeError{http.StatusUpgradeRequired, "this address is a WebSocket"}
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		return "", &upgradeError{http.StatusUpgradeRequired, "WebSocket version 13 is spoken here"}
	case err != nil || len(nonce) != 16:
		return "", &upgradeError{http.StatusBadRequest, "Sec-WebSocket-Key is not 16 bytes"}
	case !hasToken(r.Header, "Sec-WebSocket-Protocol", subprotocol):
		return "", &upgradeError{http.StatusBadRequest, "the subprotocol is " + subprotocol}
	}
	return acceptKey(key), nil
}

// switching is the answer that ends HTTP.
func switching(accept, subprotocol string) string {
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		accept + "\r\nSec-WebSocket-Protocol: " + subprotocol + "\r\n\r\n"
}

// hasToken looks for a token in a comma-separated header, whatever its case (RFC 9110 §5.6.1).
func hasToken(h http.Header, name, token string) bool {
	return slices.ContainsFunc(h.Values(name), func(line string) bool {
		return slices.ContainsFunc(strings.Split(line, ","), func(t string) bool {
			return strings.EqualFold(strings.TrimSpace(t), token)
		})
	})
}
