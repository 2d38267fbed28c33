package console

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"huisclos/admin"
	"huisclos/chat"
)

// Words gives the texts of one language: *i18n.Printer.
type Words interface {
	// T is the text with that ID; pairs are names and values of its parameters.
	T(id string, pairs ...string) string
	// N is T for a number of things.
	N(id string, n int, pairs ...string) string
	// Error is what happened, and what to do; the second may be empty.
	Error(err error) (text, hint string)
}

// safe makes foreign text harmless: what isn't printable is shown by its number.
func safe(s string) string {
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hidden are the characters that move a cursor, reorder text or can't be seen.
func hidden(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }

// Error is an error in words: what happened, and on further lines what to do.
func Error(w Words, at Prefix, err error) []string {
	var e *chat.Error
	if !errors.As(err, &e) {
		e = chat.Errorf(chat.CodeOf(err))
	}
	switch e.Code {
	case chat.CodeUsage:
		if c, ok := admin.Lookup(admin.Verb(e.Params["command"])); ok {
			return []string{w.T("admin.usage", "syntax", Syntax(w, at, c))}
		}
	case chat.CodeUnknownCommand:
		return unknown(w, at, e)
	case chat.CodeAdminRefused:
		switch reason := e.Params["reason"]; reason {
		case admin.ReasonForeignKey, admin.ReasonNoGeneration, admin.ReasonBanned:
			return []string{w.T("admin.refused."+reason, "name", safe(e.Params["name"]))}
		}
	}
	text, hint := w.Error(err)
	lines := []string{safe(text)}
	if near := e.Params["suggestion"]; near != "" {
		return append(lines, w.T("admin.suggestion", "suggestion", safe(near)))
	}
	if hint != "" {
		lines = append(lines, safe(hint))
	}
	return lines
}

// unknown names the command as it was typed, and the one that was meant as it is typed, or where all of them are listed.
func unknown(w Words, at Prefix, e *chat.Error) []string {
	text, _ := w.Error(chat.Errorf(e.Code, "command", string(at)+e.Params["command"]))
	hint := w.T("admin.unknown.hint", "help", string(at)+string(admin.VerbHelp))
	if near := e.Params["suggestion"]; near != "" {
		hint = w.T("admin.suggestion", "suggestion", safe(string(at)+near))
	}
	return []string{safe(text), hint}
}

// Size is a number of bytes as people read it: 1.5 MiB.
func Size(w Words, n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	value, unit := float64(n), 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	digits := 0
	if unit > 0 && value < 100 {
		digits = 1
	}
	number := strings.Replace(fmt.Sprintf("%.*f", digits, value), ".", w.T("admin.decimal"), 1)
	return w.T("admin.size."+units[unit], "n", number)
}

// Length is a length of time as people read it, in its two greatest units: 3 d 4 h.
func Length(w Words, d time.Duration) string {
	d = d.Round(time.Second)
	for i, u := range units {
		if d < u.length && i < len(units)-1 {
			continue
		}
		text := w.T("admin.time."+u.name, "n", fmt.Sprint(int64(d/u.length)))
		if i+1 < len(units) {
			if rest := d % u.length / units[i+1].length; rest > 0 {
				text += " " + w.T("admin.time."+units[i+1].name, "n", fmt.Sprint(int64(rest)))
			}
		}
		return text
	}
	return ""
}

var units = [...]struct {
	name   string
	length time.Duration
}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}}

// clock is a moment: the time of today, otherwise with the date (ISO 8601, the same for everyone).
func clock(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.IsZero() || t.Unix() <= 0 {
		return "–"
	}
	if t.Year() == now.Year() && t.YearDay() == now.YearDay() {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04")
}
