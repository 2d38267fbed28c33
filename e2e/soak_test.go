package e2e

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestSoak is the short form of the soak (e2e/soak): people converse in private rooms, come and go, race, are killed with -9 and send garbage, as the
// server is too. The long form is a command: go run ./e2e/soak.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	run := exec.Command(filepath.Join(binaries, "soak"), "-huisclosd", filepath.Join(binaries, "huisclos"), //nolint:gosec // ours
		"-clients", "10", "-second", "4", "-revoked", "1", "-rooms", "3", "-messages", "600", "-changes", "40", "-kills", "8", "-server-kills", "1", "-garbage", "30")
	run.Env = append(run.Environ(), "HUISCLOS_KEYRING=off", "HUISCLOS_DEBUG=1")
	out, err := run.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
		return
	}
	t.Logf("%s", out)
}
