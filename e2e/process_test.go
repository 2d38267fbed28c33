package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"

	"huisclos/line/vttest"
)

// processes is the key of a script's background processes.
type processes struct{}

// patience bounds every wait of a script.
const patience = 30 * time.Second

// process is a program in the background of a script.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	screen *vttest.Screen // of a terminal; nil for pipes

	mu   sync.Mutex // guards what follows
	out  bytes.Buffer
	all  []byte        // of both outputs
	more chan struct{} // closed and made anew when something came

	ended chan struct{} // closed at the end of the process
	code  int           // then
}

// start begins a program with pipes.
func start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, more: make(chan struct{}), ended: make(chan struct{})}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.in = in
	cmd.Stdout = writer(func(b []byte) { p.gather(b, true) })
	cmd.Stderr = writer(func(b []byte) { p.gather(b, false) })
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go p.wait(nil)
	return p, nil
}

// startTerminal begins a program on a pseudo-terminal.
func startTerminal(cmd *exec.Cmd, columns, rows int) (*process, error) {
	p := &process{cmd: cmd, more: make(chan struct{}), ended: make(chan struct{}), screen: vttest.NewScreen(columns, rows)}
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)}) //nolint:gosec // small
	if err != nil {
		return nil, err
	}
	p.in = f
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		buffer := make([]byte, 4096)
		for {
			n, err := f.Read(buffer)
			p.gather(buffer[:n], true)
			if err != nil {
				return
			}
		}
	}()
	go p.wait(drained)
	return p, nil
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }

func (p *process) gather(b []byte, out bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if out {
		p.out.Write(b)
	}
	p.all = append(p.all, b...)
	if p.screen != nil {
		_, _ = p.screen.Write(b)
	}
	close(p.more)
	p.more = make(chan struct{})
}

// wait waits for the end, and until all that was said is read: a terminal keeps it for a while.
func (p *process) wait(drained <-chan struct{}) {
	err := p.cmd.Wait()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		p.code = exit.ExitCode()
	case err != nil:
		p.code = -1
	}
	if drained != nil {
		<-drained
	}
	close(p.ended)
}

// shows reports what a person would see: the screen of a terminal, or everything that was printed.
func (p *process) shows() string {
	if p.screen != nil {
		return strings.Join(p.screen.Rows(), "\n")
	}
	return string(p.all)
}

// until waits for a text to appear.
func (p *process) until(pattern *regexp.Regexp) (match []string, err error) {
	timeout := time.After(patience)
	for {
		p.mu.Lock()
		text, more := p.shows(), p.more
		p.mu.Unlock()
		if m := pattern.FindStringSubmatch(text); m != nil {
			return m, nil
		}
		select {
		case <-more:
		case <-p.ended:
			p.mu.Lock()
			m := pattern.FindStringSubmatch(p.shows())
			p.mu.Unlock()
			if m != nil {
				return m, nil
			}
			return nil, fmt.Errorf("ended with %d without %q; it showed:\n%s", p.code, pattern, text)
		case <-timeout:
			return nil, fmt.Errorf("no %q; it shows:\n%s", pattern, text)
		}
	}
}

// finish waits for the end.
func (p *process) finish() (code int, err error) {
	select {
	case <-p.ended:
		return p.code, nil
	case <-time.After(patience):
		p.mu.Lock()
		defer p.mu.Unlock()
		return 0, fmt.Errorf("doesn't end; it shows:\n%s", p.shows())
	}
}

func (p *process) signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// end kills what is left at the end of a script.
func (p *process) end() {
	_ = p.signal(syscall.SIGKILL)
	<-p.ended
	_ = p.in.Close()
}

// rings waits until the terminal has rung n times, and returns how often it has.
func (p *process) rings(n int) (int, error) {
	timeout := time.After(patience)
	for {
		p.mu.Lock()
		rung, more := 0, p.more
		if p.screen != nil {
			rung = p.screen.Bells
		}
		p.mu.Unlock()
		if rung >= n {
			return rung, nil
		}
		select {
		case <-more:
		case <-p.ended:
			return rung, nil
		case <-timeout:
			return rung, fmt.Errorf("it has rung %d times, not %d", rung, n)
		}
	}
}
