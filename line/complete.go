package line

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/cases"

	"huisclos/line/edit"
)

// completer knows the words that may be meant: commands, rooms and people. It is used by the goroutine that
// reads and fed by the face's.
type completer struct {
	table  []Command
	words  Words
	server func(before string) []string

	mu     sync.Mutex // guards what follows
	others []string   // rooms
	people []string   // the last seen first
}

// mostPeople bounds the names remembered.
const mostPeople = 200

// person remembers a name.
func (c *completer) person(name string) {
	if name == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.people, name); i >= 0 {
		c.people = slices.Delete(c.people, i, i+1)
	}
	c.people = slices.Insert(c.people, 0, name)
	c.people = c.people[:min(len(c.people), mostPeople)]
}

// rooms takes over the rooms that the face knows.
func (c *completer) rooms(f *face) {
	all := maps.Clone(f.known)
	if all == nil {
		all = map[string]bool{}
	}
	for room := range f.rooms {
		all[room] = true
	}
	sorted := slices.Sorted(maps.Keys(all))
	c.mu.Lock()
	c.others = sorted
	c.mu.Unlock()
}

// complete implements edit.Completer: commands at the beginning, their words, and names anywhere.
func (c *completer) complete(before string) (int, []edit.Candidate) {
	if strings.Contains(before, "\n") {
		return 0, nil
	}
	start := strings.LastIndexByte(before, ' ') + 1
	word := before[start:]
	if !strings.HasPrefix(before, "/") || strings.HasPrefix(before, "//") {
		return c.name(before, start)
	}
	if start == 0 {
		return 0, c.commands(word[1:])
	}
	name, rest := split(before[1:])
	command, err := lookup(c.table, name)
	if err != nil || len(command.Args) == 0 {
		return 0, nil
	}
	n := min(len(strings.Fields(rest)), len(command.Args)-1)
	if word != "" {
		n = min(len(strings.Fields(rest))-1, len(command.Args)-1)
	}
	switch command.Args[n].Kind {
	case KindRoom:
		c.mu.Lock()
		defer c.mu.Unlock()
		if strings.HasPrefix(word, "@") {
			return start, matching(c.others, word, "", "")
		}
		return start, matching(c.others, strings.TrimPrefix(word, "#"), "#", "")
	case KindPerson, KindPeople:
		c.mu.Lock()
		defer c.mu.Unlock()
		return start, matching(c.people, word, "", " ")
	case KindOpen:
		return start, matching([]string{"--open"}, word, "", "")
	case KindYes, KindAnswer:
		return start, matching([]string{c.words.T("line.yes"), c.words.T("line.no")}, word, "", "")
	case KindRevoke:
		return start, matching([]string{c.words.T("line.revoke")}, word, "", " ")
	case KindSure:
		return start, matching([]string{c.words.T("line.yes")}, word, "", "")
	case KindPast:
		return start, matching([]string{c.words.T("line.past.none"), c.words.T("line.past.all")}, word, "", "")
	case KindSlow:
		return start, matching([]string{"30s", "5m", c.words.T("line.slow.off")}, word, "", "")
	case KindLife:
		return start, matching([]string{"1h", "1d", c.words.T("line.expire.room")}, word, "", " ")
	case KindNotify:
		return start, matching([]string{c.words.T("line.notify.all"), c.words.T("line.notify.mentions"), c.words.T("line.off")}, word, "", "")
	case KindSwitch:
		return start, matching([]string{c.words.T("line.on"), c.words.T("line.off")}, word, "", "")
	case KindRole:
		return start, matching([]string{c.words.T("line.role.member"), c.words.T("line.role.moderator"), c.words.T("line.role.owner")}, word, "", "")
	case KindServer:
		if c.server != nil {
			return start, matching(c.server(rest), word, "", " ")
		}
	}
	return 0, nil
}

// commands finds the commands that begin so, with what they do.
func (c *completer) commands(prefix string) []edit.Candidate {
	var found []edit.Candidate
	for _, command := range c.table {
		if !strings.HasPrefix(command.Name, strings.ToLower(prefix)) {
			continue
		}
		text := "/" + command.Name
		if len(command.Args) > 0 {
			text += " "
		}
		found = append(found, edit.Candidate{Text: text, Note: c.words.T("line.help." + command.Name)})
	}
	return found
}

// name completes a person's name in a message; at its beginning it is spoken to.
func (c *completer) name(before string, start int) (int, []edit.Candidate) {
	word := before[start:]
	at := ""
	if rest, ok := strings.CutPrefix(word, "@"); ok {
		at, word = "@", rest
	}
	if word == "" {
		return 0, nil
	}
	after := " "
	if start == 0 && at == "" {
		after = ": "
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return start, matching(c.people, word, at, after)
}

// matching keeps the words that begin with prefix, whatever the capitals.
func matching(words []string, prefix, before, after string) []edit.Candidate {
	fold := cases.Fold()
	var found []edit.Candidate
	for _, w := range words {
		if strings.HasPrefix(fold.String(w), fold.String(prefix)) {
			found = append(found, edit.Candidate{Text: before + w + after})
		}
	}
	return found
}
