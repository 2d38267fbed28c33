package client

import (
	"context"
	"maps"
	"time"

	"huisclos/chat"
)

// The remote half of what messages carry: expiry, reports, typing, and when they are told loudly.

type (
	lifeArgs struct {
		Room string
		Life time.Duration
	}
	notifyArgs struct {
		Room   string
		Notify Notify
	}
)

// contentMethods is the part of the table of what can be called that is about messages' content.
func contentMethods() map[string]remoteMethod {
	return map[string]remoteMethod{
		"expiry": method(func(ctx context.Context, api API, a lifeArgs) (none, error) {
			return none{}, api.SetExpiry(ctx, a.Room, a.Life)
		}),
		"send-draft": method(func(ctx context.Context, api API, a postArgs) (Receipt, error) {
			return api.SendDraft(ctx, a.Room, a.Draft)
		}),
		"notify": method(func(ctx context.Context, api API, a notifyArgs) (none, error) {
			return none{}, api.SetNotify(ctx, a.Room, a.Notify)
		}),
		"reports": method(func(ctx context.Context, api API, a memberArgs) (none, error) {
			return none{}, api.SetReports(ctx, a.On)
		}),
		"shown": method(func(ctx context.Context, api API, a rangeArgs) (none, error) {
			return none{}, api.MarkRead(ctx, a.Room, a.Seq)
		}),
		"tell-typing": method(func(ctx context.Context, api API, a memberArgs) (none, error) {
			return none{}, api.SetTyping(ctx, a.On)
		}),
		"typing": method(func(ctx context.Context, api API, a memberArgs) (none, error) {
			return none{}, api.Typing(ctx, a.Room, a.On)
		}),
	}
}

// allMethods is the whole table.
func allMethods() map[string]remoteMethod {
	all := remoteMethods()
	maps.Copy(all, contentMethods())
	return all
}

// SetExpiry implements API.
func (r *Remote) SetExpiry(ctx context.Context, room string, after time.Duration) error {
	return r.run(ctx, "expiry", lifeArgs{room, after})
}

// SetNotify implements API.
func (r *Remote) SetNotify(ctx context.Context, room string, n Notify) error {
	return r.run(ctx, "notify", notifyArgs{room, n})
}

// SetReports implements API.
func (r *Remote) SetReports(ctx context.Context, on bool) error {
	return r.run(ctx, "reports", memberArgs{On: on})
}

// MarkRead implements API.
func (r *Remote) MarkRead(ctx context.Context, room string, seq chat.Seq) error {
	return r.run(ctx, "shown", rangeArgs{Room: room, Seq: seq})
}

// SetTyping implements API.
func (r *Remote) SetTyping(ctx context.Context, on bool) error {
	return r.run(ctx, "tell-typing", memberArgs{On: on})
}

// Typing implements API.
func (r *Remote) Typing(ctx context.Context, room string, on bool) error {
	return r.run(ctx, "typing", memberArgs{Room: room, On: on})
}

// SendDraft implements API.
func (r *Remote) SendDraft(ctx context.Context, room string, d Draft) (Receipt, error) {
	receipt, err := call[Receipt](ctx, r, "send-draft", postArgs{room, d})
	return receipt, unacknowledged(ctx, err)
}
