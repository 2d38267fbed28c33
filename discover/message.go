package discover

import (
	"errors"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"huisclos/chat"
)

// Candidate is a server that answered, as it says itself.
type Candidate struct {
	Server chat.Fingerprint
	Addrs  []netip.AddrPort // where to knock, in the order of the answer; at least one
}

// The names of RFC 6763 §4.1 and §9.
const (
	service     = "_huisclos._tcp.local."
	serviceList = "_services._dns-sd._udp.local."
)

// The bounds of what one answer may hold.
const (
	maxInstances = 32
	maxAddrs     = 16
	maxRecords   = 256
)

// ttl is short: a server in memory is gone with its process. RFC 6762 §10 has 120 s for records with addresses.
const ttl = 120

// legacyTTL bounds what is told to a one-shot querier (RFC 6762 §6.7).
const legacyTTL = 10

// The top bit of a class: in a question "answer me by unicast" (RFC 6762 §5.4), in a record "this replaces
// what you had" (§10.2).
const topBit = 1 << 15

// fingerprintKey begins the one string of the TXT record.
const fingerprintKey = "fp="

// packQuery asks for all servers. id lets a one-shot querier tell its answers (RFC 6762 §6.7).
func packQuery(id uint16) ([]byte, error) {
	m := dnsmessage.Message{
		Header: dnsmessage.Header{ID: id},
		Questions: []dnsmessage.Question{{
			Name: dnsmessage.MustNewName(service), Type: dnsmessage.TypePTR, Class: dnsmessage.ClassINET | topBit,
		}},
	}
	return m.Pack()
}

// query is a question that concerns us.
type query struct {
	id       uint16
	question dnsmessage.Question
	unicast  bool
}

// parseQuery reads a packet of the group; ok is false for what isn't a question for our service.
func parseQuery(b []byte, instance string) (q query, ok bool) {
	var p dnsmessage.Parser
	h, err := p.Start(b)
	if err != nil || h.Response || h.OpCode != 0 {
		return query{}, false
	}
	for range maxRecords {
		question, err := p.Question()
		if err != nil {
			return query{}, false
		}
		if !concerns(question, instance) {
			continue
		}
		q = query{id: h.ID, question: question, unicast: question.Class&topBit != 0}
		q.question.Class &^= topBit
		return q, true
	}
	return query{}, false
}

func concerns(q dnsmessage.Question, instance string) bool {
	if c := q.Class &^ topBit; c != dnsmessage.ClassINET && c != dnsmessage.ClassANY {
		return false
	}
	name := q.Name.String()
	switch q.Type {
	case dnsmessage.TypePTR:
		return strings.EqualFold(name, service) || strings.EqualFold(name, serviceList)
	case dnsmessage.TypeSRV, dnsmessage.TypeTXT:
		return strings.EqualFold(name, instance)
	case dnsmessage.TypeALL:
		return strings.EqualFold(name, service) || strings.EqualFold(name, instance)
	}
	return false
}

// instanceName is a server's name as a service: its fingerprint, so that no two are alike.
func instanceName(f chat.Fingerprint) string { return f.String() + "." + service }

// hostName is a made-up host name, the server's own: it collides with nobody's.
func hostName(f chat.Fingerprint) string { return "huisclos-" + f.String() + ".local." }

// packAnswer makes the answer that announces c. All of c.Addrs have the same port. With q it answers a
// one-shot querier by unicast; without, the whole group. life is the TTL; 0 is a farewell (RFC 6762 §10.1).
func packAnswer(c Candidate, q *query, life uint32) ([]byte, error) {
	instance, err := dnsmessage.NewName(instanceName(c.Server))
	if err != nil {
		return nil, err
	}
	host, err := dnsmessage.NewName(hostName(c.Server))
	if err != nil {
		return nil, err
	}
	own := dnsmessage.ClassINET | dnsmessage.Class(topBit)
	m := dnsmessage.Message{Header: dnsmessage.Header{Response: true, Authoritative: true}}
	if q != nil {
		m.ID, m.Questions = q.id, []dnsmessage.Question{q.question}
		own, life = dnsmessage.ClassINET, min(life, legacyTTL)
	}
	name := dnsmessage.MustNewName(service)
	if q != nil && strings.EqualFold(q.question.Name.String(), serviceList) {
		m.Answers = []dnsmessage.Resource{record(dnsmessage.MustNewName(serviceList), dnsmessage.ClassINET, life, &dnsmessage.PTRResource{PTR: name})}
		return m.Pack()
	}
	m.Answers = []dnsmessage.Resource{record(name, dnsmessage.ClassINET, life, &dnsmessage.PTRResource{PTR: instance})}
	m.Additionals = []dnsmessage.Resource{
		record(instance, own, life, &dnsmessage.SRVResource{Port: c.Addrs[0].Port(), Target: host}),
		record(instance, own, life, &dnsmessage.TXTResource{TXT: []string{fingerprintKey + c.Server.String()}}),
	}
	for _, a := range c.Addrs {
		if a.Addr().Is4() {
			m.Additionals = append(m.Additionals, record(host, own, life, &dnsmessage.AResource{A: a.Addr().As4()}))
		} else {
			m.Additionals = append(m.Additionals, record(host, own, life, &dnsmessage.AAAAResource{AAAA: a.Addr().As16()}))
		}
	}
	return m.Pack()
}

func record(name dnsmessage.Name, class dnsmessage.Class, life uint32, body dnsmessage.ResourceBody) dnsmessage.Resource {
	return dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: name, Class: class, TTL: life}, Body: body}
}

var errNotAnswer = errors.New("discover: not an answer about our service")

// claims gathers what an answer says, before it is put together.
type claims struct {
	instances []string
	target    map[string]string // instance → host
	port      map[string]uint16
	server    map[string]chat.Fingerprint
	addrs     map[string][]netip.Addr
}

// parseAnswer reads the servers out of an answer. Records that don't concern us are passed over; servers
// without a fingerprint, a port or a usable address are left out.
func parseAnswer(b []byte, id uint16) ([]Candidate, error) {
	var p dnsmessage.Parser
	h, err := p.Start(b)
	if err != nil {
		return nil, err
	}
	if !h.Response || h.ID != id || h.RCode != dnsmessage.RCodeSuccess {
		return nil, errNotAnswer
	}
	if err := p.SkipAllQuestions(); err != nil {
		return nil, err
	}
	c := claims{target: map[string]string{}, port: map[string]uint16{}, server: map[string]chat.Fingerprint{}, addrs: map[string][]netip.Addr{}}
	if err := c.read(p.Answer, p.SkipAnswer); err != nil {
		return nil, err
	}
	if err := p.SkipAllAuthorities(); err != nil {
		return nil, err
	}
	if err := c.read(p.Additional, p.SkipAdditional); err != nil {
		return nil, err
	}
	return c.candidates(), nil
}

// read takes the records of one section.
func (c *claims) read(next func() (dnsmessage.Resource, error), skip func() error) error {
	for n := 0; ; n++ {
		r, err := next()
		switch {
		case errors.Is(err, dnsmessage.ErrSectionDone):
			return nil
		case n >= maxRecords:
			return errNotAnswer
		case err != nil:
			if skip() != nil { // a type that dnsmessage doesn't know is passed over
				return err
			}
			continue
		}
		if r.Header.TTL > 0 {
			c.take(r)
		}
	}
}

func (c *claims) take(r dnsmessage.Resource) {
	name := strings.ToLower(r.Header.Name.String())
	switch body := r.Body.(type) {
	case *dnsmessage.PTRResource:
		instance := strings.ToLower(body.PTR.String())
		if name == service && len(c.instances) < maxInstances && !slices.Contains(c.instances, instance) {
			c.instances = append(c.instances, instance)
		}
	case *dnsmessage.SRVResource:
		c.target[name], c.port[name] = strings.ToLower(body.Target.String()), body.Port
	case *dnsmessage.TXTResource:
		for _, text := range body.TXT {
			if value, ok := strings.CutPrefix(text, fingerprintKey); ok {
				if f, err := chat.ParseFingerprint(value); err == nil {
					c.server[name] = f
				}
			}
		}
	case *dnsmessage.AResource:
		c.addAddr(name, netip.AddrFrom4(body.A))
	case *dnsmessage.AAAAResource:
		c.addAddr(name, netip.AddrFrom16(body.AAAA))
	}
}

func (c *claims) addAddr(host string, a netip.Addr) {
	if !usable(a) || len(c.addrs[host]) >= maxAddrs || slices.Contains(c.addrs[host], a) {
		return
	}
	c.addrs[host] = append(c.addrs[host], a)
}

// usable reports whether one can connect to a.
func usable(a netip.Addr) bool {
	return a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && !a.Is4In6() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

func (c *claims) candidates() []Candidate {
	var found []Candidate
	for _, instance := range c.instances {
		server, port, addrs := c.server[instance], c.port[instance], c.addrs[c.target[instance]]
		if server.IsZero() || port == 0 || len(addrs) == 0 {
			continue
		}
		candidate := Candidate{Server: server}
		for _, a := range addrs {
			candidate.Addrs = append(candidate.Addrs, netip.AddrPortFrom(a, port))
		}
		found = append(found, candidate)
	}
	return found
}
