package line

import (
	"slices"
	"strings"

	"huisclos/admin"
	"huisclos/chat"
)

// Kind says what a word of a command is, for its syntax and its completion.
type Kind string

// The kinds of words.
const (
	KindRoom    Kind = "room"   // a room that exists
	KindNew     Kind = "new"    // a room that doesn't
	KindPeople  Kind = "people" // one person or more
	KindPerson  Kind = "person" // a person in the room
	KindSaid    Kind = "text"   // the rest of the line
	KindPast    Kind = "past"   // none, all, or a number of days
	KindSlow    Kind = "slow"   // 30s, 5m, or off
	KindEmoji   Kind = "emoji"
	KindMessage Kind = "message" // ^3, ^bob: which message is meant
	KindRole    Kind = "role"    // owner, moderator or member
	KindNumber  Kind = "number"
	KindKey     Kind = "key"
	KindOpen    Kind = "open"   // the word --open
	KindYes     Kind = "yes"    // the word yes, no, or a safety number
	KindSure    Kind = "sure"   // the word yes
	KindAnswer  Kind = "answer" // the word yes or no
	KindRevoke  Kind = "revoke" // the word revoke
	KindDevice  Kind = "device" // one of one's devices
	KindServer  Kind = "server" // a command of the server's console
	KindLife    Kind = "life"   // 1h, or the word room
	KindNotify  Kind = "notify" // all, mentions, off
	KindSwitch  Kind = "switch" // on, off
)

// Arg is a word that a command takes.
type Arg struct {
	Kind     Kind
	Optional bool
}

// Command is one command of the chat. The table of them is where help, completion and the documentation come from:
// their texts are line.help.NAME, and line.arg.KIND for the words.
type Command struct {
	Name string
	Args []Arg
	// run does it; the rest of the line is in words. What takes time is done through face.do.
	run func(f *face, words []string, rest string) error
}

// Commands lists the commands that this version has, in the order of the help.
func Commands() []Command {
	return []Command{
		{"help", nil, (*face).help},
		{"list", []Arg{{KindRoom, true}}, (*face).list},
		{"rooms", nil, (*face).listRooms},
		{"join", []Arg{{KindRoom, false}}, (*face).join},
		{"leave", []Arg{{KindRoom, true}}, (*face).leave},
		{"new", []Arg{{KindNew, false}, {KindOpen, true}}, (*face).create},
		{"invite", []Arg{{KindPeople, true}}, (*face).invite},
		{"msg", []Arg{{KindPerson, false}, {KindSaid, true}}, (*face).private},
		{"topic", []Arg{{KindSaid, true}}, (*face).topic},
		{"past", []Arg{{KindPast, false}}, (*face).past},
		{"slow", []Arg{{KindSlow, true}}, (*face).slow},
		{"role", []Arg{{KindPerson, false}, {KindRole, false}}, (*face).role},
		{"kick", []Arg{{KindPerson, false}}, (*face).kick},
		{"ban", []Arg{{KindPerson, false}}, (*face).ban},
		{"unban", []Arg{{KindPerson, false}}, (*face).unban},
		{"mute", []Arg{{KindPerson, false}}, (*face).mute},
		{"unmute", []Arg{{KindPerson, false}}, (*face).unmute},
		{"reply", []Arg{{KindSaid, false}}, (*face).reply},
		{"edit", []Arg{{KindSaid, false}}, (*face).editMessage},
		{"delete", []Arg{{KindMessage, true}}, (*face).takeBack},
		{"react", []Arg{{KindMessage, true}, {KindEmoji, false}}, (*face).react},
		{"expire", []Arg{{KindLife, true}, {KindSaid, true}}, (*face).expire},
		{"seen", []Arg{{KindMessage, true}}, (*face).seen},
		{"notify", []Arg{{KindNotify, true}}, (*face).notify},
		{"reports", []Arg{{KindSwitch, true}}, (*face).reports},
		{"typing", []Arg{{KindSwitch, true}}, (*face).tellTyping},
		{"history", []Arg{{KindNumber, true}}, (*face).history},
		{"key", []Arg{{KindKey, true}}, (*face).key},
		{"verify", []Arg{{KindPerson, false}, {KindYes, true}}, (*face).verify},
		{"recovery", []Arg{{KindSure, true}}, (*face).recovery},
		{"devices", []Arg{{KindRevoke, true}, {KindDevice, true}}, (*face).devices},
		{"link", []Arg{{KindAnswer, true}}, (*face).link},
		{"retry", []Arg{{KindRoom, true}}, (*face).retry},
		{"lost", []Arg{{KindRoom, true}}, (*face).lost},
		{"quit", nil, (*face).quit},
	}
}

// serverCommand is in the table where the server runs in the same program.
func serverCommand() Command {
	return Command{"server", []Arg{{KindServer, false}}, (*face).server}
}

// Later lists the commands of the design that come with later versions. Help doesn't name
// them; typed, they say so.
func Later() []string {
	return []string{
		"send", "save", "search",
	}
}

// Syntax writes the command with its words: "/leave [ROOM]".
func (c Command) Syntax(w Words) string {
	s := "/" + c.Name
	for _, a := range c.Args {
		word := w.T("line.arg." + string(a.Kind))
		if a.Optional {
			word = "[" + word + "]"
		}
		s += " " + word
	}
	return s
}

// lookup finds a command by its name; CodeUnknownCommand with the nearest name, CodeLater for one that will come.
func lookup(table []Command, name string) (Command, error) {
	for _, c := range table {
		if strings.EqualFold(c.Name, name) {
			return c, nil
		}
	}
	for _, later := range Later() {
		if strings.EqualFold(later, name) {
			return Command{}, chat.Errorf(chat.CodeLater, "command", "/"+later)
		}
	}
	e := chat.Errorf(chat.CodeUnknownCommand, "command", "/"+name)
	if near := nearest(table, strings.ToLower(name)); near != "" {
		e.Params["suggestion"] = "/" + near
	}
	return Command{}, e
}

// parse checks the words of a command against its table entry and runs it.
func (c Command) parse(f *face, rest string) error {
	words := strings.Fields(rest)
	needed := 0
	for _, a := range c.Args {
		if !a.Optional {
			needed++
		}
	}
	open := len(c.Args) > 0 && slices.Contains([]Kind{KindSaid, KindServer, KindYes, KindPeople}, c.Args[len(c.Args)-1].Kind)
	if len(words) < needed || !open && len(words) > len(c.Args) {
		return chat.Errorf(chat.CodeUsage, "reason", "chat", "detail", c.Syntax(f.Words))
	}
	return c.run(f, words, strings.TrimSpace(rest))
}

// split cuts a line after "/" into the command's name and the rest.
func split(line string) (name, rest string) {
	name, rest, _ = strings.Cut(line, " ")
	return name, rest
}

// nearest finds the name that a mistyped or unfinished one is most likely to be; "" when none is near.
func nearest(table []Command, typed string) string {
	if typed == "exit" || typed == "bye" || typed == "logout" {
		return "quit"
	}
	names := make([]string, len(table))
	for i, c := range table {
		names[i] = c.Name
		if len(typed) >= 2 && strings.HasPrefix(c.Name, typed) {
			return c.Name
		}
	}
	return admin.Nearest(typed, names)
}
