package console

import (
	"strings"

	"huisclos/admin"
)

// refill shows how far a restored server is with taking back what it lacks.
func refill(w Words, look Look, r *admin.Refill) []string {
	if r.Until.IsZero() {
		return []string{w.T("admin.refill.none")}
	}
	lines := []string{
		w.T("admin.refill", "time", clock(r.Until, look.Now)),
		w.N("admin.refill.held", r.Held), w.N("admin.refill.open", r.Open), w.N("admin.refill.over", r.Over),
	}
	if r.Missing > 0 {
		lines = append(lines, w.N("admin.refill.missing", int(r.Missing)))
	}
	if len(r.Conflicts) > 0 {
		lines = append(lines, w.T("admin.refill.conflict", "rooms", safe(strings.Join(r.Conflicts, ", "))))
	}
	return lines
}
