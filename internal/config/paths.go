package config

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"huisclos/chat"
)

// Home is the folder of the profiles: $HUISCLOS_HOME, else the place for a program's
// data: $XDG_DATA_HOME/huisclos or ~/.local/share/huisclos, on macOS
// ~/Library/Application Support/huisclos, on Windows %LocalAppData%\huisclos. It is not made.
// CodeConfig when the system names no home folder at all.
func Home() (string, error) {
	if dir := os.Getenv("HUISCLOS_HOME"); dir != "" {
		return filepath.Abs(dir)
	}
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		dir, err := os.UserCacheDir() // %LocalAppData%, ~/Library/Caches
		if runtime.GOOS == "darwin" {
			dir, err = os.UserConfigDir() // ~/Library/Application Support
		}
		if err != nil {
			return "", chat.Errorf(chat.CodeConfig, "path", "HUISCLOS_HOME", "detail", err.Error())
		}
		return filepath.Join(dir, "huisclos"), nil
	}
	// The XDG specification: a relative path is to be ignored.
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "huisclos"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", chat.Errorf(chat.CodeConfig, "path", "HUISCLOS_HOME", "detail", err.Error())
	}
	return filepath.Join(home, ".local", "share", "huisclos"), nil
}

// RuntimeDir is the folder for the sockets of this user's running programs:
// $XDG_RUNTIME_DIR/huisclos, else a folder of this user's own in the temporary
// folder. It is not made; who makes it gives it mode 0700.
func RuntimeDir() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "huisclos")
	}
	return filepath.Join(os.TempDir(), "huisclos-"+userTag())
}

// userTag tells the users of one machine apart where the temporary folder is shared.
func userTag() string {
	if uid := os.Getuid(); uid >= 0 {
		return strconv.Itoa(uid)
	}
	home, _ := os.UserHomeDir() // Windows: the temporary folder is the user's own already
	sum := sha256.Sum256([]byte(home))
	return hex.EncodeToString(sum[:4])
}

// maxSocketPath is what every system takes: sun_path is 104 bytes on macOS and the
// BSDs, with a zero at the end.
const maxSocketPath = 103

// socketSlack leaves room for the temporary name under which a socket is made before it is
// renamed (admin.Listen).
const socketSlack = 16

// DataSocket is the admin socket of the server that keeps its data in dir: dir/admin.sock,
// or, where that is longer than a socket's path may be, a name made from it in RuntimeDir.
func DataSocket(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", chat.Errorf(chat.CodeConfig, "path", dir, "detail", err.Error())
	}
	path := filepath.Join(abs, "admin.sock")
	if len(path)+socketSlack <= maxSocketPath {
		return path, nil
	}
	sum := sha256.Sum256([]byte(abs))
	return filepath.Join(RuntimeDir(), "data-"+hex.EncodeToString(sum[:6])+".sock"), nil
}

// PortSocket is the admin socket of the server in memory that listens on port: two of them
// on one machine have different ports.
func PortSocket(port int) string {
	return filepath.Join(RuntimeDir(), "server-"+strconv.Itoa(port)+".sock")
}
