package keys

import (
	"net/url"
	"strings"

	"huisclos/access"
	"huisclos/chat"
)

// DeviceLink is what an old device shows for a new one of the same person: where the server is, which one it must be, and the link code. Behind a reverse proxy Address is an
// address of the web, as in Link.
//
//	huisclos://HOST:PORT/#hcs1…/7-guitare-ocean
//
// It holds as long as its code.
type DeviceLink struct {
	Address string
	Server  chat.Fingerprint
	Code    Code
}

// Reveal is the link's text.
func (l DeviceLink) Reveal() string {
	end := "#" + access.FormatServer(l.Server) + "/" + l.Code.Reveal()
	if rest, ok := strings.CutPrefix(l.Address, "https://"); ok {
		if !strings.Contains(rest, "/") {
			rest += "/"
		}
		return scheme + "://" + rest + "?via=https" + end
	}
	return scheme + "://" + l.Address + "/" + end
}

// IsDeviceLink tells whether s looks like a DeviceLink rather than another link.
func IsDeviceLink(s string) bool {
	_, fragment, ok := strings.Cut(strings.ToLower(s), "#")
	return ok && IsLink(s) && strings.HasPrefix(fragment, "hcs1")
}

// ParseDeviceLink reads one. CodeLinkFormat, and the errors of access.ParseServer and ParseCode.
func ParseDeviceLink(s string) (DeviceLink, error) {
	s = strings.Join(strings.Fields(s), "")
	if !IsDeviceLink(s) {
		return DeviceLink{}, chat.Errorf(chat.CodeLinkFormat)
	}
	u, err := url.Parse(s)
	if err != nil || u.User != nil || u.Opaque != "" || u.Host == "" {
		return DeviceLink{}, chat.Errorf(chat.CodeLinkFormat)
	}
	var l DeviceLink
	if l.Address, err = linkAddress(u); err != nil {
		return DeviceLink{}, err
	}
	server, code, ok := strings.Cut(u.Fragment, "/")
	if !ok {
		return DeviceLink{}, chat.Errorf(chat.CodeLinkFormat)
	}
	if l.Server, err = access.ParseServer(server); err != nil {
		return DeviceLink{}, err
	}
	l.Code, err = ParseCode(code)
	return l, err
}
