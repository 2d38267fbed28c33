package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server under measurement, on a core of its own.
type process struct {
	cmd     *exec.Cmd
	in      *os.File
	lines   map[string]string // first words of the lines it printed
	started time.Duration     // until it listened
	dead    chan error
}

// pinSelf starts this program anew on the last core, so that the server has the first to itself.
func (r *run) pinSelf() error {
	path, err := exec.LookPath("taskset")
	if err != nil || runtime.NumCPU() < 2 && os.Getenv("HUISCLOS_BENCH_PINNED") == "" {
		fmt.Fprintln(os.Stderr, "bench: no taskset or one core only: server and load share their cores, the figures are rough")
		return nil //nolint:nilerr // it goes on without
	}
	r.pin = true
	if os.Getenv("HUISCLOS_BENCH_PINNED") != "" {
		return nil
	}
	args := append([]string{"taskset", "-c", strconv.Itoa(runtime.NumCPU() - 1), r.self}, os.Args[1:]...)
	args = append(args, "-binary", r.binary)
	env := append(os.Environ(), "HUISCLOS_BENCH_PINNED=1")
	cmd := exec.Command(path, args[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return err
	}
	os.RemoveAll(r.dir)
	os.Exit(0)
	return nil
}

// spawn starts a program on the first core and reads what it prints, "WORD VALUE" a line, until it listens.
func (r *run) spawn(path string, args ...string) (*process, error) {
	if r.pin {
		args = append([]string{"-c", "0", path}, args...)
		path = "taskset"
	}
	p := &process{cmd: exec.Command(path, args...), lines: map[string]string{}, dead: make(chan error, 1)}
	p.cmd.Stderr = os.Stderr
	p.cmd.Env = append(os.Environ(), "HUISCLOS_BENCH_PINNED=", "LANG=C")
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.cmd.Stdin, p.in, err = os.Pipe(); err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	scan := bufio.NewScanner(out)
	for scan.Scan() {
		word, value, _ := strings.Cut(scan.Text(), " ")
		if p.lines[word] = value; word == "listening" {
			p.started = time.Since(begin)
		}
		if word == "link" || word == "listening" && !strings.Contains(strings.Join(args, " "), "--print-key") {
			break
		}
	}
	if p.lines["listening"] == "" {
		_ = p.cmd.Wait()
		return nil, fmt.Errorf("%s didn't start", filepath.Base(path))
	}
	go func() {
		for scan.Scan() { //nolint:revive // keeps the pipe empty
		}
		p.dead <- p.cmd.Wait()
	}()
	return p, nil
}

// stop ends it and waits.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.dead:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.dead
	}
	_ = p.in.Close()
}

// cpu is the CPU time that the process has used.
func (p *process) cpu() time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux
	return time.Duration(user+system) * tick
}

// writes is the number of system calls that have written.
func (p *process) writes() int64 { return p.field("io", "syscw:") }

// rss is the resident memory in bytes.
func (p *process) rss() int64 { return p.field("status", "VmRSS:") << 10 }

func (p *process) field(file, name string) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, file))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n
		}
	}
	return 0
}

// huisclos starts a server with nothing in the load's way. durable keeps its data on disk.
func (r *run) huisclos(durable bool) (*process, error) {
	args := []string{"serve", "--listen", "127.0.0.1:0", "--print-key", "--no-lan", "--admin-socket", "none", "--rate", "0", "--max-connections", "20000"}
	if durable {
		dir, err := os.MkdirTemp(r.dir, "data")
		if err != nil {
			return nil, err
		}
		args = append(args, "--data", dir)
	}
	return r.spawn(r.binary, args...)
}

// settle waits until a process has nothing left to do.
func settle(ctx context.Context, p *process) {
	quiet, last := 0, p.cpu()
	for quiet < 5 && ctx.Err() == nil {
		time.Sleep(100 * time.Millisecond)
		now := p.cpu()
		if now-last <= 10*time.Millisecond {
			quiet++
		} else {
			quiet = 0
		}
		last = now
	}
}
