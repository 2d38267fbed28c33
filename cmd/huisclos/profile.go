package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/conn"
	"huisclos/discover"
	"huisclos/internal/config"
	"huisclos/internal/version"
	"huisclos/keys"
	"huisclos/trust"
	"huisclos/vault"
)

// goal is where a person wants to go, as far as it was said.
type goal struct {
	key     keys.Key // zero when none was given
	address string   // empty when none was given
	server  chat.Fingerprint
	name    string
	stays   bool // it is for a conversation: this device can be taken into private rooms

	code      keys.Code         // of an invitation; zero when none was given, or when it is used up
	admission *client.Admission // what the code has given; nil when there is none
}

// session is a profile in use: one's own client, or that of another process of the same user.
type session struct {
	client.API
	own     *client.Client // nil when another process has the profile open
	owner   *client.Owner  // serves the others; nil when this process doesn't
	name    string
	address string
	server  chat.Fingerprint
	key     keys.Key // zero when it isn't known without the vault
	dir     string   // of the profile
}

// close ends the session. A profile of a server that was in memory, and that has said goodbye, goes with it.
func (s *session) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if s.owner != nil {
		_ = s.owner.Close()
	}
	_ = s.API.Close(ctx)
	if s.own != nil && s.own.Final().Gone {
		_ = vault.Remove(s.dir, keyring())
	}
}

// keyring is the system's, unless HUISCLOS_KEYRING says "off".
func keyring() vault.Keyring {
	if os.Getenv("HUISCLOS_KEYRING") == "off" {
		return nil
	}
	return vault.System{Patience: 10 * time.Second}
}

// find puts together what was said by words, flags and the environment.
func (a *app) find(c *config.Client, arg string) (*goal, error) {
	g := &goal{name: trust.NormalizeName(c.Name)}
	link := c.Link
	if arg == "-" {
		arg, c.LinkFile = "", "-"
	}
	if c.LinkFile != "" {
		text, err := a.readLink(c.LinkFile)
		if err != nil {
			return nil, err
		}
		link = text
	}
	key := c.Key
	switch {
	case keys.IsLink(arg):
		link = arg
	case strings.HasPrefix(strings.ToLower(arg), "hc1"):
		key = arg
	case arg != "":
		address, err := hostPort(arg)
		if err != nil {
			return nil, err
		}
		g.address = address
	}
	if link != "" && (key == "" || keys.IsLink(arg)) {
		l, err := keys.ParseLink(link)
		if err != nil {
			return nil, err
		}
		g.key = l.Key
		if g.address == "" {
			g.address = l.Address
		}
	}
	if key != "" && !keys.IsLink(arg) {
		k, err := keys.ParseAny(key)
		if err != nil {
			return nil, err
		}
		g.key = k
	}
	g.server = g.key.Server()
	return g, nil
}

// readLink reads a link from a file, or from the standard input.
func (a *app) readLink(path string) (string, error) {
	if path == "-" {
		return a.ask(a.words.T("cmd.ask.link")+" ", false)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", chat.Errorf(chat.CodePermission, "path", path).Because(err)
	}
	return strings.TrimSpace(string(text)), nil
}

// hostPort completes an address with the usual port.
func hostPort(s string) (string, error) {
	if strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://") { // a server behind a proxy
		return s, nil
	}
	if strings.Contains(s, "://") {
		return "", chat.Errorf(chat.CodeLinkFormat)
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.Trim(s, "[]"), strconv.Itoa(chat.DefaultPort)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", chat.Errorf(chat.CodeSettingValue, "name", "ADDRESS", "value", s)
	}
	host, err = keys.CheckHost(host)
	if err != nil {
		return "", chat.Errorf(chat.CodeSettingValue, "name", "ADDRESS", "value", s)
	}
	return net.JoinHostPort(host, port), nil
}

// known completes a goal from the profiles that there are.
func known(g *goal, profiles []vault.Profile) {
	if g.server.IsZero() && g.address != "" {
		profiles = vault.At(profiles, g.address)
	} else if !g.server.IsZero() {
		profiles = vault.Of(profiles, g.server)
	}
	if g.name != "" {
		kept := profiles[:0:0]
		for _, p := range profiles {
			if trust.FoldName(p.Name) == trust.FoldName(g.name) {
				kept = append(kept, p)
			}
		}
		if len(kept) == 0 && !g.server.IsZero() {
			return // a new person on a server that is known
		}
		profiles = kept
	}
	if len(profiles) == 0 {
		return
	}
	p := profiles[0] // the last used
	if g.server.IsZero() {
		g.server = p.Server
	}
	if g.name == "" {
		g.name = p.Name
	}
	if g.address == "" {
		g.address = p.Address
	}
}

// complete asks for what is still missing, and looks for the server on the local network.
func (a *app) complete(g *goal, c *config.Client, ask bool) error {
	if g.server.IsZero() && g.code.IsZero() {
		if !ask {
			return chat.Errorf(chat.CodeKeyNeeded)
		}
		if err := a.askKey(g); err != nil {
			return err
		}
	}
	if !g.code.IsZero() {
		if err := a.redeem(g, c); err != nil {
			return err
		}
	}
	if g.address == "" {
		address, err := a.search(g.server, c.LAN)
		if err != nil {
			return err
		}
		g.address = address
	}
	if g.name == "" {
		if !ask {
			return chat.Errorf(chat.CodeNameForm, "reason", trust.ReasonEmpty)
		}
		return a.askName(g)
	}
	return trust.CheckName(g.name)
}

// unanswered is the error of a question whose input ended: a person has left, but a script has forgotten something.
func (a *app) unanswered(err error, missing *chat.Error) error {
	if a.inTerminal() || !errors.Is(err, errShown) {
		return err
	}
	a.note("")
	return missing
}

// askKey asks until what was typed is a key, a link or an invitation code. A typing error costs nothing: no connection was made.
func (a *app) askKey(g *goal) error {
	for {
		text, err := a.ask(a.words.T("cmd.ask.key")+" ", false)
		if err != nil {
			return a.unanswered(err, chat.Errorf(chat.CodeKeyNeeded))
		}
		if keys.IsLink(text) {
			l, err := keys.ParseLink(text)
			if err == nil {
				g.key, g.server = l.Key, l.Key.Server()
				if g.address == "" {
					g.address = l.Address
				}
				return nil
			}
			if !a.inTerminal() {
				return err
			}
			a.problem(err)
			continue
		}
		if keys.IsCode(text) {
			code, err := keys.ParseCode(text)
			if err == nil {
				g.code = code
				return nil
			}
			if !a.inTerminal() {
				return err
			}
			a.problem(err)
			continue
		}
		k, err := keys.Parse(text)
		if err == nil {
			g.key, g.server = k, k.Server()
			return nil
		}
		if !a.inTerminal() {
			return err
		}
		a.problem(err)
	}
}

// askName asks until what was typed can be a name.
func (a *app) askName(g *goal) error {
	for {
		text, err := a.ask(a.words.T("cmd.ask.name")+" ", false)
		if err != nil {
			return a.unanswered(err, chat.Errorf(chat.CodeNameForm, "reason", trust.ReasonEmpty))
		}
		g.name = trust.NormalizeName(text)
		err = trust.CheckName(g.name)
		if err == nil || !a.inTerminal() {
			return err
		}
		a.problem(err)
	}
}

// searchTime is how long the local network has to answer.
const searchTime = 2 * time.Second

// search finds a server by its fingerprint: on the local network, else on this machine. Who answers is only where to
// knock; TLS proves who it is.
func (a *app) search(server chat.Fingerprint, lan bool) (string, error) {
	fallback := net.JoinHostPort("127.0.0.1", strconv.Itoa(chat.DefaultPort))
	if !lan {
		return fallback, nil
	}
	ctx, cancel := context.WithTimeout(a.ctx, searchTime)
	defer cancel()
	var found netip.AddrPort
	discover.Find(ctx, discover.Options{}, func(c discover.Candidate) bool {
		if c.Server != server {
			return true
		}
		found = c.Addrs[0]
		return false
	})
	if !found.IsValid() {
		return fallback, nil
	}
	return found.String(), nil
}

// open opens the session of a goal: the one that another process has, or one's own.
func (a *app) open(c *config.Client, g *goal, ask bool) (*session, error) {
	if c.Home == "" {
		if _, err := config.Home(); err != nil {
			return nil, err
		}
	}
	profiles, err := vault.Profiles(c.Home)
	if err != nil {
		return nil, err
	}
	if g.code.IsZero() {
		known(g, profiles)
	}
	if err := a.complete(g, c, ask); err != nil {
		return nil, err
	}
	dir := vault.Dir(c.Home, g.server, g.name)
	s := &session{name: g.name, address: g.address, server: g.server, key: g.key, dir: dir}
	for attempt := 0; ; attempt++ {
		if remote, err := client.Connect(dir); err == nil {
			s.API = remote
			return s, nil
		}
		err = a.openOwn(s, g, dir, ask)
		if !errors.Is(err, chat.CodeVaultInUse) || attempt == 20 {
			return s, err
		}
		select { // another process is about to open it, or to close it
		case <-time.After(100 * time.Millisecond):
		case <-a.ctx.Done():
			return nil, err
		}
	}
}

// openOwn opens the profile in this process.
func (a *app) openOwn(s *session, g *goal, dir string, ask bool) error {
	v, err := vault.Open(dir, vault.Options{Keyring: keyring()})
	if errors.Is(err, chat.CodeVaultLocked) {
		v, err = a.openLocked(dir, ask, err)
	}
	if err != nil {
		return err
	}
	config := client.Config{
		Vault: v, Dial: dial, Address: g.address, Server: g.server, Name: g.name, Software: version.Program, Log: a.clientLog(), Admission: g.admission, Label: label(),
	}
	if g.stays {
		config.Packages = client.DefaultPackages
	}
	if !g.key.IsZero() {
		config.Key = g.key.Reveal()
	}
	own, err := client.Open(config)
	if err != nil {
		return err
	}
	s.API, s.own = own, own
	if s.owner, err = client.Serve(own, dir); err != nil {
		a.note(line2(a, err)) // others can't use this session; this one works
	}
	return nil
}

func line2(a *app, err error) string { text, _ := a.words.Error(err); return text }

// clientLog is for the developer: HUISCLOS_DEBUG=1.
func (a *app) clientLog() *slog.Logger {
	if os.Getenv("HUISCLOS_DEBUG") == "" {
		return nil
	}
	return a.log(slog.LevelDebug)
}

// openLocked asks for the passphrase.
func (a *app) openLocked(dir string, ask bool, locked error) (*vault.SQLite, error) {
	if !ask || !a.inTerminal() {
		return nil, locked
	}
	for range 3 {
		text, err := a.ask(a.words.T("cmd.ask.passphrase")+" ", true)
		if err != nil {
			return nil, err
		}
		v, err := vault.Open(dir, vault.Options{Keyring: keyring(), Passphrase: vault.Passphrase(text)})
		if !errors.Is(err, chat.CodePassphrase) {
			return v, err
		}
		a.problem(err)
	}
	return nil, shown{chat.Errorf(chat.CodePassphrase, "path", dir)}
}

// dial reaches a server.
func dial(ctx context.Context, address string, server chat.Fingerprint) (client.Link, error) {
	link, err := conn.Dial(ctx, address, server, conn.Config{})
	if err != nil {
		return nil, err
	}
	return link, nil
}

// online waits for the login, and sweeps the profiles of in-memory servers that are gone.
func (a *app) online(ctx context.Context, c *config.Client, s *session) error {
	err := s.Online(ctx)
	switch {
	case err == nil:
		if profiles, e := vault.Profiles(c.Home); e == nil {
			vault.Sweep(profiles, s.address, s.server, keyring())
		}
	case errors.Is(err, chat.CodeIdentity) && s.key.IsZero(): // nobody named a key: it was to be the server of last time
		return chat.Errorf(chat.CodeIdentity, "reason", "another", "address", s.address).Because(err)
	}
	return err
}
