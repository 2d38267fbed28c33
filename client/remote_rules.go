package client

import (
	"context"
	"time"
)

// slowArgs are the arguments of SetSlow.
type slowArgs struct {
	Room string
	Wait time.Duration
}

func serveSlow(ctx context.Context, api API, a slowArgs) (none, error) {
	return none{}, api.SetSlow(ctx, a.Room, a.Wait)
}

// SetSlow implements API.
func (r *Remote) SetSlow(ctx context.Context, room string, wait time.Duration) error {
	return r.run(ctx, "slow", slowArgs{room, wait})
}
