package main

import (
	"slices"
	"testing"

	"huisclos/chat"
	"huisclos/seal"
)

// Each step of a sign of typing follows from the one before, and what is refused isn't opened.
func TestTypingVectors(t *testing.T) {
	v := load[Typing](t, "typing.json")
	for i, x := range v.Signs {
		if len(x.K) > 0 {
			same(t, "key", hkdf(x.K, x.Salt, "huisclos/1 typing"+string(x.Room), 64), x.Key)
		}
		data := item(t, []any{"huisclos/1 typing", "h'" + text(v.Server) + "'", "h'" + text(x.Room) + "'", float64(x.Turn)})
		same(t, "associated data", data, x.Data)
		says := []any{"h'" + text(v.Device) + "'", float64(x.Time), x.On}
		same(t, "what is signed", slices.Concat(data, item(t, says)), x.Signed)
		same(t, "signature", sign(v.DeviceSeed, "typing", x.Signed), x.Signature)
		same(t, "inner", item(t, append(says, "h'"+text(x.Signature)+"'")), x.Inner)
		aead, err := seal.New(x.Key)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "body", aead.Seal(slices.Clone([]byte(x.IV)), x.IV, x.Inner, x.Data), x.Body)
		here, err := seal.NewTypists(chat.Fingerprint(v.Server), chat.RoomID(x.Room), x.Turn, x.Key)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := here.Open(x.Body); err != nil || got.Time != x.Time || got.On != x.On || got.Device != chat.DeviceID(v.Device) {
			t.Errorf("%s: %+v, %v", x.Why, got, err)
		}
		for _, bad := range v.Refused {
			if got, err := here.Open(bad.Body); i == 0 && err == nil {
				t.Errorf("%s is taken: %+v", bad.Why, got)
			}
		}
	}
	if len(v.Signs) == 0 || len(v.Refused) == 0 {
		t.Error("vectors are missing")
	}
}

func text(h Hex) string {
	b, _ := h.MarshalText() // never fails
	return string(b)
}
