package client

import (
	"context"
	"maps"
	"time"
)

// The remote half of what messages carry: expiry.

type lifeArgs struct {
	Room string
	Life time.Duration
}

// contentMethods is the part of the table of what can be called that is about messages' content.
func contentMethods() map[string]remoteMethod {
	return map[string]remoteMethod{
		"expiry": method(func(ctx context.Context, api API, a lifeArgs) (none, error) {
			return none{}, api.SetExpiry(ctx, a.Room, a.Life)
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
