package discover

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"huisclos/chat"
)

// asks are the moments at which the question is sent: a packet may be lost.
var asks = [...]time.Duration{0, 250 * time.Millisecond, 750 * time.Millisecond, 1500 * time.Millisecond}

// maxPacket is the largest packet of RFC 6762 §17.
const maxPacket = 9000

// Find asks the local network and yields each server once, as it answers, until ctx ends
// or found returns false. found is called by one goroutine at a time. A network that can't be asked is
// the same as one where nobody answers.
func Find(ctx context.Context, o Options, found func(Candidate) bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan Candidate)
	var wg sync.WaitGroup
	for _, i := range o.interfaces() {
		for _, ask := range []func(context.Context, net.Interface, int, chan<- Candidate){ask4, ask6} {
			wg.Go(func() { ask(ctx, i, o.port(), answers) })
		}
	}
	go func() { wg.Wait(); close(answers) }()
	defer func() {
		cancel()
		for range answers { // until all have ended
		}
	}()
	seen := map[chat.Fingerprint][]netip.AddrPort{}
	for {
		select {
		case <-ctx.Done():
			return
		case c, ok := <-answers:
			if !ok {
				return
			}
			if c.Addrs = unseen(seen, c); len(c.Addrs) > 0 && !found(c) {
				return
			}
		}
	}
}

// unseen leaves the addresses that weren't told before: a server answers on each interface, and more
// than once.
func unseen(seen map[chat.Fingerprint][]netip.AddrPort, c Candidate) []netip.AddrPort {
	var fresh []netip.AddrPort
	for _, a := range c.Addrs {
		if len(seen[c.Server]) < maxAddrs && len(seen) <= maxInstances && !slices.Contains(seen[c.Server], a) {
			seen[c.Server] = append(seen[c.Server], a)
			fresh = append(fresh, a)
		}
	}
	return fresh
}

// Servers gathers what answers within wait: each server with all its addresses.
func Servers(ctx context.Context, o Options, wait time.Duration) []Candidate {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	var all []Candidate
	Find(ctx, o, func(c Candidate) bool {
		i := slices.IndexFunc(all, func(known Candidate) bool { return known.Server == c.Server })
		if i < 0 {
			all = append(all, c)
		} else {
			all[i].Addrs = append(all[i].Addrs, c.Addrs...)
		}
		return true
	})
	return all
}

func ask4(ctx context.Context, i net.Interface, port int, answers chan<- Candidate) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{})
	if err != nil {
		return
	}
	p := ipv4.NewPacketConn(conn)
	if p.SetMulticastInterface(&i) != nil || p.SetMulticastLoopback(true) != nil {
		_ = conn.Close()
		return
	}
	_ = p.SetMulticastTTL(255) // RFC 6762 §11
	ask(ctx, conn, netip.AddrPortFrom(group4, uint16(port)), i, answers)
}

func ask6(ctx context.Context, i net.Interface, port int, answers chan<- Candidate) {
	conn, err := net.ListenUDP("udp6", &net.UDPAddr{})
	if err != nil {
		return
	}
	p := ipv6.NewPacketConn(conn)
	if p.SetMulticastInterface(&i) != nil || p.SetMulticastLoopback(true) != nil {
		_ = conn.Close()
		return
	}
	_ = p.SetMulticastHopLimit(255)
	ask(ctx, conn, netip.AddrPortFrom(group6.WithZone(i.Name), uint16(port)), i, answers)
}

// ask sends the question several times and reads answers until ctx ends. It closes conn.
func ask(ctx context.Context, conn *net.UDPConn, group netip.AddrPort, i net.Interface, answers chan<- Candidate) {
	id := uint16(rand.Uint32()) // tells our answers from others'; what an answer claims is never believed
	question, err := packQuery(id)
	if err != nil {
		_ = conn.Close()
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() { stop(); _ = conn.Close() }()
	done := make(chan struct{})
	defer close(done)
	go func() {
		for n, at := range asks {
			wait := at
			if n > 0 {
				wait -= asks[n-1]
			}
			select {
			case <-done:
				return
			case <-time.After(wait):
			}
			_, _ = conn.WriteToUDPAddrPort(question, group)
		}
	}()
	packet := make([]byte, maxPacket)
	for {
		n, _, err := conn.ReadFromUDPAddrPort(packet)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			if isTemporary(err) {
				continue
			}
			return
		}
		found, err := parseAnswer(packet[:n], id)
		if err != nil {
			continue
		}
		for _, c := range found {
			select {
			case answers <- zoned(c, i):
			case <-ctx.Done():
				return
			}
		}
	}
}

// zoned adds the interface to addresses that mean nothing without it.
func zoned(c Candidate, i net.Interface) Candidate {
	for n, a := range c.Addrs {
		if a.Addr().Is6() && a.Addr().IsLinkLocalUnicast() {
			c.Addrs[n] = netip.AddrPortFrom(a.Addr().WithZone(i.Name), a.Port())
		}
	}
	return c
}
