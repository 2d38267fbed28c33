package line

import (
	"encoding/binary"
	"strconv"

	"huisclos/chat"
)

// Color says how many colours a terminal shows.
type Color uint8

const (
	// NoColor: no escape sequence at all leaves the renderer.
	NoColor Color = iota
	// Color16: the eight colours and the attributes of ECMA-48.
	Color16
	// Color256: xterm's table, which nearly every terminal has.
	Color256
)

// style wraps text in colours. All of them read well on black and on white: attributes where they are
// enough, else colours of middle brightness.
type style struct{ color Color }

func (s style) wrap(sgr, text string) string {
	if s.color == NoColor || text == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

func (s style) faint(text string) string  { return s.wrap("2", text) }
func (s style) bold(text string) string   { return s.wrap("1", text) }
func (s style) strong(text string) string { return s.wrap("1;7", text) }
func (s style) alarm(text string) string  { return s.wrap("1;31", text) }

// nameColors are those of xterm's 256 that have a contrast of at least 3.4 to black and to white and that can
// be told apart; red is for errors.
var nameColors = [...]int{166, 130, 94, 100, 64, 28, 29, 30, 31, 32, 68, 63, 98, 134, 163, 132}

// nameColors16 leave out black, red and white; yellow can't be read on white.
var nameColors16 = [...]int{32, 34, 35, 36}

// name colours a person's name: always the same for the same account, whatever it is called.
func (s style) name(account chat.AccountID, name string) string {
	n := binary.BigEndian.Uint32(account[:]) // a public key: every part of it is evenly spread
	switch s.color {
	case Color256:
		return s.wrap("38;5;"+strconv.Itoa(nameColors[n%uint32(len(nameColors))]), name)
	case Color16:
		return s.wrap(strconv.Itoa(nameColors16[n%uint32(len(nameColors16))]), name)
	}
	return name
}
