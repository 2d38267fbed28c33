package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"

	"huisclos/chat"
	"huisclos/hub"
	"huisclos/store"
	"huisclos/wire"
)

// disk is a VFS over the system's files that remembers what was synced. A power cut may keep or lose any write since then.
type disk struct {
	vfs.VFS
	mu    sync.Mutex // guards what follows
	files map[string]*content
	full  bool // writes find no room
}

// content is what a file holds for certain, and what it may hold.
type content struct {
	synced  []byte
	pending []change
}

// change is a write, or a truncation.
type change struct {
	off      int64
	data     []byte
	truncate bool
}

func (c change) apply(b []byte) []byte {
	if c.truncate {
		if int64(len(b)) > c.off {
			return b[:c.off]
		}
		return b
	}
	if end := c.off + int64(len(c.data)); int64(len(b)) < end {
		b = append(b, make([]byte, end-int64(len(b)))...)
	}
	copy(b[c.off:], c.data)
	return b
}

func newDisk(name string) *disk {
	d := &disk{VFS: vfs.Find(""), files: map[string]*content{}}
	vfs.Register(name, d)
	return d
}

// Open implements vfs.VFS: temporary files have no name, and no power cut matters to them.
func (d *disk) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	return vfsutil.WrapOpen(d.VFS, name, flags)
}

// OpenFilename implements vfs.VFSFilename.
func (d *disk) OpenFilename(named *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := vfsutil.WrapOpenFilename(d.VFS, named, flags)
	name := named.String()
	if err != nil || name == "" {
		return f, flags, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[name] == nil {
		b, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, flags, err
		}
		d.files[name] = &content{synced: b}
	}
	return &file{File: f, disk: d, content: d.files[name]}, flags, nil
}

// Delete implements vfs.VFS.
func (d *disk) Delete(name string, syncDir bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.files, name)
	return d.VFS.Delete(name, syncDir)
}

type file struct {
	vfs.File
	disk    *disk
	content *content
}

// SharedMemory is what WAL needs; it is lost in a power cut, as it should be.
func (f *file) SharedMemory() vfs.SharedMemory {
	return f.File.(vfs.FileSharedMemory).SharedMemory()
}

// WriteAt implements vfs.File.
func (f *file) WriteAt(b []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.full {
		return 0, sqlite3.FULL
	}
	f.content.pending = append(f.content.pending, change{off: off, data: append([]byte(nil), b...)})
	return f.File.WriteAt(b, off)
}

// Truncate implements vfs.File.
func (f *file) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.content.pending = append(f.content.pending, change{off: size, truncate: true})
	return f.File.Truncate(size)
}

// Sync implements vfs.File.
func (f *file) Sync(flags vfs.SyncFlag) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	for _, c := range f.content.pending {
		f.content.synced = c.apply(f.content.synced)
	}
	f.content.pending = nil
	return f.File.Sync(flags)
}

// cut writes what a power cut at this moment leaves into another folder.
func (d *disk) cut(t *testing.T, to string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, c := range d.files {
		b := append([]byte(nil), c.synced...)
		for _, change := range c.pending {
			if rand.IntN(2) == 0 {
				b = change.apply(b)
			}
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(name)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// writer appends until it is stopped, and remembers what was acknowledged.
type writer struct {
	mu    sync.Mutex // guards acked
	acked map[chat.Seq]string
}

func (w *writer) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.acked)
}

var lobby = chat.RoomID{1}

// begin makes a store on a disk, and somebody who writes.
func begin(t *testing.T, name string, o store.Options) (*disk, *store.SQLite, hub.Submission) {
	d := newDisk(name)
	o.VFS = name
	s, err := store.Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
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
	return d, s, hub.Submission{Room: lobby, Account: chat.AccountID{1}, Device: chat.DeviceID{1}, Session: l.Session, Kind: chat.Content, At: now}
}

func (w *writer) write(ctx context.Context, t *testing.T, s *store.SQLite, m hub.Submission) {
	for i := 0; ctx.Err() == nil; i++ {
		m.ID, m.Envelope = chat.NewMessageID(time.Now()), fmt.Appendf(nil, "%d %0300d", i, i)
		out, err := s.Append(context.Background(), []hub.Submission{m})
		if err != nil {
			t.Error(err)
			return
		}
		w.mu.Lock()
		w.acked[out[0].Seq] = string(m.Envelope)
		w.mu.Unlock()
	}
}

// lost opens what a cut has left, and counts the acknowledged messages that aren't there.
func lost(t *testing.T, dir string, acked map[chat.Seq]string) (missing int) {
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Logf("the folder doesn't open: %v", err)
		return len(acked)
	}
	defer s.Close()
	var hash [32]byte
	next := chat.Seq(0)
	for {
		page, err := s.Entries(t.Context(), lobby, next, 1000, 1<<20)
		if err != nil {
			t.Logf("the log doesn't read: %v", err)
			return len(acked)
		}
		if len(page.Entries) == 0 {
			return len(acked)
		}
		for _, e := range page.Entries {
			if hash = wire.Chain(hash, e.Seq, wire.HashEnvelope(e.Envelope)); e.Seq != next+1 {
				t.Errorf("%d follows %d", e.Seq, next)
			}
			next = e.Seq
			if want, ok := acked[e.Seq]; ok && want == string(e.Envelope) {
				delete(acked, e.Seq)
			}
		}
	}
}

// cuts makes power cuts while somebody writes, and returns how many acknowledged messages they lost.
func cuts(t *testing.T, name string, o store.Options, n int) (missing int) {
	d, s, m := begin(t, name, o)
	w := &writer{acked: map[chat.Seq]string{}}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { w.write(ctx, t, s, m) })
	for i := range n {
		for w.count() < (i+1)*7+rand.IntN(20) && !t.Failed() {
			select { // let it write
			case <-time.After(time.Millisecond):
			case <-ctx.Done():
			}
		}
		w.mu.Lock()
		acked := map[chat.Seq]string{}
		for k, v := range w.acked {
			acked[k] = v
		}
		w.mu.Unlock()
		dir := t.TempDir()
		d.cut(t, dir)
		missing += lost(t, dir, acked)
	}
	stop()
	wg.Wait()
	return missing
}

func TestPowerCut(t *testing.T) {
	if n := cuts(t, "power", store.Options{}, 40); n > 0 {
		t.Errorf("%d acknowledged messages were lost", n)
	}
}

// The same cuts without the syncs lose messages: the test above can fail.
func TestPowerCutWithoutSync(t *testing.T) {
	if n := cuts(t, "power-unsafe", store.Options{Unsafe: true}, 10); n == 0 {
		t.Error("nothing was lost without a sync: these cuts cut nothing")
	}
}

// A full disk refuses and keeps; with room again it goes on.
func TestFullDisk(t *testing.T) {
	d, s, m := begin(t, "full", store.Options{})
	send := func(text string) error {
		m.ID, m.Envelope = chat.NewMessageID(time.Now()), []byte(text)
		out, err := s.Append(t.Context(), []hub.Submission{m})
		if err == nil && out[0].Err != nil {
			err = out[0].Err
		}
		return err
	}
	if err := send("before"); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	d.full = true
	d.mu.Unlock()
	for range 3 {
		if err := send("lost"); !errors.Is(err, chat.CodeDiskFull) {
			t.Errorf("%v", err)
		}
	}
	if err := s.Check(t.Context()); !errors.Is(err, chat.CodeDiskFull) {
		t.Errorf("health: %v", err)
	}
	d.mu.Lock()
	d.full = false
	d.mu.Unlock()
	if err := send("after"); err != nil {
		t.Fatal(err)
	}
	page, err := s.Entries(t.Context(), lobby, 0, 10, 1000)
	if err != nil || len(page.Entries) != 2 || string(page.Entries[1].Envelope) != "after" {
		t.Errorf("%+v, %v", page, err)
	}
}
