package store_test

import (
	"fmt"
	"testing"
	"time"

	"huisclos/chat"
	"huisclos/hub"
)

// What retention has removed is still known: sending it again is harmless, and other bytes under its ID are an error.
func TestSendingAgainAfterRetention(t *testing.T) {
	s := open(t, t.TempDir())
	m := member(t, s)
	m.Session = login(t, s, time.Now())
	var all []hub.Submission
	var first []hub.Outcome
	for i := range 20 {
		m.ID, m.Envelope, m.Seen = chat.NewMessageID(time.Now()), fmt.Appendf(nil, "message %d", i), chat.Seq(i)
		out, err := s.Append(t.Context(), []hub.Submission{m})
		if err != nil || out[0].Err != nil {
			t.Fatal(out, err)
		}
		all, first = append(all, m), append(first, out[0])
	}
	gone, err := s.Prune(t.Context(), lobby, hub.Retention{Bytes: 1}, time.Now())
	if err != nil || gone.Entries < 18 {
		t.Fatalf("%+v, %v", gone, err)
	}
	again, err := s.Append(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range again {
		want := first[i]
		if o.Err != nil || !o.Duplicate || o.Seq != want.Seq || o.Hash != want.Hash || !o.At.Equal(want.At) {
			t.Errorf("%d: %+v, first %+v", i, o, want)
		}
	}
	for _, i := range []int{0, 19} {
		other := all[i]
		other.Envelope = []byte("other")
		if out, err := s.Append(t.Context(), []hub.Submission{other}); err != nil || out[0].Err == nil || out[0].Err.Code != chat.CodeSame {
			t.Errorf("other bytes under ID %d: %+v, %v", i, out, err)
		}
	}
	m.ID = chat.NewMessageID(time.Now())
	if out, err := s.Append(t.Context(), []hub.Submission{m}); err != nil || out[0].Err != nil || out[0].Seq != 21 || out[0].Duplicate {
		t.Errorf("a new one: %+v, %v", out, err)
	}
}
