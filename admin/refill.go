package admin

import (
	"context"
	"time"
)

// Refill answers "refill": how far a restored server is with taking back what its backup lacked.
type Refill struct {
	Until     time.Time `json:"until"`     // zero: no backup was restored, or that is over
	Held      int       `json:"held"`      // rooms in which nothing new is stored yet
	Open      int       `json:"open"`      // rooms that are used, and take back until somebody writes
	Over      int       `json:"over"`      // rooms that take nothing back any more
	Missing   int64     `json:"missing"`   // entries that members say they have and that aren't back
	Conflicts []string  `json:"conflicts"` // rooms in which members say different things; a private one isn't named
}

// RefillEnded answers "refill end".
type RefillEnded struct {
	Was bool `json:"was"` // there was something to end
}

func (*Refill) result()      {}
func (*RefillEnded) result() {}

// refill says how far it is.
func (s seat) refill() (Result, error) {
	state := s.o.Live.RefillState()
	return &Refill{
		Until: state.Until, Held: state.Held, Open: state.Open, Over: state.Over,
		Missing: int64(state.Missing), Conflicts: state.Conflicts, //nolint:gosec // far from 2^63
	}, nil
}

// endRefill ends it in all rooms.
func (s seat) endRefill(ctx context.Context) (Result, error) {
	was, err := s.o.Live.EndRefill(ctx, s.audit("refill end"))
	if err != nil {
		return nil, err
	}
	return &RefillEnded{Was: was}, nil
}
