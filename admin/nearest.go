package admin

// Nearest returns the word of the list that is most likely meant by one with a typing error, or "" when none is near. Two
// letters that changed places count as one error, as does a wrong, a missing and an additional one (optimal string alignment); up to a
// third of the word may be wrong, and one letter always.
func Nearest(word string, list []string) string {
	best, least := "", max(1, len([]rune(word))/3)+1
	for _, candidate := range list {
		if d := distance([]rune(word), []rune(candidate)); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance counts the errors, by rows.
func distance(a, b []rune) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
