package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"huisclos/admin"
)

// Look says how results are shown.
type Look struct {
	// Now is the moment that "today" and "ago" count from.
	Now time.Time
	// QR draws a text as a QR code in lines; nil: none is drawn.
	QR func(text string) []string
}

// Render shows a result in lines.
func Render(w Words, look Look, r admin.Result) []string {
	switch r := r.(type) {
	case *admin.Listing:
		return listing(w, look, r)
	case *admin.RoomList:
		return rooms(w, look, r)
	case *admin.Stats:
		return stats(w, look, r)
	case *admin.AuditLog:
		return audit(w, look, r)
	case *admin.BanList:
		return bans(w, look, r)
	case *admin.Key:
		return Key(w, look, *r)
	case *admin.Rotation:
		return rotation(w, look, r)
	case *admin.Approval:
		return approval(w, look, r)
	case *admin.Kicked:
		return []string{w.N("admin.kicked", r.Connections, "name", safe(r.Name))}
	case *admin.Banned:
		lines := []string{w.T("admin.banned.absent", "name", safe(r.Name))}
		if r.Connections > 0 {
			lines = []string{w.N("admin.banned", r.Connections, "name", safe(r.Name))}
		}
		if r.KeyHeld {
			lines = append(lines, w.T("admin.banned.rotate", "name", safe(r.Name)))
		}
		return lines
	case *admin.Unbanned:
		return []string{w.T("admin.unbanned", "name", safe(r.Name))}
	case *admin.Refill:
		return refill(w, look, r)
	case *admin.RefillEnded:
		if !r.Was {
			return []string{w.T("admin.refill.none")}
		}
		return []string{w.T("admin.refill.ended")}
	case *admin.Said:
		return []string{w.N("admin.said", r.Reached)}
	case *admin.Reloaded:
		return reloaded(w, r)
	case *admin.Stopping:
		return []string{w.T("admin.stopping")}
	}
	return nil
}

func listing(w Words, look Look, r *admin.Listing) []string {
	if len(r.Present) == 0 {
		return []string{w.T("admin.list.none")}
	}
	t := table{{w.T("admin.col.name"), w.T("admin.col.address"), w.T("admin.col.since"), w.T("admin.col.rooms"), w.T("admin.col.client")}}
	for _, p := range r.Present {
		client := safe(p.Client)
		if p.Classical {
			client += " " + w.T("admin.list.classical")
		}
		if p.Proxied {
			client += " " + w.T("admin.list.proxied")
		}
		t.add(safe(p.Name), safe(p.Address), clock(p.Since, look.Now), reads(w, &p), client)
	}
	return append([]string{w.N("admin.list", len(r.Present))}, t.lines("  ")...)
}

// reads says which rooms somebody reads: the private ones have no names.
func reads(w Words, p *admin.Present) string {
	if p.Private == 0 {
		return hashes(p.Rooms)
	}
	private := w.N("admin.list.private", p.Private)
	if len(p.Rooms) == 0 {
		return private
	}
	return hashes(p.Rooms) + " " + private
}

// hashes writes rooms as people do.
func hashes(names []string) string {
	if len(names) == 0 {
		return "–"
	}
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = "#" + safe(n)
	}
	return strings.Join(out, " ")
}

func rooms(w Words, look Look, r *admin.RoomList) []string {
	var private []string
	if p := r.Private; p.Rooms > 0 {
		private = []string{w.N("admin.rooms.private", p.Rooms, "messages", itoa(p.Messages), "size", Size(w, p.Bytes))}
	}
	if len(r.Rooms) == 0 {
		return append([]string{w.T("admin.rooms.none")}, private...)
	}
	t := table{{w.T("admin.col.room"), w.T("admin.col.messages"), w.T("admin.col.size"), w.T("admin.col.online"), w.T("admin.col.keeps"), w.T("admin.col.created")}}
	for _, room := range r.Rooms {
		messages := uint64(0)
		if room.Head > 0 {
			messages = uint64(room.Head-room.Oldest) + 1
		}
		t.add("#"+safe(room.Name), strconv.FormatUint(messages, 10), Size(w, room.Bytes), strconv.Itoa(room.Online),
			keeps(w, room.Age, room.Size), clock(room.Created, look.Now))
	}
	return append(append([]string{w.N("admin.rooms", len(r.Rooms))}, t.lines("  ")...), private...)
}

// keeps says a retention.
func keeps(w Words, age time.Duration, size int64) string {
	switch {
	case age > 0 && size > 0:
		return Length(w, age) + ", " + Size(w, size)
	case age > 0:
		return Length(w, age)
	case size > 0:
		return Size(w, size)
	}
	return w.T("admin.keeps.all")
}

func stats(w Words, look Look, r *admin.Stats) []string {
	where := "admin.stats.disk"
	if r.InMemory {
		where = "admin.stats.in_memory"
	}
	var t table
	t.add(w.T("admin.stats.version"), safe(r.Version))
	t.add(w.T("admin.stats.uptime"), Length(w, look.Now.Sub(r.Started)))
	t.add(w.T("admin.stats.connections"), strconv.Itoa(r.Connections))
	t.add(w.T("admin.stats.people"), w.T("admin.stats.people.value", "people", itoa(r.People), "devices", itoa(r.Devices)))
	t.add(w.T("admin.stats.rooms"), itoa(r.Rooms))
	t.add(w.T("admin.stats.messages"), w.T("admin.stats.messages.value", "messages", itoa(r.Messages), "size", Size(w, r.Bytes)))
	t.add(w.T(where), Size(w, r.Disk))
	t.add(w.T("admin.stats.memory"), Size(w, r.Memory))
	t.add(w.T("admin.stats.generation"), fmt.Sprint(r.Generation))
	return t.lines("")
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func audit(w Words, look Look, r *admin.AuditLog) []string {
	if len(r.Rows) == 0 {
		return []string{w.T("admin.audit.none")}
	}
	t := table{{w.T("admin.col.number"), w.T("admin.col.when"), w.T("admin.col.actor"), w.T("admin.col.action"), w.T("admin.col.detail")}}
	for _, row := range r.Rows {
		t.add(strconv.FormatUint(row.Number, 10), clock(row.At, look.Now), safe(short(row.Actor)), safe(row.Action), safe(short(row.Detail)))
	}
	return t.lines("")
}

// short shows the beginning of an account or a device, which is enough to tell it from the others: in full, 64 digits, it
// is in the JSON.
func short(text string) string {
	const id, shown = 64, 12
	if len(text) == id && strings.Trim(text, "0123456789abcdef") == "" {
		return text[:shown] + "…"
	}
	return text
}

func bans(w Words, look Look, r *admin.BanList) []string {
	if len(r.Bans) == 0 {
		return []string{w.T("admin.bans.none")}
	}
	t := table{{w.T("admin.col.name"), w.T("admin.col.when"), w.T("admin.col.actor"), w.T("admin.col.reason")}}
	for _, b := range r.Bans {
		t.add(safe(b.Name), clock(b.At, look.Now), safe(b.By), safe(b.Reason))
	}
	return append([]string{w.N("admin.bans", len(r.Bans))}, t.lines("  ")...)
}

// Key shows the shared key to the person who asked for it.
func Key(w Words, look Look, k admin.Key) []string {
	var lines []string
	if look.QR != nil { // first: what is to be read stays on a small screen
		lines = append(lines, look.QR(k.Link.Reveal())...)
	}
	var t table
	t.add(w.T("admin.key.key"), k.Key.Reveal())
	t.add(w.T("admin.key.link"), k.Link.Reveal())
	lines = append(lines, t.lines("")...)
	return append(lines, w.T("admin.key.memory", "generation", fmt.Sprint(k.Generation), "id", k.ID))
}

func rotation(w Words, look Look, r *admin.Rotation) []string {
	lines := append([]string{w.T("admin.rotated", "generation", fmt.Sprint(r.Generation))}, Key(w, look, r.Key)...)
	if r.Prove {
		return append(lines, w.T("admin.rotated.all"))
	}
	return append(lines, waiting(w, look, r.Waiting)...)
}

func approval(w Words, look Look, r *admin.Approval) []string {
	line := w.T("admin.approved.none")
	if len(r.Names) > 0 {
		line = w.N("admin.approved", r.Devices, "names", safe(strings.Join(r.Names, ", ")), "generation", fmt.Sprint(r.Generation))
	}
	return append([]string{line}, waiting(w, look, r.Waiting)...)
}

// waiting lists who is to be approved or banned.
func waiting(w Words, look Look, list []admin.Account) []string {
	if len(list) == 0 {
		return nil
	}
	var t table
	for _, a := range list {
		t.add(safe(a.Name), w.N("admin.devices", a.Devices), w.T("admin.last_login", "when", clock(a.LastLogin, look.Now)))
	}
	lines := append([]string{w.N("admin.waiting", len(list))}, t.lines("  ")...)
	return append(lines, w.T("admin.waiting.hint"))
}

func reloaded(w Words, r *admin.Reloaded) []string {
	lines := []string{w.T("admin.reloaded.none")}
	if len(r.Changed) > 0 {
		lines = []string{w.T("admin.reloaded", "settings", strings.Join(r.Changed, ", "))}
	}
	if len(r.Restart) > 0 {
		lines = append(lines, w.T("admin.reloaded.restart", "settings", strings.Join(r.Restart, ", ")))
	}
	return lines
}
