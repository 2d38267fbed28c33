package edit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestLay(t *testing.T) {
	for _, c := range []struct {
		name, prompt, text string
		width              int
		want               laid
	}{
		{"short", "> ", "hi|", 20, laid{[]string{"> hi"}, 0, 4}},
		{"cursor inside", "> ", "h|i", 20, laid{[]string{"> hi"}, 0, 3}},
		{"wrapped under the text", "> ", "abcdefgh|", 8, laid{[]string{"> abcdef", "  gh"}, 1, 4}},
		{"full row, cursor in the next", "> ", "abcdef|", 8, laid{[]string{"> abcdef", "  "}, 1, 2}},
		{"cursor on the first of the next", "> ", "abcdef|g", 8, laid{[]string{"> abcdef", "  g"}, 1, 2}},
		{"no half characters", "> ", "abcde日|", 8, laid{[]string{"> abcde", "  日"}, 1, 4}},
		{"cursor on a character that moves", "> ", "abcde|日", 8, laid{[]string{"> abcde", "  日"}, 1, 2}},
		{"several lines", "> ", "one\ntwo|", 20, laid{[]string{"> one", "  two"}, 1, 5}},
		{"long prompt: rows begin at the edge", "[#lobby] ", "abc|", 10, laid{[]string{"[#lobby] a", "bc"}, 1, 2}},
		{"controls are shown", "> ", "a\x1bb|", 20, laid{[]string{"> a␛b"}, 0, 5}},
		{"tab", "> ", "a\tb|", 20, laid{[]string{"> a    b"}, 0, 8}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := at(c.text)
			got := lay(c.prompt, b.text, b.pos, c.width, false)
			if !cmp.Equal(got, c.want, cmp.AllowUnexported(laid{})) {
				t.Error(cmp.Diff(c.want, got, cmp.AllowUnexported(laid{})))
			}
		})
	}
	if got := lay("Key: ", "sécret", 0, 20, true).rows[0]; got != "Key: ••••••" {
		t.Errorf("a secret is shown as %q", got)
	}
}

// TestLayKeepsEverything: rows fit, nothing is lost or repeated, and the cursor
// stands where the text before it ends.
func TestLayKeepsEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &buffer{}
		b.set(anyText().Draw(t, "text"))
		for range rapid.IntRange(0, 20).Draw(t, "left") {
			b.apply(Left)
		}
		width := rapid.IntRange(4, 40).Draw(t, "width")
		l := lay("> ", b.text, b.pos, width, false)
		var all, before strings.Builder
		for i, row := range l.rows {
			if Width(row) > width {
				t.Fatalf("row %q is wider than %d", row, width)
			}
			cut := 2 // prompt or indent
			if i > 0 && width < 6 {
				cut = 0
			}
			all.WriteString(row[cut:])
			if i < l.row {
				before.WriteString(row[cut:])
			} else if i == l.row {
				before.WriteString(cutColumns(row, l.col)[cut:])
			}
		}
		if all.String() != b.text || before.String() != b.before() {
			t.Fatalf("%q laid out as %q, cursor at %d,%d", b, l.rows, l.row, l.col)
		}
	})
}

// cutColumns is the first n columns of row.
func cutColumns(row string, n int) string {
	i := 0
	for used := 0; used < n; {
		c, _, w := firstCluster(row[i:])
		i, used = i+len(c), used+w
	}
	return row[:i]
}

func TestWindow(t *testing.T) {
	l := laid{rows: []string{"0", "1", "2", "3", "4"}, row: 1, col: 7}
	got := l.window(2)
	want := laid{rows: []string{"0", "1"}, row: 1, col: 7}
	if !cmp.Equal(got, want, cmp.AllowUnexported(laid{})) {
		t.Errorf("%v", got)
	}
	l.row = 4
	if got := l.window(2); got.rows[got.row] != "4" || len(got.rows) != 2 {
		t.Errorf("%v", got)
	}
}
