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

func (s *scripted) OpenLink(_ context.Context, lang string, life time.Duration) (InviteCode, error) {
	return full[InviteCode](), s.note("link", lang, life.String())
}

func (s *scripted) AnswerLink(_ context.Context, number uint32, yes bool) error {
	return s.note("linked", strconv.Itoa(int(number)), strconv.FormatBool(yes))
}
