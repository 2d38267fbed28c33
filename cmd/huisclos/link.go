package main

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/internal/cli"
	"huisclos/internal/config"
	"huisclos/internal/version"
	"huisclos/keys"
	"huisclos/line"
	"huisclos/trust"
	"huisclos/vault"
)

// link makes a link code on the old device, or uses one on the new one.
func (a *app) link() *cobra.Command {
	c := &cobra.Command{Use: "link [CODE [HOST[:PORT]]|LINK]", Args: cli.Between(0, 5)}
	settings := config.BindClient(c.Flags())
	server := c.Flags().String("server", "", "")
	life := c.Flags().Duration("for", 0, "")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := settings.Load(c.Flags()); err != nil {
			return err
		}
		if *life < 0 || *life > client.CodeLife {
			return chat.Errorf(chat.CodeSettingValue, "name", "--for", "value", life.String())
		}
		if len(args) == 0 {
			return a.linkAnother(settings, *server, *life)
		}
		l, err := a.linkGoal(settings, args)
		if err != nil {
			return err
		}
		return a.linkThis(settings, l)
	}
	return c
}

// label is what the person's other devices call this one.
func label() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		return runtime.GOOS
	}
	host, _, _ = strings.Cut(host, ".")
	return keys.MachineName(host + ", " + runtime.GOOS)
}

// linkAnother makes a code, asks the person about the device that uses it, and stays until that has the history.
func (a *app) linkAnother(c *config.Client, server string, life time.Duration) error {
	s, err := a.reachSoon(c, server)
	if err != nil {
		return err
	}
	defer s.close()
	ctx, stop := context.WithCancel(a.ctx)
	defer stop()
	events, err := s.Events(ctx)
	if err != nil {
		return err
	}
	code, err := s.OpenLink(ctx, a.words.T("line.invite.lang"), life)
	if err != nil {
		return err
	}
	at := a.inviteAddress(ctx, s)
	link := code.LinkAt(at)
	if err := a.print(code.Reveal() + "\n" + link); err != nil {
		return err
	}
	if a.outTerminal() {
		if rows, err := line.QR(link, a.color()); err == nil {
			_ = a.print(strings.Join(rows, "\n"))
		}
	}
	a.note(a.words.T("cmd.link.say", "address", at, "code", code.Reveal(), "until", code.Expires.Local().Format("15:04")))
	err = a.awaitDevice(ctx, s, events, code.Number)
	if err == nil && a.ctx.Err() != nil { // Ctrl-C takes the code back
		later, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), 5*time.Second)
		defer cancel()
		return s.CloseCode(later, code.Number)
	}
	return err
}

// awaitDevice follows a link code to its end; nil when the new device has everything, or when the events end.
func (a *app) awaitDevice(ctx context.Context, s *session, events <-chan client.Event, number uint32) error {
	var device chat.DeviceID
	var progress line.Progress
	var answers chan bool
	for {
		select {
		case yes := <-answers:
			if err := s.AnswerLink(ctx, number, yes); err != nil && !errors.Is(err, chat.CodeNoLink) { // another window has answered
				return err
			}
		case e, ok := <-events:
			if !ok {
				return nil
			}
			switch e := e.(type) {
			case client.LinkAsked:
				if e.Number == number {
					device = e.Device
					a.note(line.LinkQuestion(a.words, e))
					answers = make(chan bool, 1)
					go a.askLink(answers)
				}
			case client.LinkDone:
				if e.Number == number {
					a.note(a.words.T("line.link.done", "name", line.DeviceName(a.words, e.Name, e.Device)))
				}
			case client.HistoryMoved:
				if e.Device != device || !e.Gives {
					continue
				}
				if text := progress.Text(a.words, e); text != "" {
					a.note(text)
				}
				if e.Done {
					return nil
				}
			case client.CodeFailed:
				if e.Number == number && e.Err.Code == chat.CodeLinkRefused {
					a.note(a.words.T("line.link.refused"))
					return shown{e.Err}
				}
				if e.Number == number {
					return e.Err
				}
			case client.Ended:
				return orNothing(e.Err)
			}
		}
	}
}

func orNothing(err *chat.Error) error {
	if err == nil {
		return nil
	}
	return err
}

// askLink asks the person for a yes. Where nobody can answer here, another window may.
func (a *app) askLink(answers chan<- bool) {
	text, err := a.ask(a.words.T("cmd.link.ask")+" ", false)
	if err != nil {
		return
	}
	answers <- slices.Contains([]string{"y", "yes", a.words.T("line.yes"), a.words.T("line.yes")[:1]}, strings.ToLower(text))
}

// linkGoal reads what a new device was given: a link, or a code with perhaps an address before or behind it.
func (a *app) linkGoal(c *config.Client, args []string) (keys.DeviceLink, error) {
	switch {
	case keys.IsDeviceLink(args[0]) && len(args) == 1:
		return keys.ParseDeviceLink(args[0])
	case keys.IsLink(args[0]):
		return keys.DeviceLink{}, chat.Errorf(chat.CodeCodeInvites)
	}
	l, err := splitLink(args)
	if err != nil {
		return l, err
	}
	if l.Address != "" {
		l.Address, err = hostPort(l.Address)
	} else {
		l.Address, err = a.onlyServer(c.LAN)
	}
	return l, err
}

// splitLink tells a code of one word or of several from the address beside it.
func splitLink(args []string) (l keys.DeviceLink, err error) {
	n := len(args)
	for _, try := range []struct {
		code    []string
		address []string
	}{{args, nil}, {args[:n-1], args[n-1:]}, {args[1:], args[:1]}} {
		code, err := keys.ParseCode(strings.Join(try.code, " "))
		if err == nil {
			return keys.DeviceLink{Code: code, Address: strings.Join(try.address, "")}, nil
		}
	}
	for _, try := range [][]string{args, args[:n-1], args[1:]} { // what is nearest to a code says what is wrong with it
		text := strings.Join(try, " ")
		if _, err = keys.ParseCode(text); keys.IsCode(text) && errors.Is(err, chat.CodeCodeWord) {
			return l, err
		}
	}
	return l, chat.Errorf(chat.CodeCodeFormat)
}

// linkingPatience bounds the whole exchange: connecting, and the person's yes on the other device.
const linkingPatience = client.LinkPatience + 30*time.Second

// linkThis makes this machine a device of whoever made the code. What fails leaves nothing behind.
func (a *app) linkThis(c *config.Client, l keys.DeviceLink) error {
	profiles, err := vault.Profiles(c.Home)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(a.ctx, linkingPatience)
	defer cancel()
	linked, err := client.LinkUp(ctx, client.Linkage{
		Dial: dialAnyone, Address: l.Address, Server: l.Server, Code: l.Code, Label: label(), Software: version.Program,
		Burn: func() error { return vault.Burn(c.Home, "link "+l.Code.Reveal()) },
		Known: func(server chat.Fingerprint, name string) bool {
			return slices.ContainsFunc(vault.Of(profiles, server), func(p vault.Profile) bool { return trust.FoldName(p.Name) == trust.FoldName(name) })
		},
		Waiting: func(device chat.DeviceID) {
			a.note(a.words.T("cmd.link.waiting", "name", line.DeviceName(a.words, label(), device)))
		},
	})
	if err != nil {
		return err
	}
	dir := vault.Dir(c.Home, linked.Server, linked.Name)
	v, err := vault.Open(dir, vault.Options{Keyring: keyring()})
	if err != nil {
		return err
	}
	if err := linked.Restore(v); err != nil {
		_ = v.Close()
		return errors.Join(err, vault.Remove(dir, keyring()))
	}
	own, err := client.Open(client.Config{
		Vault: v, Dial: dial, Address: l.Address, Server: linked.Server, Name: linked.Name, Software: version.Program, Log: a.clientLog(), Label: label(),
	})
	if err != nil {
		return errors.Join(err, vault.Remove(dir, keyring()))
	}
	s := &session{API: own, own: own, name: linked.Name, address: l.Address, server: linked.Server, dir: dir}
	events, err := own.Events(a.ctx)
	if err == nil {
		arrival, cancel := context.WithTimeout(a.ctx, arrivalPatience)
		err = own.Online(arrival)
		cancel()
	}
	if err != nil {
		_ = own.Close(context.WithoutCancel(a.ctx))
		return errors.Join(err, vault.Remove(dir, keyring()))
	}
	defer s.close()
	if s.owner, err = client.Serve(own, dir); err != nil {
		a.note(line2(a, err))
	}
	a.note(a.words.T("cmd.link.linked", "name", linked.Name, "server", linked.Server.String()))
	return a.awaitHistory(s, events)
}

// awaitHistory shows how the history comes, until it is there and the private rooms are entered.
func (a *app) awaitHistory(s *session, events <-chan client.Event) error {
	var progress line.Progress
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	told := false
	for seconds, without := 0, 0; ; {
		select {
		case e, ok := <-events:
			if !ok { // Ctrl-C
				a.note(a.words.T("cmd.link.later"))
				return nil
			}
			if e, ok := e.(client.HistoryMoved); ok {
				told = told || e.Done
				if text := progress.Text(a.words, e); text != "" {
					a.note(text)
				}
			}
			if e, ok := e.(client.Ended); ok {
				return orNothing(e.Err)
			}
		case <-tick.C:
			seconds++
			without++
		}
		status, err := s.Status(a.ctx)
		if err != nil || len(status.Transfers) > 0 {
			without = 0
			continue
		}
		if !told && without < 2 { // its end is about to be told
			continue
		}
		away := slices.ContainsFunc(status.Rooms, func(r client.RoomView) bool { return r.Away && r.Stopped == nil })
		if !away || seconds > int(arrivalPatience/time.Second) {
			return a.print(a.words.T("cmd.link.ready", "name", s.name))
		}
	}
}
