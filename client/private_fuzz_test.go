package client

import (
	"bytes"
	"testing"

	"huisclos/chat"
	"huisclos/wire"
)

// What members say to each other inside the encryption has one form, and a state what its bounds allow.
func FuzzInner(f *testing.F) {
	f.Add(wire.Marshal(&inner{Version: 1, Counter: 1, Kind: innerWantPastOf, Content: wire.Marshal(&wantPastOf{After: 3, Upto: 6, Of: chat.AccountID{1}})}))
	f.Add(wire.Marshal(&inner{Version: 1, Counter: 2, Kind: innerSilent, Content: wire.Marshal([]chat.DeviceID{{1}})}))
	f.Add(wire.Marshal(&inner{Version: 1, Counter: 3, Kind: innerWantPast, Content: wire.Marshal(&wantPast{Upto: 1})}))
	f.Add(wire.Marshal(&inner{Version: 1, Counter: 4, Kind: innerPast, Content: wire.Marshal(&past{Messages: []pastMessage{{Seq: 1}}})}))
	state := roomState{Version: 1, Number: 1, Name: "team", Slow: 30}
	f.Add(wire.Marshal(&inner{Version: 1, Counter: 5, Kind: innerState, Content: state.marshal()}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var in inner
		if wire.UnmarshalStrict(raw, &in) != nil {
			return
		}
		var v any
		switch in.Kind {
		case innerState:
			s, err := parseState(in.Content)
			if err == nil && (s.Slow > wire.MaxSlow || !bytes.Equal(s.marshal(), in.Content)) {
				t.Fatalf("%+v", s)
			}
			return
		case innerWantPast:
			v = new(wantPast)
		case innerPast:
			v = new(past)
		case innerSilent:
			v = new([]chat.DeviceID)
		case innerWantPastOf:
			v = new(wantPastOf)
		default:
			return
		}
		if err := wire.UnmarshalStrict(in.Content, v); err == nil && !bytes.Equal(wire.Marshal(v), in.Content) {
			t.Fatalf("two forms: %x", in.Content)
		}
	})
}
