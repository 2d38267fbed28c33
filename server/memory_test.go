package server_test

import (
	"bufio"
	"crypto/ed25519"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/conn"
)

// BenchmarkIdleConnection measures what one authenticated connection that has entered the lobby and says nothing costs the server in
// resident memory: the server is a process of its own, and its size is read from /proc with none and with 5,000 of them.
//
//	go test ./server -run XXX -bench IdleConnection -benchtime 1x
//
// HUISCLOS_HEAP=FILE keeps a profile of the server's heap.
func BenchmarkIdleConnection(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("reads /proc")
	}
	for range b.N {
		measure(b, 5000)
	}
}

func measure(b *testing.B, most int) {
	b.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	cmd := exec.Command(os.Args[0], "-test.run=^TestServerProcess$")
	cmd.Env = append(os.Environ(), "HUISCLOS_TEST_SERVER=1", "HUISCLOS_TEST_DATA="+b.TempDir(), "GOGC=50")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = in.Close(); _ = cmd.Wait() }()
	lines := bufio.NewScanner(out)
	ask := func(what string) string {
		if what != "" {
			_, _ = io.WriteString(in, what+"\n")
		}
		lines.Scan()
		return lines.Text()
	}
	first := strings.Fields(ask(""))
	started := time.Since(begin)
	pin, err := chat.ParseFingerprint(first[1])
	if err != nil {
		b.Fatal(err)
	}
	w := &world{address: first[0], pin: pin, key: key}
	rss := func() float64 { ask("settle"); return resident(b, cmd.Process.Pid) }
	warm, err := w.loginAt(w.address, newPerson("warm"), key, conn.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer warm.Close()
	before := rss()
	links := fill(b, w, most)
	now := resident(b, cmd.Process.Pid)
	settled := rss()
	if path := os.Getenv("HUISCLOS_HEAP"); path != "" {
		ask("heap " + path)
	}
	b.ReportMetric((now-before)/1024/float64(most), "KiB/conn-as-it-stands")
	b.ReportMetric((settled-before)/1024/float64(most), "KiB/conn-settled")
	b.ReportMetric(before/(1<<20), "MiB-empty")
	b.ReportMetric(float64(started.Microseconds())/1000, "ms-to-listen")
	for _, l := range links {
		_ = l.Close()
	}
}

// fill logs in n devices, some at a time.
func fill(b *testing.B, w *world, n int) []*connected {
	links := make([]*connected, n)
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			for i := worker; i < n; i += 16 {
				c, err := w.loginAt(w.address, newPerson(fmt.Sprintf("m%05dx", i)), w.key, conn.Config{})
				if err != nil {
					b.Error(err)
					return
				}
				c.enter(b)
				links[i] = c
			}
		})
	}
	wg.Wait()
	return links
}

// resident is the size of a process in bytes.
func resident(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm"))
	if err != nil {
		b.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		b.Fatal(err)
	}
	return float64(pages * os.Getpagesize())
}

// TestServerProcess is the other process of BenchmarkIdleConnection.
func TestServerProcess(t *testing.T) {
	if os.Getenv("HUISCLOS_TEST_SERVER") == "" {
		t.Skip("the server of a benchmark")
	}
	w := newWhole(t, os.Getenv("HUISCLOS_TEST_DATA"))
	fmt.Println(w.address, w.pin)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		what, arg, _ := strings.Cut(lines.Text(), " ")
		switch what {
		case "settle":
			debug.FreeOSMemory()
		case "heap":
			f, err := os.Create(arg)
			if err != nil {
				t.Fatal(err)
			}
			runtime.GC()
			_ = pprof.Lookup("heap").WriteTo(f, 0)
			_ = f.Close()
		}
		fmt.Println("done")
	}
	os.Exit(0)
}
