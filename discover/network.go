package discover

import (
	"net"
	"net/netip"
	"slices"
)

// Options narrows the part of the local network that is used.
type Options struct {
	// Interface is the name of the only interface to use; empty: all that are up,
	// the loopback included, so that servers and clients of one machine meet.
	Interface string
	// Port of the group; 0: 5353, that of multicast DNS. Another one is a closed circle of one's own.
	Port int
}

// The groups of RFC 6762 §3.
var (
	group4 = netip.AddrFrom4([4]byte{224, 0, 0, 251})
	group6 = netip.AddrFrom16([16]byte{0xff, 0x02, 15: 0xfb})
)

const mdnsPort = 5353

func (o Options) port() int {
	if o.Port != 0 {
		return o.Port
	}
	return mdnsPort
}

// interfaces lists those that can carry the group now. The loopback has no multicast flag on Linux,
// but carries it all the same.
func (o Options) interfaces() []net.Interface {
	all, err := net.Interfaces()
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(all, func(i net.Interface) bool {
		return i.Flags&net.FlagUp == 0 || i.Flags&(net.FlagMulticast|net.FlagLoopback) == 0 || i.Flags&net.FlagPointToPoint != 0 ||
			o.Interface != "" && i.Name != o.Interface
	})
}

// addresses of an interface, IPv4 first, link-local ones of IPv6 last.
func addresses(i net.Interface) []netip.Addr {
	list, err := i.Addrs()
	if err != nil {
		return nil
	}
	var out []netip.Addr
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok && usable(ip.Unmap()) {
				out = append(out, ip.Unmap())
			}
		}
	}
	slices.SortStableFunc(out, func(a, b netip.Addr) int { return rank(a) - rank(b) })
	return out
}

func rank(a netip.Addr) int {
	switch {
	case a.Is4() && !a.IsLinkLocalUnicast():
		return 0
	case !a.IsLinkLocalUnicast():
		return 1
	case a.Is4():
		return 2
	}
	return 3
}
