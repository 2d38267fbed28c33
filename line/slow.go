package line

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/client"
)

// slow shows or changes how long plain members wait between two messages.
func (f *face) slow(words []string, _ string) error {
	room, err := f.roomArg(nil)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		f.wait(func(ctx context.Context) (func(), error) {
			status, err := f.API.Status(ctx)
			if err != nil {
				return nil, err
			}
			i := slices.IndexFunc(status.Rooms, func(r client.RoomView) bool { return r.Name == room })
			return func() {
				if i < 0 || status.Rooms[i].Slow == 0 {
					f.view.answer(f.Words.T("line.slow.none", "room", room))
					return
				}
				f.view.answer(f.Words.T("line.slow", "room", room, "wait", span(f.Words, status.Rooms[i].Slow)))
			}, nil
		})
		return nil
	}
	wait, ok := slowSpan(f.Words, words[0])
	if !ok {
		return chat.Errorf(chat.CodeUsage, "reason", "chat", "detail", f.syntax("slow"))
	}
	f.wait(func(ctx context.Context) (func(), error) { return func() {}, f.API.SetSlow(ctx, room, wait) })
	return nil
}

// slowSpan reads "30s", "5m", "1h", a number of seconds, or that there is none.
func slowSpan(w Words, word string) (time.Duration, bool) {
	word = strings.ToLower(word)
	if word == "off" || word == w.T("line.slow.off") {
		return 0, true
	}
	d, err := time.ParseDuration(word)
	if n, numeric := strconv.ParseUint(word, 10, 16); numeric == nil {
		d, err = time.Duration(n)*time.Second, nil //nolint:gosec // 16 bits
	}
	return d, err == nil && (d == 0 || d >= time.Second && d <= time.Hour)
}

// heldText tells that slow mode keeps a message of ours back.
func (f *face) heldText(e client.Held) string {
	wait := max(time.Second, time.Until(e.Until).Round(time.Second))
	return f.Words.T("line.held", "room", e.Room, "wait", span(f.Words, wait))
}

// slowText says how slow a room is by now.
func slowText(w Words, by, room, value string) string {
	seconds, err := strconv.ParseUint(value, 10, 32)
	if err != nil || seconds == 0 {
		return w.T("line.about.slow.none", "by", by, "room", room)
	}
	return w.T("line.about.slow", "by", by, "room", room, "wait", span(w, time.Duration(seconds)*time.Second)) //nolint:gosec // 32 bits
}
