package main

import (
	"crypto/subtle"

	"github.com/spf13/cobra"

	"huisclos/chat"
	"huisclos/internal/cli"
	"huisclos/internal/config"
	"huisclos/trust"
	"huisclos/vault"
)

// lock puts a profile under a passphrase.
func (a *app) lock() *cobra.Command {
	return a.guard("lock", func(p vault.Profile, o vault.Options) error {
		first, err := a.ask(a.words.T("cmd.lock.new")+" ", true)
		if err != nil {
			return err
		}
		again, err := a.ask(a.words.T("cmd.lock.again")+" ", true)
		if err != nil {
			return err
		}
		switch {
		case first == "":
			return chat.Errorf(chat.CodePassphrase, "path", p.Dir, "reason", "empty")
		case subtle.ConstantTimeCompare([]byte(first), []byte(again)) != 1:
			return chat.Errorf(chat.CodePassphrase, "path", p.Dir, "reason", "differ")
		}
		if err := vault.Lock(p.Dir, o, vault.Passphrase(first)); err != nil {
			return err
		}
		return a.print(a.words.T("cmd.lock.done", "name", p.Name))
	})
}

// unlock takes the passphrase away.
func (a *app) unlock() *cobra.Command {
	return a.guard("unlock", func(p vault.Profile, o vault.Options) error {
		if err := vault.Unlock(p.Dir, o); err != nil {
			return err
		}
		return a.print(a.words.T("cmd.unlock.done", "name", p.Name))
	})
}

// guard finds the profile and its passphrase, if it has one.
func (a *app) guard(use string, change func(vault.Profile, vault.Options) error) *cobra.Command {
	c := &cobra.Command{Use: use, Args: cli.Between(0, 0)}
	settings := config.BindClient(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := settings.Load(c.Flags()); err != nil {
			return err
		}
		p, err := profile(settings)
		if err != nil {
			return err
		}
		o := vault.Options{Keyring: keyring()}
		if protection, err := vault.Protection(p.Dir); err == nil && protection == "passphrase" {
			text, err := a.ask(a.words.T("cmd.ask.passphrase")+" ", true)
			if err != nil {
				return err
			}
			o.Passphrase = vault.Passphrase(text)
		}
		return change(p, o)
	}
	return c
}

// profile is the one that is meant: the only one, or the last used of that name.
func profile(c *config.Client) (vault.Profile, error) {
	profiles, err := vault.Profiles(c.Home)
	if err != nil {
		return vault.Profile{}, err
	}
	for _, p := range profiles {
		if c.Name == "" || trust.FoldName(p.Name) == trust.FoldName(c.Name) {
			return p, nil
		}
	}
	return vault.Profile{}, chat.Errorf(chat.CodeNoSuchPerson, "reason", "profile", "name", c.Name)
}
