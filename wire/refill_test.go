package wire

import (
	"testing"

	"huisclos/chat"
)

// seemlyRefill makes a random frame about refilling one that Decode takes.
func seemlyRefill(f writable) {
	switch f := f.(type) {
	case *Claim:
		f.Marks = append(f.Marks, [32]byte{1})
		f.After >>= 1
		f.Head = f.After + chat.Seq(len(f.Marks))
	case *Refill:
		f.Phase = f.Phase%3 + 1
	case *WantEntries:
		f.After >>= 1
		f.Upto = f.After + 1
	case *Give:
		f.First |= 1
		f.Entries = append(f.Entries, Entry{Envelope: []byte{1}})
	}
}

func TestRefillBounds(t *testing.T) {
	for name, f := range map[string]writable{
		"no mark":            &Claim{Head: 1},
		"more than there is": &Claim{After: 1, Head: 2, Marks: make([][32]byte, 2)},
		"a head before":      &Claim{After: 9, Head: 3, Marks: make([][32]byte, 1)},
		"too many":           &Claim{Head: 5000, Marks: make([][32]byte, MaxMarks+1)},
		"no phase":           &Refill{},
		"a fourth phase":     &Refill{Phase: 4},
		"nothing wanted":     &WantEntries{After: 3, Upto: 3},
		"nothing given":      &Give{First: 1},
		"before the first":   &Give{Entries: make([]Entry, 1)},
	} {
		if _, err := Decode(Encode(f)); chat.CodeOf(err) != chat.CodeFrame {
			t.Errorf("%s: %v", name, err)
		}
	}
	most := &Claim{Head: MaxMarks, Marks: make([][32]byte, MaxMarks)}
	if _, err := Decode(Encode(most)); err != nil {
		t.Error("as many as are allowed:", err)
	}
}

// A mark holds everything that the chain doesn't.
func TestMark(t *testing.T) {
	one := Mark([32]byte{1}, 2, chat.Content)
	for _, other := range [][32]byte{Mark([32]byte{2}, 2, chat.Content), Mark([32]byte{1}, 3, chat.Content), Mark([32]byte{1}, 2, chat.Commit)} {
		if other == one {
			t.Error("two entries with one mark")
		}
	}
}
