package access

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"huisclos/chat"
)

func TestServerString(t *testing.T) {
	f := NewIdentity().Fingerprint()
	s := FormatServer(f)
	if !strings.HasPrefix(s, "hcs1") || len(s) != 37 {
		t.Errorf("%s has %d letters", s, len(s))
	}
	for _, form := range []string{s, strings.ToUpper(s), "  " + s[:20] + "\n" + s[20:]} {
		if got, err := ParseServer(form); err != nil || got != f {
			t.Errorf("%q: %v", form, err)
		}
	}
}

func TestAccessString(t *testing.T) {
	p := Public{Server: chat.Fingerprint{1}, Generation: 7, Access: [32]byte{2}}
	s := FormatAccess(p)
	if got, err := ParseAccess(s); err != nil || got != p || !strings.HasPrefix(s, "hcp1") {
		t.Errorf("%s: %+v, %v", s, got, err)
	}
}

func TestBadStrings(t *testing.T) {
	good := FormatServer(chat.Fingerprint{1})
	wrong := good[:10] + strings.Map(func(r rune) rune {
		if r == 'q' {
			return 'p'
		}
		return 'q'
	}, good[10:11]) + good[11:]
	for name, c := range map[string]struct {
		s    string
		code chat.Code
	}{
		"nothing":            {"", chat.CodeKeyFormat},
		"a word":             {"password", chat.CodeKeyFormat},
		"a wrong letter":     {wrong, chat.CodeKeyChecksum},
		"cut":                {good[:30], chat.CodeKeyChecksum},
		"an access string":   {FormatAccess(Public{Generation: 1}), chat.CodeKeyFormat},
		"a shared key":       {EncodeBech32m("hc", 1, make([]byte, 48)), chat.CodeKeyFormat},
		"of a later version": {EncodeBech32m("hcs", 2, make([]byte, 16)), chat.CodeKeyVersion},
		"of version 0":       {EncodeBech32m("hcs", 0, make([]byte, 16)), chat.CodeKeyFormat},
		"too short":          {EncodeBech32m("hcs", 1, make([]byte, 15)), chat.CodeKeyFormat},
		"10,000 letters":     {strings.Repeat("hcs1", 2500), chat.CodeKeyFormat},
	} {
		if _, err := ParseServer(c.s); !errors.Is(err, c.code) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	if _, err := ParseAccess(FormatAccess(Public{Server: chat.Fingerprint{1}})); !errors.Is(err, chat.CodeKeyFormat) {
		t.Errorf("generation 0: %v", err)
	}
}

func TestKeyID(t *testing.T) {
	id := KeyID([32]byte{1})
	sum := sha256.Sum256(append([]byte("huisclos/1 key id\x01"), make([]byte, 31)...))
	if !bytes.Equal(id[:], sum[:8]) {
		t.Errorf("%x", id)
	}
	if KeyID([32]byte{2}) == id {
		t.Error("it doesn't tell keys apart")
	}
}

func TestIdentity(t *testing.T) {
	i := NewIdentity()
	again, err := ParseIdentity(i.Bytes())
	if err != nil || again.Fingerprint() != i.Fingerprint() || again.Public() != i.Public() {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"nothing": nil, "zero": make([]byte, 32), "short": make([]byte, 31), "long": make([]byte, 64)} {
		if _, err := ParseIdentity(b); !errors.Is(err, ErrIdentity) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !(Identity{}).IsZero() || i.IsZero() {
		t.Error("IsZero")
	}
	j, err := json.Marshal(map[string]any{"identity": i})
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "identity", i)
	all := fmt.Sprintf("%v %+v %#v %s %q %x %d", i, i, i, i, i, i, i) + string(j) + logged.String()
	if strings.Count(all, "[secret]") != 9 || strings.Contains(all, fmt.Sprintf("%x", i.Bytes())[:8]) {
		t.Errorf("it prints: %s", all)
	}
}

func FuzzParseServer(f *testing.F) {
	f.Add(FormatServer(chat.Fingerprint{1, 2}))
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseServer(s)
		if err == nil && FormatServer(p) != strings.ToLower(strings.Join(strings.Fields(s), "")) {
			t.Fatal("two forms of one string")
		}
	})
}

func FuzzParseAccess(f *testing.F) {
	f.Add(FormatAccess(Public{Server: chat.Fingerprint{1}, Generation: 7, Access: [32]byte{2}}))
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseAccess(s)
		if err == nil && FormatAccess(p) != strings.ToLower(strings.Join(strings.Fields(s), "")) {
			t.Fatal("two forms of one string")
		}
	})
}
