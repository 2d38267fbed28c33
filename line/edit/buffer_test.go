package edit

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// at makes a buffer of s, where | is the cursor.
func at(s string) *buffer {
	before, after, _ := strings.Cut(s, "|")
	return &buffer{text: before + after, pos: len(before)}
}

func (b *buffer) String() string { return b.before() + "|" + b.after() }

func TestEditing(t *testing.T) {
	for _, c := range []struct {
		before string
		do     []Action
		after  string
	}{
		{"ab|c", []Action{Left}, "a|bc"},
		{"|abc", []Action{Left}, "|abc"},
		{"abc|", []Action{Right}, "abc|"},
		{"x👨‍👩‍👧|y", []Action{Left}, "x|👨‍👩‍👧y"},
		{"x👨‍👩‍👧|y", []Action{EraseBack}, "x|y"},
		{"xe\u0301|", []Action{EraseBack}, "x|"},
		{"x|🇫🇷y", []Action{EraseNext}, "x|y"},
		{"one two|", []Action{WordLeft}, "one |two"},
		{"one two|", []Action{WordLeft, WordLeft}, "|one two"},
		{"|one two", []Action{WordRight}, "one| two"},
		{"l'été dernier|", []Action{WordLeft, WordLeft}, "l'|été dernier"},
		{"say http://x.org/y|", []Action{KillWord}, "say |"},
		{"say http://x.org/y|", []Action{KillPart}, "say http://x.org/|"},
		{"one |two", []Action{KillEnd}, "one |"},
		{"one |two", []Action{KillStart}, "|two"},
		{"one |two", []Action{KillEnd, Home, Yank}, "two|one "},
		{"|one two", []Action{KillNext, KillNext}, "|"},
		{"ab|", []Action{Transpose}, "ba|"},
		{"a|b", []Action{Transpose}, "ba|"},
		{"|ab", []Action{Transpose}, "|ab"},
		{"one\ntw|o\nthree", []Action{Home}, "one\n|two\nthree"},
		{"one\ntw|o\nthree", []Action{End}, "one\ntwo|\nthree"},
		{"one\ntw|o\nthree", []Action{KillEnd}, "one\ntw|\nthree"},
		{"one|", []Action{NewLine}, "one\n|"},
	} {
		b := at(c.before)
		for _, a := range c.do {
			if !b.apply(a) {
				t.Errorf("%v is no editing", a)
			}
		}
		if b.String() != c.after {
			t.Errorf("%q after %v: %q, want %q", c.before, c.do, b, c.after)
		}
	}
}

func TestVertical(t *testing.T) {
	b := at("first\nxy\nthi|rd")
	for _, want := range []string{"first\nxy|\nthird", "fi|rst\nxy\nthird"} {
		if !b.vertical(false) || b.String() != want {
			t.Errorf("%q, want %q", b, want)
		}
	}
	if b.vertical(false) {
		t.Error("there is no row above the first")
	}
	if !b.vertical(true) || b.String() != "first\nxy|\nthird" {
		t.Errorf("%q", b)
	}
}

// TestCursorStaysBetweenCharacters: after any editing the cursor is at the edge of a grapheme cluster.
func TestCursorStaysBetweenCharacters(t *testing.T) {
	edits := []Action{
		Left, Right, WordLeft, WordRight, Home, End, EraseBack, EraseNext, KillEnd, KillStart,
		KillWord, KillPart, KillNext, Yank, Transpose, NewLine,
	}
	rapid.Check(t, func(t *rapid.T) {
		b := &buffer{max: 200}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "type") {
				b.insert(anyText().Draw(t, "text"))
			} else {
				b.apply(rapid.SampledFrom(edits).Draw(t, "edit"))
			}
			edge := 0
			for _, c := range clusters(b.text) {
				if edge >= b.pos {
					break
				}
				edge += len(c)
			}
			if edge != b.pos || len(b.text) > b.max {
				t.Fatalf("%q", b)
			}
		}
	})
}

func TestHistory(t *testing.T) {
	var h History
	for _, line := range []string{"/join dev", "hello", "hello", "", "/list"} {
		h.Add(line)
	}
	var seen []string
	for shown := "draft"; ; {
		line, ok := h.back(shown, "")
		if !ok {
			break
		}
		seen = append(seen, line)
		shown = line
	}
	for {
		line, ok := h.forward()
		if !ok {
			break
		}
		seen = append(seen, line)
	}
	if got, want := strings.Join(seen, " "), "/list hello /join dev hello /list draft"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if line, ok := h.back("/", "/j"); !ok || line != "/join dev" {
		t.Errorf("search found %q", line)
	}
	for range 2 * maxHistory {
		h.Add("a")
		h.Add("b")
	}
	if len(h.lines) != maxHistory {
		t.Errorf("%d lines are kept", len(h.lines))
	}
}
