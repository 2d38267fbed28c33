package line

import (
	"errors"
	"testing"
	"time"

	"huisclos/chat"
)

func TestSpans(t *testing.T) {
	for word, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "10m": 10 * time.Minute, "10min": 10 * time.Minute, "12H": 12 * time.Hour, "7d": 7 * 24 * time.Hour, "7j": 7 * 24 * time.Hour,
		"2w": 14 * 24 * time.Hour, "366d": 366 * 24 * time.Hour,
		"": 0, "s": 0, "5": 0, "0s": 0, "-1h": 0, "1y": 0, "367d": 0, "99999999999999999999s": 0, "1.5h": 0, "1h30m": 0, "é": 0,
	} {
		got, err := ParseSpan(word)
		if got != want || (err == nil) != (want > 0) || err != nil && !errors.Is(err, chat.CodeExpiry) {
			t.Errorf("%q is %v, %v", word, got, err)
		}
	}
	w := words(t, "en")
	for d, want := range map[time.Duration]string{
		5 * time.Second: "5 seconds", 90 * time.Second: "90 seconds", time.Minute: "1 minute", 90 * time.Minute: "90 minutes", 24 * time.Hour: "1 day", 36 * time.Hour: "36 hours", 14 * 24 * time.Hour: "14 days",
	} {
		if got := span(w, d); got != want {
			t.Errorf("%v is %q, not %q", d, got, want)
		}
	}
}
