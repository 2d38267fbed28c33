package content

import (
	"math"

	"huisclos/chat"
)

// State is what became of a message at the one who reports (draft-mahy-mimi-message-status §3). Others than these come from
// later versions.
type State uint8

// The states.
const (
	Unread    State = 0
	Delivered State = 1
	Read      State = 2
	Expired   State = 3
	Deleted   State = 4
	Hidden    State = 5
	Failed    State = 6 // the draft's error
)

// Status is the state of one message.
type Status struct {
	ID    chat.MessageID
	State State
}

// MaxStatuses bounds the statuses of a report.
const MaxStatuses = 256

// readStatuses reads MessageStatusReport, [1* [id, state]], with no ID twice.
func readStatuses(raw []byte) ([]Status, bool) {
	r := &reader{rest: raw}
	n := r.array(1, MaxStatuses)
	list, seen := make([]Status, 0, n), make(map[chat.MessageID]bool, n)
	for range n {
		r.array(2, 2)
		s := Status{ID: r.id(), State: State(r.number(math.MaxUint8))} //nolint:gosec // bounded
		r.check(!seen[s.ID])
		seen[s.ID] = true
		list = append(list, s)
	}
	return list, r.ok()
}

func appendStatuses(b []byte, list []Status) []byte {
	b = appendArray(b, len(list))
	for _, s := range list {
		b = appendNumber(appendBytes(appendArray(b, 2), s.ID[:]), uint64(s.State))
	}
	return b
}
