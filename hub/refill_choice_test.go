package hub

import (
	"testing"

	"huisclos/chat"
)

// claims are written as letters: an entry each, and a claim's marks after the head 10. A capital account counts.
func claims(of map[string]string) (list []*claim) {
	for account, marks := range of {
		c := &claim{account: chat.AccountID{account[0] &^ 0x20}, counts: account[0] < 'a', after: 10}
		for i := range len(marks) {
			c.marks = append(c.marks, [32]byte{marks[i]})
		}
		list = append(list, c)
	}
	return list
}

func TestChoose(t *testing.T) {
	for name, c := range map[string]struct {
		claims    map[string]string
		marks     string
		confirmed int
		conflict  chat.Seq
		tied      bool
	}{
		"nobody":                             {nil, "", 0, 0, false},
		"one alone":                          {map[string]string{"A": "abc"}, "abc", 0, 0, false},
		"two that agree":                     {map[string]string{"A": "abc", "B": "abc"}, "abc", 3, 0, false},
		"one knows more":                     {map[string]string{"A": "abc", "B": "ab"}, "abc", 2, 0, false},
		"one lies against two":               {map[string]string{"A": "abc", "B": "abc", "C": "xyz"}, "abc", 3, 11, false},
		"one lies later":                     {map[string]string{"A": "abc", "B": "abc", "C": "abz"}, "abc", 3, 13, false},
		"one against one":                    {map[string]string{"A": "abc", "B": "xyz"}, "", 0, 11, true},
		"as far as they agree":               {map[string]string{"A": "abc", "B": "abz"}, "ab", 2, 13, true},
		"two against two":                    {map[string]string{"A": "a", "B": "a", "C": "x", "D": "x"}, "", 0, 11, true},
		"newcomers don't outvote":            {map[string]string{"A": "abc", "b": "xyz", "c": "xyz", "d": "xyz"}, "abc", 0, 11, false},
		"newcomers don't confirm":            {map[string]string{"A": "abc", "b": "abc"}, "abc", 0, 0, false},
		"newcomers alone":                    {map[string]string{"b": "abc"}, "abc", 0, 0, false},
		"newcomers that differ":              {map[string]string{"b": "abc", "c": "xyz"}, "", 0, 11, true},
		"who is out doesn't come in again":   {map[string]string{"A": "abc", "B": "abc", "C": "xbc", "D": "abq", "E": "ab"}, "abc", 3, 11, false},
		"more than two, and a lonely longer": {map[string]string{"A": "ab", "B": "ab", "C": "xyzzz"}, "ab", 2, 11, false},
	} {
		ch := choose(10, claims(c.claims))
		got := ""
		for _, m := range ch.marks {
			got += string(m[0])
		}
		if got != c.marks || ch.confirmed != c.confirmed || ch.conflict != c.conflict || ch.tied != c.tied {
			t.Errorf("%s: %q, confirmed %d, conflict %d, tied %v", name, got, ch.confirmed, ch.conflict, ch.tied)
		}
	}
	// Devices of one account are one.
	two := append(claims(map[string]string{"A": "abc"}), claims(map[string]string{"A": "abc"})...)
	if ch := choose(10, two); ch.confirmed != 0 {
		t.Errorf("an account confirms itself: %+v", ch)
	}
	// A claim that doesn't reach the head says nothing.
	if ch := choose(20, claims(map[string]string{"A": "abc", "B": "abc"})); len(ch.marks) != 0 {
		t.Errorf("%+v", ch)
	}
}
