package mls

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The npm package ts-mls as a counterpart: testdata/tsmls/peer.mjs answers, with the packages of the lock file beside it. They are
// installed once, outside of the tree.

// requirePeer, set to 1, makes a missing counterpart a failure: the full run of ./test sets it. 0 doesn't look for one.
const requirePeer = "HUISCLOS_REQUIRE_TSMLS"

// peer is the node program.
type peer struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

// answer of peer.mjs; which fields are set depends on what was asked.
type answer struct {
	Error         string   `json:"error"`
	Message       hexBytes `json:"message"`
	Welcome       hexBytes `json:"welcome"`
	Data          hexBytes `json:"data"`
	Authenticator hexBytes `json:"authenticator"`
	TreeHash      hexBytes `json:"treeHash"`
	Epoch         uint64   `json:"epoch"`
	Own           uint32   `json:"own"`
	Removed       bool     `json:"removed"`
}

func missingPeer(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv(requirePeer) == "1" {
		t.Fatalf("ts-mls is required ("+requirePeer+"=1): "+format, args...)
	}
	t.Skipf("NOT TESTED against ts-mls: "+format, args...)
}

func startPeer(t *testing.T) *peer {
	t.Helper()
	modules := installPeer(t)
	dir := t.TempDir()
	program := must(os.ReadFile(filepath.Join("testdata", "tsmls", "peer.mjs")))(t)
	if err := os.WriteFile(filepath.Join(dir, "peer.mjs"), program, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		missingPeer(t, "%v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	cmd := exec.CommandContext(ctx, "node", "--no-warnings", "peer.mjs")
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in := must(cmd.StdinPipe())(t)
	out := must(cmd.StdoutPipe())(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the peer: %v\n%s", err, stderr.Bytes())
		}
		cancel()
	})
	return &peer{t: t, in: in, out: bufio.NewReader(out)}
}

// try asks, and leaves an error in the answer.
func (p *peer) try(who, op string, args map[string]any) answer {
	p.t.Helper()
	question := map[string]any{"who": who, "op": op}
	for k, v := range args {
		question[k] = v
	}
	if _, err := p.in.Write(append(must(json.Marshal(question))(p.t), '\n')); err != nil {
		p.t.Fatal(err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		p.t.Fatalf("the peer is gone: %v", err)
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		p.t.Fatalf("%v: %s", err, line)
	}
	return a
}

func (p *peer) ask(who, op string, args map[string]any) answer {
	p.t.Helper()
	a := p.try(who, op, args)
	if a.Error != "" {
		p.t.Fatalf("ts-mls, %s, %s: %s", who, op, a.Error)
	}
	return a
}

// installPeer gives the folder of the packages, and installs them when nobody has.
func installPeer(t *testing.T) string {
	t.Helper()
	if os.Getenv(requirePeer) == "0" {
		t.Skip("NOT TESTED against ts-mls: " + requirePeer + "=0")
	}
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			missingPeer(t, "%s is missing", program)
		}
	}
	var major int
	version := must(exec.Command("node", "--version").Output())(t)
	if _, err := fmt.Sscanf(string(version), "v%d", &major); err != nil || major < 18 {
		missingPeer(t, "node %s is too old: 18 or newer", bytes.TrimSpace(version))
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	cache = filepath.Join(cache, "huisclos-test")
	h := sha256.New()
	files := map[string][]byte{}
	for _, name := range []string{"package.json", "package-lock.json"} {
		files[name] = must(os.ReadFile(filepath.Join("testdata", "tsmls", name)))(t)
		h.Write(files[name])
	}
	final := filepath.Join(cache, "tsmls-"+hex.EncodeToString(h.Sum(nil)[:8]))
	modules := filepath.Join(final, "node_modules")
	if _, err := os.Stat(modules); err == nil {
		return modules
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		missingPeer(t, "%v", err)
	}
	work := must(os.MkdirTemp(cache, "installing-"))(t)
	defer os.RemoveAll(work)
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(work, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = work
	if out, err := cmd.CombinedOutput(); err != nil {
		missingPeer(t, "npm ci: %v\n%s", err, strings.TrimSpace(string(out)))
	}
	if err := os.Rename(work, final); err != nil {
		if _, gone := os.Stat(modules); gone != nil { // nobody else was faster
			t.Fatal(err)
		}
	}
	return modules
}
