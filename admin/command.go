package admin

import (
	"slices"
	"strings"
)

// Verb names a command. It is what one types after "/" on the console and after
// "huisclos admin" in a shell, and what travels on the socket; it never changes.
type Verb string

// The commands.
const (
	VerbList      Verb = "list"
	VerbRooms     Verb = "rooms"
	VerbStats     Verb = "stats"
	VerbAudit     Verb = "audit"
	VerbKick      Verb = "kick"
	VerbBan       Verb = "ban"
	VerbUnban     Verb = "unban"
	VerbBans      Verb = "bans"
	VerbKey       Verb = "key"
	VerbRotate    Verb = "key rotate"
	VerbApprove   Verb = "key approve"
	VerbRefill    Verb = "refill"
	VerbRefillEnd Verb = "refill end"
	VerbSay       Verb = "say"
	VerbReload    Verb = "reload"
	VerbQuit      Verb = "quit"
	VerbHelp      Verb = "help"
)

// Param is one argument of a command.
type Param uint8

const (
	// ParamName is one person's name. Names have no spaces.
	ParamName Param = iota + 1
	// ParamNames is one name or more.
	ParamNames
	// ParamReason is the rest of the line, and may be empty.
	ParamReason
	// ParamText is the rest of the line, and may not.
	ParamText
	// ParamCount is a number of lines, and may be left out.
	ParamCount
	// ParamVerb is the name of a command, and may be left out.
	ParamVerb
)

// Option is a switch of a command, typed with two dashes.
type Option string

// The options.
const (
	// OptionAll of "key rotate": every device must prove the new key.
	OptionAll Option = "all"
	// OptionEveryone of "key approve": everyone who enrolled before and isn't banned, in place of names.
	OptionEveryone Option = "everyone"
	// OptionYes of a command that asks: don't.
	OptionYes Option = "yes"
)

// Subject sorts the commands in the help.
type Subject string

// The subjects, in the order of the help.
const (
	SubjectSee    Subject = "see"
	SubjectPeople Subject = "people"
	SubjectKey    Subject = "key"
	SubjectServer Subject = "server"
)

// Command is one row of the table. Its description is in internal/i18n under
// "admin.do." and the verb, with "_" for a space.
type Command struct {
	Verb    Verb
	Subject Subject
	Params  []Param
	Options []Option
	// Asks tells a face to let a person on a terminal confirm, unless OptionYes is given.
	Asks bool
	// Local commands are answered by the face itself and never reach a Desk.
	Local bool

	result func() Result // an empty result, to be decoded into; nil for Local
}

// Commands is the table, in the order of the help.
func Commands() []Command {
	return []Command{
		{Verb: VerbList, Subject: SubjectSee, result: empty[Listing]},
		{Verb: VerbRooms, Subject: SubjectSee, result: empty[RoomList]},
		{Verb: VerbStats, Subject: SubjectSee, result: empty[Stats]},
		{Verb: VerbAudit, Subject: SubjectSee, Params: []Param{ParamCount}, result: empty[AuditLog]},

		{Verb: VerbKick, Subject: SubjectPeople, Params: []Param{ParamName, ParamReason}, result: empty[Kicked]},
		{Verb: VerbBan, Subject: SubjectPeople, Params: []Param{ParamName, ParamReason}, Options: []Option{OptionYes}, Asks: true, result: empty[Banned]},
		{Verb: VerbUnban, Subject: SubjectPeople, Params: []Param{ParamName}, result: empty[Unbanned]},
		{Verb: VerbBans, Subject: SubjectPeople, result: empty[BanList]},

		{Verb: VerbKey, Subject: SubjectKey, result: empty[Key]},
		{Verb: VerbRotate, Subject: SubjectKey, Options: []Option{OptionAll, OptionYes}, Asks: true, result: empty[Rotation]},
		{Verb: VerbApprove, Subject: SubjectKey, Params: []Param{ParamNames}, Options: []Option{OptionEveryone}, result: empty[Approval]},

		{Verb: VerbRefill, Subject: SubjectServer, result: empty[Refill]},
		{Verb: VerbRefillEnd, Subject: SubjectServer, Options: []Option{OptionYes}, Asks: true, result: empty[RefillEnded]},
		{Verb: VerbSay, Subject: SubjectServer, Params: []Param{ParamText}, result: empty[Said]},
		{Verb: VerbReload, Subject: SubjectServer, result: empty[Reloaded]},
		{Verb: VerbQuit, Subject: SubjectServer, result: empty[Stopping]},
		{Verb: VerbHelp, Subject: SubjectServer, Params: []Param{ParamVerb}, Local: true},
	}
}

func empty[T any, P interface {
	*T
	Result
}]() Result {
	return P(new(T))
}

// Lookup finds a command by its verb.
func Lookup(v Verb) (Command, bool) {
	commands := Commands()
	i := slices.IndexFunc(commands, func(c Command) bool { return c.Verb == v })
	if i < 0 {
		return Command{}, false
	}
	return commands[i], true
}

// Has reports whether the command takes the option.
func (c Command) Has(o Option) bool { return slices.Contains(c.Options, o) }

// TextID is the command's name as a part of the keys of internal/i18n.
func (c Command) TextID() string { return strings.ReplaceAll(string(c.Verb), " ", "_") }
