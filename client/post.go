package client

import (
	"context"

	"huisclos/chat"
)

// Send implements API.
func (c *Client) Send(ctx context.Context, name, text string) (Receipt, error) {
	return c.SendDraft(ctx, name, Draft{Text: text})
}

// SendDraft implements API.
func (c *Client) SendDraft(ctx context.Context, name string, d Draft) (Receipt, error) {
	var o *outgoing // these two belong to the engine's goroutine
	over := false
	receipt, err := await(ctx, c, func(e *engine, answer func(Receipt, error)) {
		r, err := e.room(name)
		if err == nil {
			err = e.allows(&d)
		}
		if err != nil {
			answer(Receipt{}, err)
			return
		}
		e.whenLive(r, func(err error) {
			if err == nil && !over {
				o, err = e.post(r, &d, true, answer)
			}
			switch {
			case over:
			case err != nil:
				answer(Receipt{}, err)
			default:
				e.pump(r)
				if err := e.cannotSend(r); err != nil {
					e.drop(r, o, err)
				}
			}
		})
	})
	if err == nil {
		return receipt, nil
	}
	c.later(func(e *engine) {
		over = true
		e.abandon(o)
	})
	if ctx.Err() != nil {
		return Receipt{}, chat.Errorf(chat.CodeNotAcked).Because(err)
	}
	return Receipt{}, err
}
