package client

import (
	"slices"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/content"
	"huisclos/mls"
	"huisclos/wire"
)

// What counts of what members report: on messages of ours, from when they were there, and never less than before.
func TestWhichReportsCount(t *testing.T) {
	offline(t, func(c *Client, _ *Memory) {
		var r *room
		bob, carol := chat.AccountID{2}, chat.AccountID{3}
		early, others, late := chat.MessageID{11}, chat.MessageID{12}, chat.MessageID{13}
		in(t, c, func(e *engine, _ *room) {
			r = newRoom(chat.RoomID{1}, "team")
			p := r.private()
			p.g, p.devices = new(mls.Group), map[chat.AccountID]int{e.id.account(): 1, bob: 1, carol: 1}
			e.self.Reports = true
			now := time.Now().UnixMilli()
			e.keep(r, 2, &entryRecord{Form: Text, Account: e.id.account(), ID: early, Time: now, Text: "early"})
			e.keep(r, 6, &entryRecord{Form: Text, Account: carol, ID: others, Time: now, Text: "carol's"})
			e.keep(r, 4, &entryRecord{Form: Changed, Account: carol, Added: []chat.AccountID{bob}, Time: now})
			e.keep(r, 5, &entryRecord{Form: Text, Account: e.id.account(), ID: late, Time: now, Text: "late"})
		})
		says := func(n chat.Seq, by chat.AccountID, all ...content.Status) {
			t.Helper()
			body, err := content.Report(all...).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			in(t, c, func(e *engine, _ *room) {
				v := &verdict{env: &wire.Envelope{Account: by}, rec: entryRecord{Time: int64(n)}}
				e.takeReport(r, n, v, body)
				e.takeReport(r, n, v, []byte("noise"))
			})
		}
		want := func(why string, n chat.Seq, want ...reportRecord) {
			t.Helper()
			in(t, c, func(e *engine, _ *room) {
				var rec entryRecord
				if _, err := e.get(TableHistory, entryKey(r.id, n), &rec); err != nil || !slices.Equal(rec.Reports, want) {
					t.Errorf("%s: %+v, %v", why, rec.Reports, err)
				}
			})
		}
		says(10, bob, content.Status{ID: early, State: content.Read}, content.Status{ID: late, State: content.Delivered})
		want("before he came", 2)
		want("since", 5, reportRecord{Account: bob, State: content.Delivered, Time: 10})
		says(11, bob, content.Status{ID: late, State: content.Read})
		want("more", 5, reportRecord{Account: bob, State: content.Read, Time: 11})
		says(12, bob, content.Status{ID: late, State: content.Delivered})
		says(13, bob, content.Status{ID: late, State: content.Read})
		want("less, and the same", 5, reportRecord{Account: bob, State: content.Read, Time: 11})
		says(14, carol, content.Status{ID: early, State: content.Failed}, content.Status{ID: chat.MessageID{99}, State: content.Read})
		want("another state", 2)
		says(1, carol, content.Status{ID: early, State: content.Read})
		want("before it was written", 2)
		says(15, bob, content.Status{ID: others, State: content.Read})
		want("on another's", 6)
		in(t, c, func(e *engine, _ *room) { carol = e.id.account() })
		says(16, carol, content.Status{ID: late, State: content.Read})
		want("our own", 5, reportRecord{Account: bob, State: content.Read, Time: 11})
		for i := range maxReported + 5 {
			says(20, chat.AccountID{100, byte(i)}, content.Status{ID: early, State: content.Read})
		}
		in(t, c, func(e *engine, _ *room) {
			var rec entryRecord
			if _, err := e.get(TableHistory, entryKey(r.id, 2), &rec); err != nil || len(rec.Reports) != maxReported {
				t.Errorf("%d reports are kept, %v", len(rec.Reports), err)
			}
			// What is to be told only grows, and not without end.
			e.report(r, early, content.Read)
			e.report(r, early, content.Delivered)
			if r.priv.reports[early] != content.Read {
				t.Error("what was read has only come")
			}
			for i := range content.MaxStatuses + 5 {
				e.report(r, chat.MessageID{200, byte(i), byte(i >> 8)}, content.Delivered)
			}
			if len(r.priv.reports) != content.MaxStatuses {
				t.Errorf("%d are to be told", len(r.priv.reports))
			}
		})
	})
}

// Mentions that a member tells of the past fit their text, or there are none.
func TestMentionsThatFit(t *testing.T) {
	who := chat.AccountID{1}
	at := func(places ...uint32) (all []mentionRecord) {
		for i := 0; i < len(places); i += 2 {
			all = append(all, mentionRecord{Start: places[i], End: places[i+1], Account: who})
		}
		return all
	}
	many := at()
	for i := range uint32(content.MaxMentions + 1) {
		many = append(many, at(i, i+1)...)
	}
	long := string(make([]byte, 100))
	for name, c := range map[string]struct {
		text string
		all  []mentionRecord
		good bool
	}{
		"none": {"é", nil, true}, "two": {"@é @a", at(0, 3, 4, 6), true}, "64": {long, many[:content.MaxMentions], true},
		"65": {long, many, false}, "beyond": {"abc", at(2, 4), false}, "empty": {"abc", at(1, 1), false}, "backwards": {"abc", at(2, 1), false},
		"overlapping": {"abc", at(0, 2, 1, 3), false}, "out of order": {"abc", at(2, 3, 0, 1), false}, "within a character": {"é", at(0, 1), false},
		"of nobody": {"abc", []mentionRecord{{Start: 0, End: 1}}, false}, "far beyond": {"abc", at(0, 1<<32-1), false},
	} {
		if validMentions(c.text, c.all) != c.good {
			t.Errorf("%s: %v", name, !c.good)
		}
	}
}
