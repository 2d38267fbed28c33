package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/conn"
	"huisclos/keys"
)

// testServer is the real program, for tests in Go.
type testServer struct {
	*process
	addr string
	link keys.Link // of the first start; the zero Link when the server didn't know its key
}

// serveForTest starts a server and ends it with the test.
func serveForTest(t *testing.T, args ...string) *testServer {
	t.Helper()
	cmd := exec.Command(filepath.Join(binaries, "huisclos"), append([]string{"serve", "--print-key", "--no-lan", "--admin-socket", "none"}, args...)...)
	cmd.Env = append(os.Environ(), "LANG=C", "LC_ALL=C", "HOME="+t.TempDir())
	p, err := start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.end)
	m, err := p.until(regexp.MustCompile(`(?m)^listening (\S+)$`))
	if err != nil {
		t.Fatal(err)
	}
	s := &testServer{process: p, addr: m[1]}
	p.mu.Lock()
	link := regexp.MustCompile(`(?m)^link (\S+)$`).FindStringSubmatch(p.out.String())
	p.mu.Unlock()
	if link != nil {
		if s.link, err = keys.ParseLink(link[1]); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// kill is kill -9.
func (s *testServer) kill(t *testing.T) {
	t.Helper()
	if err := s.signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, err := s.finish(); err != nil {
		t.Fatal(err)
	}
}

// person opens a client with a profile in memory.
func person(t *testing.T, link keys.Link, address, name string) *client.Client {
	t.Helper()
	c, err := client.Open(client.Config{
		Vault: client.NewMemory(), Address: address, Server: link.Key.Server(), Key: link.Key.Reveal(), Name: name, Software: "e2e",
		Dial: func(ctx context.Context, address string, server chat.Fingerprint) (client.Link, error) {
			l, err := conn.Dial(ctx, address, server, conn.Config{})
			if err != nil {
				return nil, err
			}
			return l, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}
