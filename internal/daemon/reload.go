package daemon

import (
	"fmt"
	"maps"

	"huisclos/admin"
	"huisclos/internal/config"
)

// reloaded names what a reload has changed, and what has changed in the file but needs a new start. The names are those of the file.
func reloaded(was, now *config.Server, certificate bool) *admin.Reloaded {
	r := &admin.Reloaded{}
	note := func(list *[]string, name string, a, b any) {
		if a != b {
			*list = append(*list, name)
		}
	}
	l, m := was.Limits, now.Limits
	note(&r.Changed, "limits.message", l.Message, m.Message)
	note(&r.Changed, "limits.rate", l.Rate, m.Rate)
	note(&r.Changed, "limits.burst", l.Burst, m.Burst)
	note(&r.Changed, "limits.commit", l.Commit, m.Commit)
	note(&r.Changed, "limits.rooms", l.Rooms, m.Rooms)
	note(&r.Changed, "limits.private_rooms", l.PrivateRooms, m.PrivateRooms)
	note(&r.Changed, "limits.connections", l.Connections, m.Connections)
	note(&r.Changed, "limits.connections_per_address", l.AddressConnections, m.AddressConnections)
	note(&r.Changed, "limits.logins_per_address", l.AddressLoginsAMinute, m.AddressLoginsAMinute)
	note(&r.Changed, "retention.age", was.Retention.Age, now.Retention.Age)
	note(&r.Changed, "retention.size", was.Retention.Size, now.Retention.Size)
	if !maps.Equal(was.Retention.Rooms, now.Retention.Rooms) {
		r.Changed = append(r.Changed, "retention.rooms")
	}
	if certificate {
		r.Changed = append(r.Changed, "cert")
	}
	for _, s := range []struct {
		name string
		a, b any
	}{
		{"listen", was.Listen, now.Listen}, {"data", was.Data, now.Data}, {"access_public", was.AccessPublic, now.AccessPublic},
		{"domain", was.Domain, now.Domain}, {"cert", was.Cert, now.Cert}, {"cert_key", was.CertKey, now.CertKey},
		{"allow_classical_tls", was.AllowClassicalTLS, now.AllowClassicalTLS}, {"proxy_listen", was.ProxyListen, now.ProxyListen},
		{"lan", was.LAN, now.LAN}, {"lang", was.Lang, now.Lang}, {"log_level", fmt.Sprint(was.LogLevel), fmt.Sprint(now.LogLevel)},
		{"admin_socket", was.AdminSocket, now.AdminSocket},
	} {
		note(&r.Restart, s.name, s.a, s.b)
	}
	return r
}
