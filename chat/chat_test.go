package chat

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMessageIDsCarryTheirTimeAndSortByIt(t *testing.T) {
	at := time.Date(2026, 11, 24, 6, 0, 0, 123_000_000, time.UTC)
	a, b := NewMessageID(at), NewMessageID(at.Add(time.Millisecond))
	if !a.Time().Equal(at) {
		t.Errorf("%s", a.Time())
	}
	if slices.Compare(a[:], b[:]) >= 0 {
		t.Error("a later ID sorts before")
	}
	if a == NewMessageID(at) {
		t.Error("two messages of one moment have one ID")
	}
}

func TestIdentifiersComeBack(t *testing.T) {
	account, device, room := AccountID{1, 31: 2}, DeviceID{3}, RoomID{4}
	server, message := Fingerprint{5}, MessageID{6}
	if got, err := ParseAccountID(account.String()); err != nil || got != account {
		t.Error(err)
	}
	if got, err := ParseDeviceID(device.String()); err != nil || got != device {
		t.Error(err)
	}
	if got, err := ParseRoomID(room.String()); err != nil || got != room {
		t.Error(err)
	}
	if got, err := ParseFingerprint(server.String()); err != nil || got != server {
		t.Error(err)
	}
	if got, err := ParseMessageID(message.String()); err != nil || got != message {
		t.Error(err)
	}
	for _, bad := range []string{"", "zz", strings.Repeat("0", 63), strings.Repeat("0", 66), strings.Repeat("g", 64)} {
		if _, err := ParseAccountID(bad); !errors.Is(err, ErrIDLength) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// A room's ID belongs to its name and its server.
func TestKeyRoomID(t *testing.T) {
	a := KeyRoomID(Fingerprint{1}, "lobby")
	if a == KeyRoomID(Fingerprint{2}, "lobby") || a == KeyRoomID(Fingerprint{1}, "lobbx") || a.IsZero() {
		t.Error("two rooms share an ID")
	}
	public := ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)
	if FingerprintOf(public).IsZero() {
		t.Error("no fingerprint")
	}
}

func TestRoomNames(t *testing.T) {
	for in, want := range map[string]string{"lobby": "lobby", "#Lobby": "lobby", "a.b-c_9": "a.b-c_9", "#X": "x"} {
		if got, err := RoomName(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, bad := range []string{"", "#", "##a", "a b", "é", "a/b", "a\n", strings.Repeat("x", 49), "\xff", strings.Repeat("é", 1000)} {
		_, err := RoomName(bad)
		if !errors.Is(err, CodeRoomName) {
			t.Errorf("%.10q: %v", bad, err)
		}
		var e *Error
		if errors.As(err, &e) && len(e.Params["name"]) > 80 {
			t.Errorf("%d bytes of foreign text in an error", len(e.Params["name"]))
		}
	}
}

func TestErrors(t *testing.T) {
	cause := errors.New("the cause")
	err := fmt.Errorf("wrapped: %w", Errorf(CodeKicked, "reason", "spam").Because(cause))
	if !errors.Is(err, CodeKicked) || errors.Is(err, CodeBanned) || !errors.Is(err, cause) || !errors.Is(err, Errorf(CodeKicked)) {
		t.Error("errors.Is")
	}
	if CodeOf(err) != CodeKicked || CodeOf(cause) != CodeInternal || CodeOf(nil) != "" || CodeOf(CodeRate) != CodeRate {
		t.Error("CodeOf")
	}
	if got := Errorf(CodeKicked, "b", "2", "a", "1").Error(); got != `kicked a="1" b="2"` {
		t.Error(got)
	}
	// What caused it stays here.
	b, e := json.Marshal(Errorf(CodeKicked).Because(cause))
	if e != nil || strings.Contains(string(b), "cause") {
		t.Errorf("%s, %v", b, e)
	}
}

// The exit codes are a contract with scripts.
func TestExitCodes(t *testing.T) {
	for code, want := range map[Code]int{
		CodeInternal: 1, CodeRoomUnknown: 1, CodeUsage: 2, CodeRefused: 3, CodeTimeout: 3, CodeKeyWrong: 4, CodeIdentity: 4, CodeKeyChecksum: 4,
		CodeNameTaken: 5, CodeNameForm: 5, CodeKicked: 6, CodeBanned: 6, CodeNotAcked: 7, CodeDiskFull: 7,
	} {
		if got := code.Class().ExitCode(); got != want {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
	}
}

func TestCodesAreListedOnce(t *testing.T) {
	seen := map[Code]bool{}
	for _, c := range Codes() {
		if seen[c] || c == "" {
			t.Errorf("%q", c)
		}
		seen[c] = true
	}
	for c := range classes {
		if !seen[c] {
			t.Errorf("%s has a class and isn't listed", c)
		}
	}
}
