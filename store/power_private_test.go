package store_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/store"
	"huisclos/wire"
)

var den = chat.RoomID{2}

// A power cut leaves of each Commit all that goes with it, or nothing.
func TestPowerCutOfCommits(t *testing.T) {
	d, s, m := begin(t, "power-commits", store.Options{})
	const most = 120
	ctx, now := t.Context(), time.Now()
	if _, err := s.CreateRoom(ctx, hub.NewRoom{ID: den, Kind: chat.PrivateRoom, Creator: m.Account, At: now}, 10); err != nil {
		t.Fatal(err)
	}
	for i := range most {
		name := fmt.Sprint("guest", i)
		_, err := s.Enrol(ctx, hub.Enrolment{Account: guest(i), Device: chat.DeviceID(guest(i)), Name: name, Folded: name, Skeleton: name, Certificate: []byte{1}, Generation: 1, At: now})
		if err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	acked := 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.Room, m.Kind = den, chat.Commit
		for i := range most {
			m.ID, m.Envelope, m.Base = chat.NewMessageID(time.Now()), fmt.Appendf(nil, "commit %d", i), chat.Seq(i) //nolint:gosec // small
			m.Change = &hub.Change{
				Add: []chat.AccountID{guest(i)}, Welcomes: []wire.DeviceWelcome{{Device: chat.DeviceID(guest(i)), Welcome: make([]byte, 5000)}},
				Info: fmt.Append(nil, i), Tree: make([]byte, 3000), Rules: &wire.RoomRules{Slow: uint32(i + 1), Muted: []chat.AccountID{guest(i)}}, //nolint:gosec // small
			}
			out, err := s.Append(ctx, []hub.Submission{m})
			if err != nil || out[0].Err != nil {
				t.Errorf("%v, %+v", err, out)
				return
			}
			mu.Lock()
			acked = i + 1
			mu.Unlock()
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(time.Duration(rand.IntN(8)) * time.Millisecond):
		}
		mu.Lock()
		least := acked
		mu.Unlock()
		dir := t.TempDir()
		d.cut(t, dir)
		checkCommits(t, dir, least, most)
	}
}

func guest(i int) chat.AccountID { return chat.AccountID{9, byte(i)} }

// checkCommits opens what a cut has left.
func checkCommits(t *testing.T, dir string, least, most int) {
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatalf("the folder doesn't open: %v", err)
	}
	defer s.Close()
	ctx := t.Context()
	state, err := s.State(ctx, den)
	if err != nil {
		t.Fatal(err)
	}
	n := int(state.LastCommit) //nolint:gosec // small
	roster, err := s.Roster(ctx, den)
	if err != nil || n < least || len(roster) != n+1 || state.Seq != state.LastCommit || n > 0 && (string(state.Info) != fmt.Sprint(n-1) || len(state.Tree) != 3000) {
		t.Fatalf("%d acknowledged, %d Commits, %d on the roster, state %d %q, %v", least, n, len(roster), state.Seq, state.Info, err)
	}
	_, rules, err := s.Rules(ctx, den)
	if err != nil || n > 0 && (int(rules.Slow) != n || len(rules.Muted) != 1 || rules.Muted[0] != guest(n-1)) {
		t.Fatalf("%d Commits, rules %+v, %v", n, rules, err)
	}
	for i := range most {
		list, err := s.Invitations(ctx, chat.DeviceID(guest(i)), 1<<20)
		if err != nil || (len(list) == 1) != (i < n) {
			t.Fatalf("%d Commits, %d Welcomes for guest %d, %v", n, len(list), i, err)
		}
	}
}
