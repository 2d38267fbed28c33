package console

import (
	"strings"

	"huisclos/admin"
)

// Prefix stands before a command where it is typed.
type Prefix string

// The places where commands are typed.
const (
	OnConsole Prefix = "/"               // the server's own window
	InChat    Prefix = "/server "        // the host's chat
	InShell   Prefix = "huisclos admin " // a shell
)

// Syntax is how a command is typed: "/kick NAME [REASON]".
func Syntax(w Words, at Prefix, c admin.Command) string { return string(at) + bare(w, c) }

func bare(w Words, c admin.Command) string {
	parts := []string{string(c.Verb)}
	everyone := c.Has(admin.OptionEveryone)
	for _, p := range c.Params {
		part := w.T("admin.arg." + argument(p))
		switch p {
		case admin.ParamReason, admin.ParamCount, admin.ParamVerb:
			part = "[" + part + "]"
		case admin.ParamNames:
			part += "…"
			if everyone {
				part += "|--" + string(admin.OptionEveryone)
			}
		}
		parts = append(parts, part)
	}
	for _, o := range c.Options {
		if o == admin.OptionAll {
			parts = append(parts, "[--"+string(o)+"]")
		}
	}
	return strings.Join(parts, " ")
}

// argument names a parameter in the keys of the texts.
func argument(p admin.Param) string {
	switch p {
	case admin.ParamName, admin.ParamNames:
		return "name"
	case admin.ParamReason:
		return "reason"
	case admin.ParamText:
		return "text"
	case admin.ParamCount:
		return "count"
	case admin.ParamVerb:
		return "command"
	}
	return ""
}

// Help explains all commands, sorted by subject; or one of them, when words name it.
func Help(w Words, at Prefix, words string) []string {
	if words == "" {
		return overview(w, at)
	}
	if c, ok := admin.Lookup(admin.Verb(words)); ok {
		return HelpOn(w, at, c)
	}
	r, err := admin.Parse(words) // "/help kick bob" is about kick
	if c, ok := admin.Lookup(r.Verb); ok && err == nil {
		return HelpOn(w, at, c)
	}
	return Error(w, at, err)
}

func overview(w Words, at Prefix) []string {
	var lines []string
	var t table
	subjects := map[int]admin.Subject{} // row → what begins there
	last := admin.Subject("")
	for _, c := range admin.Commands() {
		if c.Subject != last {
			subjects[len(t)], last = c.Subject, c.Subject
		}
		t.add(Syntax(w, at, c), w.T("admin.do."+c.TextID()))
	}
	for i, row := range t.lines("  ") {
		if s, ok := subjects[i]; ok {
			lines = append(lines, w.T("admin.subject."+string(s)))
		}
		lines = append(lines, row)
	}
	return lines
}

// HelpOn explains one command: how it is typed, what it does, and its options.
func HelpOn(w Words, at Prefix, c admin.Command) []string {
	lines := []string{Syntax(w, at, c), "  " + w.T("admin.do."+c.TextID())}
	var t table
	for _, o := range c.Options {
		t.add("--"+string(o), w.T("admin.option."+c.TextID()+"."+string(o)))
	}
	return append(lines, t.lines("  ")...)
}
