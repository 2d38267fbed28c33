package client

import (
	"testing"
	"time"

	"huisclos/chat"
)

// Edits that name each other, or themselves, are about nothing: what answers one, or is a reaction at it, neither.
func TestEditsInACircle(t *testing.T) {
	offline(t, func(c *Client, _ *Memory) {
		in(t, c, func(e *engine, r *room) {
			x, y, z, good := chat.MessageID{1}, chat.MessageID{2}, chat.MessageID{3}, chat.MessageID{4}
			member := chat.AccountID{2}
			n := chat.Seq(0)
			keep := func(rec entryRecord) chat.Seq {
				n++
				rec.Form, rec.Account, rec.Time = Text, member, time.Now().UnixMilli()
				e.keep(r, n, &rec)
				return n
			}
			keep(entryRecord{ID: x, What: Edited, Ref: y, Text: "x"})
			keep(entryRecord{ID: y, What: Edited, Ref: x, Text: "y"})
			keep(entryRecord{ID: z, What: Edited, Ref: z, Text: "z"})
			keep(entryRecord{ID: good, Text: "good"})
			edit := keep(entryRecord{ID: chat.MessageID{5}, What: Edited, Ref: good, Text: "better"})
			for i, id := range []chat.MessageID{x, y, z} {
				keep(entryRecord{ID: chat.MessageID{6, byte(i)}, What: Reacted, Ref: id, Text: "👍"})
				b := e.book()
				q, err := b.quote(r.id, id)
				if err != nil || q.Seq != 0 || q.Text != "" {
					t.Errorf("%v is quoted as %+v, %v", id, q, err)
				}
			}
			keep(entryRecord{ID: chat.MessageID{7}, What: Reacted, Ref: chat.MessageID{5}, Text: "👍"})
			b := e.book()
			q, err := b.quote(r.id, chat.MessageID{5})
			if err != nil || q.Seq != edit-1 || q.Text != "better" {
				t.Errorf("an edit is quoted as %+v, %v", q, err)
			}
			var rec entryRecord
			if _, err := e.get(TableHistory, entryKey(r.id, edit-1), &rec); err != nil || len(rec.Reactions) != 1 {
				t.Errorf("a reaction at an edit: %+v, %v", rec.Reactions, err)
			}
		})
	})
}
