package hub

import (
	"context"
	"sync"
	"time"

	"huisclos/chat"
	"huisclos/wire"
)

// codes are the invitation codes of this node: who has made which number, and who uses one now. They are in memory only: a restart forgets
// them, and their owners make new ones. The words aren't here.
type codes struct {
	mu     sync.Mutex // guards everything below it, guests included; no other lock is taken under it
	all    map[uint32]*invitation
	guests int
}

// invitation is one code.
type invitation struct {
	number  uint32
	account chat.AccountID
	device  chat.DeviceID // its device gets the newcomer's messages, on whatever connection it has
	until   time.Time     // nobody can use it later
	forget  time.Time     // the number isn't given again before, so that who comes late hears why
	used    bool          // or closed
	link    bool          // it links a device of the account, and invites nobody
	guest   *Guest        // who uses it now
}

const (
	codeLife   = 10 * time.Minute
	codeMemory = time.Hour       // from its making
	maxCodes   = 5000            // remembered, of everybody
	maxCodesOf = 20              // remembered, of one account
	maxGuests  = 100             // at the same time
	guestSays  = 1               // messages of a newcomer after the first
	memberSays = 2               // messages to a newcomer
	deviceSays = 2               // messages of a new device after the first: its proof, and its receipt
	absence    = 5 * time.Second // twice, and the old device isn't waited for any more
	linkSays   = 65              // messages to a new device: an offer, and what it is given in pieces
)

// Guest is a newcomer who uses a code, before any login.
type Guest struct {
	hub     *Hub
	code    *invitation
	answers chan []byte   // messages of the member
	over    chan struct{} // closed when the member has ended it
	reason  error         // why; set before over is closed
	says    int           // how many messages it may send after the first
	hears   int           // and get
	said    int           // guarded by hub.codes.mu, like the rest
	heard   int
	left    bool
}

// sweep forgets old numbers. h.codes.mu is held.
func (c *codes) sweep(now time.Time) {
	for n, i := range c.all {
		if now.After(i.forget) {
			delete(c.all, n)
		}
	}
}

// open gives an account the smallest number that is free. CodeRate (wait).
func (c *codes) open(a chat.AccountID, d chat.DeviceID, link bool, now time.Time) (*invitation, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweep(now)
	own := 0
	for _, i := range c.all {
		if i.account == a {
			own++
		}
	}
	if own >= maxCodesOf || len(c.all) >= maxCodes {
		return nil, chat.Errorf(chat.CodeRate, "wait", "600")
	}
	if c.all == nil {
		c.all = map[uint32]*invitation{}
	}
	i := &invitation{account: a, device: d, link: link, until: now.Add(codeLife), forget: now.Add(codeMemory)}
	for i.number = 1; c.all[i.number] != nil; i.number++ {
	}
	c.all[i.number] = i
	return i, nil
}

// openCode answers a member who wants a number.
func (s *Session) openCode(ref uint64, link bool) ([]byte, error) {
	i, err := s.hub.codes.open(s.peer.Account, s.peer.Device, link, time.Now())
	if err != nil {
		return nil, err
	}
	return wire.Encode(&wire.CodeOpened{Ref: ref, Number: i.number, Seconds: uint32(codeLife / time.Second)}), nil
}

// closeCode ends a code; what the member says of it is passed on to the newcomer, if it is something that can be said of a code.
func (s *Session) closeCode(f *wire.CloseCode) []byte {
	c := &s.hub.codes
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := c.all[f.Number]; i != nil && i.device == s.peer.Device {
		if f.Code == chat.CodeCodeExpired && !i.used {
			i.until = time.Time{} // its maker has said how long
		} else {
			i.used = true
		}
		if i.guest != nil {
			i.guest.end(reasonOf(f.Code))
		}
	}
	return wire.Encode(&wire.Done{Ref: f.Ref})
}

// reasonOf is what a newcomer hears of a code that a member has ended.
func reasonOf(c chat.Code) error {
	switch c {
	case "":
		return chat.Errorf(chat.CodeCodeUsed)
	case chat.CodeCodeWrong, chat.CodeCodeUsed, chat.CodeCodeExpired, chat.CodeVersion, chat.CodeLinkRefused:
		return chat.Errorf(c)
	case chat.CodeIdentity:
		return chat.Errorf(c, "reason", "code")
	}
	return chat.Errorf(chat.CodeCodeBroken)
}

// codeMessage hands a member's message to the newcomer. One that comes too late goes nowhere; with the last one it is over.
func (s *Session) codeMessage(f *wire.CodeMessage) {
	c := &s.hub.codes
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.all[f.Number]
	if i == nil || i.device != s.peer.Device || i.guest == nil || i.guest.heard >= i.guest.hears {
		return
	}
	i.guest.heard++
	i.guest.answers <- f.Message // it has room
}

// end says why the newcomer hears nothing more. hub.codes.mu is held.
func (g *Guest) end(reason error) {
	if g.reason == nil {
		g.reason = reason
		close(g.over)
	}
}

// UseCode brings a newcomer to the member who has made the code, with his first message. The code is used up from then on. CodeCodeUnknown,
// CodeCodeUsed, CodeCodeExpired, CodeCodeAbsent when the member isn't connected to this node, CodeFull.
func (h *Hub) UseCode(number uint32, first []byte) (*Guest, error) {
	return h.useCode(number, first, false)
}

// UseLink brings a new device to the one that has made a link code: see UseCode.
func (h *Hub) UseLink(number uint32, first []byte) (*Guest, error) {
	return h.useCode(number, first, true)
}

// useCode does either. A code of the other kind stays as it was: CodeCodeLinks, CodeCodeInvites.
func (h *Hub) useCode(number uint32, first []byte, link bool) (*Guest, error) {
	now := time.Now()
	h.codes.mu.Lock()
	h.codes.sweep(now)
	i := h.codes.all[number]
	var err error
	switch {
	case i == nil:
		err = chat.Errorf(chat.CodeCodeUnknown)
	case i.used:
		err = chat.Errorf(chat.CodeCodeUsed)
	case now.After(i.until):
		err = chat.Errorf(chat.CodeCodeExpired)
	case i.link && !link:
		err = chat.Errorf(chat.CodeCodeLinks)
	case link && !i.link:
		err = chat.Errorf(chat.CodeCodeInvites)
	case h.codes.guests >= maxGuests:
		err = chat.Errorf(chat.CodeFull)
	}
	if err != nil {
		h.codes.mu.Unlock()
		return nil, err
	}
	device := i.device
	h.codes.mu.Unlock()

	conn := h.connOf(device)
	if conn == nil {
		return nil, chat.Errorf(chat.CodeCodeAbsent)
	}
	g := &Guest{hub: h, code: i, says: guestSays, hears: memberSays, over: make(chan struct{})}
	if link {
		g.says, g.hears = deviceSays, linkSays
	}
	g.answers = make(chan []byte, g.hears)
	h.codes.mu.Lock()
	if i.used { // another one was quicker
		h.codes.mu.Unlock()
		return nil, chat.Errorf(chat.CodeCodeUsed)
	}
	i.used, i.guest = true, g
	h.codes.guests++
	h.codes.mu.Unlock()
	conn.Push(wire.Encode(&wire.CodeMessage{Number: number, Message: first}))
	return g, nil
}

// connOf is the connection of a device; nil when it has none here.
func (h *Hub) connOf(d chat.DeviceID) Conn {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if s := h.sessions[d]; s != nil && !s.over() {
		return s.conn
	}
	return nil
}

// Answer waits for the member's next message. CodeCodeBroken at the end of ctx; CodeCodeAbsent when an old device has gone; what the member says when it has ended it.
func (g *Guest) Answer(ctx context.Context) ([]byte, error) {
	select {
	case m := <-g.answers:
		return m, nil
	default:
	}
	var look <-chan time.Time
	if g.code.link { // a person is asked there, which takes time
		t := time.NewTicker(absence)
		defer t.Stop()
		look = t.C
	}
	for absent := false; ; {
		select {
		case m := <-g.answers:
			return m, nil
		case <-g.over:
			return nil, g.reason
		case <-ctx.Done():
			return nil, chat.Errorf(chat.CodeCodeBroken)
		case <-look:
			gone := g.hub.connOf(g.code.device) == nil
			if gone && absent {
				return nil, chat.Errorf(chat.CodeCodeAbsent)
			}
			absent = gone
		}
	}
}

// Say hands a message of the newcomer to the member. CodeCodeBroken when he has gone, CodeFrame when it isn't the newcomer's turn.
func (g *Guest) Say(message []byte) error {
	c := &g.hub.codes
	c.mu.Lock()
	g.said++
	said := g.said
	c.mu.Unlock()
	if said > g.says {
		return chat.Errorf(chat.CodeFrame)
	}
	conn := g.hub.connOf(g.code.device)
	if conn == nil {
		return chat.Errorf(chat.CodeCodeBroken)
	}
	conn.Push(wire.Encode(&wire.CodeMessage{Number: g.code.number, Message: message}))
	return nil
}

// Leave ends the visit, once. The member is told when it wasn't at its end.
func (g *Guest) Leave() {
	c := &g.hub.codes
	c.mu.Lock()
	if g.left {
		c.mu.Unlock()
		return
	}
	g.left = true
	c.guests--
	g.code.guest = nil
	broken := g.reason == nil && (g.code.link && g.said < deviceSays || !g.code.link && g.heard < memberSays)
	c.mu.Unlock()
	if conn := g.hub.connOf(g.code.device); broken && conn != nil {
		conn.Push(wire.Encode(&wire.CodeLeft{Number: g.code.number}))
	}
}
