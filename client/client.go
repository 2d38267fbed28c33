package client

import (
	"context"
	"errors"
	"sync"

	"huisclos/chat"
)

// Client is one person on one server: it implements API in the process that owns the profile.
type Client struct {
	events *broadcast
	vault  Vault
	calls  chan func(*engine)
	done   chan struct{} // closed when the engine has ended
	stop   context.CancelFunc

	mu    sync.Mutex // guards final
	final Ended
}

var _ API = (*Client)(nil)

// Open takes the profile in cfg.Vault, makes who we are if it is empty, and begins to connect. The client owns the vault
// from now on, and closes it even if Open fails. Errors: CodeNameForm, CodeNameOther (the profile
// is somebody else's), CodeIdentity (the key or the profile is another server's), the codes of a bad key, those of the vault.
func Open(cfg Config) (*Client, error) {
	cfg = cfg.withDefaults().admit()
	ctx, stop := context.WithCancel(context.Background())
	c := &Client{
		events: newBroadcast(),
		vault:  cfg.Vault,
		calls:  make(chan func(*engine)),
		done:   make(chan struct{}),
		stop:   stop,
	}
	e, err := newEngine(ctx, c, cfg)
	if err != nil {
		stop()
		_ = cfg.Vault.Close()
		return nil, asError(err)
	}
	go e.run()
	return c, nil
}

// Ended is closed when the session is over for good; Final says why.
func (c *Client) Ended() <-chan struct{} { return c.done }

// Final is what the last event said; meaningful after Ended.
func (c *Client) Final() Ended {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.final
}

// finalError is what methods return after the end.
func (c *Client) finalError() error {
	if f := c.Final(); f.Err != nil {
		return f.Err
	}
	return errClosed
}

// errClosed is the use of a client after Close.
var errClosed = chat.Errorf(chat.CodeGoodbye).Because(errors.New("client: closed"))

// Events implements API.
func (c *Client) Events(ctx context.Context) (<-chan Event, error) {
	return c.events.subscribe(ctx, func() Event { return c.Final() }), nil
}

// Close implements API.
func (c *Client) Close(ctx context.Context) error {
	_, err := await(ctx, c, func(e *engine, answer func(struct{}, error)) {
		e.close()
		answer(struct{}{}, nil)
	})
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		c.stop()
		<-c.done
	}
	return err
}

// do runs f in the engine's goroutine, and returns when what it staged is kept.
func do[T any](ctx context.Context, c *Client, f func(*engine) (T, error)) (T, error) {
	return await(ctx, c, func(e *engine, answer func(T, error)) {
		v, err := f(e)
		e.then(func() { answer(v, err) })
	})
}

// await runs f in the engine's goroutine and waits for its answer, which may come later; the first one counts.
func await[T any](ctx context.Context, c *Client, f func(e *engine, answer func(T, error))) (T, error) {
	type result struct {
		v   T
		err error
	}
	var none T
	results := make(chan result, 1)
	answer := func(v T, err error) {
		select {
		case results <- result{v, err}:
		default: // answered before
		}
	}
	select {
	case c.calls <- func(e *engine) { f(e, answer) }:
	case <-ctx.Done():
		return none, contextError(ctx)
	case <-c.done:
		return none, c.finalError()
	}
	select {
	case r := <-results:
		return r.v, r.err
	case <-ctx.Done():
		return none, contextError(ctx)
	case <-c.done:
		select {
		case r := <-results: // both are there: the answer counts
			return r.v, r.err
		default:
			return none, c.finalError()
		}
	}
}
