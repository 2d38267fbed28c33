package main

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"huisclos/access"
	"huisclos/chat"
	"huisclos/client"
	"huisclos/conn"
	"huisclos/internal/cli"
	"huisclos/internal/config"
	"huisclos/vault"
	"huisclos/wire"
)

// doctor finds out why something doesn't work.
func (a *app) doctor() *cobra.Command {
	c := &cobra.Command{Use: "doctor [ADDRESS]", Args: cli.Between(0, 1)}
	settings := config.BindClient(c.Flags())
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := settings.Load(c.Flags()); err != nil {
			return err
		}
		arg := ""
		if len(args) > 0 {
			arg = args[0]
		}
		return a.diagnose(settings, arg)
	}
	return c
}

// grade of a finding.
type grade uint8

const (
	fine grade = iota
	odd
	bad
)

// diagnosis gathers findings; the worst one's error is the exit code.
type diagnosis struct {
	*app
	worst error
	goal  *goal
	host  string
}

// doctorPatience bounds each examination.
const doctorPatience = 8 * time.Second

// tell shows a finding, in words, with what to do.
func (d *diagnosis) tell(g grade, id string, pairs ...string) {
	mark := map[grade]string{fine: "✓", odd: "!", bad: "✗"}[g]
	_ = d.print(mark + " " + d.words.T("doctor."+id, pairs...))
	if hint := "doctor." + id + ".hint"; g != fine && d.words.Has(hint) {
		_ = d.print("  → " + d.words.T(hint, pairs...))
	}
}

// fail shows a finding that is an error.
func (d *diagnosis) fail(err error) {
	text, hint := d.words.Error(err)
	_ = d.print("✗ " + text)
	if hint != "" {
		_ = d.print("  → " + hint)
	}
	if d.worst == nil {
		d.worst = err
	}
}

func (a *app) diagnose(c *config.Client, arg string) error {
	d := &diagnosis{app: a}
	g, err := a.find(c, arg)
	if err != nil {
		d.fail(err)
		return shown{d.worst}
	}
	d.goal = g
	if !g.key.IsZero() {
		d.tell(fine, "key.form")
	}
	profiles, err := vault.Profiles(c.Home)
	if err != nil {
		d.fail(err)
	}
	asked := *g
	known(g, profiles)
	if g.server != asked.server && !g.server.IsZero() {
		d.tell(fine, "profile", "name", g.name)
	}
	if g.address == "" {
		if g.address, err = a.search(g.server, c.LAN); err != nil {
			d.fail(err)
		}
	}
	_ = a.print(a.words.T("doctor.title", "address", g.address))
	if d.network() {
		d.identity()
	}
	d.profile(c, profiles)
	if d.worst != nil {
		return shown{d.worst}
	}
	_ = a.print(a.words.T("doctor.healthy"))
	return nil
}

// network examines the way there: name, port, TLS.
func (d *diagnosis) network() bool {
	ctx, cancel := context.WithTimeout(d.ctx, doctorPatience)
	defer cancel()
	target, err := conn.ParseAddress(d.goal.address)
	if err != nil {
		d.fail(err)
		return false
	}
	d.host = target.Host
	if net.ParseIP(target.Host) == nil {
		addresses, err := net.DefaultResolver.LookupHost(ctx, target.Host)
		if err != nil {
			d.fail(chat.Errorf(chat.CodeResolve, "host", target.Host).Because(err))
			return false
		}
		d.tell(fine, "resolve", "host", target.Host, "addresses", strings.Join(addresses, ", "))
	}
	begin := time.Now()
	report, err := conn.Inspect(ctx, d.goal.address, conn.Config{Classical: true})
	if err != nil {
		d.unreachable(err)
		return false
	}
	d.tell(fine, "port", "address", d.goal.address, "ms", strconv.FormatInt((time.Since(begin)-report.Handshake).Milliseconds(), 10))
	if report.Classical {
		d.fail(chat.Errorf(chat.CodeTLS, "address", d.goal.address))
		return false
	}
	d.tell(fine, "tls")
	if report.Public {
		d.tell(fine, "certificate", "date", report.Expires.Format("2006-01-02"))
	}
	return d.compare(report)
}

// unreachable says which kind of silence it is.
func (d *diagnosis) unreachable(err error) {
	switch {
	case errors.Is(err, chat.CodeRefused):
		d.tell(bad, "refused", "address", d.goal.address)
	case errors.Is(err, chat.CodeTimeout):
		d.tell(bad, "firewall", "address", d.goal.address)
	default:
		d.fail(err)
		return
	}
	if d.worst == nil {
		d.worst = err
	}
}

// compare looks whether it is the server that the key names.
func (d *diagnosis) compare(report conn.Report) bool {
	switch {
	case d.goal.server.IsZero() && !report.Server.IsZero():
		d.tell(odd, "identity.unknown", "fingerprint", access.FormatServer(report.Server))
		return false
	case d.goal.server.IsZero():
		return false
	case !report.Server.IsZero() && report.Server != d.goal.server:
		d.fail(chat.Errorf(chat.CodeIdentity, "expected", d.goal.server.String(), "got", report.Server.String()))
		return false
	}
	return true
}

// identity begins a login, as far as it goes without taking a name: the server proves who it is, and tells its version, clock and key.
func (d *diagnosis) identity() {
	ctx, cancel := context.WithTimeout(d.ctx, doctorPatience)
	defer cancel()
	hello, err := greet(ctx, d.goal)
	if err != nil {
		d.fail(err)
		return
	}
	d.tell(fine, "identity", "fingerprint", access.FormatServer(d.goal.server))
	d.tell(fine, "version", "software", hello.Software, "protocol", strconv.FormatUint(uint64(hello.Version), 10))
	skew := time.Until(time.UnixMilli(hello.Time)).Round(time.Second)
	if skew.Abs() > 2*time.Minute {
		d.tell(odd, "clock", "skew", skew.Abs().String())
	} else {
		d.tell(fine, "clock.right")
	}
	switch {
	case d.goal.key.IsZero():
	case d.goal.key.Fits(hello.Generation, hello.Access):
		d.tell(fine, "key.fits")
	case hello.Generation > 1:
		d.fail(chat.Errorf(chat.CodeKeyOld))
	default:
		d.fail(chat.Errorf(chat.CodeKeyWrong))
	}
	if hello.Ephemeral {
		d.tell(odd, "memory")
	}
}

// greet makes the first half of a login.
func greet(ctx context.Context, g *goal) (wire.HelloS, error) {
	link, err := conn.Dial(ctx, g.address, g.server, conn.Config{})
	if err != nil {
		return wire.HelloS{}, err
	}
	defer link.Close()
	stop := context.AfterFunc(ctx, func() { _ = link.Close() })
	defer stop()
	exporter, err := link.Exporter()
	if err != nil {
		return wire.HelloS{}, err
	}
	c := access.NewClient(g.server, "huisclos-doctor")
	if err := link.Write(c.Hello()); err != nil {
		return wire.HelloS{}, err
	}
	raw, err := link.Read()
	if err != nil {
		return wire.HelloS{}, err
	}
	return c.Challenge(raw, exporter)
}

// profile says how the state on this machine is protected.
func (d *diagnosis) profile(c *config.Client, profiles []vault.Profile) {
	if len(profiles) == 0 {
		d.tell(fine, "vault.none", "path", c.Home)
		return
	}
	for _, p := range profiles {
		if d.goal.name != "" && p.Name != d.goal.name || !d.goal.server.IsZero() && p.Server != d.goal.server {
			continue
		}
		protection, err := vault.Protection(p.Dir)
		if err != nil {
			d.fail(err)
			continue
		}
		g := fine
		if protection == client.ProtectedByFile {
			g = odd
		}
		d.tell(g, "vault."+string(protection), "name", p.Name, "path", p.Dir)
		if protection != client.ProtectedByPassphrase {
			d.sound(p)
		}
	}
}

// sound opens a profile: what was changed in it shows. One that a process has open was sound when that opened it.
func (d *diagnosis) sound(p vault.Profile) {
	v, err := vault.Open(p.Dir, vault.Options{Keyring: keyring()})
	if err == nil {
		err = v.Close()
	}
	if err != nil && !errors.Is(err, chat.CodeVaultInUse) {
		d.fail(err)
	}
}
