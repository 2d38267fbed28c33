package line

import (
	"strings"

	"rsc.io/qr"

	"huisclos/chat"
)

// quiet is the width of the light border in modules: ISO/IEC 18004 asks for four, and phones read two.
const quiet = 2

// QR draws text as a QR code, in rows of half blocks. The light modules are drawn and the border with them, in white on black when color
// allows it; otherwise in the terminal's own colours, inverted on a light one, which today's readers take as well.
// CodeTooLarge when text doesn't fit into a code.
func QR(text string, color Color) ([]string, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, chat.Errorf(chat.CodeTooLarge, "limit", "2331").Because(err)
	}
	light := func(x, y int) bool {
		x, y = x-quiet, y-quiet
		inside := x >= 0 && y >= 0 && x < code.Size && y < code.Size
		return !inside || !code.Black(x, y)
	}
	size := code.Size + 2*quiet
	var rows []string
	for y := 0; y < size; y += 2 {
		var row strings.Builder
		for x := range size {
			row.WriteString(half(light(x, y), y+1 < size && light(x, y+1)))
		}
		rows = append(rows, style{color}.wrap("97;40", row.String()))
	}
	return rows, nil
}

// half is a character with its upper and its lower half lit.
func half(upper, lower bool) string {
	switch {
	case upper && lower:
		return "█"
	case upper:
		return "▀"
	case lower:
		return "▄"
	}
	return " "
}
