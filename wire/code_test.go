package wire

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"huisclos/chat"
)

// seemlyCode gives a random frame of a code what Decode asks for.
func seemlyCode(f writable) {
	number := func(n *uint32) { *n = *n%MaxCodeNumber + 1 }
	message := func(m *[]byte) { *m = append([]byte{1}, (*m)[:min(len(*m), MaxCodeMessage-1)]...) }
	switch f := f.(type) {
	case *CodeOpened:
		number(&f.Number)
	case *CloseCode:
		number(&f.Number)
	case *UseCode:
		number(&f.Number)
		message(&f.Message)
	case *CodeMessage:
		number(&f.Number)
		message(&f.Message)
	case *CodeLeft:
		number(&f.Number)
	case *UseLink:
		number(&f.Number)
		message(&f.Message)
	case *ToDevice:
		f.Device[0] |= 1
		f.Data = append([]byte{1}, f.Data...)
	case *FromDevice:
		f.Device[0] |= 1
		f.Data = append([]byte{1}, f.Data...)
	}
}

// The frames of codes, byte by byte.
func TestCodeBytes(t *testing.T) {
	for _, c := range []struct {
		frame writable
		want  string
	}{
		{&OpenCode{Ref: 1}, "82 183c 01"},
		{&CodeOpened{Ref: 1, Number: 7, Seconds: 600}, "84 183d 01 07 190258"},
		{&CloseCode{Ref: 2, Number: 7, Code: chat.CodeCodeWrong}, "84 183e 02 07 6a" + hex.EncodeToString([]byte("code_wrong"))},
		{&UseCode{Number: 7, Message: []byte{9}}, "83 183f 07 4109"},
		{&CodeMessage{Number: 7, Message: []byte{9}}, "83 1840 07 4109"},
		{&CodeLeft{Number: 7}, "82 1841 07"},
		{&OpenLink{Ref: 1}, "82 1842 01"},
		{&UseLink{Number: 7, Message: []byte{9}}, "83 1843 07 4109"},
		{&ToDevice{Ref: 1, Device: chat.DeviceID{1}, Data: []byte{9}}, "84 1844 01 5820 01" + strings.Repeat("00", 31) + " 4109"},
		{&FromDevice{Device: chat.DeviceID{1}, Data: []byte{9}}, "83 1845 5820 01" + strings.Repeat("00", 31) + " 4109"},
	} {
		if got, want := hex.EncodeToString(Encode(c.frame)), strings.ReplaceAll(c.want, " ", ""); got != want {
			t.Errorf("%T is %s, not %s", c.frame, got, want)
		}
	}
}

// What a frame of a code may hold, and one more.
func TestCodeBounds(t *testing.T) {
	for name, c := range map[string]struct {
		frame writable
		good  bool
	}{
		"the greatest":       {&UseCode{Number: MaxCodeNumber, Message: make([]byte, MaxCodeMessage)}, true},
		"number zero":        {&UseCode{Message: []byte{1}}, false},
		"a large number":     {&UseCode{Number: MaxCodeNumber + 1, Message: []byte{1}}, false},
		"nothing":            {&UseCode{Number: 1}, false},
		"a large message":    {&UseCode{Number: 1, Message: make([]byte, MaxCodeMessage+1)}, false},
		"an empty message":   {&CodeMessage{Number: 1}, false},
		"a message too long": {&CodeMessage{Number: 1, Message: make([]byte, MaxCodeMessage+1)}, false},
		"left zero":          {&CodeLeft{}, false},
		"close zero":         {&CloseCode{Ref: 1}, false},
		"a long reason":      {&CloseCode{Ref: 1, Number: 1, Code: chat.Code(strings.Repeat("x", 65))}, false},
		"opened zero":        {&CodeOpened{Ref: 1}, false},
		"a link":             {&UseLink{Number: MaxCodeNumber, Message: make([]byte, MaxCodeMessage)}, true},
		"link zero":          {&UseLink{Message: []byte{1}}, false},
		"a long link":        {&UseLink{Number: 1, Message: make([]byte, MaxCodeMessage+1)}, false},
		"to a device":        {&ToDevice{Ref: 1, Device: chat.DeviceID{1}, Data: make([]byte, MaxDeviceData)}, true},
		"to no device":       {&ToDevice{Ref: 1, Data: []byte{1}}, false},
		"no data":            {&ToDevice{Ref: 1, Device: chat.DeviceID{1}}, false},
		"too much data":      {&FromDevice{Device: chat.DeviceID{1}, Data: make([]byte, MaxDeviceData+1)}, false},
		"from a device":      {&FromDevice{Device: chat.DeviceID{1}, Data: make([]byte, MaxDeviceData)}, true},
		"from no device":     {&FromDevice{Data: []byte{1}}, false},
	} {
		_, err := Decode(Encode(c.frame))
		if c.good && err != nil || !c.good && !errors.Is(err, chat.CodeFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
