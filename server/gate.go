package server

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// gate counts those who have not logged in yet, and makes room among them.
type gate struct {
	most  int
	slots chan struct{} // taken during the expensive part of a handshake
	now   func() time.Time

	mu     sync.Mutex // guards the rest
	closed bool
	count  int
	crowds map[netip.Prefix]*crowd
	left   chan struct{} // holds one item when somebody left since it was last read
}

// crowd are the visitors from one address, oldest first.
type crowd struct {
	silent, greeted queue
}

func (c *crowd) size() int { return c.silent.n + c.greeted.n }

// visitor is a connection before its login. It is the net.Conn under TLS, and stays so afterwards.
type visitor struct {
	net.Conn
	g     *gate
	from  netip.Prefix
	since time.Time

	next, prev *visitor // in its queue
	in         *queue   // nil once it left
	slot       bool     // of the goroutine that does the handshake: whether it holds one of g.slots
}

const (
	// graceSilent is how long a visitor may take until its ClientHello before it gives way to others.
	graceSilent = 100 * time.Millisecond
	// graceGreeted is the same for those who have sent one.
	graceGreeted = 2 * time.Second
)

func newGate(most, handshakes int) *gate {
	return &gate{
		most: most, slots: make(chan struct{}, handshakes), now: time.Now,
		crowds: make(map[netip.Prefix]*crowd), left: make(chan struct{}, 1),
	}
}

// enter gives c a place. When all are taken it makes one by closing somebody else's connection; while
// nobody deserves that, it says no, and the caller waits for g.left or a moment.
func (g *gate) enter(c net.Conn, from netip.Prefix) (*visitor, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		_ = c.Close()
		return nil, true
	}
	if g.count >= g.most && !g.evict() {
		return nil, false
	}
	v := &visitor{Conn: c, g: g, from: from, since: g.now()}
	k := g.crowds[from]
	if k == nil {
		k = new(crowd)
		g.crowds[from] = k
	}
	k.silent.push(v)
	g.count++
	return v, true
}

// evict closes the oldest silent visitor of the largest crowd that has one, or else the oldest visitor
// of the largest crowd; each only after its grace. g.mu is held.
func (g *gate) evict() bool {
	now := g.now()
	var silent, greeted *visitor
	mostSilent, mostGreeted := 0, 0
	for _, k := range g.crowds {
		if v := k.silent.first; v != nil && now.Sub(v.since) >= graceSilent && k.size() > mostSilent {
			silent, mostSilent = v, k.size()
		}
		if v := k.greeted.first; v != nil && now.Sub(v.since) >= graceGreeted && k.size() > mostGreeted {
			greeted, mostGreeted = v, k.size()
		}
	}
	v := silent
	if v == nil {
		v = greeted
	}
	if v == nil {
		return false
	}
	g.remove(v)
	_ = v.Close()
	return true
}

// evictOne makes room at once, when the system itself has no more to give.
func (g *gate) evictOne() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.evict()
}

// Greeted is called by package conn when the ClientHello has come: the visitor is no longer silent,
// and waits its turn for the expensive part.
func (v *visitor) Greeted() error {
	v.g.mu.Lock()
	if v.in == nil {
		v.g.mu.Unlock()
		return net.ErrClosed
	}
	if k := v.g.crowds[v.from]; v.in == &k.silent {
		k.silent.remove(v)
		k.greeted.push(v)
	}
	v.g.mu.Unlock()
	if !v.slot {
		v.g.slots <- struct{}{} // held while computing only: never across a wait for the peer
		v.slot = true
	}
	return nil
}

// Write gives the slot back: the server's answer to a ClientHello is computed when it is written.
func (v *visitor) Write(b []byte) (int, error) {
	v.yield()
	return v.Conn.Write(b)
}

func (v *visitor) yield() {
	if v.slot {
		v.slot = false
		<-v.g.slots
	}
}

// CloseWrite ends our half of the connection, where the kind of connection can.
func (v *visitor) CloseWrite() error {
	if c, ok := v.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

// leave gives the place back: the visitor has logged in, or is gone. It reports false when the place had
// been taken away. The goroutine that did the handshake calls it.
func (v *visitor) leave() bool {
	v.yield()
	v.g.mu.Lock()
	defer v.g.mu.Unlock()
	if v.in == nil {
		return false
	}
	v.g.remove(v)
	return true
}

// remove takes v out. g.mu is held.
func (g *gate) remove(v *visitor) {
	k := g.crowds[v.from]
	v.in.remove(v)
	if k.size() == 0 {
		delete(g.crowds, v.from)
	}
	g.count--
	select {
	case g.left <- struct{}{}:
	default:
	}
}

// close ends every visit, and every later one at once.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for _, k := range g.crowds {
		for _, q := range []*queue{&k.silent, &k.greeted} {
			for v := q.first; v != nil; v = v.next {
				_ = v.Close()
			}
		}
	}
}

// waiting is how many have not logged in yet.
func (g *gate) waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.count
}

// queue is a doubly linked list of visitors.
type queue struct {
	first, last *visitor
	n           int
}

func (q *queue) push(v *visitor) {
	v.in, v.prev, v.next = q, q.last, nil
	if q.last == nil {
		q.first = v
	} else {
		q.last.next = v
	}
	q.last = v
	q.n++
}

func (q *queue) remove(v *visitor) {
	if v.prev == nil {
		q.first = v.next
	} else {
		v.prev.next = v.next
	}
	if v.next == nil {
		q.last = v.prev
	} else {
		v.next.prev = v.prev
	}
	v.in, v.prev, v.next = nil, nil, nil
	q.n--
}

// origin is what counts as one address: of IPv6 a /64, which is what one customer gets.
func origin(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address at all: all such are one
	}
	return p
}

// addrOf finds the IP address in a network address.
func addrOf(a net.Addr) netip.Addr {
	if ap, err := netip.ParseAddrPort(a.String()); err == nil {
		return ap.Addr()
	}
	ip, _ := netip.ParseAddr(a.String())
	return ip
}
