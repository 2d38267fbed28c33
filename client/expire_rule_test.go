package client

import (
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/content"
)

// By whatever clock somebody lies: nothing goes before its time has passed since it was written, nor stays for longer than that from when it was read.
func TestWhenAMessageGoes(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	hour := uint32(3600)
	for name, c := range map[string]struct {
		written, entered time.Time
		limits           limits
		want             time.Duration // from now; 0: never
	}{
		"no expiry":                       {ago(0), ago(0), limits{}, 0},
		"an hour, at once":                {ago(0), ago(0), limits{stamped: content.At(now.Add(time.Hour))}, time.Hour},
		"read half an hour later":         {ago(30 * time.Minute), ago(30 * time.Minute), limits{stamped: content.At(now.Add(30 * time.Minute))}, 30 * time.Minute},
		"read too late":                   {ago(2 * time.Hour), ago(2 * time.Hour), limits{stamped: content.At(ago(time.Hour))}, -time.Hour},
		"the server says it is old":       {ago(0), ago(90 * time.Minute), limits{stamped: content.At(now.Add(time.Hour))}, time.Hour},
		"the server says it is to come":   {ago(0), now.Add(99 * time.Hour), limits{stamped: content.At(now.Add(time.Hour))}, time.Hour},
		"the sender's clock is ahead":     {now.Add(48 * time.Hour), ago(0), limits{stamped: content.At(now.Add(49 * time.Hour))}, time.Hour},
		"the sender's clock is behind":    {ago(48 * time.Hour), ago(0), limits{stamped: content.At(ago(47 * time.Hour))}, time.Hour},
		"it waited at the sender's":       {ago(5 * time.Hour), ago(0), limits{stamped: content.At(ago(4 * time.Hour))}, time.Hour},
		"after reading":                   {ago(5 * time.Hour), ago(5 * time.Hour), limits{stamped: content.After(time.Hour)}, time.Hour},
		"gone before it was written":      {ago(0), ago(0), limits{stamped: content.At(ago(time.Hour))}, MinExpiry},
		"in 1970":                         {ago(0), ago(0), limits{stamped: content.Expiry{Seconds: 1}}, MinExpiry},
		"in 2106":                         {ago(0), ago(0), limits{stamped: content.Expiry{Seconds: 1<<32 - 1}}, time.Unix(1<<32-1, 0).Sub(now)},
		"the room's":                      {ago(0), ago(0), limits{room: hour}, time.Hour},
		"the room's, read late":           {ago(2 * time.Hour), ago(2 * time.Hour), limits{room: hour}, -time.Hour},
		"longer than the room's":          {ago(0), ago(0), limits{stamped: content.At(now.Add(99 * time.Hour)), room: hour}, time.Hour},
		"shorter than the room's":         {ago(0), ago(0), limits{stamped: content.At(now.Add(time.Minute)), room: hour}, time.Minute},
		"of the past":                     {ago(99 * time.Hour), ago(99 * time.Hour), limits{left: 60}, time.Minute},
		"of the past, older than allowed": {ago(99 * time.Hour), ago(99 * time.Hour), limits{left: 60, room: hour}, -98 * time.Hour},
	} {
		rec := entryRecord{Form: Text, Time: c.entered.UnixMilli(), ID: chat.NewMessageID(c.written), limits: c.limits}
		due, life := rec.due(now.UnixMilli())
		got := time.Duration(due-now.UnixMilli()) * time.Millisecond
		if due == 0 {
			got = 0
		}
		if got != c.want || (due == 0) != (life == 0) {
			t.Errorf("%s: in %v (life %d s), not %v", name, got, life, c.want)
		}
	}
}
