package edit

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// buffer is the text being edited and the place of the cursor in it. The cursor
// is always between two grapheme clusters.
type buffer struct {
	text   string
	pos    int // bytes before the cursor
	max    int // greatest length in bytes; 0 is no bound
	killed string
}

func (b *buffer) set(text string) { b.text, b.pos = text, len(text) }

func (b *buffer) before() string { return b.text[:b.pos] }
func (b *buffer) after() string  { return b.text[b.pos:] }

// insert puts s at the cursor; false when it doesn't fit, and then nothing changed.
func (b *buffer) insert(s string) bool {
	if b.max > 0 && len(b.text)+len(s) > b.max {
		return false
	}
	b.text = b.before() + s + b.after()
	b.pos = b.snap(b.pos + len(s))
	return true
}

// snap moves pos forward to the nearest boundary: what was typed may have become part of
// the character after it.
func (b *buffer) snap(pos int) int {
	at := 0
	for _, c := range clusters(b.text) {
		if at >= pos {
			break
		}
		at += len(c)
	}
	return at
}

// prev is the place one character before the cursor.
func (b *buffer) prev() int {
	all := clusters(b.before())
	if len(all) == 0 {
		return 0
	}
	return b.pos - len(all[len(all)-1])
}

// next is the place one character after the cursor.
func (b *buffer) next() int {
	c, _, _ := firstCluster(b.after())
	return b.pos + len(c)
}

// wordStart is the beginning of the word before the cursor.
func (b *buffer) wordStart() int {
	s := strings.TrimRightFunc(b.before(), notWord)
	return len(strings.TrimRightFunc(s, isWord))
}

// spaceStart is the beginning of what stands before the cursor up to a space.
func (b *buffer) spaceStart() int {
	s := strings.TrimRightFunc(b.before(), unicode.IsSpace)
	return len(strings.TrimRightFunc(s, func(r rune) bool { return !unicode.IsSpace(r) }))
}

// wordEnd is the end of the word after the cursor.
func (b *buffer) wordEnd() int {
	s := strings.TrimLeftFunc(b.after(), notWord)
	return len(b.text) - len(strings.TrimLeftFunc(s, isWord))
}

func isWord(r rune) bool {
	return unicode.In(r, unicode.L, unicode.N, unicode.M) || r == '_' || r == utf8.RuneError || r == 0x200d || r >= 0x1f000
}
func notWord(r rune) bool { return !isWord(r) }

// lineStart is the beginning of the line of the text that the cursor is in.
func (b *buffer) lineStart() int { return strings.LastIndexByte(b.before(), '\n') + 1 }

// lineEnd is its end.
func (b *buffer) lineEnd() int {
	if i := strings.IndexByte(b.after(), '\n'); i >= 0 {
		return b.pos + i
	}
	return len(b.text)
}

// cut removes from..to and leaves the cursor there.
func (b *buffer) cut(from, to int) string {
	s := b.text[from:to]
	b.text = b.text[:from] + b.text[to:]
	b.pos = b.snap(from)
	return s
}

// kill is cut for a later yank.
func (b *buffer) kill(from, to int) {
	if from < to {
		b.killed = b.cut(from, to)
	}
}

// transpose exchanges the two characters around the cursor.
func (b *buffer) transpose() {
	if b.pos == len(b.text) {
		b.pos = b.prev()
	}
	from, to := b.prev(), b.next()
	if from == b.pos || to == b.pos {
		return
	}
	b.text = b.text[:from] + b.text[b.pos:to] + b.text[from:b.pos] + b.text[to:]
	b.pos = b.snap(to)
}

// apply does what edits the text without looking at anything else; false for every other action.
func (b *buffer) apply(a Action) bool {
	switch a {
	case Left:
		b.pos = b.prev()
	case Right:
		b.pos = b.next()
	case WordLeft:
		b.pos = b.snap(b.wordStart())
	case WordRight:
		b.pos = b.snap(b.wordEnd())
	case Home:
		b.pos = b.lineStart()
	case End:
		b.pos = b.lineEnd()
	case EraseBack:
		b.cut(b.prev(), b.pos)
	case EraseNext, EndOrErase:
		b.cut(b.pos, b.next())
	case KillEnd:
		b.kill(b.pos, b.lineEnd())
	case KillStart:
		b.kill(b.lineStart(), b.pos)
	case KillWord:
		b.kill(b.spaceStart(), b.pos)
	case KillPart:
		b.kill(b.wordStart(), b.pos)
	case KillNext:
		b.kill(b.pos, b.wordEnd())
	case Yank:
		b.insert(b.killed)
	case Transpose:
		b.transpose()
	case NewLine:
		b.insert("\n")
	default:
		return false
	}
	return true
}

// vertical moves the cursor a line up or down inside a text of several; false when there is none.
func (b *buffer) vertical(down bool) bool {
	start, end := b.lineStart(), b.lineEnd()
	column := len(clusters(b.text[start:b.pos]))
	var from, to int
	if down {
		if end == len(b.text) {
			return false
		}
		from = end + 1
		to = len(b.text)
		if i := strings.IndexByte(b.text[from:], '\n'); i >= 0 {
			to = from + i
		}
	} else {
		if start == 0 {
			return false
		}
		to = start - 1
		from = strings.LastIndexByte(b.text[:to], '\n') + 1
	}
	b.pos = from
	for _, c := range clusters(b.text[from:to]) {
		if column == 0 {
			break
		}
		b.pos += len(c)
		column--
	}
	return true
}
