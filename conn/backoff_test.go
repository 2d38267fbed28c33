package conn_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"huisclos/conn"
)

func TestBackoff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		least := time.Duration(rapid.Int64Range(1, int64(time.Minute)).Draw(t, "min"))
		most := least * time.Duration(rapid.Int64Range(1, 1000).Draw(t, "max"))
		b := conn.Backoff{Min: least, Max: most}
		for range rapid.IntRange(0, 2).Draw(t, "rounds") + 1 {
			bound := least
			for range rapid.IntRange(1, 40).Draw(t, "attempts") {
				if w := b.Next(); w < 0 || w > bound {
					t.Fatalf("waits %v, at most %v", w, bound)
				}
				bound = min(2*bound, most)
			}
			b.Reset()
		}
	})
}

func TestBackoffSpreads(t *testing.T) {
	var b conn.Backoff
	short, long := 0, 0
	for range 10_000 {
		b.Reset()
		if w := b.Next(); w > 500*time.Millisecond {
			t.Fatal(w)
		} else if w < 100*time.Millisecond {
			short++
		} else if w > 400*time.Millisecond {
			long++
		}
	}
	if short < 1500 || short > 2500 || long < 1500 || long > 2500 { // 2000 each, if even; 12 standard deviations
		t.Fatalf("%d in the first fifth, %d in the last", short, long)
	}
	for range 100 {
		if w := b.Next(); w > time.Minute {
			t.Fatal(w)
		}
	}
}
