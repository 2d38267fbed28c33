package e2e

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"huisclos/chat"
	"huisclos/discover"
)

// binaries is the folder of the programs under test, built once for all scripts.
var binaries string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "huisclos-e2e")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binaries = dir
		for _, program := range []string{"./cmd/huisclos", "./cmd/huisclosd", "./e2e/mallory", "./e2e/hostile", "./e2e/soak"} {
			build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), program)
			build.Dir = ".."
			build.Stdout, build.Stderr = os.Stderr, os.Stderr
			if err := build.Run(); err != nil {
				fmt.Fprintln(os.Stderr, "building", program, err)
				return 1
			}
		}
		return m.Run()
	}())
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Cmds:                commands(),
		Condition:           condition,
	})
}

// setup gives each script its own home, and no keyring.
func setup(env *testscript.Env) error {
	env.Setenv("PATH", binaries+string(filepath.ListSeparator)+os.Getenv("PATH"))
	for name, value := range map[string]string{
		"HOME": env.WorkDir, "HUISCLOS_HOME": filepath.Join(env.WorkDir, "profiles"), "HUISCLOS_KEYRING": "off",
		"XDG_RUNTIME_DIR": filepath.Join(env.WorkDir, "run"), "LANG": "C.UTF-8", "LC_ALL": "", "TERM": "xterm-256color",
		"HUISCLOS_NO_LAN": "true",
	} {
		env.Setenv(name, value)
	}
	env.Values[processes{}] = map[string]*process{}
	env.Defer(func() {
		for _, p := range env.Values[processes{}].(map[string]*process) {
			p.end()
		}
	})
	return nil
}

// condition: [root] and [tmpfs] for scripts that mount a small disk, [multicast] for those that search the local network.
func condition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Getuid() == 0, nil
	case "tmpfs":
		return canMount(), nil
	case "multicast":
		return canMulticast(), nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

// canMulticast reports whether multicast goes around on this machine.
func canMulticast() bool {
	var want chat.Fingerprint
	_, _ = rand.Read(want[:])
	a, err := discover.Announce(discover.Options{}, discover.Service{Server: want, Port: 1})
	if err != nil {
		return false
	}
	defer a.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	found := false
	discover.Find(ctx, discover.Options{}, func(c discover.Candidate) bool {
		found = found || c.Server == want
		return !found
	})
	return found
}

// canMount reports whether this process may mount a tmpfs.
func canMount() bool {
	dir, err := os.MkdirTemp("", "mount")
	if err != nil {
		return false
	}
	defer os.RemoveAll(dir)
	if exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", dir).Run() != nil {
		return false
	}
	return exec.Command("umount", dir).Run() == nil
}
