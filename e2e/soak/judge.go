package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"huisclos/chat"
	"huisclos/client"
)

// judge compares what all members have read. Its witness in each room is the room's owner, who has been there from the start.
type judge struct {
	faults   []string
	messages int // readings, all members together
	changes  int // of memberships, in all rooms
	void     int
}

func (j *judge) fault(format string, args ...any) {
	j.faults = append(j.faults, fmt.Sprintf(format, args...))
}

// room judges one room. all is what each device read, devices are all that there are, acked what the senders were told is durable.
func (j *judge) room(name string, owner string, all map[string]seen, devices []string, acked map[chat.Seq]receipt) {
	witness, ok := all[owner]
	if !ok {
		j.fault("%s: its owner %s doesn't know it", name, owner)
		return
	}
	texts, joins, more, ends := j.log(name, owner, witness)
	said := make(map[receipt]bool)
	for _, e := range texts {
		number, _, _ := strings.Cut(e.Text, " ")
		said[receipt{e.Sender, number}] = true
	}
	for seq, r := range acked {
		e, ok := texts[seq]
		again := said[r] || r.number == "-" // what came too late for the others is written again, under another ID
		if (!ok || e.Sender != r.sender) && !again && !removedBefore(seq, joins[r.sender], ends[r.sender]) {
			j.fault("%s: %s was told that %d (%s) is durable, and %s doesn't read it", name, r.sender, seq, r.number, owner)
		}
	}
	slices.Sort(witness.Members)
	for _, d := range devices {
		if s := all[d]; slices.Contains(witness.Members, nameOf(d)) && !s.Active {
			j.fault("%s: %s isn't in it, and its person is a member", name, d)
		}
	}
	for device, s := range all {
		who := nameOf(device)
		j.reading(name, device, s, texts)
		if device == owner {
			continue
		}
		last := chat.Seq(0)
		for _, at := range joins[who] {
			last = max(last, at)
		}
		gone := len(ends[who]) > 0 && ends[who][len(ends[who])-1] > last
		if who == nameOf(owner) { // who made the room is in no list of those who came
			last, gone = 1, false
		}
		if last == 0 || gone != !s.Active {
			j.fault("%s: %s is in it: %v; by %s's log: %v", name, device, s.Active, owner, last > 0 && !gone)
			continue
		}
		if gone {
			continue
		}
		slices.Sort(s.Members)
		if !slices.Equal(s.Members, witness.Members) || s.Topic != witness.Topic {
			j.fault("%s: %s sees %v (%s), %s sees %v (%s)", name, device, s.Members, s.Topic, owner, witness.Members, witness.Topic)
		}
		for _, at := range more[who] { // with one device more: this one, perhaps
			last = max(last, at)
		}
		j.complete(name, device, s, texts, last)
	}
}

// removedBefore tells whether somebody was out of the room at a place: a late message of his counts for nobody.
func removedBefore(at chat.Seq, joins, ends []chat.Seq) bool {
	return slices.ContainsFunc(ends, func(end chat.Seq) bool {
		return end < at && !slices.ContainsFunc(joins, func(j chat.Seq) bool { return end < j && j < at })
	})
}

// log takes the room's history as the witness read it: texts by place, and when each member came and went last.
func (j *judge) log(name, owner string, witness seen) (texts map[chat.Seq]entry, joins, more, ends map[string][]chat.Seq) {
	texts = make(map[chat.Seq]entry)
	joins, more, ends = make(map[string][]chat.Seq), make(map[string][]chat.Seq), make(map[string][]chat.Seq)
	for _, e := range witness.Entries {
		switch e.Form {
		case client.Text:
			texts[e.Seq] = e
		case client.Changed:
			for _, n := range e.Added {
				joins[n] = append(joins[n], e.Seq)
				j.changes++
			}
			for _, n := range e.More {
				more[n] = append(more[n], e.Seq)
			}
			for _, n := range e.Removed {
				ends[n] = append(ends[n], e.Seq)
				j.changes++
			}
		case client.Refused:
			if e.Code == chat.CodeVoid {
				j.void++
				continue
			}
			j.fault("%s: %s refuses %d of %s: %s", name, owner, e.Seq, e.Sender, e.Code)
		default:
			j.fault("%s: %s can't read %d (form %d, %s)", name, owner, e.Seq, e.Form, e.Code)
		}
	}
	return texts, joins, more, ends
}

// reading checks that what somebody read is what the witness read, once, and that nothing was unreadable.
func (j *judge) reading(name, who string, s seen, texts map[chat.Seq]entry) {
	said := make(map[string]bool)
	for _, e := range s.Entries {
		switch {
		case e.Form == client.Text:
			j.messages++
			if t, ok := texts[e.Seq]; (!ok && nameOf(who) != e.Sender) || ok && (t.Text != e.Text || t.Sender != e.Sender) {
				j.fault("%s: %s reads %q of %s at %d, the owner %q", name, who, e.Text, e.Sender, e.Seq, t.Text)
			}
			number, _, _ := strings.Cut(e.Text, " ")
			if said[e.Sender+" "+number] {
				j.fault("%s: %s reads %q of %s twice", name, who, number, e.Sender)
			}
			said[e.Sender+" "+number] = true
			if e.Code != "" {
				j.fault("%s: %s is told %s at %d", name, who, e.Code, e.Seq)
			}
		case e.Form == client.Changed, e.Form == client.Refused && e.Code == chat.CodeVoid:
		default:
			j.fault("%s: %s can't read %d of %s (form %d, %s)", name, who, e.Seq, e.Sender, e.Form, e.Code)
		}
	}
}

// complete checks that a member has read all that was written by people who knew that he was there.
func (j *judge) complete(name, who string, s seen, texts map[chat.Seq]entry, since chat.Seq) {
	has := make(map[chat.Seq]bool)
	for _, e := range s.Entries {
		has[e.Seq] = true
	}
	for seq, e := range texts {
		_, read, _ := strings.Cut(e.Text, " ")
		knew, err := strconv.ParseUint(read, 10, 64)
		if seq > since && err == nil && chat.Seq(knew) >= since && !has[seq] {
			j.fault("%s: %s, a member since %d, lacks %d (%q of %s)", name, who, since, seq, e.Text, e.Sender)
		}
	}
}
