package admin

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"net"
	"time"

	"huisclos/chat"
)

// Client asks the server behind an admin socket. One request at a time.
type Client struct {
	path  string
	conn  net.Conn
	lines *bufio.Reader
}

// Dial connects to the socket at path. CodeNoAdmin (path) when no server answers there,
// CodePermission (path) when it belongs to another user.
func Dial(ctx context.Context, path string) (*Client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return nil, chat.Errorf(chat.CodePermission, "path", path).Because(err)
		}
		return nil, chat.Errorf(chat.CodeNoAdmin, "path", path).Because(err)
	}
	return &Client{path: path, conn: conn, lines: bufio.NewReader(conn)}, nil
}

// Do sends r and waits for its answer. Besides the errors of the command: CodeNoAdmin
// when the server has gone, and those of Request.Check, which are told without asking it. After
// an end of ctx the client is of no more use.
func (c *Client) Do(ctx context.Context, r Request) (Result, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	command, _ := Lookup(r.Verb)
	line, err := encodeRequest(r)
	if err != nil {
		return nil, chat.Errorf(chat.CodeInternal).Because(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := c.conn.Write(line); err != nil {
		return nil, c.gone(ctx, err)
	}
	answer, err := readLine(c.lines, maxResponse)
	if err != nil {
		return nil, c.gone(ctx, err)
	}
	return decodeResponse(command, answer)
}

func (c *Client) gone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return chat.Errorf(chat.CodeTimeout, "address", c.path).Because(ctx.Err())
	}
	return chat.Errorf(chat.CodeNoAdmin, "path", c.path).Because(err)
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Ask does r and returns its result by its type: Ask[*Stats](ctx, desk, Request{Verb: VerbStats}).
func Ask[T Result](ctx context.Context, desk Doer, r Request) (T, error) {
	var none T
	result, err := desk.Do(ctx, r)
	if err != nil {
		return none, err
	}
	typed, ok := result.(T)
	if !ok {
		return none, chat.Errorf(chat.CodeInternal)
	}
	return typed, nil
}
