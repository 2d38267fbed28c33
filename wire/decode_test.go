package wire

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"huisclos/chat"
)

// sized is a frame of a type that grows to exactly n bytes.
func sized(t *testing.T, n int, make func(fill int) writable) []byte {
	t.Helper()
	beside := len(Encode(make(n))) - n
	for fill := n - beside; fill < n-beside+4; fill++ { // the head of a shorter string may be shorter
		if raw := Encode(make(fill)); len(raw) == n {
			return raw
		}
	}
	t.Fatalf("no frame of %d bytes", n)
	return nil
}

// Each type is taken up to its bound, and not a byte beyond.
func TestSizeBounds(t *testing.T) {
	text := func(n int) string { return string(bytes.Repeat([]byte("x"), n)) }
	for name, c := range map[string]struct {
		most int
		make func(n int) writable
	}{
		"Auth":    {MaxLogin, func(n int) writable { return &Auth{Body: make([]byte, n), SigAccess: []byte{}} }},
		"Create":  {MaxLogin, func(n int) writable { return &Create{Name: text(n)} }},
		"Bye":     {MaxLogin, func(n int) writable { return &Bye{Code: chat.Code(text(n))} }},
		"PutLink": {MaxLogin, func(n int) writable { return &PutLink{Link: make([]byte, n)} }},
		"Who":     {64 << 10, func(n int) writable { return &Who{Names: []string{text(n)}} }},
		"Send":    {MaxFrame, func(n int) writable { return &Send{Envelope: make([]byte, n)} }},
		"Entries": {MaxFrame, func(n int) writable { return &Entries{Entries: []Entry{{Envelope: make([]byte, n)}}} }},
		"Commit":  {MaxFrame, func(n int) writable { return &Commit{ID: chat.MessageID{1}, Info: []byte{1}, Tree: make([]byte, n)} }},
		"People":  {MaxFrame, func(n int) writable { return &People{People: []Person{{Name: text(n)}}} }},
	} {
		if _, err := Decode(sized(t, c.most, c.make)); err != nil {
			t.Errorf("%s of %d bytes: %v", name, c.most, err)
		}
		if _, err := Decode(sized(t, c.most+1, c.make)); !errors.Is(err, chat.CodeTooLarge) {
			t.Errorf("%s of %d bytes: %v", name, c.most+1, err)
		}
	}
}

// A frame that is all promise costs no more than what came: each length and count in turn says four billion.
func TestHugeLengths(t *testing.T) {
	frames := [][]byte{
		Encode(&Send{Kind: chat.Content, Envelope: []byte{1}}),
		Encode(&Entries{Entries: []Entry{{Envelope: []byte{1}}}}),
		Encode(&Welcome{Rooms: []RoomInfo{{Name: "x"}}}),
		Encode(&People{People: []Person{{Name: "x", Certificates: [][]byte{{1}}}}}),
		Encode(&Who{Names: []string{"x"}}),
		Encode(&Bye{Code: "x", Params: map[string]string{"a": "b"}}),
		Encode(&Commit{ID: chat.MessageID{1}, Envelope: []byte{1}, Add: []chat.AccountID{{1}}, Welcomes: []DeviceWelcome{{Welcome: []byte{1}}}}),
		Encode(&PutPackages{Packages: []KeyPackage{{Ref: []byte{1}, Data: []byte{1}}}}),
		Encode(&InvitationList{Invitations: []Invitation{{Welcome: []byte{1}}}}),
	}
	for _, raw := range frames {
		for i := 2; i < len(raw); i++ {
			if major := raw[i] >> 5; major < 2 || major > 5 || raw[i]&31 > 23 {
				continue
			}
			bad := append(bytes.Clone(raw[:i]), raw[i]&0xe0|26, 0xff, 0xff, 0xff, 0xff)
			bad = append(bad, raw[i+1:]...)
			if _, err := Decode(bad); err == nil {
				t.Fatalf("%x", bad)
			}
		}
	}
}

// Send and Entries share memory with what was read; who appends to a part of one doesn't write into the next.
func TestSharedMemoryIsFenced(t *testing.T) {
	raw := Encode(&Entries{Entries: []Entry{{Envelope: []byte{1, 2}}, {Envelope: []byte{3, 4}}}})
	f, err := Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	entries := f.(*Entries).Entries
	before := bytes.Clone(raw)
	_ = append(entries[0].Envelope, 0xff)
	if !bytes.Equal(raw, before) || !bytes.Equal(entries[1].Envelope, []byte{3, 4}) {
		t.Error("appending to one entry changed the next")
	}
}

// Decoding has no state: many at once give what one gives.
func TestDecodeAtTheSameTime(t *testing.T) {
	frames := every()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, f := range frames {
				raw := Encode(fresh(f))
				got, err := Decode(raw)
				if err != nil || !bytes.Equal(Encode(got.(writable)), raw) {
					t.Errorf("%T: %v", f, err)
				}
			}
		})
	}
	wg.Wait()
}

// fresh is a fresh frame of f's type, with what it must have.
func fresh(f writable) writable {
	n := empty(f.kind()).(writable)
	seemly(n)
	return n
}

func TestFailureAndByeAreErrors(t *testing.T) {
	params := map[string]string{"limit": "7"}
	for _, err := range []error{
		(&Failure{Code: chat.CodeTooLarge, Params: params}).Err(),
		(&Bye{Code: chat.CodeTooLarge, Params: params}).Err(),
	} {
		var e *chat.Error
		if !errors.As(err, &e) || !errors.Is(err, chat.CodeTooLarge) || e.Params["limit"] != "7" {
			t.Error(err)
		}
	}
}

func TestMarshalOfWhatCannotBe(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a channel was encoded")
		}
	}()
	Marshal(make(chan int))
}

// UnmarshalStrict takes what Marshal writes and nothing beside it, whatever the type.
func TestStrict(t *testing.T) {
	for name, raw := range map[string]string{
		"right":             "\x82\x01\x42\x01\x02",
		"number too long":   "\x82\x18\x01\x42\x01\x02",
		"length too long":   "\x82\x01\x58\x02\x01\x02",
		"short":             "\x82\x01\x41\x01",
		"long":              "\x82\x01\x43\x01\x02\x03",
		"null":              "\x82\x01\xf6",
		"undefined":         "\x82\x01\xf7",
		"text":              "\x82\x01\x62\x01\x02",
		"array of numbers":  "\x82\x01\x82\x01\x02",
		"chunks":            "\x82\x01\x5f\x42\x01\x02\xff",
		"tagged":            "\x82\xc0\x01\x42\x01\x02",
		"self-described":    "\xd9\xd9\xf7\x82\x01\x42\x01\x02",
		"true for a number": "\x82\xf5\x42\x01\x02",
		"one more":          "\x83\x01\x42\x01\x02\x00",
		"one less":          "\x81\x01",
		"twice":             "\x82\x01\x42\x01\x02\x82\x01\x42\x01\x02",
		"nothing":           "",
	} {
		var v struct {
			_ struct{} `cbor:",toarray"`
			N uint8
			B [2]byte
		}
		err := UnmarshalStrict([]byte(raw), &v)
		if name == "right" && (err != nil || v.N != 1 || v.B != [2]byte{1, 2}) {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
		if name != "right" && !errors.Is(err, chat.CodeFrame) {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}
