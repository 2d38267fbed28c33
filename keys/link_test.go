package keys

import (
	"errors"
	"strings"
	"testing"

	"huisclos/chat"
)

func TestLinkComesBack(t *testing.T) {
	k := New(server)
	for _, address := range []string{
		"192.168.1.20:7540", "[fe80::1]:7540", "chat.example.org:443", "localhost:1", "xn--caf-dma.fr:7540",
		"https://chat.example.org/", "https://chat.example.org/huis/clos", "https://chat.example.org:8443/", "https://[::1]:8443/x",
	} {
		l := Link{Address: address, Key: k}
		got, err := ParseLink(l.Reveal())
		if err != nil || got.Address != address || !got.Key.Equal(k) {
			t.Errorf("%s: %s, %v", l, got, err)
		}
		if any, err := ParseAny(l.Reveal()); err != nil || !any.Equal(k) {
			t.Errorf("ParseAny(%s): %v", l, err)
		}
	}
}

func TestLinksAsPeopleGiveThem(t *testing.T) {
	key := New(server).Reveal()
	for text, want := range map[string]string{
		"huisclos://example.org#" + key:             "example.org:7540", // no port, no slash
		"HUISCLOS://Example.ORG:99/#" + key:         "example.org:99",
		" huisclos://example.org/\n#" + key + "\n":  "example.org:7540", // broken by an e-mail program
		"huisclos://[::1]/#" + strings.ToUpper(key): "[::1]:7540",
		"huisclos://café.fr/#" + key:                "xn--caf-dma.fr:7540",
	} {
		l, err := ParseLink(text)
		if err != nil || l.Address != want {
			t.Errorf("%.30q: %s, %v", text, l.Address, err)
		}
	}
}

func TestBadLinks(t *testing.T) {
	key := New(server).Reveal()
	for text, want := range map[string]chat.Code{
		"":                                                      chat.CodeLinkFormat,
		"http://example.org/#" + key:                            chat.CodeLinkFormat,
		"huisclos://example.org/":                               chat.CodeLinkFormat,
		"huisclos:///#" + key:                                   chat.CodeLinkFormat,
		"huisclos://me@example.org/#" + key:                     chat.CodeLinkFormat,
		"huisclos://example.org:0/#" + key:                      chat.CodeLinkFormat,
		"huisclos://example.org:99999/#" + key:                  chat.CodeLinkFormat,
		"huisclos://example.org:/#" + key:                       chat.CodeLinkFormat,
		"huisclos://exa_mple..org/#" + key:                      chat.CodeLinkFormat,
		"huisclos://-/#" + key:                                  chat.CodeLinkFormat,
		"huisclos://example.org/x#" + key:                       chat.CodeLinkFormat,
		"huisclos://example.org/?via=carrier#" + key:            chat.CodeLinkFormat,
		"huisclos://example.org/#hello":                         chat.CodeKeyFormat,
		"huisclos://example.org/#" + key[:86]:                   chat.CodeKeyChecksum,
		"huisclos://%zz/#" + key:                                chat.CodeLinkFormat,
		"huisclos://" + strings.Repeat("a.", 200) + "b/#" + key: chat.CodeLinkFormat,
	} {
		if _, err := ParseLink(text); !errors.Is(err, want) {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
}

func FuzzParseLink(f *testing.F) {
	k, _ := FromBytes(server, append(make([]byte, Size-1), 1))
	for _, a := range []string{"a:1", "[::1]:2", "https://a/", "https://a:1/b%20c"} {
		f.Add(Link{a, k}.Reveal())
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseLink(s)
		if err != nil {
			return
		}
		again, err := ParseLink(l.Reveal())
		if err != nil || again.Address != l.Address || !again.Key.Equal(l.Key) {
			t.Fatalf("%q: %s came back as %s, %v", s, l.Address, again.Address, err)
		}
	})
}
