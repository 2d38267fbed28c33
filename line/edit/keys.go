package edit

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Action is what a key asks for.
type Action uint8

// The actions. What isn't one of them is ignored.
const (
	None       Action = iota
	Type              // the text of the key
	Paste             // the text pasted, any number of lines
	Accept            // Enter
	NewLine           // Alt-Enter: a line end inside the text
	Complete          // Tab
	CompleteUp        // Shift-Tab
	EraseBack         // Backspace
	EraseNext         // Delete
	EndOrErase        // Ctrl-D: end of input on an empty line, else Delete
	Interrupt         // Ctrl-C
	Suspend           // Ctrl-Z
	Redraw            // Ctrl-L
	Left              // by a character
	Right             //
	WordLeft          // by a word
	WordRight         //
	Home              // to the beginning of the line
	End               // to its end
	Up                // a row up, or the line before in the history
	Down              //
	KillEnd           // Ctrl-K: erase to the end
	KillStart         // Ctrl-U: erase to the beginning
	KillWord          // Ctrl-W: erase to the space before
	KillPart          // Alt-Backspace: erase the word before
	KillNext          // Alt-D: erase the word after
	Yank              // Ctrl-Y: put back what was erased
	Transpose         // Ctrl-T
	SearchBack        // Ctrl-R: the line before that begins alike
	Escape            // Esc alone
)

// Key is one key pressed, or one paste.
type Key struct {
	Action Action
	Text   string // of Type and Paste
}

// maxPaste bounds one paste in bytes; what is over it is dropped.
const maxPaste = 1 << 20

// maxSequence bounds an escape sequence; a longer one is no key.
const maxSequence = 32

// Decoder turns the bytes of a terminal into keys. The zero value is ready.
// It knows the sequences of xterm, VT220, the Linux console, rxvt and Windows.
type Decoder struct {
	buf     []byte
	pasting bool
	paste   []byte
}

// Waiting reports that the bytes so far are the beginning of something. If nothing
// follows for a moment, Flush says what it was.
func (d *Decoder) Waiting() bool { return len(d.buf) > 0 || d.pasting }

// Pasting reports that a paste has begun and not ended.
func (d *Decoder) Pasting() bool { return d.pasting }

// Feed takes what was read and returns the keys in it.
func (d *Decoder) Feed(b []byte) []Key {
	d.buf = append(d.buf, b...)
	var keys []Key
	for len(d.buf) > 0 {
		k, n := d.next()
		if n == 0 {
			break
		}
		d.buf = d.buf[n:]
		keys = merge(keys, k)
	}
	if len(d.buf) == 0 {
		d.buf = nil // let go of a large read
	}
	return keys
}

// Flush ends what Waiting waited for: a lone ESC is Escape, a broken sequence is nothing, and a paste whose
// end got lost is what came of it.
func (d *Decoder) Flush() []Key {
	var keys []Key
	if d.pasting {
		d.paste = append(d.paste, d.buf...)
		keys = append(keys, d.endPaste())
	} else if len(d.buf) == 1 && d.buf[0] == esc {
		keys = append(keys, Key{Action: Escape})
	}
	d.buf = nil
	return keys
}

// merge adds k to keys; text that was typed in one go stays one key, so that it is drawn once.
func merge(keys []Key, k Key) []Key {
	if k.Action == None {
		return keys
	}
	if last := len(keys) - 1; k.Action == Type && last >= 0 && keys[last].Action == Type {
		keys[last].Text += k.Text
		return keys
	}
	return append(keys, k)
}

const esc = 0x1b

const (
	pasteBegin = "\x1b[200~"
	pasteEnd   = "\x1b[201~"
)

// next decodes the first key of the buffer and tells how many bytes it has; 0 when more are needed.
func (d *Decoder) next() (Key, int) {
	if d.pasting {
		return d.nextPasted()
	}
	switch c := d.buf[0]; {
	case c == esc:
		return d.nextEscape()
	case c < ' ' || c == 0x7f:
		return Key{Action: control(c)}, 1
	default:
		return d.nextRune()
	}
}

func (d *Decoder) nextRune() (Key, int) {
	if !utf8.FullRune(d.buf) {
		return Key{}, 0
	}
	r, n := utf8.DecodeRune(d.buf)
	if r >= 0x80 && r < 0xa0 { // C1 controls aren't typed
		return Key{}, n
	}
	return Key{Action: Type, Text: string(r)}, n
}

// nextPasted gathers up to the end of the paste.
func (d *Decoder) nextPasted() (Key, int) {
	if i := bytes.Index(d.buf, []byte(pasteEnd)); i >= 0 {
		d.gather(d.buf[:i])
		return d.endPaste(), i + len(pasteEnd)
	}
	// Keep back what may be the beginning of the end.
	n := len(d.buf)
	for keep := min(len(pasteEnd)-1, n); keep > 0; keep-- {
		if strings.HasPrefix(pasteEnd, string(d.buf[n-keep:])) {
			n -= keep
			break
		}
	}
	d.gather(d.buf[:n])
	return Key{}, n
}

func (d *Decoder) gather(b []byte) {
	d.paste = append(d.paste, b[:min(len(b), maxPaste-len(d.paste))]...)
}

func (d *Decoder) endPaste() Key {
	text := strings.ToValidUTF8(string(d.paste), "\ufffd")
	d.paste, d.pasting = nil, false
	// Terminals send a line end as CR, as if Enter had been pressed.
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return Key{Action: Paste, Text: strings.ReplaceAll(text, "\r", "\n")}
}

// nextEscape decodes ESC and what follows: CSI, SS3, or Alt with a key.
func (d *Decoder) nextEscape() (Key, int) {
	if len(d.buf) == 1 {
		return Key{}, 0
	}
	switch c := d.buf[1]; {
	case c == '[':
		return d.nextCSI()
	case c == 'O':
		if len(d.buf) == 2 {
			return Key{}, 0
		}
		return Key{Action: letter(d.buf[2], "")}, 3
	case c == esc: // ESC ESC: the first one alone
		return Key{Action: Escape}, 1
	case c >= 0x80: // Alt with a letter beyond ASCII
		k, n := (&Decoder{buf: d.buf[1:]}).nextRune()
		if n == 0 {
			return Key{}, 0
		}
		return k, n + 1
	default:
		return Key{Action: alt(c)}, 2
	}
}

// nextCSI decodes ESC [ parameters final (ECMA-48 §5.4).
func (d *Decoder) nextCSI() (Key, int) {
	for i := 2; i < len(d.buf); i++ {
		switch c := d.buf[i]; {
		case c == '[' && i == 2: // the function keys of the Linux console: ESC [ [ A
			if len(d.buf) < 4 {
				return Key{}, 0
			}
			return Key{}, 4
		case c >= 0x40 && c <= 0x7e:
			return d.csi(string(d.buf[2:i]), c), i + 1
		case c < 0x20 || c > 0x7e || i >= maxSequence:
			return Key{}, i // not a sequence: drop what looked like one
		}
	}
	return Key{}, 0
}

// csi finds the key of a whole sequence.
func (d *Decoder) csi(params string, final byte) Key {
	if strings.ContainsAny(params, "<=>?") { // private: a mouse, an answer of the terminal
		return Key{}
	}
	number, modifier, _ := strings.Cut(params, ";")
	modifier, _, _ = strings.Cut(modifier, ":") // kitty adds the kind of event
	switch final {
	case '~':
		if number == "200" {
			d.pasting = true
			return Key{}
		}
		if number == "27" { // xterm's modifyOtherKeys: 27 ; modifier ; code
			_, code, _ := strings.Cut(params[len(number)+1:], ";")
			return Key{Action: modified(code, modifier)}
		}
		return Key{Action: tilde(number, modifier)}
	case 'u': // the fixterms and kitty protocols, where somebody turned them on
		code, _, _ := strings.Cut(number, ":")
		return Key{Action: modified(code, modifier)}
	case 'Z':
		return Key{Action: CompleteUp}
	}
	return Key{Action: letter(final, modifier)}
}

// modified: Enter and Tab with a modifier.
func modified(code, modifier string) Action {
	switch {
	case code == "13" && modifier != "" && modifier != "1":
		return NewLine
	case code == "13":
		return Accept
	case code == "9" && modifier == "2":
		return CompleteUp
	case code == "99" && modifier == "5":
		return Interrupt
	case code == "100" && modifier == "5":
		return EndOrErase
	case code == "27":
		return Escape
	}
	return None
}

// letter: the cursor keys, plain, or by words with a modifier.
func letter(c byte, modifier string) Action {
	byWord := modifier == "3" || modifier == "5" || modifier == "7"
	switch c {
	case 'A':
		return Up
	case 'B':
		return Down
	case 'C':
		if byWord {
			return WordRight
		}
		return Right
	case 'D':
		if byWord {
			return WordLeft
		}
		return Left
	case 'c': // rxvt: Ctrl with a cursor key
		return WordRight
	case 'd':
		return WordLeft
	case 'H':
		return Home
	case 'F':
		return End
	case 'M': // Enter of the number block
		return Accept
	}
	return None
}

// tilde: the keys of the VT220's editing block.
func tilde(number, modifier string) Action {
	switch number {
	case "1", "7":
		return Home
	case "4", "8":
		return End
	case "3":
		if modifier == "5" || modifier == "3" {
			return KillNext
		}
		return EraseNext
	}
	return None
}

// alt: Alt, or Esc before, with a key.
func alt(c byte) Action {
	switch c {
	case '\r', '\n':
		return NewLine
	case 'b', 'B':
		return WordLeft
	case 'f', 'F':
		return WordRight
	case 'd', 'D':
		return KillNext
	case 0x7f, 0x08:
		return KillPart
	}
	return None
}

// control: the keys of Emacs and of every shell. LF is Enter: programs that drive a terminal send it.
func control(c byte) Action {
	const ctrl = 0x1f
	switch c {
	case '\r', '\n':
		return Accept
	case '\t':
		return Complete
	case 0x7f, 0x08:
		return EraseBack
	case 'A' & ctrl:
		return Home
	case 'B' & ctrl:
		return Left
	case 'C' & ctrl:
		return Interrupt
	case 'D' & ctrl:
		return EndOrErase
	case 'E' & ctrl:
		return End
	case 'F' & ctrl:
		return Right
	case 'K' & ctrl:
		return KillEnd
	case 'L' & ctrl:
		return Redraw
	case 'N' & ctrl:
		return Down
	case 'P' & ctrl:
		return Up
	case 'R' & ctrl:
		return SearchBack
	case 'T' & ctrl:
		return Transpose
	case 'U' & ctrl:
		return KillStart
	case 'W' & ctrl:
		return KillWord
	case 'Y' & ctrl:
		return Yank
	case 'Z' & ctrl:
		return Suspend
	}
	return None
}
