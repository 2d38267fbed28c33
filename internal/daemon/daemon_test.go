package daemon

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/spf13/pflag"

	"huisclos/access"
	"huisclos/admin"
	"huisclos/chat"
	"huisclos/internal/config"
)

// settingsFor is a server on the loopback with data in dir, or in memory.
func settingsFor(dir string) *config.Server {
	s := config.DefaultServer()
	s.Listen, s.LAN, s.Data, s.AdminSocket = "127.0.0.1:0", false, dir, config.NoSocket
	return &s
}

func start(t *testing.T, s *config.Server) *Daemon {
	t.Helper()
	d, err := Start(t.Context(), Options{Config: s, Software: "test/1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Shutdown(context.Background()) })
	return d
}

func stop(t *testing.T, d *Daemon) {
	t.Helper()
	if err := d.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A restart is the same server; a backup that was put back says so, and only then.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	first := start(t, settingsFor(dir))
	server, incarnation := first.Fingerprint(), first.store.Incarnation()
	stop(t, first)
	again := start(t, settingsFor(dir))
	if again.Fingerprint() != server || again.store.Incarnation() != incarnation {
		t.Error("a restart made another server")
	}
	stop(t, again)
	s := settingsFor(dir)
	s.Restored = true
	restored := start(t, s)
	if restored.Fingerprint() != server {
		t.Error("--restored made another server")
	}
	if restored.store.Incarnation() == incarnation {
		t.Error("clients can't notice that a backup was put back")
	}
}

// A start that fails says why and leaves nothing open.
func TestStartFails(t *testing.T) {
	dir := t.TempDir()
	running := start(t, settingsFor(dir))
	if _, err := Start(t.Context(), Options{Config: settingsFor(dir)}); !errors.Is(err, chat.CodeDataInUse) {
		t.Errorf("a second server on the folder: %v", err)
	}
	s := settingsFor("")
	s.Listen = running.Addr().String()
	if _, err := Start(t.Context(), Options{Config: s}); !errors.Is(err, chat.CodePortInUse) {
		t.Errorf("a second server on the port: %v", err)
	}
	s = settingsFor("")
	s.AccessPublic = "hcp1nonsense"
	if _, err := Start(t.Context(), Options{Config: s}); err == nil {
		t.Error("nonsense was taken for a key")
	}
	other := access.NewIdentity().Fingerprint()
	s.AccessPublic = access.FormatAccess(access.Public{Server: other, Generation: 1, Access: [32]byte{1}})
	if _, err := Start(t.Context(), Options{Config: s}); !errors.Is(err, chat.CodeIdentity) {
		t.Errorf("the key of another server: %v", err)
	}
	if _, err := net.Dial("tcp", running.Addr().String()); err != nil {
		t.Errorf("the running server was disturbed: %v", err)
	}
}

// A reload takes over what may change, names what waits for a restart, and does nothing at all with a file that has an error.
func TestReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.toml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("[limits]\nrate = 10\n")
	t.Setenv("HUISCLOS_CONFIG", path)
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	s := config.BindServer(fs)
	if err := fs.Parse([]string{"--listen", "127.0.0.1:0", "--no-lan", "--admin-socket", config.NoSocket}); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(fs); err != nil {
		t.Fatal(err)
	}
	d := start(t, s)
	reload := func() (*admin.Reloaded, error) {
		r, err := d.Desk("test").Do(t.Context(), admin.Request{Verb: admin.VerbReload})
		if err != nil {
			return nil, err
		}
		return r.(*admin.Reloaded), nil
	}
	write("domain = \"chat.example\"\n[limits]\nrate = 20\n[retention]\nage = \"1d\"\n")
	r, err := reload()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.Changed, []string{"limits.rate", "retention.age"}) || !slices.Equal(r.Restart, []string{"domain"}) {
		t.Errorf("changed %v, waits %v", r.Changed, r.Restart)
	}
	write("[limits]\nrate = 30\nrates = 1\n")
	if _, err := reload(); !errors.Is(err, chat.CodeConfig) {
		t.Errorf("an unknown setting: %v", err)
	}
	if got := d.options.Config.Limits.Rate; got != 20 {
		t.Errorf("a file with an error changed the rate to %d", got)
	}
}

// Links lead to an address that others can reach.
func TestHosts(t *testing.T) {
	at := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 7540} }
	if got := Hosts("chat.example", at("0.0.0.0")); !slices.Equal(got, []string{"chat.example:7540"}) {
		t.Errorf("with a domain: %v", got)
	}
	if got := Hosts("", at("192.0.2.7")); !slices.Equal(got, []string{"192.0.2.7:7540"}) {
		t.Errorf("on one address: %v", got)
	}
	everywhere := Hosts("", at("::"))
	if last := everywhere[len(everywhere)-1]; last != "127.0.0.1:7540" {
		t.Errorf("this machine comes last: %v", everywhere)
	}
	for _, a := range everywhere[:len(everywhere)-1] {
		if host, _, err := net.SplitHostPort(a); err != nil || net.ParseIP(host).IsLoopback() || net.ParseIP(host).IsUnspecified() {
			t.Errorf("nobody else reaches %s", a)
		}
	}
}
