package keys

import (
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"huisclos/chat"
)

// scheme of a link.
const scheme = "huisclos"

// Link is what people share: where the server is, and its key.
//
//	huisclos://HOST:PORT/#hc1…
//
// The key stands behind "#", the part of an address that programs don't send to a server. Behind a
// reverse proxy, Address is an address of the web, and the link has its host and path with the query "via=https":
//
//	huisclos://HOST/PATH?via=https#hc1…
type Link struct {
	Address string // HOST:PORT, or https://HOST[:PORT]/PATH behind a reverse proxy
	Key     Key
}

// Reveal is the link's text.
func (l Link) Reveal() string {
	if rest, ok := strings.CutPrefix(l.Address, "https://"); ok {
		if !strings.Contains(rest, "/") {
			rest += "/"
		}
		return scheme + "://" + rest + "?via=https#" + l.Key.Reveal()
	}
	return scheme + "://" + l.Address + "/#" + l.Key.Reveal()
}

// IsLink tells whether s looks like a link rather than a key or a host.
func IsLink(s string) bool {
	s = strings.TrimSpace(s)
	return len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)+1], scheme+":")
}

// ParseLink reads a link. The port is chat.DefaultPort unless it is there. CodeLinkFormat when it isn't one;
// the codes of Parse for its key, CodeCodeLinks when it is a DeviceLink.
func ParseLink(s string) (Link, error) {
	s = strings.Join(strings.Fields(s), "")
	if !IsLink(s) {
		return Link{}, chat.Errorf(chat.CodeLinkFormat)
	}
	if IsDeviceLink(s) {
		return Link{}, chat.Errorf(chat.CodeCodeLinks)
	}
	u, err := url.Parse(s)
	if err != nil || u.User != nil || u.Opaque != "" || u.Host == "" || u.Fragment == "" {
		return Link{}, chat.Errorf(chat.CodeLinkFormat)
	}
	address, err := linkAddress(u)
	if err != nil {
		return Link{}, err
	}
	key, err := Parse(u.Fragment)
	if err != nil {
		return Link{}, err
	}
	return Link{Address: address, Key: key}, nil
}

func linkAddress(u *url.URL) (string, error) {
	host, err := CheckHost(u.Hostname())
	if err != nil {
		return "", err
	}
	port := u.Port()
	if port == "" && strings.HasSuffix(u.Host, ":") {
		return "", chat.Errorf(chat.CodeLinkFormat)
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return "", chat.Errorf(chat.CodeLinkFormat)
		}
	}
	switch u.RawQuery {
	case "":
		if u.Path != "" && u.Path != "/" || u.ForceQuery {
			return "", chat.Errorf(chat.CodeLinkFormat)
		}
		if port == "" {
			port = strconv.Itoa(chat.DefaultPort)
		}
		return joinHostPort(host, port), nil
	case "via=https":
		if port != "" {
			host = joinHostPort(host, port)
		} else if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return "https://" + host + u.EscapedPath(), nil
	}
	return "", chat.Errorf(chat.CodeLinkFormat)
}

// joinHostPort is that of package net, which a pure package doesn't import.
func joinHostPort(host, port string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + port
}

// CheckHost returns the form of a host's name or IP address that a resolver takes: international names in
// their ASCII form (RFC 5891). CodeLinkFormat when it is neither.
func CheckHost(host string) (string, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.String(), nil
	}
	ascii, err := idna.Lookup.ToASCII(host)
	if err != nil || ascii == "" || len(ascii) > 253 {
		return "", chat.Errorf(chat.CodeLinkFormat)
	}
	if again, err := idna.Lookup.ToASCII(ascii); err != nil || again != ascii { // not a name that anyone can have
		return "", chat.Errorf(chat.CodeLinkFormat)
	}
	return ascii, nil
}

// ParseAny reads a key out of a printed key or a link.
func ParseAny(s string) (Key, error) {
	if IsLink(s) {
		l, err := ParseLink(s)
		return l.Key, err
	}
	return Parse(s)
}

// String shows where the link leads, without the key.
func (l Link) String() string { return scheme + "://" + l.Address + "/#" + redacted }

// GoString is String.
func (l Link) GoString() string { return l.String() }

// Format hides the key from every verb.
func (l Link) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, l.String()) }

// LogValue hides the key.
func (l Link) LogValue() slog.Value { return slog.StringValue(l.String()) }

// MarshalText hides the key, from JSON too.
func (l Link) MarshalText() ([]byte, error) { return []byte(l.String()), nil }
