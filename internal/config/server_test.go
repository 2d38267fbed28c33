package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"

	"huisclos/chat"
)

// load parses args as the program would, with the environment of the test.
func load(t *testing.T, args ...string) (*Server, error) {
	t.Helper()
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	fs.String("lang", "", "a flag of the program, not of the server")
	s := BindServer(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return s, s.Load(fs)
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var hidden = cmpopts.IgnoreUnexported(Server{})

func TestNothingSaidGivesTheDefaults(t *testing.T) {
	s, err := load(t)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(DefaultServer(), *s, hidden); diff != "" {
		t.Fatal(diff)
	}
	if err := s.check(); err != nil {
		t.Fatal("the defaults don't pass their own check:", err)
	}
}

func TestFlagBeatsEnvironmentBeatsFileBeatsDefault(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "c.toml"), `
listen = ":1111"
log_level = "warn"
lan = false
[limits]
rate = 3
burst = 4
message = "32KiB"
[retention]
age = "30d"
size = "1GiB"
[retention.rooms.secret]
age = "1d"
`)
	t.Setenv("HUISCLOS_LISTEN", ":2222")
	t.Setenv("HUISCLOS_RATE", "5")
	t.Setenv("HUISCLOS_CONFIG", file)
	s, err := load(t, "--listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	want := DefaultServer()
	want.Listen = "127.0.0.1:0"
	want.LAN = false
	want.LogLevel = 4
	want.Limits.Rate, want.Limits.Burst, want.Limits.Message = 5, 4, 32<<10
	want.Retention = Retention{
		Age: Age(30 * 24 * time.Hour), Size: 1 << 30,
		Rooms: map[string]Keep{"secret": {Age: Age(24 * time.Hour)}},
	}
	if diff := cmp.Diff(want, *s, hidden); diff != "" {
		t.Fatal(diff)
	}
}

func TestReloadTakesTheFileButKeepsWhatFlagsSaid(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "c.toml"), "[limits]\nrate = 3\nburst = 7\n")
	s, err := load(t, "--config", file, "--rate", "9")
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, "[limits]\nrate = 100\nburst = 8\n")
	next, err := s.Reload()
	if err != nil {
		t.Fatal(err)
	}
	if next.Limits.Rate != 9 || next.Limits.Burst != 8 {
		t.Fatalf("rate %d, burst %d after the reload, want 9 and 8", next.Limits.Rate, next.Limits.Burst)
	}
	write(t, file, "[limits]\nrate = \"many\"\n")
	if _, err := s.Reload(); !errors.Is(err, chat.CodeConfig) {
		t.Fatalf("a broken file gave %v, want %v", err, chat.CodeConfig)
	}
	if s.Limits.Burst != 7 {
		t.Fatal("a failed reload changed the server's options")
	}
}

func TestBadSettingsAreRefusedByName(t *testing.T) {
	for _, tc := range []struct {
		file string
		code chat.Code
		says string
	}{
		{"listn = ':1'", chat.CodeConfig, "listn"},
		{"listen = ", chat.CodeConfig, "line 1"},
		{"listen = 'here'", chat.CodeSettingValue, "here"},
		{"listen = ':99999'", chat.CodeSettingValue, "99999"},
		{"proxy_listen = ':x'", chat.CodeSettingValue, "proxy_listen"},
		{"log_level = 'loud'", chat.CodeConfig, "loud"},
		{"[limits]\nrate = -1", chat.CodeSettingValue, "limits.rate"},
		{"[limits]\nburst = 0", chat.CodeSettingValue, "limits.burst"},
		{"[limits]\nmessage = '2GiB'", chat.CodeSettingValue, "limits.message"},
		{"[limits]\nmessage = '12'", chat.CodeSettingValue, "limits.message"},
		{"[limits]\nmessage = 'big'", chat.CodeConfig, "big"},
		{"[limits]\nmesage = '64KiB'", chat.CodeConfig, "mesage"},
		{"[retention]\nage = '-3h'", chat.CodeConfig, "-3h"},
		{"[retention]\nage = '1s'", chat.CodeSettingValue, "retention.age"},
		{"[retention.rooms.'#Lobby']\nage = '1d'", chat.CodeSettingValue, "#Lobby"},
		{"[retention.rooms.a]\nage = '1s'", chat.CodeSettingValue, "retention.rooms.a.age"},
		{"cert = 'c.pem'", chat.CodeSettingNeeds, "cert_key"},
		{"cert_key = 'c.pem'", chat.CodeSettingNeeds, "cert"},
		{"cert = 'c.pem'\ncert_key = 'k.pem'", chat.CodeSettingNeeds, "domain"},
	} {
		t.Run(tc.file, func(t *testing.T) {
			file := write(t, filepath.Join(t.TempDir(), "c.toml"), tc.file)
			_, err := load(t, "--config", file)
			if !errors.Is(err, tc.code) || !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("got %v, want %v that names %q", err, tc.code, tc.says)
			}
		})
	}
}

func TestABadVariableOfTheEnvironmentIsNamed(t *testing.T) {
	t.Setenv("HUISCLOS_BURST", "lots")
	_, err := load(t)
	if !errors.Is(err, chat.CodeSettingValue) || !strings.Contains(err.Error(), "HUISCLOS_BURST") {
		t.Fatalf("got %v", err)
	}
}

func TestAMissingFileIsAnError(t *testing.T) {
	if _, err := load(t, "--config", filepath.Join(t.TempDir(), "none.toml")); !errors.Is(err, chat.CodeConfig) {
		t.Fatalf("got %v, want %v", err, chat.CodeConfig)
	}
}

func TestNoLANTurnsItOff(t *testing.T) {
	for _, args := range [][]string{{"--no-lan"}, {"--no-lan=true"}} {
		s, err := load(t, args...)
		if err != nil || s.LAN {
			t.Fatalf("%v: LAN %v, %v", args, s.LAN, err)
		}
	}
	t.Setenv("HUISCLOS_NO_LAN", "1")
	if s, err := load(t); err != nil || s.LAN {
		t.Fatalf("HUISCLOS_NO_LAN=1: LAN %v, %v", s.LAN, err)
	}
	if s, err := load(t, "--no-lan=false"); err != nil || !s.LAN {
		t.Fatalf("--no-lan=false over HUISCLOS_NO_LAN=1: LAN %v, %v", s.LAN, err)
	}
}

func TestPathsInTheFileAreRelativeToIt(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "c.toml"), "data = 'store'\nadmin_socket = 'none'\n")
	s, err := load(t, "--config", file)
	if err != nil {
		t.Fatal(err)
	}
	if s.Data != filepath.Join(dir, "store") || s.AdminSocket != NoSocket {
		t.Fatalf("data %q, socket %q", s.Data, s.AdminSocket)
	}
}

// FuzzDecode: whatever a configuration file holds, it gives options that pass their bounds or an
// error with a code; and sizes and ages that were read are written so that they read the same.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("listen = ':0'\n[limits]\nmessage = '64KiB'\nrate = 3\n"))
	f.Add([]byte("[retention]\nage = '1w2d3h'\nsize = '1.5GiB'\n[retention.rooms.lobby]\nage='90m'\n"))
	f.Add([]byte("log_level = 'debug'\nlan = false\nlan = true\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := DefaultServer()
		err := s.decode(text)
		if err == nil {
			err = s.check()
		}
		if err != nil {
			if c := chat.CodeOf(err); c != chat.CodeConfig && c != chat.CodeSettingValue && c != chat.CodeSettingNeeds {
				t.Fatalf("error without its code: %v", err)
			}
			return
		}
		if s.Limits.Message < minMessage || s.Limits.Message > maxMessage || s.Limits.Burst < 1 {
			t.Fatalf("limits out of bounds passed: %+v", s.Limits)
		}
		var z Size
		if err := z.Set(s.Retention.Size.String()); err != nil || z != s.Retention.Size {
			t.Fatalf("size %q reads back as %d, %v", s.Retention.Size, z, err)
		}
		var a Age
		if err := a.Set(s.Retention.Age.String()); err != nil || a != s.Retention.Age {
			t.Fatalf("age %q reads back as %d, %v", s.Retention.Age, a, err)
		}
	})
}
