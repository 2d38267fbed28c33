package config

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestHomeIsWhatTheEnvironmentSays(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HUISCLOS_HOME", dir)
	if got, err := Home(); err != nil || got != dir {
		t.Fatalf("%q, %v; want %q", got, err, dir)
	}
	if runtime.GOOS != "linux" {
		return
	}
	t.Setenv("HUISCLOS_HOME", "")
	t.Setenv("XDG_DATA_HOME", dir)
	if got, _ := Home(); got != filepath.Join(dir, "huisclos") {
		t.Fatalf("with XDG_DATA_HOME: %q", got)
	}
	t.Setenv("XDG_DATA_HOME", "relative/is/ignored")
	t.Setenv("HOME", dir)
	if got, _ := Home(); got != filepath.Join(dir, ".local", "share", "huisclos") {
		t.Fatalf("without either: %q", got)
	}
	t.Setenv("HOME", "")
	if got, err := Home(); err == nil {
		t.Fatalf("with no home folder at all: %q, want an error", got)
	}
}

// A socket's path has about a hundred bytes: a data folder with a longer name still gets one, always the same.
func TestTheSocketOfADeepFolderHasAShortPath(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/1000")
	short, err := DataSocket("/var/lib/huisclos")
	if err != nil || short != filepath.FromSlash("/var/lib/huisclos/admin.sock") && runtime.GOOS != "windows" {
		t.Fatalf("%q, %v", short, err)
	}
	deep := "/" + strings.Repeat("deep/", 40)
	a, err := DataSocket(deep)
	if err != nil || len(a) > maxSocketPath {
		t.Fatalf("%d bytes: %q, %v", len(a), a, err)
	}
	if b, _ := DataSocket(deep + "/x"); a == b {
		t.Fatal("two folders share one socket")
	}
	if b, _ := DataSocket(filepath.Join(deep, ".")); a != b {
		t.Fatal("one folder has two sockets")
	}
}

func TestRuntimeDirIsTheUsersOwn(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "")
	if dir := RuntimeDir(); !strings.HasPrefix(dir, os.TempDir()) || dir == filepath.Join(os.TempDir(), "huisclos-") {
		t.Fatalf("%q", dir)
	}
	if PortSocket(1) == PortSocket(2) {
		t.Fatal("two servers in memory share one socket")
	}
}

func TestLanguageOrder(t *testing.T) {
	for _, name := range []string{"HUISCLOS_LANG", "LC_ALL", "LC_MESSAGES", "LANG"} {
		t.Setenv(name, "")
	}
	if got := Language(""); got != "" {
		t.Fatalf("nobody says anything: %q", got)
	}
	for _, step := range []struct{ name, value string }{{"LANG", "de"}, {"LC_MESSAGES", "es"}, {"LC_ALL", "it"}, {"HUISCLOS_LANG", "fr"}} {
		t.Setenv(step.name, step.value)
		if got := Language(""); got != step.value {
			t.Fatalf("%s=%s: %q", step.name, step.value, got)
		}
	}
	if got := Language("en"); got != "en" {
		t.Fatalf("--lang en: %q", got)
	}
}

func TestSizesAndAges(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "12": 12, "64KiB": 64 << 10, "64K": 64 << 10, "1.5 GiB": 3 << 29, "20MB": 20e6, "7B": 7,
	} {
		var z Size
		if err := z.Set(text); err != nil || z != want {
			t.Errorf("size %q: %d, %v; want %d", text, z, err, want)
		}
	}
	for _, text := range []string{"", "KiB", "-1", "1e99", "NaN", "12XB", "9999999TiB", "+Inf"} {
		var z Size
		if err := z.Set(text); err == nil {
			t.Errorf("size %q read as %d", text, z)
		}
	}
	for text, want := range map[string]time.Duration{
		"0": 0, "12h": 12 * time.Hour, "30d": 720 * time.Hour, "1w1d1h": 193 * time.Hour, "90s": 90 * time.Second,
	} {
		var a Age
		if err := a.Set(text); err != nil || time.Duration(a) != want {
			t.Errorf("age %q: %v, %v; want %v", text, time.Duration(a), err, want)
		}
	}
	for _, text := range []string{"", " ", "12", "d", "1h2d", "-1d", "-1h", "99999999999999w", "1d-2h"} {
		var a Age
		if err := a.Set(text); err == nil {
			t.Errorf("age %q read as %v", text, time.Duration(a))
		}
	}
}
