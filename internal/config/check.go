package config

import (
	"net"
	"strconv"
	"time"

	"huisclos/chat"
)

// NoSocket as Server.AdminSocket is a server without one.
const NoSocket = "none"

// The bounds of Limits.Message: the smallest holds a line of text with its padding, the
// greatest is what every client must be ready to take in one frame.
const (
	minMessage = 1 << 10
	maxMessage = 1 << 20
)

// The bounds of Limits.Commit: the greatest is what every client must be ready to take in one frame.
const (
	minCommit = 64 << 10
	maxCommit = 4 << 20
)

// leastAge is the shortest retention: less would remove what is still on its way.
const leastAge = Age(time.Minute)

// check refuses values out of their bounds (CodeSettingValue) and settings that need
// another one (CodeSettingNeeds).
func (s *Server) check() error {
	for _, err := range []error{s.checkAddresses(), s.checkCertificate(), s.Limits.check(), s.Retention.check()} {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) checkAddresses() error {
	if s.Restored && s.Data == "" {
		return chat.Errorf(chat.CodeSettingNeeds, "name", "restored", "needs", "data")
	}
	if hold := time.Duration(s.RefillHold); hold < time.Second || hold > time.Hour {
		return badValue("refill_hold", s.RefillHold.String())
	}
	if !isAddress(s.Listen) {
		return badValue("listen", s.Listen)
	}
	if s.ProxyListen != "" && !isAddress(s.ProxyListen) {
		return badValue("proxy_listen", s.ProxyListen)
	}
	return nil
}

func (s *Server) checkCertificate() error {
	switch {
	case s.Cert != "" && s.CertKey == "":
		return chat.Errorf(chat.CodeSettingNeeds, "name", "cert", "needs", "cert_key")
	case s.CertKey != "" && s.Cert == "":
		return chat.Errorf(chat.CodeSettingNeeds, "name", "cert_key", "needs", "cert")
	case s.Cert != "" && s.Domain == "":
		return chat.Errorf(chat.CodeSettingNeeds, "name", "cert", "needs", "domain")
	}
	return nil
}

func (l *Limits) check() error {
	for _, n := range []struct {
		name         string
		value, least int
	}{
		{"limits.rate", l.Rate, 0},
		{"limits.burst", l.Burst, 1},
		{"limits.rooms", l.Rooms, 1},
		{"limits.private_rooms", l.PrivateRooms, 1},
		{"limits.connections", l.Connections, 1},
		{"limits.connections_per_address", l.AddressConnections, 0},
		{"limits.logins_per_address", l.AddressLoginsAMinute, 0},
	} {
		if n.value < n.least || n.value > 1<<30 {
			return badValue(n.name, strconv.Itoa(n.value))
		}
	}
	if l.Message < minMessage || l.Message > maxMessage {
		return badValue("limits.message", l.Message.String())
	}
	if l.Commit < minCommit || l.Commit > maxCommit {
		return badValue("limits.commit", l.Commit.String())
	}
	return nil
}

func (r *Retention) check() error {
	if r.Age != 0 && r.Age < leastAge {
		return badValue("retention.age", r.Age.String())
	}
	for name, keep := range r.Rooms {
		if plain, err := chat.RoomName(name); err != nil || plain != name {
			return badValue("retention.rooms", name)
		}
		if keep.Age != 0 && keep.Age < leastAge {
			return badValue("retention.rooms."+name+".age", keep.Age.String())
		}
	}
	return nil
}

// badValue names a setting as it is written in the file; flags are written alike, with "-".
func badValue(name, value string) error {
	return chat.Errorf(chat.CodeSettingValue, "name", name, "value", value)
}

// isAddress reports whether addr is HOST:PORT or :PORT; what the host is, the system will say.
func isAddress(addr string) bool {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}
