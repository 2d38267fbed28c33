package line

import (
	"context"
	"strconv"
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/line/edit"
)

// Messages that vanish: /expire 1h TEXT for one, /expire room 30d for all that are written in a private room from then on.

// units of a span of time, by the letter after its number, in both languages.
func units() map[string]time.Duration {
	const day = 24 * time.Hour
	return map[string]time.Duration{
		"s": time.Second, "m": time.Minute, "min": time.Minute, "h": time.Hour, "d": day, "j": day, "w": 7 * day,
	}
}

// ParseSpan reads 30s, 10m, 12h, 7d or 2w. CodeExpiry for anything else.
func ParseSpan(word string) (time.Duration, error) {
	word = strings.ToLower(word)
	digits := strings.TrimRight(word, "abcdefghijklmnopqrstuvwxyz")
	n, err := strconv.Atoi(digits)
	unit := units()[word[len(digits):]]
	if err != nil || unit == 0 || n <= 0 || n > int(client.MaxExpiry/unit) {
		return 0, chat.Errorf(chat.CodeExpiry)
	}
	return time.Duration(n) * unit, nil
}

// span writes a time of whole seconds in the largest unit that fits.
func span(w Words, d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= day && d%day == 0:
		return w.N("line.span.days", int(d/day))
	case d >= time.Hour && d%time.Hour == 0:
		return w.N("line.span.hours", int(d/time.Hour))
	case d >= time.Minute && d%time.Minute == 0:
		return w.N("line.span.minutes", int(d/time.Minute))
	}
	return w.N("line.span.seconds", int(d/time.Second))
}

// expire says something that vanishes, or has a room's messages vanish; alone it tells what the room does.
func (f *face) expire(words []string, rest string) error {
	room, err := f.roomArg(nil)
	if err != nil {
		return err
	}
	switch {
	case len(words) == 0:
		f.tellExpiry(room)
		return nil
	case strings.EqualFold(words[0], "room") || strings.EqualFold(words[0], f.Words.T("line.expire.room")):
		return f.expireRoom(room, words[1:])
	case len(words) < 2:
		return chat.Errorf(chat.CodeUsage, "reason", "chat", "detail", f.syntax("expire"))
	}
	after, err := ParseSpan(words[0])
	if err != nil {
		return err
	}
	f.post(room, client.Draft{Text: strings.TrimSpace(strings.TrimPrefix(rest, words[0])), Expires: after})
	return nil
}

func (f *face) expireRoom(room string, words []string) error {
	if len(words) != 1 {
		return chat.Errorf(chat.CodeUsage, "reason", "chat", "detail", f.syntax("expire"))
	}
	after := time.Duration(0)
	if !isWord(f.Words, words[0], "line.off", "off") {
		var err error
		if after, err = ParseSpan(words[0]); err != nil {
			return err
		}
	}
	f.wait(func(ctx context.Context) (func(), error) { return func() {}, f.API.SetExpiry(ctx, room, after) }) // the change itself shows
	return nil
}

// isWord tells whether somebody typed a word, in his language or in English.
func isWord(w Words, typed, id, english string) bool {
	return strings.EqualFold(typed, english) || strings.EqualFold(typed, w.T(id))
}

func (f *face) tellExpiry(room string) {
	f.wait(func(ctx context.Context) (func(), error) {
		status, err := f.API.Status(ctx)
		if err != nil {
			return nil, err
		}
		after := time.Duration(0)
		for _, r := range status.Rooms {
			if r.Name == room {
				after = r.Expiry
			}
		}
		return func() { f.view.answer(expiryText(f.Words, room, after)) }, nil
	})
}

// expiryText says after how long a room's messages vanish.
func expiryText(w Words, room string, after time.Duration) string {
	if after == 0 {
		return w.T("line.expire.never", "room", roomLabel(room))
	}
	return w.T("line.expire.after", "room", roomLabel(room), "span", span(w, after))
}

// aboutExpiry says who has changed that.
func aboutExpiry(w Words, m client.Message, c client.Change) string {
	by := edit.SafeLine(m.Sender)
	seconds, err := strconv.ParseInt(c.Value, 10, 64)
	if err != nil || seconds <= 0 {
		return w.T("line.about.expiry.never", "by", by, "room", roomLabel(m.Room))
	}
	return w.T("line.about.expiry", "by", by, "room", roomLabel(m.Room), "span", span(w, time.Duration(seconds)*time.Second))
}

// soon is how near the end of a message is told beside it.
const soon = 24 * time.Hour

// goes says when a message vanishes, if that is soon.
func goes(w Words, m client.Message, zone *time.Location) string {
	if m.Expires.IsZero() || m.Form != client.Text || m.Expires.Sub(m.Time) > soon {
		return ""
	}
	return w.T("line.expire.mark", "at", m.Expires.In(zone).Format("15:04"))
}
