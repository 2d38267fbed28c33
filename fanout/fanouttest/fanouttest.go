// Package fanouttest is the conformance suite of hub.Bus.
package fanouttest

import (
	"sync"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/hub"
)

// patience bounds the wait for a wake-up that must come.
const patience = 10 * time.Second

// Run tests a Bus. open makes one with a life of its own.
func Run(t *testing.T, open func(t *testing.T) hub.Bus) {
	t.Run("the newest head of every room is heard", func(t *testing.T) { heard(t, open(t)) })
	t.Run("one at a time", func(t *testing.T) { oneAtATime(t, open(t)) })
	t.Run("publishing doesn't wait", func(t *testing.T) { doesNotWait(t, open(t)) })
	t.Run("nothing after Close", func(t *testing.T) { nothingAfterClose(t, open(t)) })
}

// listener remembers the highest head of each room.
type listener struct {
	mu    sync.Mutex // guards heads
	heads map[chat.RoomID]chat.Seq
	more  chan struct{}
}

func listen(b hub.Bus) *listener {
	l := &listener{heads: map[chat.RoomID]chat.Seq{}, more: make(chan struct{}, 1)}
	b.Subscribe(func(w hub.Wakeup) {
		l.mu.Lock()
		l.heads[w.Room] = max(l.heads[w.Room], w.Head)
		l.mu.Unlock()
		select {
		case l.more <- struct{}{}:
		default:
		}
	})
	return l
}

func (l *listener) await(t *testing.T, room chat.RoomID, head chat.Seq) {
	t.Helper()
	timeout := time.After(patience)
	for {
		l.mu.Lock()
		got := l.heads[room]
		l.mu.Unlock()
		if got == head {
			return
		}
		if got > head {
			t.Fatalf("room %s: head %d was never published", room, got)
		}
		select {
		case <-l.more:
		case <-timeout:
			t.Fatalf("room %s: heard of %d, not of %d", room, got, head)
		}
	}
}

func heard(t *testing.T, b hub.Bus) {
	l := listen(b)
	var wg sync.WaitGroup
	const rooms, heads = 20, 50
	for i := range byte(rooms) {
		wg.Go(func() {
			for n := range chat.Seq(heads) {
				b.Publish(hub.Wakeup{Room: chat.RoomID{i}, Head: n + 1})
			}
		})
	}
	wg.Wait()
	for i := range byte(rooms) {
		l.await(t, chat.RoomID{i}, heads)
	}
	b.Publish(hub.Wakeup{Room: chat.RoomID{1}, Head: heads + 1}) // again, after silence
	l.await(t, chat.RoomID{1}, heads+1)
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func oneAtATime(t *testing.T, b hub.Bus) {
	var mu sync.Mutex
	done := make(chan struct{})
	b.Subscribe(func(w hub.Wakeup) {
		if !mu.TryLock() {
			t.Error("two calls at the same time")
			return
		}
		defer mu.Unlock()
		if w.Room == (chat.RoomID{255}) {
			close(done)
		}
	})
	for i := range byte(255) {
		b.Publish(hub.Wakeup{Room: chat.RoomID{i}, Head: 1})
	}
	b.Publish(hub.Wakeup{Room: chat.RoomID{255}, Head: 1})
	select {
	case <-done:
	case <-time.After(patience):
		t.Error("the last room's wake-up is missing")
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func doesNotWait(t *testing.T, b hub.Bus) {
	release, entered := make(chan struct{}), make(chan struct{}, 1)
	b.Subscribe(func(hub.Wakeup) {
		select {
		case entered <- struct{}{}:
		default:
		}
		<-release
	})
	b.Publish(hub.Wakeup{Room: chat.RoomID{1}, Head: 1})
	<-entered
	published := make(chan struct{})
	go func() {
		defer close(published)
		for n := range chat.Seq(10_000) {
			b.Publish(hub.Wakeup{Room: chat.RoomID{byte(n)}, Head: n + 2})
		}
	}()
	select {
	case <-published:
	case <-time.After(patience):
		t.Error("Publish waits for the subscriber")
	}
	close(release)
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func nothingAfterClose(t *testing.T, b hub.Bus) {
	var mu sync.Mutex
	closed := false
	b.Subscribe(func(hub.Wakeup) {
		mu.Lock()
		defer mu.Unlock()
		if closed {
			t.Error("called after Close")
		}
	})
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := range chat.Seq(1000) {
			b.Publish(hub.Wakeup{Room: chat.RoomID{byte(n)}, Head: n + 1})
		}
	})
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	mu.Lock()
	closed = true
	mu.Unlock()
	wg.Wait()
	b.Publish(hub.Wakeup{Room: chat.RoomID{1}, Head: 1})
}
