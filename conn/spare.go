package conn

import "sync/atomic"

// spareSize holds four records of the greatest size, which leave in one write.
const spareSize = 4 * (writeSize + 64)

// maxSpares bounds the memory that peers who don't read can hold: beyond it each record is written by itself.
const maxSpares = 64

var (
	spares = make(chan *[spareSize]byte, maxSpares/8) // kept for the next
	out    atomic.Int32                               // how many are in use
)

// takeSpare returns nil when too many are in use.
func takeSpare() *[spareSize]byte {
	if out.Add(1) > maxSpares {
		out.Add(-1)
		return nil
	}
	select {
	case s := <-spares:
		return s
	default:
		return new([spareSize]byte)
	}
}

func putSpare(s *[spareSize]byte) {
	out.Add(-1)
	select {
	case spares <- s:
	default:
	}
}
