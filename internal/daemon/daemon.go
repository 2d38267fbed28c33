// Package daemon puts a running server together: data folder, identity, hub, listeners, admin desk and its socket, announcement on
// the local network. Both programs use it; it knows no key (internal/arch): a KeyHolder comes from outside.
package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"huisclos/access"
	"huisclos/admin"
	"huisclos/chat"
	"huisclos/discover"
	"huisclos/fanout"
	"huisclos/hub"
	"huisclos/internal/config"
	"huisclos/server"
	"huisclos/store"
)

// Options are what a Daemon is made of.
type Options struct {
	Config   *config.Server
	Software string // program and version
	Log      *slog.Logger
	// Keys makes the holder of the shared key for the server with that fingerprint; nil where the
	// server never knows its key.
	Keys func(chat.Fingerprint) admin.KeyHolder
	// Self is the account of the person who hosts the server in the same program; may be nil.
	Self func() chat.AccountID
}

// Daemon is a running server.
type Daemon struct {
	options Options
	store   *store.SQLite
	server  *server.Server
	desk    *admin.Desk
	socket  *admin.Socket // nil when there is none
	lan     *discover.Announcer
	addr    net.Addr
	proxy   net.Addr // nil when there is none
	fresh   bool     // the key of the first generation was made just now

	quit     chan struct{} // closed when somebody asked for the end
	quitOnce sync.Once
	socketWG sync.WaitGroup
}

// shutdownPatience bounds the end: goodbyes, what is still to be written.
const shutdownPatience = 15 * time.Second

// Start opens everything and listens. Errors: those of store.Open, of server.New and Listen, CodeKeyFormat and CodeIdentity for an
// access public key (--access-public) that isn't one or is another server's.
func Start(ctx context.Context, o Options) (*Daemon, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	spareMemory()
	d := &Daemon{options: o, quit: make(chan struct{})}
	if err := d.start(ctx); err != nil {
		return nil, errors.Join(err, d.abandon(ctx))
	}
	return d, nil
}

// spareMemory collects garbage twice as often as Go does by itself, unless GOGC says something: what is alive in a server are mostly
// idle connections, which cost little to look through.
func spareMemory() {
	const usual, ours = 100, 50
	if before := debug.SetGCPercent(ours); before != usual {
		debug.SetGCPercent(before)
	}
}

func (d *Daemon) start(ctx context.Context) error {
	c := d.options.Config
	var err error
	if c.Data == "" {
		d.store, err = store.Memory()
	} else {
		d.store, err = store.Open(c.Data, store.Options{})
	}
	if err == nil && c.Restored {
		now := time.Now()
		err = d.store.Restored(ctx, now, now.Add(hub.RefillLife))
	}
	if err != nil {
		return err
	}
	identity := access.NewIdentity()
	if c.Data != "" {
		if identity, err = server.LoadIdentity(c.Data); err != nil {
			return err
		}
	}
	var keys admin.KeyHolder
	if d.options.Keys != nil && c.AccessPublic == "" {
		keys = d.options.Keys(identity.Fingerprint())
	}
	if err := d.firstKey(ctx, identity.Fingerprint(), keys); err != nil {
		return err
	}
	d.server, err = server.New(ctx, server.Config{
		Identity: identity, Store: d.store, Bus: fanout.NewLocal(), Certificate: c.Cert, CertificateKey: c.CertKey,
		Classical: c.AllowClassicalTLS, Ephemeral: c.Data == "", Software: d.options.Software, Settings: settings(c), Log: d.options.Log,
		RefillHold: time.Duration(c.RefillHold),
	})
	if err != nil {
		return err
	}
	if d.addr, err = d.server.Listen(ctx, c.Listen); err != nil {
		return err
	}
	if c.ProxyListen != "" {
		if d.proxy, err = d.server.ListenProxy(ctx, c.ProxyListen); err != nil {
			return err
		}
	}
	d.desk = admin.NewDesk(admin.DeskOptions{
		Store: d.store, Live: d.server, Keys: keys, Reload: d.reload, Quit: d.Quit, Self: d.options.Self,
		Version: d.options.Software, Started: time.Now(), InMemory: c.Data == "",
	})
	if err := d.listenAdmin(ctx); err != nil {
		return err
	}
	d.announce()
	return nil
}

// firstKey makes or takes the key of a store that has none yet, or the next one that a member made.
func (d *Daemon) firstKey(ctx context.Context, server chat.Fingerprint, keys admin.KeyHolder) error {
	generations, err := d.store.Generations(ctx)
	if err != nil {
		return err
	}
	if d.options.Config.AccessPublic != "" {
		return d.foreignKey(ctx, server, generations)
	}
	if len(generations) > 0 || keys == nil {
		return nil
	}
	now := time.Now()
	g, err := keys.Draw(1, now)
	if err != nil {
		return err
	}
	if err := d.store.Rotate(ctx, g, false, hub.Audit{Actor: "server", Action: "key", Detail: "1", At: now}); err != nil {
		return err
	}
	d.fresh = true
	return keys.Take(1)
}

// foreignKey takes the access public key of --access-public.
func (d *Daemon) foreignKey(ctx context.Context, server chat.Fingerprint, known []hub.Generation) error {
	p, err := access.ParseAccess(d.options.Config.AccessPublic)
	if err != nil {
		return err
	}
	if p.Server != server {
		return chat.Errorf(chat.CodeIdentity, "expected", server.String(), "got", p.Server.String())
	}
	for _, g := range known {
		if g.Number == p.Generation && g.Access == p.Access {
			return nil
		}
	}
	now := time.Now()
	next := hub.Generation{Number: p.Generation, Access: p.Access, KeyID: access.KeyID(p.Access), At: now}
	return d.store.Rotate(ctx, next, false, hub.Audit{Actor: "server", Action: "key from a member", At: now})
}

// settings are what of the configuration may change while the server runs.
func settings(c *config.Server) server.Settings {
	s := server.Settings{
		Limits: server.Limits{
			Message: int(c.Limits.Message), Commit: int(c.Limits.Commit), Rate: c.Limits.Rate, Burst: c.Limits.Burst,
			Rooms: c.Limits.Rooms, PrivateRooms: c.Limits.PrivateRooms,
			Connections: c.Limits.Connections, PerAddress: c.Limits.AddressConnections, FailuresAMinute: c.Limits.AddressLoginsAMinute,
		},
		Retention:     keep(c.Retention.Age, c.Retention.Size),
		RoomRetention: map[string]hub.Retention{},
	}
	for name, k := range c.Retention.Rooms {
		s.RoomRetention[name] = keep(k.Age, k.Size)
	}
	return s
}

// keep is a retention. Commits stay as much longer as a Welcome does: whoever takes one late can still follow.
func keep(age config.Age, size config.Size) hub.Retention {
	r := hub.Retention{Age: time.Duration(age), Bytes: int64(size)}
	if age > 0 {
		r.Commits = r.Age + hub.WelcomeLife
	}
	return r
}

// reload takes over what has changed in the configuration and the certificate's files.
func (d *Daemon) reload(ctx context.Context) (*admin.Reloaded, error) {
	next, err := d.options.Config.Reload()
	if err != nil {
		return nil, err
	}
	before := *d.options.Config
	certificate, err := d.server.ReloadCertificate()
	if err != nil {
		return nil, err
	}
	if err := d.server.Apply(ctx, settings(&next)); err != nil {
		return nil, err
	}
	d.options.Config.Live = next.Live
	return reloaded(&before, &next, certificate), nil
}

// Reload does what /reload does.
func (d *Daemon) Reload(ctx context.Context) error {
	_, err := d.desk.As("signal").Do(ctx, admin.Request{Verb: admin.VerbReload})
	return err
}

// listenAdmin opens the admin socket.
func (d *Daemon) listenAdmin(ctx context.Context) error {
	path := d.options.Config.AdminSocket
	var err error
	switch {
	case path == config.NoSocket:
		return nil
	case path == "" && d.options.Config.Data != "":
		if path, err = config.DataSocket(d.options.Config.Data); err != nil {
			return err
		}
	case path == "":
		path = config.PortSocket(d.Port())
	}
	if d.socket, err = admin.Listen(path); err != nil {
		return err
	}
	d.socketWG.Go(func() {
		if err := d.socket.Serve(context.WithoutCancel(ctx), d.desk.As("socket")); err != nil {
			d.options.Log.Error("the admin socket has ended", "err", err)
		}
	})
	return nil
}

// announce answers searches on the local network, unless the server listens on the loopback only.
func (d *Daemon) announce() {
	if !d.options.Config.LAN {
		return
	}
	addr, _ := netip.ParseAddrPort(d.addr.String())
	lan, err := discover.Announce(discover.Options{}, discover.Service{Server: d.server.Fingerprint(), Port: d.Port(), Addr: addr.Addr()})
	if err != nil {
		d.options.Log.Warn("the server can't be found on the local network", "err", err)
		return
	}
	d.lan = lan
}

// Addr is where the server listens.
func (d *Daemon) Addr() net.Addr { return d.addr }

// Proxy is where it listens for a reverse proxy; nil when it doesn't.
func (d *Daemon) Proxy() net.Addr { return d.proxy }

// Port of Addr.
func (d *Daemon) Port() int {
	if tcp, ok := d.addr.(*net.TCPAddr); ok {
		return tcp.Port
	}
	return 0
}

// Fingerprint is what clients pin.
func (d *Daemon) Fingerprint() chat.Fingerprint { return d.server.Fingerprint() }

// Generation of the shared key; 0 when there is none yet.
func (d *Daemon) Generation() chat.Generation { return d.server.Generation() }

// Fresh reports whether this start made the server's first key.
func (d *Daemon) Fresh() bool { return d.fresh }

// Desk carries out admin commands as actor.
func (d *Daemon) Desk(actor string) admin.Doer { return d.desk.As(actor) }

// Log reads the log of a room as it is stored, after an entry: what the server has, and all that it has.
func (d *Daemon) Log(ctx context.Context, room chat.RoomID, after chat.Seq) (hub.Page, error) {
	return d.store.Entries(ctx, room, after, 100, 1<<20)
}

// Quit begins the end.
func (d *Daemon) Quit() { d.quitOnce.Do(func() { close(d.quit) }) }

// Ended is closed when somebody asked for the end.
func (d *Daemon) Ended() <-chan struct{} { return d.quit }

// Shutdown says goodbye to everyone, finishes writing and closes everything.
func (d *Daemon) Shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownPatience)
	defer cancel()
	return d.abandon(ctx)
}

// abandon closes what is open.
func (d *Daemon) abandon(ctx context.Context) error {
	var errs []error
	if d.lan != nil {
		errs = append(errs, d.lan.Close())
	}
	if d.server != nil {
		errs = append(errs, d.server.Shutdown(ctx))
	}
	if d.socket != nil {
		errs = append(errs, d.socket.Close())
		d.socketWG.Wait()
	}
	if d.store != nil {
		errs = append(errs, d.store.Close())
	}
	return errors.Join(errs...)
}

// Hosts are the addresses under which others may reach a server that listens on addr, the most useful first: the
// domain; or the address itself; or, for a server that listens everywhere, those of the machine's interfaces.
func Hosts(domain string, addr net.Addr) []string {
	port := ""
	host, p, err := net.SplitHostPort(addr.String())
	if err == nil {
		port = p
	}
	if domain != "" {
		return []string{net.JoinHostPort(domain, port)}
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.IsUnspecified() {
		return []string{addr.String()}
	}
	var list []string
	for _, a := range interfaceAddrs() {
		list = append(list, net.JoinHostPort(a.String(), port))
	}
	return append(list, net.JoinHostPort("127.0.0.1", port))
}

// interfaceAddrs lists global unicast addresses, IPv4 first.
func interfaceAddrs() []netip.Addr {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var four, six []netip.Addr
	for _, a := range addrs {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		switch ip := prefix.Addr().Unmap(); {
		case ip.IsLoopback() || !ip.IsGlobalUnicast():
		case ip.Is4():
			four = append(four, ip)
		default:
			six = append(six, ip)
		}
	}
	return append(four, six...)
}
