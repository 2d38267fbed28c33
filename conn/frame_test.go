package conn

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"huisclos/chat"
)

// parse reads all messages that b holds.
func parse(b []byte, fromC bool, limit int) (msgs [][]byte, controls int, used int, err error) {
	r := &counting{r: bytes.NewReader(b)}
	s := scanner{r: r, fromC: fromC, limit: limit}
	for {
		msg, err := s.message(func(byte, []byte) { controls++ })
		if err != nil {
			return msgs, controls, used, err
		}
		msgs, used = append(msgs, msg), r.n
	}
}

type counting struct {
	r io.Reader
	n int
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += n
	return n, err
}

func TestBothEndsReadWhatTheOtherWrites(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 7, 8, 9, 125, 126, 127, 4095, 4096, 4097, 65535, 65536, 200_000} {
		payload := make([]byte, n)
		for i := range payload {
			payload[i] = byte(rng.Uint32())
		}
		for fromC, raw := range map[bool][]byte{true: appendClient(nil, opBinary, payload), false: appendServer(nil, opBinary, payload)} {
			msgs, _, used, err := parse(raw, fromC, n)
			if !errors.Is(err, io.EOF) || len(msgs) != 1 || !bytes.Equal(msgs[0], payload) || used != len(raw) {
				t.Errorf("%d bytes, from client %v: %d messages, %v", n, fromC, len(msgs), err)
			}
			if _, _, _, err := parse(raw, !fromC, n); chat.CodeOf(err) != chat.CodeFrame {
				t.Errorf("masked for the wrong end: %v", err)
			}
			if n > 0 {
				if _, _, _, err := parse(raw, fromC, n-1); chat.CodeOf(err) != chat.CodeTooLarge {
					t.Errorf("over the limit: %v", err)
				}
				if _, _, _, err := parse(raw[:len(raw)-1], fromC, n); !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("truncated: %v", err)
				}
			}
		}
	}
}

func TestMasksDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		seen[string(appendClient(nil, opBinary, []byte("hello")))] = true
	}
	if len(seen) < 99 {
		t.Fatalf("%d different frames of 100", len(seen))
	}
}

// TestRefusedFrames has one frame for each rule of RFC 6455 that head checks.
func TestRefusedFrames(t *testing.T) {
	for name, raw := range map[string]string{
		"RSV1 without an extension (§5.2)":         "\xc2\x00",
		"reserved data opcode (§5.2)":              "\x83\x00",
		"reserved control opcode (§5.2)":           "\x8b\x00",
		"text (our subprotocol has none)":          "\x81\x01a",
		"continuation of nothing (§5.4)":           "\x80\x00",
		"second message within a message (§5.4)":   "\x02\x01a\x82\x01b",
		"fragmented control frame (§5.5)":          "\x09\x00",
		"control frame over 125 bytes (§5.5)":      "\x89\x7e\x00\x7e" + strings.Repeat("x", 126),
		"close frame with half a code (§5.5.1)":    "\x88\x01\x03",
		"length not in the shortest form (§5.2)":   "\x82\x7e\x00\x7d" + strings.Repeat("x", 125),
		"length not in the shortest form, 8 bytes": "\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff" + strings.Repeat("x", 65535),
		"length with the highest bit (§5.2)":       "\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00",
		"masked by a server (§5.1)":                "\x82\x80\x00\x00\x00\x00",
	} {
		if msgs, _, _, err := parse([]byte(raw), false, 1<<20); chat.CodeOf(err) != chat.CodeFrame || len(msgs) > 0 {
			t.Errorf("%s: %q, %v", name, msgs, err)
		}
	}
}

func TestFragmentsAndPingsAmongThem(t *testing.T) {
	raw := "\x02\x03hel" + "\x89\x04ping" + "\x00\x00" + "\x8a\x00" + "\x80\x02lo" + "\x88\x02\x03\xe8"
	s := scanner{r: iotest.OneByteReader(strings.NewReader(raw)), limit: 5}
	var heard []string
	msg, err := s.message(func(op byte, p []byte) { heard = append(heard, string(rune('0'+op))+string(p)) })
	if err != nil || string(msg) != "hello" || strings.Join(heard, ",") != "9ping,:" {
		t.Fatalf("%q, %q, %v", msg, heard, err)
	}
	if _, err := s.message(nil); !errors.Is(err, errPeerClosed) {
		t.Fatal(err)
	}
	if _, _, _, err := parse([]byte("\x02\x03hel\x80\x03loo"), false, 5); chat.CodeOf(err) != chat.CodeTooLarge {
		t.Fatalf("fragments over the limit: %v", err)
	}
	if _, _, _, err := parse([]byte("\x02\x03hel"), false, 5); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("the end within a message: %v", err)
	}
}

func TestALengthIsNotBelieved(t *testing.T) {
	raw := append([]byte("\x82\x7f\x00\x00\x00\x00\x7f\xff\xff\xff"), make([]byte, 10_000)...) // 2 GiB, it says
	got := testing.AllocsPerRun(1, func() {
		s := scanner{r: bytes.NewReader(raw), limit: 1<<31 - 1}
		if _, err := s.message(nil); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
	})
	if got > 100 { // what matters is that this test didn't take 2 GiB
		t.Fatalf("%v allocations", got)
	}
}

// FuzzMessages: whatever is accepted is written back as the same bytes, unless fragments or control frames
// stood between; and what is written back holds the same messages.
func FuzzMessages(f *testing.F) {
	if seeds, err := os.ReadDir("testdata/fuzz/FuzzMessages"); err != nil || len(seeds) == 0 {
		f.Fatal("no seeds: ", err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		msgs, controls, used, err := parse(raw, false, 1<<16)
		if err == nil {
			t.Fatal("no end")
		}
		var again []byte
		for _, m := range msgs {
			again = appendServer(again, opBinary, m)
		}
		switch {
		case used < len(again):
			t.Fatalf("%d bytes hold messages of %d", used, len(again))
		case used == len(again) && controls == 0 && !bytes.Equal(again, raw[:used]):
			t.Fatal("written differently")
		}
		back, _, _, err := parse(again, false, 1<<16)
		if !errors.Is(err, io.EOF) || len(back) != len(msgs) {
			t.Fatal(err)
		}
		for i := range back {
			if !bytes.Equal(back[i], msgs[i]) {
				t.Fatal("read differently")
			}
		}
	})
}

// Some messages may be longer, as their first bytes say; the others cost no more than their beginning.
func TestLongerMessages(t *testing.T) {
	longer := &Longer{Limit: 100_000, May: func(start []byte) bool { return len(start) == 3 && start[2] == 'L' }}
	read := func(raw []byte, fromC bool) (msg []byte, used int, err error) {
		r := &counting{r: bytes.NewReader(raw)}
		s := scanner{r: r, fromC: fromC, limit: 10_000, longer: longer}
		msg, err = s.message(nil)
		return msg, r.n, err
	}
	of := func(kind byte, n int) []byte { return append([]byte{0, 0, kind}, make([]byte, n-3)...) }
	for _, c := range []struct {
		kind byte
		size int
		good bool
	}{{'S', 10_000, true}, {'S', 10_001, false}, {'L', 10_001, true}, {'L', 100_000, true}, {'L', 100_001, false}, {'S', 100_001, false}} {
		payload := of(c.kind, c.size)
		for fromC, raw := range map[bool][]byte{true: appendClient(nil, opBinary, payload), false: appendServer(nil, opBinary, payload)} {
			msg, used, err := read(raw, fromC)
			if c.good && (err != nil || !bytes.Equal(msg, payload)) || !c.good && (chat.CodeOf(err) != chat.CodeTooLarge || used > trusted+maxHeader) {
				t.Errorf("%c of %d bytes, from client %v: %d read, %v", c.kind, c.size, fromC, used, err)
			}
		}
	}
	// In fragments, the kind being told by the first, by the second, or by both together.
	for _, first := range []int{1, 2, 3, 5, 9_999, 10_000} {
		for kind, good := range map[byte]bool{'L': true, 'S': false} {
			payload := of(kind, 20_000)
			raw := appendClient(nil, opBinary, payload[:first])
			raw[0] &^= bitFIN
			raw = append(raw, appendClient(nil, opContinuation, payload[first:])...)
			msg, _, err := read(raw, true)
			if good && (err != nil || !bytes.Equal(msg, payload)) || !good && chat.CodeOf(err) != chat.CodeTooLarge {
				t.Errorf("%c, %d bytes in the first fragment: %v", kind, first, err)
			}
		}
	}
}
