package discover

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"
	"pgregory.net/rapid"

	"huisclos/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// closedCircle is the loopback and a port that no other test uses, so that tests hear only themselves.
func closedCircle(t *testing.T) Options {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	loop := slices.IndexFunc(all, func(i net.Interface) bool { return i.Flags&net.FlagLoopback != 0 })
	if loop < 0 {
		t.Skip("this machine has no loopback interface")
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	port := conn.LocalAddr().(*net.UDPAddr).Port
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	return Options{Interface: all[loop].Name, Port: port}
}

func announce(t *testing.T, o Options, s Service) {
	t.Helper()
	a, err := Announce(o, s)
	if err != nil {
		t.Skip("this machine's loopback carries no multicast: ", err)
	}
	t.Cleanup(func() { _ = a.Close() })
}

func TestAServerIsFoundOnTheLoopback(t *testing.T) {
	o := closedCircle(t)
	one, two := chat.Fingerprint{1}, chat.Fingerprint{2}
	announce(t, o, Service{Server: one, Port: 7540})
	announce(t, o, Service{Server: two, Port: 7541, Addr: netip.MustParseAddr("127.0.0.1")})

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	got := map[chat.Fingerprint][]netip.AddrPort{}
	Find(ctx, o, func(c Candidate) bool {
		got[c.Server] = append(got[c.Server], c.Addrs...)
		return len(got) < 2
	})
	if !slices.Contains(got[one], netip.MustParseAddrPort("127.0.0.1:7540")) {
		t.Errorf("the first server: %v", got[one])
	}
	if diff := cmp.Diff([]string{"127.0.0.1:7541"}, texts(got[two])); diff != "" {
		t.Errorf("the server on one address: %s", diff)
	}
}

func texts(addrs []netip.AddrPort) []string {
	var out []string
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return out
}

func TestNobodyAnswers(t *testing.T) {
	o := closedCircle(t)
	if got := Servers(t.Context(), o, 50*time.Millisecond); len(got) != 0 {
		t.Fatalf("found %v on a network without servers", got)
	}
	o.Interface = "no such interface"
	if got := Servers(t.Context(), o, time.Minute); len(got) != 0 {
		t.Fatalf("found %v on no network at all", got)
	}
	if _, err := Announce(o, Service{Server: chat.Fingerprint{1}, Port: 1}); err == nil {
		t.Fatal("announced on no network at all")
	}
}

// A server that is on another address of the machine doesn't announce itself where it can't be reached.
func TestAnAddressIsOnlyAnnouncedWhereItIs(t *testing.T) {
	o := closedCircle(t)
	announce(t, o, Service{Server: chat.Fingerprint{3}, Port: 7540, Addr: netip.MustParseAddr("198.51.100.7")})
	if got := Servers(t.Context(), o, 300*time.Millisecond); len(got) != 0 {
		t.Fatalf("announced %v", got)
	}
}

func TestAStandardQuerierIsAnswered(t *testing.T) {
	const instance = "03000000000000000000000000000000._huisclos._tcp.local."
	for _, tc := range []struct {
		name string
		kind dnsmessage.Type
		want bool
	}{
		{"_huisclos._tcp.local.", dnsmessage.TypePTR, true},
		{"_HUISCLOS._tcp.Local.", dnsmessage.TypePTR, true},
		{"_huisclos._tcp.local.", dnsmessage.TypeALL, true},
		{"_services._dns-sd._udp.local.", dnsmessage.TypePTR, true},
		{instance, dnsmessage.TypeSRV, true},
		{instance, dnsmessage.TypeTXT, true},
		{"_http._tcp.local.", dnsmessage.TypePTR, false},
		{"_huisclos._tcp.local.", dnsmessage.TypeA, false},
		{"04000000000000000000000000000000._huisclos._tcp.local.", dnsmessage.TypeSRV, false},
	} {
		m := dnsmessage.Message{Questions: []dnsmessage.Question{
			{Name: dnsmessage.MustNewName("other.local."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET},
			{Name: dnsmessage.MustNewName(tc.name), Type: tc.kind, Class: dnsmessage.ClassINET},
		}}
		packet, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		q, ok := parseQuery(packet, instance)
		if ok != tc.want {
			t.Errorf("%s %v: concerns us %v, want %v", tc.name, tc.kind, ok, tc.want)
		}
		if !ok {
			continue
		}
		answer, err := packAnswer(Candidate{Server: chat.Fingerprint{3}, Addrs: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}}, &q, ttl)
		if err != nil {
			t.Errorf("%s %v: %v", tc.name, tc.kind, err)
		}
		var back dnsmessage.Message
		if err := back.Unpack(answer); err != nil || len(back.Answers) != 1 || back.Answers[0].Header.TTL > legacyTTL {
			t.Errorf("%s %v: %v, %v", tc.name, tc.kind, back.Answers, err)
		}
	}
}

func TestAnswersThatLieAboutAddressesAreLeftOut(t *testing.T) {
	for _, bad := range []string{"0.0.0.0:1", "224.0.0.251:1", "255.255.255.255:1", "[::]:1", "[ff02::1]:1", "[::ffff:127.0.0.1]:1", "127.0.0.1:0"} {
		packet, err := packAnswer(Candidate{Server: chat.Fingerprint{1}, Addrs: []netip.AddrPort{netip.MustParseAddrPort(bad)}}, nil, ttl)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parseAnswer(packet, 0); err != nil || len(got) != 0 {
			t.Errorf("%s: %v, %v", bad, got, err)
		}
	}
	good := Candidate{Server: chat.Fingerprint{1}, Addrs: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}}
	packet, _ := packAnswer(good, nil, ttl)
	if _, err := parseAnswer(packet, 9); err == nil {
		t.Error("an answer to another question was taken")
	}
	farewell, _ := packAnswer(good, nil, 0)
	if got, err := parseAnswer(farewell, 0); err != nil || len(got) != 0 {
		t.Errorf("a farewell was taken for a server: %v, %v", got, err)
	}
	question, _ := packQuery(0)
	if _, err := parseAnswer(question, 0); err == nil {
		t.Error("a question was taken for an answer")
	}
}

// Somebody who answers with thousands of servers and addresses fills nothing.
func TestFloodsAreBounded(t *testing.T) {
	seen := map[chat.Fingerprint][]netip.AddrPort{}
	told := 0
	for n := range 1000 {
		c := Candidate{Server: chat.Fingerprint{byte(n), byte(n >> 8)}}
		for p := range 100 {
			c.Addrs = append(c.Addrs, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(p)}), 1))
		}
		told += len(unseen(seen, c))
	}
	if told > (maxInstances+1)*maxAddrs || told == 0 {
		t.Fatalf("%d addresses were told", told)
	}
}

// What is announced is what is found, whatever the server and its addresses.
func TestAnnouncedIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Candidate{Server: chat.Fingerprint(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "server"))}
		if c.Server.IsZero() {
			return
		}
		port := rapid.Uint16Range(1, 65535).Draw(t, "port")
		for n := range rapid.IntRange(1, maxAddrs).Draw(t, "addresses") {
			a := netip.AddrFrom4([4]byte{10, 1, byte(n), rapid.Byte().Draw(t, "last")})
			if rapid.Bool().Draw(t, "six") {
				a = netip.AddrFrom16([16]byte{0x20, 1, 14: byte(n), 15: rapid.Byte().Draw(t, "last")})
			}
			c.Addrs = append(c.Addrs, netip.AddrPortFrom(a, port))
		}
		packet, err := packAnswer(c, nil, ttl)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseAnswer(packet, 0)
		if err != nil || len(got) != 1 || got[0].Server != c.Server || !slices.Equal(got[0].Addrs, c.Addrs) {
			t.Fatalf("%v: announced %v, read %v", err, c, got)
		}
	})
}

// FuzzAnswer: whatever comes as an answer gives bounded, usable candidates, and each of them announced
// again is read the same.
func FuzzAnswer(f *testing.F) {
	packet, _ := packAnswer(Candidate{Server: chat.Fingerprint{1}, Addrs: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}}, nil, ttl)
	f.Add(packet)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 2 {
			return
		}
		found, err := parseAnswer(b, uint16(b[0])<<8|uint16(b[1]))
		if err != nil {
			return
		}
		if len(found) > maxInstances {
			t.Fatalf("%d servers in one answer", len(found))
		}
		for _, c := range found {
			if len(c.Addrs) == 0 || len(c.Addrs) > maxAddrs || c.Server.IsZero() {
				t.Fatalf("%+v", c)
			}
			again, err := packAnswer(c, nil, ttl)
			if err != nil {
				t.Fatal(err)
			}
			back, err := parseAnswer(again, 0)
			if err != nil || len(back) != 1 || !slices.Equal(back[0].Addrs, c.Addrs) || back[0].Server != c.Server {
				t.Fatalf("%+v reads back as %+v, %v", c, back, err)
			}
		}
	})
}

// FuzzQuery: whatever comes as a question is passed over or can be answered.
func FuzzQuery(f *testing.F) {
	packet, _ := packQuery(7)
	f.Add(packet)
	f.Fuzz(func(t *testing.T, b []byte) {
		s := chat.Fingerprint{3}
		q, ok := parseQuery(b, instanceName(s))
		if !ok {
			return
		}
		answer, err := packAnswer(Candidate{Server: s, Addrs: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}}, &q, ttl)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseAnswer(answer, q.id); err != nil {
			t.Fatal(err)
		}
	})
}
