package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/store"
)

// member makes a store's key, lobby and one member, and returns a message of his.
func member(t *testing.T, s *store.SQLite) hub.Submission {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	if err := s.Rotate(ctx, hub.Generation{Number: 1, At: now}, false, hub.Audit{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateRoom(ctx, hub.NewRoom{ID: lobby, Name: "lobby", Kind: chat.KeyRoom, At: now}, 10); err != nil {
		t.Fatal(err)
	}
	l, err := s.Enrol(ctx, hub.Enrolment{Account: chat.AccountID{1}, Device: chat.DeviceID{1}, Certificate: []byte{1}, Name: "a", Folded: "a", Skeleton: "a", Generation: 1, At: now})
	if err != nil {
		t.Fatal(err)
	}
	return hub.Submission{Room: lobby, Account: chat.AccountID{1}, Device: chat.DeviceID{1}, Session: l.Session, Kind: chat.Content, At: now}
}

func login(t *testing.T, s *store.SQLite, at time.Time) uint64 {
	t.Helper()
	l, err := s.OpenSession(t.Context(), chat.AccountID{1}, chat.DeviceID{1}, "a", 0, at)
	if err != nil {
		t.Fatal(err)
	}
	return l.Session
}

func send(t *testing.T, s *store.SQLite, m hub.Submission, session uint64) error {
	t.Helper()
	m.ID, m.Session, m.Envelope = chat.NewMessageID(time.Now()), session, []byte("text")
	out, err := s.Append(t.Context(), []hub.Submission{m})
	if err == nil && out[0].Err != nil {
		err = out[0].Err
	}
	return err
}

// After a process that was killed no number is given again, and no session of its time goes on.
func TestSessionsAfterAKill(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	s := open(t, dir)
	m := member(t, s)
	for range 3 {
		m.Session = login(t, s, time.Now())
	}
	if err := send(t, s, m, m.Session); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"huisclos.db", "huisclos.db-wal"} { // what a kill leaves
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(copied, name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	again := open(t, copied)
	for old := m.Session - 3; old <= m.Session; old++ {
		if err := send(t, again, m, old); !errors.Is(err, chat.CodeSuperseded) {
			t.Errorf("session %d: %v", old, err)
		}
	}
	if next := login(t, again, time.Now()); next <= m.Session {
		t.Errorf("%d after %d", next, m.Session)
	} else if err := send(t, again, m, next); err != nil {
		t.Error(err)
	}
}

// A session that only memory knows is seen by those who look, and is kept by the end of the store.
func TestSessionsAreWritten(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	member(t, s)
	at := time.Now().Add(time.Hour)
	session := login(t, s, at)
	for range 2 {
		people, err := s.AllPeople(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if d := people[0].Devices[0]; d.Session != session || d.LastLogin.UnixMilli() != at.UnixMilli() {
			t.Errorf("%+v", d)
		}
		_ = s.Close()
		s = open(t, dir)
	}
}

// A login waits for what its device's earlier session is storing: after it, nothing more of that comes.
func TestLoginAfterWhatIsUnderWay(t *testing.T) {
	s := open(t, t.TempDir())
	m := member(t, s)
	for range 50 {
		session := login(t, s, time.Now())
		var wg sync.WaitGroup
		stored := make(chan struct{}, 4)
		for range 4 {
			wg.Go(func() {
				for k := range 20 {
					if send(t, s, m, session) != nil {
						return
					}
					if k == 0 {
						stored <- struct{}{}
					}
				}
			})
		}
		<-stored // the others are under way
		login(t, s, time.Now())
		before, err := s.Rooms(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		after, err := s.Rooms(t.Context())
		if err != nil || after[0].Head != before[0].Head {
			t.Fatalf("%d, then %d, %v", before[0].Head, after[0].Head, err)
		}
	}
}

// A kick that couldn't be stored ends nothing.
func TestKickOnAFullDisk(t *testing.T) {
	d, s, m := begin(t, "kick-full", store.Options{})
	session := login(t, s, time.Now())
	d.mu.Lock()
	d.full = true
	d.mu.Unlock()
	if err := s.EndSessions(t.Context(), m.Account, hub.Audit{Actor: "test", Action: "kick", At: time.Now()}); err == nil {
		t.Error("it was stored")
	}
	d.mu.Lock()
	d.full = false
	d.mu.Unlock()
	if err := send(t, s, m, session); err != nil {
		t.Error(err)
	}
	if err := s.EndSessions(t.Context(), m.Account, hub.Audit{Actor: "test", Action: "kick", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := send(t, s, m, session); !errors.Is(err, chat.CodeSuperseded) {
		t.Error(err)
	}
}
