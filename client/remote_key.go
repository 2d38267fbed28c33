package client

import (
	"context"
	"fmt"
)

// The calls about the account's key. Their arguments are secrets, which go no further than from one process of the user to another.

type (
	phraseArgs struct{ ID, Phrase string }
	proofArgs  struct{ Words map[int]string }
)

// Format keeps the words out of logs.
func (phraseArgs) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, "[secret]") }

// Format keeps the words out of logs.
func (proofArgs) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, "[secret]") }

func revokeBy(ctx context.Context, api API, a phraseArgs) (DeviceView, error) {
	return api.RevokeDeviceBy(ctx, a.ID, a.Phrase)
}

func forgetKey(ctx context.Context, api API, a proofArgs) (none, error) {
	return none{}, api.ForgetKey(ctx, a.Words)
}

func takeKey(ctx context.Context, api API, a phraseArgs) (none, error) {
	return none{}, api.TakeKey(ctx, a.Phrase)
}

// RevokeDeviceBy implements API.
func (r *Remote) RevokeDeviceBy(ctx context.Context, id, phrase string) (DeviceView, error) {
	return call[DeviceView](ctx, r, "revoke-by", phraseArgs{ID: id, Phrase: phrase})
}

// ForgetKey implements API.
func (r *Remote) ForgetKey(ctx context.Context, words map[int]string) error {
	return r.run(ctx, "forget-key", proofArgs{Words: words})
}

// TakeKey implements API.
func (r *Remote) TakeKey(ctx context.Context, phrase string) error {
	return r.run(ctx, "take-key", phraseArgs{Phrase: phrase})
}
