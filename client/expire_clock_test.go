package client

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"huisclos/chat"
	"huisclos/content"
	"huisclos/mls"
	"huisclos/seal"
)

// offline runs a test on a client without a network, in a bubble of its own time.
func offline(t *testing.T, f func(c *Client, vault *Memory)) {
	synctest.Test(t, func(t *testing.T) {
		vault := NewMemory()
		c, err := Open(Config{
			Vault: vault, Address: "127.0.0.1:1", Server: chat.Fingerprint{1}, Name: "alice", Backoff: 1000 * time.Hour, MaxBackoff: 1000 * time.Hour,
			Dial: func(context.Context, string, chat.Fingerprint) (Link, error) { return nil, errors.New("no network") },
		})
		if err != nil {
			t.Fatal(err)
		}
		f(c, vault)
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// in runs f in the engine, and waits until what it has done is kept.
func in(t *testing.T, c *Client, f func(e *engine, r *room)) {
	t.Helper()
	_, err := do(context.Background(), c, func(e *engine) (none, error) {
		r, err := e.room(chat.Lobby)
		if err == nil {
			f(e, r)
		}
		return none{}, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func countText(t *testing.T, vault *Memory, text string) (n int) {
	t.Helper()
	err := vault.View(func(r Reader) error {
		for _, table := range Tables() {
			err := r.Scan(table, nil, nil, false, func(_, value []byte) (bool, error) {
				n += bytes.Count(value, []byte(text))
				return true, nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func after(d time.Duration) content.Expiry { return content.At(time.Now().Add(d)) }

// A message goes when its hour is over, not before; so does an edit that waits for its original.
func TestTheHourIsOver(t *testing.T) {
	offline(t, func(c *Client, vault *Memory) {
		in(t, c, func(e *engine, r *room) {
			now := time.Now()
			e.keep(r, 1, &entryRecord{Form: Text, Time: now.UnixMilli(), ID: chat.NewMessageID(now), Account: chat.AccountID{2}, Text: "swordfish", limits: limits{stamped: after(time.Hour)}})
			e.keep(r, 2, &entryRecord{Form: Text, What: Edited, Ref: chat.MessageID{7}, Time: now.UnixMilli(), ID: chat.NewMessageID(now), Account: chat.AccountID{2}, Text: "swordfish", limits: limits{stamped: after(time.Hour)}})
			e.keep(r, 3, &entryRecord{Form: Text, Time: now.UnixMilli(), ID: chat.NewMessageID(now), Account: chat.AccountID{2}, Text: "stays"})
		})
		if n := countText(t, vault, "swordfish"); n != 3 { // the edit waits in a table of its own too
			t.Errorf("kept %d times", n)
		}
		<-time.After(59 * time.Minute)
		synctest.Wait()
		if n := countText(t, vault, "swordfish"); n != 3 {
			t.Errorf("kept %d times after 59 minutes", n)
		}
		<-time.After(2 * time.Minute)
		synctest.Wait()
		if n := countText(t, vault, "swordfish"); n != 0 {
			t.Errorf("kept %d times after an hour", n)
		}
		if countText(t, vault, "stays") != 1 {
			t.Error("another one has gone too")
		}
		in(t, c, func(e *engine, _ *room) {
			n := 0
			for _, table := range []Table{TableExpiry, TableLate} {
				if err := e.vault.View(func(v Reader) error {
					return v.Scan(table, nil, nil, false, func(_, _ []byte) (bool, error) { n++; return true, nil })
				}); err != nil {
					t.Error(err)
				}
			}
			if n != 0 {
				t.Errorf("%d records are left", n)
			}
		})
	})
}

// More than one turn looks at.
func TestManyExpireAtOnce(t *testing.T) {
	offline(t, func(c *Client, vault *Memory) {
		const many = 2*expiryBatch + 10
		in(t, c, func(e *engine, r *room) {
			now := time.Now()
			for n := range chat.Seq(many) {
				e.keep(r, n+1, &entryRecord{Form: Text, Time: now.UnixMilli(), ID: chat.NewMessageID(now), Text: "swordfish", limits: limits{room: 10}})
			}
		})
		<-time.After(11 * time.Second)
		synctest.Wait()
		if n := countText(t, vault, "swordfish"); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}

// What waits to be sent beyond its time isn't sent, and doesn't stay.
func TestUnsentExpires(t *testing.T) {
	offline(t, func(c *Client, vault *Memory) {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		events, err := c.Events(ctx)
		if err != nil {
			t.Fatal(err)
		}
		id, err := c.Post(ctx, chat.Lobby, Draft{Text: "swordfish", Expires: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Post(ctx, chat.Lobby, Draft{Text: "waits"}); err != nil {
			t.Fatal(err)
		}
		<-time.After(9 * time.Second)
		synctest.Wait()
		if countText(t, vault, "swordfish") == 0 {
			t.Error("it has gone already")
		}
		<-time.After(2 * time.Second)
		for e := range events {
			if failed, ok := e.(SendFailed); ok {
				if failed.ID != id || failed.Err.Code != chat.CodeExpired {
					t.Errorf("%+v", failed)
				}
				break
			}
		}
		synctest.Wait()
		if countText(t, vault, "swordfish") != 0 || countText(t, vault, "waits") == 0 {
			t.Error("the wrong one is left")
		}
		stop()
	})
}

// A clock that is set back begins the count anew; one that is ahead of the server's waits for that, but not for ever.
func TestWrongClocks(t *testing.T) {
	offline(t, func(c *Client, vault *Memory) {
		in(t, c, func(e *engine, r *room) {
			later := time.Now().Add(1000 * time.Hour) // as it was read before the clock was set back
			rec := entryRecord{Form: Text, ID: chat.NewMessageID(later), Text: "swordfish", Life: 3600, Read: later.UnixMilli(), Due: later.UnixMilli() + 3_600_000}
			e.keep(r, 1, &rec)
			e.put(TableExpiry, expiryKey(rec.Due, r.id, 1), &expiryRecord{Life: rec.Life, Read: rec.Read})
			e.expiry.last = later.UnixMilli()
			e.expiry.timer.Reset(0)
		})
		<-time.After(59 * time.Minute)
		synctest.Wait()
		if countText(t, vault, "swordfish") != 1 {
			t.Error("it has gone too early")
		}
		<-time.After(2 * time.Minute)
		synctest.Wait()
		if countText(t, vault, "swordfish") != 0 {
			t.Error("it stays as long as the clock was wrong")
		}
		in(t, c, func(e *engine, r *room) {
			now := time.Now()
			e.keep(r, 2, &entryRecord{Form: Text, Time: now.UnixMilli(), ID: chat.NewMessageID(now), Text: "pike", limits: limits{room: 3600}})
		})
		sweep := func(skew time.Duration, at time.Duration) int {
			in(t, c, func(e *engine, r *room) {
				e.session = &session{skew: skew}
				_, err := e.sweepEntries(time.Now().Add(at).UnixMilli())
				e.session = nil
				if err != nil {
					t.Error(err)
				}
			})
			return countText(t, vault, "pike")
		}
		if sweep(-30*time.Minute, 61*time.Minute) != 1 {
			t.Error("it goes while the server says that it isn't time")
		}
		if sweep(30*time.Minute, 59*time.Minute) != 1 {
			t.Error("a server whose clock is ahead has it go early")
		}
		if sweep(-1000*time.Hour, 121*time.Minute) != 0 {
			t.Error("a server that lies keeps it")
		}
	})
}

// In large rooms, and in groups that aren't proven, there are no reports; and nobody's are taken who doesn't send them.
func TestWhereReportsAre(t *testing.T) {
	offline(t, func(c *Client, _ *Memory) {
		in(t, c, func(e *engine, _ *room) {
			r := newRoom(chat.RoomID{1}, "team")
			p := r.private()
			for i := range mostReporting {
				p.devices[chat.AccountID{byte(i + 1)}] = 1
			}
			if e.reporting(r) {
				t.Error("off, and without a group")
			}
			p.g = new(mls.Group)
			if e.reporting(r) {
				t.Error("off")
			}
			if e.self.Reports = true; !e.reporting(r) {
				t.Error("on, and there are none")
			}
			if r.rec.Private.Unproven = true; e.reporting(r) {
				t.Error("to a group that may not be the room's")
			}
			r.rec.Private.Unproven = false
			if p.devices[chat.AccountID{99}] = 1; e.reporting(r) {
				t.Error("in a large room")
			}
			if r.small() {
				t.Error("signs of typing in a large room")
			}
			lobby, err := e.room(chat.Lobby)
			if err != nil || e.reporting(lobby) {
				t.Error("in a key room")
			}
		})
	})
}

// What is remembered of signs of typing is bounded, and no flood makes an old one new.
func TestSignsOfManyDevices(t *testing.T) {
	const now = int64(1_700_000_000_000)
	var s typists
	sign := func(n int, at int64) bool {
		return s.newer(seal.Typing{Device: chat.DeviceID{byte(n), byte(n >> 8)}, Time: at, On: true}, now)
	}
	for n := range maxTypists {
		if !sign(n, now) || sign(n, now) || sign(n, now-1) || !sign(n, now+1) {
			t.Fatalf("device %d", n)
		}
	}
	if sign(maxTypists, now) || len(s.last) != maxTypists {
		t.Errorf("%d devices", len(s.last))
	}
	if sign(3, now) || !sign(3, now+2) {
		t.Error("a known one isn't judged as before")
	}
	s.last[chat.DeviceID{5}] = now - typingNear.Milliseconds() - 1 // can't come again
	if !sign(maxTypists, now) {
		t.Error("there is room, and it isn't used")
	}
}
