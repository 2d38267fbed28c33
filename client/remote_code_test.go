package client

import (
	"context"
	"strconv"
	"time"
)

func (s *scripted) OpenCode(_ context.Context, room, lang string, life time.Duration) (InviteCode, error) {
	return full[InviteCode](), s.note("code", room, lang, life.String())
}

func (s *scripted) Lost(_ context.Context, r string) ([]Message, error) {
	return full[[]Message](), s.note("lost", r)
}

func (s *scripted) CloseCode(_ context.Context, number uint32) error {
	return s.note("uncode", strconv.Itoa(int(number)))
}
