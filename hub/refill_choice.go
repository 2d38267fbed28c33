package hub

import (
	"slices"

	"huisclos/chat"
)

// claim is what one device says that it has read beyond the backup's head.
type claim struct {
	session *Session
	account chat.AccountID
	counts  bool // the backup knows the account: whoever has the key can make others at will
	after   chat.Seq
	marks   [][32]byte // of the entries after that
	head    chat.Seq   // the newest that it has
	failed  bool       // it was asked to give, and didn't
}

// at is a claim's mark of entry n.
func (c *claim) at(n chat.Seq) ([32]byte, bool) {
	if n <= c.after || n-c.after > chat.Seq(len(c.marks)) {
		return [32]byte{}, false
	}
	return c.marks[n-c.after-1], true
}

// choice is what the claims come to.
type choice struct {
	marks     [][32]byte // of the entries after the head, as they are to be
	confirmed int        // how many of marks at least two accounts claim
	conflict  chat.Seq   // the first entry of which there are different claims; 0: none
	tied      bool       // as many accounts claim one as the other: nothing from there on is taken
}

// choose goes through the entries after head. Of each, that one is chosen which most accounts claim whose claims have agreed so far. A mark holds the H of its place, and so
// all entries before it.
func choose(head chat.Seq, claims []*claim) (ch choice) {
	left := slices.Clone(claims)
	for n := head + 1; ; n++ {
		votes := map[[32]byte]map[chat.AccountID]bool{}
		left = slices.DeleteFunc(left, func(c *claim) bool {
			mark, ok := c.at(n)
			if !ok {
				return true
			}
			if votes[mark] == nil {
				votes[mark] = map[chat.AccountID]bool{}
			}
			if c.counts {
				votes[mark][c.account] = true
			}
			return false
		})
		if len(left) == 0 {
			return ch
		}
		if len(votes) > 1 && ch.conflict == 0 {
			ch.conflict = n
		}
		var best [32]byte
		most, tied := -1, false
		for mark, accounts := range votes {
			switch {
			case len(accounts) > most:
				best, most, tied = mark, len(accounts), false
			case len(accounts) == most:
				tied = true
			}
		}
		if tied {
			ch.tied = true
			return ch
		}
		if most >= 2 && ch.confirmed == len(ch.marks) {
			ch.confirmed++
		}
		ch.marks = append(ch.marks, best)
		left = slices.DeleteFunc(left, func(c *claim) bool {
			mark, _ := c.at(n)
			return mark != best
		})
	}
}
