package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"huisclos/chat"
	"huisclos/client"
)

// Profile is one folder under a home: one person on one server.
type Profile struct {
	client.Facts
	Dir  string
	Used time.Time // when it was last logged in with
}

// facts is profile.json.
type facts struct {
	Version   int       `json:"version"`
	Server    string    `json:"server"`
	Name      string    `json:"name"`
	Address   string    `json:"address"`
	Ephemeral bool      `json:"ephemeral"`
	Used      time.Time `json:"used"`
}

// Dir is the folder of a profile: HOME/<server fingerprint>/<name>. The name is written so that every
// file system keeps it apart from others; it need not be put back together from the folder.
func Dir(home string, server chat.Fingerprint, name string) string {
	return filepath.Join(home, server.String(), folder(name))
}

// folder writes a name in letters, digits, '-', '_' and inner '.', and everything else, capitals
// included, as %XX: file systems that ignore case or change accents find the same folder.
func folder(name string) string {
	var b strings.Builder
	for i, r := range name {
		plain := r < unicode.MaxASCII && (unicode.IsLower(r) || unicode.IsDigit(r) || r == '-' || r == '_' || r == '.' && i > 0)
		if plain {
			b.WriteRune(r)
			continue
		}
		for _, c := range []byte(string(r)) {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	s := b.String()
	if s == "" || strings.HasSuffix(s, ".") || reserved(s) {
		s += "%" // Windows drops a final dot, and knows devices by name
	}
	return s
}

// reserved names are devices on Windows, with any extension.
func reserved(s string) bool {
	base, _, _ := strings.Cut(s, ".")
	if slices.Contains([]string{"con", "prn", "aux", "nul", "conin$", "conout$"}, base) {
		return true
	}
	return len(base) == 4 && (strings.HasPrefix(base, "com") || strings.HasPrefix(base, "lpt")) && unicode.IsDigit(rune(base[3]))
}

// Profiles lists the profiles under home, the last used first. Folders that hold none are left out.
func Profiles(home string) ([]Profile, error) {
	var all []Profile
	servers, err := os.ReadDir(home)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fileError(home, err)
	}
	for _, s := range servers {
		server, err := chat.ParseFingerprint(s.Name())
		if err != nil || !s.IsDir() {
			continue
		}
		names, err := os.ReadDir(filepath.Join(home, s.Name()))
		if err != nil {
			return nil, fileError(home, err)
		}
		for _, n := range names {
			p, err := Read(filepath.Join(home, s.Name(), n.Name()))
			if err == nil && p.Server == server {
				all = append(all, p)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Profile) int { return b.Used.Compare(a.Used) })
	return all, nil
}

// Read reads what can be known of a profile without its key. CodeVaultCorrupt when that is damaged.
func Read(dir string) (Profile, error) {
	path := filepath.Join(dir, profileFileName)
	data, err := os.ReadFile(path)
	if err != nil {
		return Profile{}, fileError(path, err)
	}
	var f facts
	if err := json.Unmarshal(data, &f); err != nil {
		return Profile{}, corrupt(path, err)
	}
	server, err := chat.ParseFingerprint(f.Server)
	if err != nil || f.Version != 1 || f.Name == "" {
		return Profile{}, corrupt(path, err)
	}
	return Profile{
		Facts: client.Facts{Server: server, Name: f.Name, Address: f.Address, Ephemeral: f.Ephemeral},
		Dir:   dir, Used: f.Used,
	}, nil
}

// At keeps the profiles of an address (HOST:PORT) or of a server (its fingerprint), in order.
func At(profiles []Profile, where string) []Profile {
	server, err := chat.ParseFingerprint(strings.ToLower(where))
	var found []Profile
	for _, p := range profiles {
		if err == nil && p.Server == server || err != nil && strings.EqualFold(p.Address, where) {
			found = append(found, p)
		}
	}
	return found
}

// Of keeps the profiles of a server.
func Of(profiles []Profile, server chat.Fingerprint) []Profile {
	return slices.DeleteFunc(slices.Clone(profiles), func(p Profile) bool { return p.Server != server })
}

// Sweep removes the profiles of in-memory servers at an address where another server answers now, and
// reports those that it removed. One that a process has open stays.
func Sweep(profiles []Profile, address string, now chat.Fingerprint, k Keyring) []Profile {
	var gone []Profile
	for _, p := range At(profiles, address) {
		if p.Ephemeral && p.Server != now && Remove(p.Dir, k) == nil {
			_ = os.Remove(filepath.Dir(p.Dir)) // the server's folder, if it is empty now
			gone = append(gone, p)
		}
	}
	return gone
}

func writeFacts(dir string, f client.Facts) error {
	text, err := json.MarshalIndent(facts{
		Version: 1, Server: f.Server.String(), Name: f.Name, Address: f.Address, Ephemeral: f.Ephemeral, Used: time.Now().UTC(),
	}, "", "  ")
	if err != nil {
		return chat.Errorf(chat.CodeInternal).Because(err)
	}
	return replace(filepath.Join(dir, profileFileName), append(text, '\n'))
}
