package conn

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"huisclos/chat"
)

// Target is a parsed address of a server.
type Target struct {
	Host string // name or IP address, without brackets; of an IPv6 address with its zone
	Port string
	// Proxy is the URL of the tunnel (ws:// or wss://), when the address was http(s)://…; else empty.
	Proxy string
}

// ParseAddress reads HOST, HOST:PORT, an IP address with or without port ([…] around
// IPv6 with one), or http(s)://HOST[:PORT][/PATH] for a server behind a reverse proxy. The port is
// chat.DefaultPort, or the scheme's, unless it is said. CodeResolve for anything else.
func ParseAddress(s string) (Target, error) {
	s = strings.TrimSpace(s)
	if scheme, _, ok := strings.Cut(s, "://"); ok {
		return parseProxy(s, strings.ToLower(scheme))
	}
	host, port := s, strconv.Itoa(chat.DefaultPort)
	bare := s
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		bare = s[1 : len(s)-1]
	}
	if a, err := netip.ParseAddr(bare); err == nil && (a.Is6() || bare == s) {
		return checked(s, Target{Host: a.String(), Port: port})
	}
	if strings.Contains(s, ":") {
		var err error
		if host, port, err = net.SplitHostPort(s); err != nil {
			return Target{}, badAddress(s, err)
		}
	}
	return checked(s, Target{Host: host, Port: port})
}

func parseProxy(s, scheme string) (Target, error) {
	u, err := url.Parse(s)
	if err != nil {
		return Target{}, badAddress(s, err)
	}
	t := Target{Host: u.Hostname(), Port: u.Port()}
	out := url.URL{Scheme: "wss", Host: u.Host, Path: strings.TrimRight(u.Path, "/")}
	standard := "443"
	switch scheme {
	case "https":
	case "http":
		out.Scheme, standard = "ws", "80"
	default:
		return Target{}, badAddress(s, errors.New("conn: scheme "+scheme))
	}
	if t.Port == "" {
		t.Port = standard
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return Target{}, badAddress(s, errors.New("conn: more than a host and a path"))
	}
	if !strings.HasSuffix(out.Path, TunnelPath) {
		out.Path += TunnelPath
	}
	t.Proxy = out.String()
	return checked(s, t)
}

// checked refuses what can't be dialled.
func checked(s string, t Target) (Target, error) {
	n, err := strconv.ParseUint(t.Port, 10, 16)
	if err != nil || n == 0 {
		return Target{}, badAddress(s, errors.New("conn: port"))
	}
	if t.Host == "" || len(t.Host) > 255 || strings.ContainsAny(t.Host, " /\\@#?\"'<>[]\x00\t\r\n") {
		return Target{}, badAddress(s, errors.New("conn: host"))
	}
	return t, nil
}

func badAddress(s string, cause error) error {
	return chat.Errorf(chat.CodeResolve, "host", s, "address", s).Because(cause)
}

// HostPort is what to dial.
func (t Target) HostPort() string { return net.JoinHostPort(t.Host, t.Port) }

// String is the address as a person would write it.
func (t Target) String() string {
	if t.Proxy != "" {
		return strings.TrimSuffix("http"+strings.TrimPrefix(t.Proxy, "ws"), TunnelPath)
	}
	return t.HostPort()
}
