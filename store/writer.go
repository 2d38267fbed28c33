package store

import (
	"context"
	"errors"
	"slices"
	"sync"

	"huisclos/chat"
)

// writer is the one goroutine that writes. What waits while a transaction commits goes into the next one: the group commit.
type writer struct {
	path   string
	unsafe bool // Options.Unsafe
	lazy   bool // the connection's state; of the writer's goroutine
	known  *sessions
	jobs   chan job
	over   chan struct{} // closed when the writer has ended
	mu     sync.RWMutex  // held for reading by do while it hands over, for writing by close
	shut   bool          // guarded by mu
	err    error         // of closing; to be read after over
}

// job is one change, or in memory one look. f runs in the writer's goroutine.
type job struct {
	read   bool
	lazy   bool // it need not survive a power cut by itself; what is durable after it makes it so
	people bool // it changes who may log in
	f      func(*conn) error
	done   chan error // holds one
}

// groupJobs bounds how many changes share a commit.
const groupJobs = 256

func newWriter(c *conn, path string, unsafe bool, known *sessions) *writer {
	w := &writer{path: path, unsafe: unsafe, known: known, jobs: make(chan job, groupJobs), over: make(chan struct{})}
	go w.run(c)
	return w
}

// do hands a job over and waits for its end. Once the writer has it, ctx doesn't matter any more: what is
// written is reported.
func (w *writer) do(ctx context.Context, j job) error {
	j.done = make(chan error, 1)
	w.mu.RLock()
	if w.shut {
		w.mu.RUnlock()
		return errClosed()
	}
	select {
	case w.jobs <- j:
		w.mu.RUnlock()
	case <-ctx.Done():
		w.mu.RUnlock()
		return chat.Errorf(chat.CodeStorage).Because(ctx.Err())
	}
	return databaseError(w.path, <-j.done)
}

func (w *writer) close() error {
	w.mu.Lock()
	if !w.shut {
		w.shut = true
		close(w.jobs)
	}
	w.mu.Unlock()
	<-w.over
	return w.err
}

func (w *writer) run(c *conn) {
	defer close(w.over)
	for j := range w.jobs {
		group := []job{j}
	gather:
		for len(group) < groupJobs {
			select {
			case next, ok := <-w.jobs:
				if !ok {
					break gather
				}
				group = append(group, next)
			default:
				break gather
			}
		}
		w.group(c, group)
	}
	w.err = databaseError(w.path, c.close())
}

// group does the reads, then the changes in one transaction, each in a savepoint so that the failure of one undoes that one
// alone, and answers when all of it is durable.
func (w *writer) group(c *conn, group []job) {
	changes := group[:0]
	for _, j := range group {
		if j.read {
			j.done <- j.f(c)
			continue
		}
		changes = append(changes, j)
	}
	if len(changes) == 0 {
		return
	}
	results := make([]error, len(changes))
	err := w.sync(c, !slices.ContainsFunc(changes, func(j job) bool { return !j.lazy }))
	if err == nil {
		err = c.exec("BEGIN IMMEDIATE")
	}
	if err == nil {
		for i, j := range changes {
			results[i] = w.one(c, j, len(changes) > 1)
		}
		err = w.commit(c, results)
	}
	if slices.ContainsFunc(changes, func(j job) bool { return j.people }) {
		w.known.forget()
	}
	for i, j := range changes {
		if results[i] == nil {
			results[i] = err
		}
		j.done <- results[i]
	}
	w.known.ended()
}

// sync sets how the next commit is made: lazily, the write-ahead log isn't forced to the disk.
func (w *writer) sync(c *conn, lazy bool) error {
	if lazy == w.lazy || w.unsafe {
		return nil
	}
	mode := "PRAGMA synchronous = FULL"
	if lazy {
		mode = "PRAGMA synchronous = NORMAL"
	}
	w.lazy = lazy
	return c.exec(mode)
}

// one runs a job. Alone in its transaction it needs no savepoint: commit undoes all of it.
func (w *writer) one(c *conn, j job, savepoint bool) error {
	if c.GetAutocommit() {
		return errUndone // an earlier job's failure has ended the transaction
	}
	if !savepoint {
		return j.f(c)
	}
	if err := c.exec("SAVEPOINT job"); err != nil {
		return err
	}
	err := j.f(c)
	if err != nil && !c.GetAutocommit() {
		err = errors.Join(err, c.exec("ROLLBACK TO job"))
	}
	if !c.GetAutocommit() {
		err = errors.Join(err, c.exec("RELEASE job"))
	}
	return err
}

var errUndone = errors.New("store: the transaction was undone")

// commit makes the group durable, or undoes it.
func (w *writer) commit(c *conn, results []error) error {
	if c.GetAutocommit() {
		return errUndone
	}
	good := false
	for _, err := range results {
		good = good || err == nil
	}
	var err error
	if good {
		err = c.exec("COMMIT")
	}
	if !c.GetAutocommit() {
		err = errors.Join(err, c.exec("ROLLBACK"))
	}
	return err
}
