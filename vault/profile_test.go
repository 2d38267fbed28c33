package vault

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"huisclos/chat"
	"huisclos/client"
)

var serverA, serverB = chat.Fingerprint{1}, chat.Fingerprint{2}

func makeProfile(t *testing.T, home string, f client.Facts) string {
	t.Helper()
	dir := Dir(home, f.Server, f.Name)
	v := mustOpen(t, dir, Options{})
	if err := v.Remember(f); err != nil {
		t.Fatal(err)
	}
	mustClose(t, v)
	return dir
}

func names(profiles []Profile) []string {
	var all []string
	for _, p := range profiles {
		all = append(all, p.Name)
	}
	return all
}

func TestProfiles(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	if got, err := Profiles(home); err != nil || len(got) != 0 {
		t.Fatalf("without a home: %v, %v", got, err)
	}
	makeProfile(t, home, client.Facts{Server: serverA, Name: "alice", Address: "192.168.1.20:7540"})
	makeProfile(t, home, client.Facts{Server: serverA, Name: "Élodie", Address: "chat.example:7540"})
	makeProfile(t, home, client.Facts{Server: serverB, Name: "bob", Address: "127.0.0.1:7540", Ephemeral: true})
	// Things that are no profiles.
	for _, dir := range []string{"notes", serverA.String() + "/empty"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	all, err := Profiles(home)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(all); !slices.Equal(got, []string{"bob", "Élodie", "alice"}) {
		t.Errorf("profiles %q, want the last used first", got)
	}
	for where, want := range map[string][]string{
		"192.168.1.20:7540": {"alice"}, "CHAT.example:7540": {"Élodie"}, serverA.String(): {"Élodie", "alice"}, "other:7540": nil,
	} {
		if got := names(At(all, where)); !slices.Equal(got, want) {
			t.Errorf("at %s: %q, want %q", where, got, want)
		}
	}
	if got := names(Of(all, serverB)); !slices.Equal(got, []string{"bob"}) {
		t.Errorf("of the server: %q", got)
	}
	if all[0].Facts != (client.Facts{Server: serverB, Name: "bob", Address: "127.0.0.1:7540", Ephemeral: true}) {
		t.Errorf("facts %+v", all[0].Facts)
	}
}

func TestSweep(t *testing.T) {
	home := t.TempDir()
	kept := makeProfile(t, home, client.Facts{Server: serverA, Name: "alice", Address: "h:1"})
	gone := makeProfile(t, home, client.Facts{Server: serverB, Name: "alice", Address: "h:1", Ephemeral: true})
	open := makeProfile(t, home, client.Facts{Server: serverB, Name: "bob", Address: "h:1", Ephemeral: true})
	elsewhere := makeProfile(t, home, client.Facts{Server: serverB, Name: "carol", Address: "h:2", Ephemeral: true})
	mustOpen(t, open, Options{})
	all, err := Profiles(home)
	if err != nil {
		t.Fatal(err)
	}
	if got := Sweep(all, "h:1", serverB, nil); len(got) != 0 {
		t.Errorf("the server is still there, and %q went", names(got))
	}
	if got := Sweep(all, "h:1", chat.Fingerprint{3}, nil); len(got) != 1 || got[0].Dir != gone {
		t.Errorf("swept %+v", got)
	}
	for _, dir := range []string{kept, open, elsewhere} {
		if _, err := os.Stat(dir); err != nil {
			t.Error(err)
		}
	}
}

func TestReadDamaged(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{"", "{", `{"version":1}`, `{"version":2,"server":"` + serverA.String() + `","name":"x"}`} {
		if err := os.WriteFile(filepath.Join(dir, profileFileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read(dir)
		wantCode(t, err, chat.CodeVaultCorrupt)
	}
}

// TestFolders says that names make folders that every file system accepts and keeps apart.
func TestFolders(t *testing.T) {
	for name, want := range map[string]string{
		"alice": "alice", "Alice": "%41lice", "é": "%c3%a9", "con": "con%", "com1.txt": "com1.txt%", "..": "%2e.%", "a/b": "a%2fb", "": "%",
	} {
		if got := folder(name); got != want {
			t.Errorf("folder(%q) = %q, want %q", name, got, want)
		}
	}
	safe := regexp.MustCompile(`^[a-z0-9_%-][a-z0-9._%-]*$`)
	seen := map[string]string{}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		f := folder(name)
		if !safe.MatchString(f) || f[len(f)-1] == '.' {
			t.Fatalf("folder(%q) = %q", name, f)
		}
		if other, ok := seen[f]; ok && other != name {
			t.Fatalf("%q and %q share the folder %q", name, other, f)
		}
		seen[f] = name
	})
}
