package discover

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"huisclos/chat"
)

// refresh is how often new interfaces are looked for: a laptop joins another network.
const refresh = 30 * time.Second

// Service is the server that is announced.
type Service struct {
	Server chat.Fingerprint
	Port   int
	// Addr is the address that the server listens on; the zero Addr or an unspecified one: every
	// address of the interface that a question comes from.
	Addr netip.Addr
}

// Announcer answers questions for one server.
type Announcer struct {
	options  Options
	service  Service
	families []*family
	stop     chan struct{}
	wg       sync.WaitGroup
}

// Announce begins to answer. It fails only when neither IPv4 nor IPv6 has a socket for the group; a
// server works without it.
func Announce(o Options, s Service) (*Announcer, error) {
	a := &Announcer{options: o, service: s, stop: make(chan struct{})}
	var failed []error
	for _, open := range []func(int, []net.Interface) (*family, error){open4, open6} {
		f, err := open(o.port(), o.interfaces())
		if err != nil {
			failed = append(failed, err)
			continue
		}
		a.families = append(a.families, f)
	}
	if len(a.families) == 0 {
		return nil, errors.Join(failed...)
	}
	for _, f := range a.families {
		a.wg.Go(func() { a.answer(f) })
		a.wg.Go(func() { a.keepJoining(f) })
	}
	return a, nil
}

// Close says farewell and ends.
func (a *Announcer) Close() error {
	close(a.stop)
	for _, f := range a.families {
		for _, i := range a.options.interfaces() {
			if packet, err := a.pack(i, nil, 0); err == nil {
				_ = f.send(packet, i, f.group)
			}
		}
		_ = f.conn.Close()
	}
	a.wg.Wait()
	return nil
}

// answer reads questions until the socket is closed.
func (a *Announcer) answer(f *family) {
	packet := make([]byte, maxPacket)
	for {
		n, index, from, err := f.receive(packet)
		if err != nil {
			if isTemporary(err) {
				continue
			}
			return
		}
		q, ok := parseQuery(packet[:n], strings.ToLower(instanceName(a.service.Server)))
		if !ok {
			continue
		}
		for _, i := range a.options.interfaces() {
			if index != 0 && i.Index != index {
				continue
			}
			a.reply(f, i, q, from)
		}
	}
}

// reply answers one question on the interface that it came from. A querier of the group itself is answered in
// the group, unless it asks for unicast; a one-shot querier where it is (RFC 6762 §6.7).
func (a *Announcer) reply(f *family, i net.Interface, q query, from netip.AddrPort) {
	oneShot := from.Port() != uint16(a.options.port())
	to := f.group
	var asked *query
	if oneShot || q.unicast {
		to = from
	}
	if oneShot {
		asked = &q
	}
	if packet, err := a.pack(i, asked, ttl); err == nil {
		_ = f.send(packet, i, to)
	}
}

var errNothing = errors.New("discover: no address on this interface")

func (a *Announcer) pack(i net.Interface, q *query, life uint32) ([]byte, error) {
	c := Candidate{Server: a.service.Server}
	for _, ip := range addresses(i) {
		own := a.service.Addr
		if own.IsValid() && !own.IsUnspecified() && own.Unmap().WithZone("") != ip {
			continue
		}
		if own.IsValid() && own.Is4() && !ip.Is4() || len(c.Addrs) == maxAddrs {
			continue
		}
		c.Addrs = append(c.Addrs, netip.AddrPortFrom(ip, uint16(a.service.Port)))
	}
	if len(c.Addrs) == 0 {
		return nil, errNothing
	}
	return packAnswer(c, q, life)
}

// keepJoining joins the group on interfaces that come up later.
func (a *Announcer) keepJoining(f *family) {
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for {
		select {
		case <-a.stop:
			return
		case <-tick.C:
			for _, i := range a.options.interfaces() {
				_ = f.join(&i) // joined already, or not possible
			}
		}
	}
}

// family is a socket of IPv4 or IPv6 that hears the group on all interfaces.
type family struct {
	conn    *net.UDPConn
	group   netip.AddrPort
	join    func(i *net.Interface) error
	receive func(b []byte) (n, index int, from netip.AddrPort, err error) // index 0: the system doesn't tell
	send    func(b []byte, i net.Interface, to netip.AddrPort) error
}

func open4(port int, interfaces []net.Interface) (*family, error) {
	group := netip.AddrPortFrom(group4, uint16(port))
	conn, err := listen("udp4", group, interfaces)
	if err != nil {
		return nil, err
	}
	p := ipv4.NewPacketConn(conn)
	_ = p.SetControlMessage(ipv4.FlagInterface, true) // not on Windows
	_ = p.SetMulticastTTL(255)
	_ = p.SetMulticastLoopback(true)
	f := &family{conn: conn, group: group}
	f.join = func(i *net.Interface) error { return p.JoinGroup(i, &net.UDPAddr{IP: group4.AsSlice()}) }
	f.receive = func(b []byte) (int, int, netip.AddrPort, error) {
		n, cm, from, err := p.ReadFrom(b)
		if err != nil {
			return 0, 0, netip.AddrPort{}, err
		}
		index := 0
		if cm != nil {
			index = cm.IfIndex
		}
		return n, index, from.(*net.UDPAddr).AddrPort(), nil
	}
	f.send = func(b []byte, i net.Interface, to netip.AddrPort) error {
		_, err := p.WriteTo(b, &ipv4.ControlMessage{IfIndex: i.Index}, net.UDPAddrFromAddrPort(to))
		return err
	}
	for _, i := range interfaces {
		_ = f.join(&i)
	}
	return f, nil
}

func open6(port int, interfaces []net.Interface) (*family, error) {
	group := netip.AddrPortFrom(group6, uint16(port))
	conn, err := listen("udp6", group, interfaces)
	if err != nil {
		return nil, err
	}
	p := ipv6.NewPacketConn(conn)
	_ = p.SetControlMessage(ipv6.FlagInterface, true)
	_ = p.SetMulticastHopLimit(255)
	_ = p.SetMulticastLoopback(true)
	f := &family{conn: conn, group: group}
	f.join = func(i *net.Interface) error { return p.JoinGroup(i, &net.UDPAddr{IP: group6.AsSlice()}) }
	f.receive = func(b []byte) (int, int, netip.AddrPort, error) {
		n, cm, from, err := p.ReadFrom(b)
		if err != nil {
			return 0, 0, netip.AddrPort{}, err
		}
		index := 0
		if cm != nil {
			index = cm.IfIndex
		}
		return n, index, from.(*net.UDPAddr).AddrPort(), nil
	}
	f.send = func(b []byte, i net.Interface, to netip.AddrPort) error {
		_, err := p.WriteTo(b, &ipv6.ControlMessage{IfIndex: i.Index}, net.UDPAddrFromAddrPort(to))
		return err
	}
	for _, i := range interfaces {
		_ = f.join(&i)
	}
	return f, nil
}

// listen opens a socket that shares the port with the other programs of the group on this machine: the
// first interface that lets itself be joined opens it.
func listen(network string, group netip.AddrPort, interfaces []net.Interface) (*net.UDPConn, error) {
	failed := []error{errNothing}
	for _, i := range interfaces {
		conn, err := net.ListenMulticastUDP(network, &i, net.UDPAddrFromAddrPort(group))
		if err == nil {
			return conn, nil
		}
		failed = append(failed, err)
	}
	return nil, errors.Join(failed...)
}

// isTemporary reports whether a socket goes on after err: an answer to nobody (ICMP) comes back as an
// error of the next read.
func isTemporary(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET)
}
