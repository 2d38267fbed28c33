package line

import (
	"time"

	"huisclos/line/edit"
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

// safeError is Words.Error made harmless: its parameters may come from a server.
func safeError(w Words, err error) (text, hint string) {
	text, hint = w.Error(err)
	return edit.SafeLine(text), edit.SafeLine(hint)
}

// day names a day in full: "Tuesday 14 October 2025".
func day(w Words, t time.Time) string {
	return w.T("line.day",
		"weekday", w.T("line.weekday."+t.Format("Mon")),
		"day", t.Format("2"),
		"month", w.T("line.month."+t.Format("01")),
		"year", t.Format("2006"))
}
