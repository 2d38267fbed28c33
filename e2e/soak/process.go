package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a device's, as the coordinator sees it.
type process struct {
	name string // the person's, and the device's number after a slash
	o    order

	mu      sync.Mutex // guards what follows
	cmd     *exec.Cmd
	in      io.WriteCloser
	number  int
	waiting map[int]chan string
	exited  chan struct{}
	revoked bool
	note    func(line string)
}

// slow is what is told: everything waits for a change, and a message, for a moment at most.
const slow = 20 * time.Second

var errAway = errors.New("away")

// start starts the process.
func (p *process) start(self string) error {
	arg, err := json.Marshal(p.o)
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "member", string(arg)) //nolint:gosec // ourselves
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	p.mu.Lock()
	p.cmd, p.in, p.waiting, p.exited = cmd, in, make(map[int]chan string), exited
	p.mu.Unlock()
	go p.listen(cmd, out, exited)
	return nil
}

// listen takes what the process says, until it ends.
func (p *process) listen(cmd *exec.Cmd, out io.Reader, exited chan struct{}) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		first, rest, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.Atoi(first)
		if err != nil {
			p.note(lines.Text())
			continue
		}
		p.mu.Lock()
		answer := p.waiting[n]
		delete(p.waiting, n)
		p.mu.Unlock()
		if answer != nil {
			answer <- rest
		}
	}
	_ = cmd.Wait()
	p.mu.Lock()
	for _, answer := range p.waiting {
		answer <- "gone"
	}
	p.waiting = nil
	p.in = nil
	p.mu.Unlock()
	close(exited)
}

// ask has the process do something and waits for its answer: "ok", or a code with its text; "gone" when it was killed meanwhile.
func (p *process) ask(ctx context.Context, words ...string) (string, error) {
	p.mu.Lock()
	if p.in == nil {
		p.mu.Unlock()
		return "", errAway
	}
	p.number++
	answer := make(chan string, 1)
	p.waiting[p.number] = answer
	_, err := fmt.Fprintf(p.in, "%d %s\n", p.number, strings.Join(words, " "))
	p.mu.Unlock()
	if err != nil {
		return "", errAway
	}
	begun := time.Now()
	defer func() {
		if took := time.Since(begun); took > slow {
			fmt.Printf("%s took %.0f s for %v\n", p.name, took.Seconds(), words)
		}
	}()
	stuck := time.After(stacksAfter)
	for {
		select {
		case a := <-answer:
			if a == "gone" {
				return "", errAway
			}
			return a, nil
		case <-stuck:
			p.stacks()
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// stacksAfter is how long a call waits until the process is asked, under HUISCLOS_DEBUG, where it stands.
const stacksAfter = time.Minute

// stacks has the process print its goroutines, which ends it.
func (p *process) stacks() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if os.Getenv("HUISCLOS_DEBUG") != "" && p.in != nil {
		fmt.Printf("%s is stuck\n", p.name)
		_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	}
}

// end ends the process, by quit or by kill -9, and waits for it.
func (p *process) end(kill bool) {
	p.mu.Lock()
	cmd, in, exited := p.cmd, p.in, p.exited
	p.mu.Unlock()
	if cmd == nil {
		return
	}
	if kill || in == nil {
		_ = cmd.Process.Kill()
	} else {
		_, _ = fmt.Fprintln(in, "0 quit")
	}
	select {
	case <-exited:
	case <-time.After(10 * time.Second):
		_ = cmd.Process.Kill()
		<-exited
	}
}
