package admin

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"huisclos/chat"
)

// Request is one command with its arguments. Which fields a verb uses follows from
// the Params and Options of its Command; the others are zero.
type Request struct {
	Verb     Verb     `json:"verb"`
	Name     string   `json:"name,omitempty"`     // ParamName
	Names    []string `json:"names,omitempty"`    // ParamNames
	Text     string   `json:"text,omitempty"`     // ParamReason, ParamText; of ParamVerb the verb
	Count    int      `json:"count,omitempty"`    // ParamCount
	All      bool     `json:"all,omitempty"`      // OptionAll
	Everyone bool     `json:"everyone,omitempty"` // OptionEveryone
	Yes      bool     `json:"-"`                  // OptionYes: of the face only
}

// The bounds of what a request may carry.
const (
	MaxText  = 1 << 10 // bytes of a reason or an announcement (wire.Notice)
	MaxNames = 10000
	MaxCount = 10000 // rows of the audit log
)

// Parse reads a command as it is typed on the console: "/kick bob go away". The "/"
// may be missing. Errors: CodeUnknownCommand (command, suggestion), CodeUsage (command).
func Parse(line string) (Request, error) {
	words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "/"))
	return ParseWords(words)
}

// ParseWords reads a command that a shell has split into words. Texts that were several words
// are joined by one space.
func ParseWords(words []string) (Request, error) {
	c, args, err := match(words)
	if err != nil {
		return Request{}, err
	}
	r := Request{Verb: c.Verb}
	args, err = r.takeOptions(c, args)
	if err != nil {
		return Request{}, err
	}
	if err := r.takeParams(c, args); err != nil {
		return Request{}, err
	}
	return r, r.Check()
}

// match finds the command with the longest verb that the words begin with.
func match(words []string) (Command, []string, error) {
	if len(words) == 0 {
		return Command{}, nil, chat.Errorf(chat.CodeUsage, "command", "help")
	}
	var best Command
	length := 0
	for _, c := range Commands() {
		verb := strings.Fields(string(c.Verb))
		if len(verb) > length && len(words) >= len(verb) && equalFold(verb, words[:len(verb)]) {
			best, length = c, len(verb)
		}
	}
	if length == 0 {
		return Command{}, nil, unknownCommand(words[0])
	}
	return best, words[length:], nil
}

func equalFold(a, b []string) bool {
	return slices.EqualFunc(a, b, strings.EqualFold)
}

func unknownCommand(word string) error {
	var verbs []string
	for _, c := range Commands() {
		verbs = append(verbs, string(c.Verb))
	}
	e := chat.Errorf(chat.CodeUnknownCommand, "command", clip(word))
	if near := Nearest(strings.ToLower(word), verbs); near != "" {
		e.Params["suggestion"] = near
	}
	return e
}

// takeOptions reads the options, which stand anywhere before a free text begins. Behind that, and where
// the command has no such option and a text may begin, "--" is part of the text.
func (r *Request) takeOptions(c Command, args []string) ([]string, error) {
	fixed := len(args) // how many words come before the text
	for i, p := range c.Params {
		if p == ParamReason || p == ParamText {
			fixed = i
		}
	}
	var rest []string
	for _, arg := range args {
		name, isOption := strings.CutPrefix(arg, "--")
		if !isOption || len(rest) > fixed {
			rest = append(rest, arg)
			continue
		}
		if !c.Has(Option(name)) {
			if len(rest) == fixed && fixed < len(c.Params) {
				rest = append(rest, arg)
				continue
			}
			return nil, usage(c)
		}
		switch Option(name) {
		case OptionAll:
			r.All = true
		case OptionEveryone:
			r.Everyone = true
		case OptionYes:
			r.Yes = true
		}
	}
	return rest, nil
}

func (r *Request) takeParams(c Command, args []string) error {
	for _, p := range c.Params {
		switch p {
		case ParamName:
			if len(args) == 0 {
				return usage(c)
			}
			r.Name, args = args[0], args[1:]
		case ParamNames:
			r.Names, args = args, nil
		case ParamReason, ParamText:
			r.Text, args = strings.Join(args, " "), nil
		case ParamVerb:
			r.Text, args = strings.ToLower(strings.TrimPrefix(strings.Join(args, " "), "/")), nil
		case ParamCount:
			if len(args) == 0 {
				continue
			}
			n, err := strconv.Atoi(args[0])
			if err != nil || n < 1 {
				return usage(c)
			}
			r.Count, args = n, args[1:]
		}
	}
	if len(args) > 0 {
		return usage(c)
	}
	return nil
}

// Check refuses a request that its command doesn't allow, whoever made it: CodeUnknownCommand,
// CodeUsage (command), CodeTooLarge (limit).
func (r *Request) Check() error {
	c, ok := Lookup(r.Verb)
	if !ok {
		return unknownCommand(string(r.Verb))
	}
	has := func(p Param) bool { return slices.Contains(c.Params, p) }
	switch {
	case has(ParamName) != (r.Name != ""),
		!has(ParamNames) && len(r.Names) > 0,
		has(ParamNames) && (len(r.Names) == 0) != r.Everyone,
		has(ParamText) && strings.TrimSpace(r.Text) == "",
		!has(ParamText) && !has(ParamReason) && !has(ParamVerb) && r.Text != "",
		!has(ParamCount) && r.Count != 0, r.Count < 0,
		r.All && !c.Has(OptionAll), r.Everyone && !c.Has(OptionEveryone):
		return usage(c)
	case len(r.Text) > MaxText:
		return chat.Errorf(chat.CodeTooLarge, "limit", strconv.Itoa(MaxText))
	case len(r.Names) > MaxNames:
		return chat.Errorf(chat.CodeTooLarge, "limit", strconv.Itoa(MaxNames))
	case r.Count > MaxCount:
		return chat.Errorf(chat.CodeTooLarge, "limit", strconv.Itoa(MaxCount))
	case !printable(r.Text) || !printable(r.Name) || slices.ContainsFunc(r.Names, func(n string) bool { return !printable(n) }):
		return usage(c)
	}
	return nil
}

// usage tells how the command is written; the face looks it up.
func usage(c Command) error {
	return chat.Errorf(chat.CodeUsage, "command", string(c.Verb))
}

// printable refuses text that would move the cursor of whoever reads it.
func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, unicode.IsControl)
}

// clip bounds foreign text that goes into an error.
func clip(s string) string {
	const most = 32
	runes := []rune(strings.ToValidUTF8(s, "?"))
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(runes)
}
