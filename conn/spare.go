package conn

import (
	"sync"
	"sync/atomic"
)

// spareSize holds four records of the greatest size, which leave in one write.
const spareSize = 4 * (writeSize + 64)

// maxSpares bounds the memory that peers who don't read can hold: beyond it each record is written by itself.
const maxSpares = 64

// spares lends buffers to the connections of one Acceptor that have much to write.
type spares struct {
	out  atomic.Int32 // how many are lent
	pool sync.Pool
}

// take returns nil when too many are lent.
func (s *spares) take() *[spareSize]byte {
	if s.out.Add(1) > maxSpares {
		s.out.Add(-1)
		return nil
	}
	if b, ok := s.pool.Get().(*[spareSize]byte); ok {
		return b
	}
	return new([spareSize]byte)
}

func (s *spares) put(b *[spareSize]byte) {
	s.out.Add(-1)
	s.pool.Put(b)
}
