package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/conn"
	"huisclos/internal/cli"
	"huisclos/internal/config"
	"huisclos/internal/version"
	"huisclos/line"
	"huisclos/recovery"
	"huisclos/trust"
	"huisclos/vault"
)

// recoveryWords shows the 24 words of a profile.
func (a *app) recoveryWords() *cobra.Command {
	c := &cobra.Command{Use: "recovery", Args: cli.Between(0, 0)}
	settings := config.BindClient(c.Flags())
	yes := c.Flags().Bool("yes", false, "")
	forget := c.Flags().Bool("forget-key", false, "")
	take := c.Flags().Bool("take-key", false, "")
	revoke := c.Flags().String("revoke", "", "")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := settings.Load(c.Flags()); err != nil {
			return err
		}
		switch {
		case *forget && (*take || *revoke != "") || *take && *revoke != "":
			return usage("huisclos recovery --forget-key | --take-key | --revoke ID")
		case *forget:
			return a.forgetKey(settings)
		case *take:
			return a.takeKey(settings)
		case *revoke != "":
			return a.revokeByWords(settings, *revoke)
		}
		return a.showWords(settings, *yes)
	}
	return c
}

// storing is how long the words wait for the backup to reach the server.
const storing = 10 * time.Second

func (a *app) showWords(c *config.Client, yes bool) error {
	p, err := profile(c)
	if err != nil {
		return err
	}
	if !yes {
		if !a.typed() {
			return usage("huisclos recovery --yes")
		}
		answer, err := a.ask(strings.Join(fit(a.out, a.words.T("cmd.recovery.ask", "name", p.Name)), "\n")+" ", false)
		if err != nil {
			return err
		}
		if !slices.Contains([]string{"y", "yes", a.words.T("line.yes"), a.words.T("line.yes")[:1]}, strings.ToLower(answer)) {
			return nil
		}
	}
	s, err := a.open(c, &goal{server: p.Server, name: p.Name, address: p.Address}, true)
	if err != nil {
		return err
	}
	defer s.close()
	ctx, cancel := context.WithTimeout(a.ctx, storing)
	defer cancel()
	offline := s.Online(ctx)
	phrase, err := s.Recovery(a.ctx, a.words.T("line.recovery.language"))
	if err != nil {
		return err
	}
	if offline != nil {
		a.problem(offline)
	}
	return a.print(strings.Join(fit(a.out, line.PhraseText(a.words, phrase)), "\n"))
}

// recover brings an account to this machine.
func (a *app) recover() *cobra.Command {
	c := &cobra.Command{Use: "recover HOST[:PORT]|LINK", Args: cli.Between(1, 1)}
	settings := config.BindClient(c.Flags())
	check := c.Flags().Bool("check", false, "")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := settings.Load(c.Flags()); err != nil {
			return err
		}
		return a.recoverAccount(settings, args[0], *check)
	}
	return c
}

// finding is how long the server has to give the backup.
const finding = 30 * time.Second

func (a *app) recoverAccount(c *config.Client, arg string, check bool) error {
	g, err := a.find(c, arg)
	if err != nil {
		return err
	}
	if g.address == "" {
		if g.address, err = a.search(g.server, c.LAN); err != nil {
			return err
		}
	}
	secret, err := a.askWords()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(a.ctx, finding)
	defer cancel()
	found, err := client.Recovery{Dial: dialAnyone, Address: g.address, Server: g.server, Software: version.Program, Secret: secret}.Find(ctx)
	if err != nil {
		return err
	}
	if found.Backup == nil && g.key.IsZero() {
		return chat.Errorf(chat.CodeNoBackup, "name", found.Name)
	}
	lacks := found.Prove && !found.Have && g.key.IsZero() // every device must prove a key that isn't in the backup
	if check || lacks {
		if err := a.tellFound(found, "cmd.recover.would"); err != nil {
			return err
		}
	}
	switch {
	case lacks:
		return chat.Errorf(chat.CodeKeyNeeded, "reason", "recover")
	case check:
		return a.print(a.words.T("cmd.recover.ready"))
	}
	return a.comeBack(c, g, found)
}

// dialAnyone reaches a server of which it may not be known yet who it is to be.
func dialAnyone(ctx context.Context, address string, server chat.Fingerprint) (client.Link, error) {
	link, err := conn.Dial(ctx, address, server, conn.Config{Anyone: true})
	if err != nil {
		return nil, err
	}
	return link, nil
}

// askWords asks for the 24 words, in as many lines as a person likes. A wrong one is told at once, and only its line is asked for again.
func (a *app) askWords() ([]byte, error) {
	var words []string
	for {
		text, err := a.ask(a.words.T("cmd.recover.words", "n", fmt.Sprint(len(words)), "all", fmt.Sprint(recovery.WordCount))+" ", false)
		if err != nil {
			if a.inTerminal() || !errors.Is(err, errShown) {
				return nil, err
			}
			_, err = recovery.Parse(strings.Join(words, " "))
			return nil, err
		}
		more := append(slices.Clone(words), recovery.Split(text)...)
		if err := recovery.Known(more); err != nil {
			if !a.inTerminal() {
				return nil, err
			}
			a.problem(err)
			continue
		}
		if words = more; len(words) < recovery.WordCount {
			continue
		}
		secret, err := recovery.Parse(strings.Join(words, " "))
		if err == nil || !a.inTerminal() {
			return secret, err
		}
		a.problem(err)
		words = nil
	}
}

// tellFound says what is in the backup, and what isn't.
func (a *app) tellFound(f *client.Found, head string) error {
	w := a.words
	rows := []string{w.T(head, "name", f.Name, "server", f.Server.String())}
	if b := f.Backup; b != nil {
		verified := 0
		for i := range b.People {
			if b.People[i].Verified > 0 {
				verified++
			}
		}
		var rooms, private []string
		for _, r := range b.Rooms {
			if r.Kind == chat.KeyRoom {
				rooms = append(rooms, "#"+r.Name)
			} else {
				private = append(private, r.Name)
			}
		}
		generations := make([]string, len(b.Keys))
		for i, k := range b.Keys {
			generations[i] = fmt.Sprint(k.Generation)
		}
		rows = append(rows,
			w.T("cmd.recover.of", "time", f.At.Local().Format("2006-01-02 15:04"), "serial", fmt.Sprint(f.Serial)),
			w.N("cmd.recover.people", len(b.People), "verified", fmt.Sprint(verified)),
			w.T("cmd.recover.keys", "generations", strings.Join(generations, ", ")),
			w.T("cmd.recover.rooms", "rooms", strings.Join(rooms, " ")))
		if len(private) > 0 {
			rows = append(rows, w.T("cmd.recover.private", "rooms", strings.Join(private, ", ")))
		}
	}
	rows = append(rows, w.T("cmd.recover.not"))
	if !f.Have {
		rows = append(rows, w.T("cmd.recover.lacks", "generation", fmt.Sprint(f.Newest)))
	}
	return a.print(strings.Join(fit(a.out, rows...), "\n"))
}

// comeBack makes the profile and enrols this machine as a new device. What fails leaves nothing behind.
func (a *app) comeBack(c *config.Client, g *goal, f *client.Found) error {
	profiles, err := vault.Profiles(c.Home)
	if err != nil {
		return err
	}
	for _, p := range vault.Of(profiles, f.Server) {
		if trust.FoldName(p.Name) == trust.FoldName(f.Name) {
			return chat.Errorf(chat.CodeProfileExists, "name", f.Name)
		}
	}
	dir := vault.Dir(c.Home, f.Server, f.Name)
	v, err := vault.Open(dir, vault.Options{Keyring: keyring()})
	if err != nil {
		return err
	}
	if err := f.Restore(v); err != nil {
		_ = v.Close()
		return errors.Join(err, vault.Remove(dir, keyring()))
	}
	settings := client.Config{Vault: v, Dial: dial, Address: g.address, Server: f.Server, Name: f.Name, Software: version.Program, Log: a.clientLog()}
	if !g.key.IsZero() {
		settings.Key = g.key.Reveal()
	}
	own, err := client.Open(settings)
	if err == nil {
		ctx, cancel := context.WithTimeout(a.ctx, arrivalPatience)
		err = own.Online(ctx)
		cancel()
		_ = own.Close(context.WithoutCancel(a.ctx))
	}
	if err != nil {
		return errors.Join(err, vault.Remove(dir, keyring()))
	}
	if err := a.tellFound(f, "cmd.recover.back"); err != nil {
		return err
	}
	return a.print(a.words.T("cmd.recover.done", "name", f.Name))
}
