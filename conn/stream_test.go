package conn

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"
)

// TestWhatIsWrittenIsWhatWasPushed: however frames, pings and buffers fall together, what leaves is a WebSocket that holds every frame, whole and in
// order; every write but the last is full; and the bytes that wait are counted right.
func TestWhatIsWrittenIsWhatWasPushed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Stream{writer: true, mark: 64 << 10} // as if a goroutine wrote: take is called by hand
		s.queue = s.few[:0]
		crossed, told, pings := 0, 0, 0
		s.drain = func() { told++ }
		var want [][]byte
		var out []byte
		waiting, under := 0, true
		buf, written := new([writeSize]byte), 0
		take := func() bool {
			b, n, drained, after := s.take(buf, written)
			waiting -= written
			written = n
			if drained != nil {
				drained()
			}
			if waiting < s.mark {
				under = true
			}
			out = append(out, b...)
			if after != nothing && s.waiting-n > 0 && len(b) < writeSize-maxHeader {
				t.Fatalf("a write of %d bytes while %d wait", len(b), s.waiting-n)
			}
			s.writer = true
			if (after == more) != (s.waiting-n > 0 || s.head < len(s.queue)) {
				t.Fatalf("after %d of %d bytes it says %d", n, s.waiting, after)
			}
			return after != nothing
		}
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0, 1:
				f := bytes.Repeat([]byte{byte(len(want))}, rapid.SampledFrom([]int{0, 1, 125, 126, 4000, writeSize - 4, writeSize, 50_000, 70_000}).Draw(t, "size"))
				want, waiting = append(want, f), waiting+len(f)
				if got := s.Push(f); got != waiting {
					t.Fatalf("%d wait, it says %d", waiting, got)
				}
				if waiting >= s.mark && under {
					crossed, under = crossed+1, false
				}
			case 2:
				s.control(opPing, []byte("are you there"))
				pings++
			case 3:
				take()
			}
		}
		for take() {
		}
		if s.waiting != 0 || told != crossed {
			t.Fatalf("%d bytes wait; told %d times of room, for %d", s.waiting, told, crossed)
		}
		got, controls, used, err := parse(out, false, 1<<20)
		if !errors.Is(err, io.EOF) || len(got) != len(want) || controls > pings || pings > 0 && controls == 0 {
			t.Fatalf("%d frames of %d, %d pongs for %d pings, %d bytes of %d: %v", len(got), len(want), controls, pings, used, len(out), err)
		}
		for i := range want {
			if !bytes.Equal(got[i], want[i]) {
				t.Fatalf("frame %d differs", i)
			}
		}
	})
}
