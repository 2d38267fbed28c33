package trust

import (
	"strings"

	"github.com/mtibben/confusables"
)

// Skeleton is what a name looks like: the skeleton of UTS 39 §4, folded, until nothing changes, so that neither
// capitals nor look-alike letters of other scripts nor digits tell two names apart. As a capital I looks like an l, and folds
// to i, those three are one. Two names of one skeleton don't go together on a server. It isn't for display.
func Skeleton(name string) string {
	s := name
	for range 4 { // nearly everything settles at the first
		next := strings.ReplaceAll(FoldName(confusables.Skeleton(s)), "i", "l")
		if next == s {
			break
		}
		s = next
	}
	return s
}
