package trust

import (
	"sort"
	"strings"

	"golang.org/x/text/unicode/norm"
)

//go:generate go run gen_confusables.go confusables.txt

// Skeleton is what a name looks like: the skeleton of UTS 39 §4, folded, until nothing changes, so that neither
// capitals nor look-alike letters of other scripts nor digits tell two names apart. As a capital I looks like an l, and folds
// to i, those three are one. Two names of one skeleton don't go together on a server. It isn't for display.
func Skeleton(name string) string {
	s := name
	for range 4 { // nearly everything settles at the first
		next := strings.ReplaceAll(FoldName(prototypes(s)), "i", "l")
		if next == s {
			break
		}
		s = next
	}
	return s
}

// prototypes is skeleton(s) of UTS 39 §4: decomposed, each letter replaced by its prototype, decomposed again.
func prototypes(s string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(s) {
		if to, ok := prototype(r); ok {
			b.WriteString(to)
		} else {
			b.WriteRune(r)
		}
	}
	return norm.NFD.String(b.String())
}

// prototype looks a letter up in confusables.txt.
func prototype(r rune) (string, bool) {
	const letters = len(confusableFrom) / 3
	i := sort.Search(letters, func(i int) bool { return confusable(i) >= r })
	if i == letters || confusable(i) != r {
		return "", false
	}
	begin := 0
	if i > 0 {
		begin = confusableEndOf(i - 1)
	}
	return confusableTo[begin:confusableEndOf(i)], true
}

func confusable(i int) rune {
	return rune(confusableFrom[3*i])<<16 | rune(confusableFrom[3*i+1])<<8 | rune(confusableFrom[3*i+2])
}

func confusableEndOf(i int) int {
	return int(confusableEnd[2*i])<<8 | int(confusableEnd[2*i+1])
}
