package admin

import "slices"

// Nearest returns the word of the list that is most likely meant by one with a typing
// error, or "" when none is near. Distance is Levenshtein's; up to a third of the word may be wrong, and one letter always.
func Nearest(word string, list []string) string {
	best, least := "", max(1, len([]rune(word))/3)+1
	for _, candidate := range list {
		if d := distance([]rune(word), []rune(candidate)); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance is Levenshtein's, by rows.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, ra := range a {
		prev := slices.Clone(row)
		row[0] = i + 1
		for j, rb := range b {
			cost := 1
			if ra == rb {
				cost = 0
			}
			row[j+1] = min(prev[j+1]+1, row[j]+1, prev[j]+cost)
		}
	}
	return row[len(b)]
}
