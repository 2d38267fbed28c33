package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/internal/config"
	"huisclos/line"
	"huisclos/recovery"
)

// withKey does what --forget-key, --take-key and --revoke ask for: all of them want the words, or some.
func (a *app) withKey(c *config.Client, f func(*session) error) error {
	p, err := profile(c)
	if err != nil {
		return err
	}
	s, err := a.open(c, &goal{server: p.Server, name: p.Name, address: p.Address}, true)
	if err != nil {
		return err
	}
	defer s.close()
	return f(s)
}

// awaitServer waits for the connection as long as the words wait for the backup.
func (a *app) awaitServer(s *session) error {
	ctx, cancel := context.WithTimeout(a.ctx, storing)
	defer cancel()
	return s.Online(ctx)
}

// forgetKey takes the account's key off this machine, once the person has shown to have the words: three of them, or in a pipe the phrase.
func (a *app) forgetKey(c *config.Client) error {
	return a.withKey(c, func(s *session) error {
		status, err := s.Status(a.ctx)
		switch {
		case err != nil:
			return err
		case !status.Backup.Key:
			return a.print(a.words.T("cmd.recovery.keyless"))
		case !status.Backup.On: // before anybody types anything
			return chat.Errorf(chat.CodePhraseUnseen)
		}
		if err := a.awaitServer(s); err != nil {
			return err
		}
		a.note(a.words.T("cmd.recovery.forget"))
		words, err := a.proofOfWords()
		if err != nil {
			return err
		}
		if err := s.ForgetKey(a.ctx, words); err != nil {
			return err
		}
		return a.print(strings.Join(fit(a.out, a.words.T("cmd.recovery.forgotten")), "\n"))
	})
}

// proofOfWords asks for some of the words, by their places.
func (a *app) proofOfWords() (map[int]string, error) {
	words := make(map[int]string)
	if !a.inTerminal() {
		phrase, err := a.askPhrase()
		for i, w := range recovery.Split(phrase) {
			words[i+1] = w
		}
		return words, err
	}
	places := rand.Perm(recovery.WordCount)[:client.ProofWords]
	slices.Sort(places)
	for _, p := range places {
		for words[p+1] == "" {
			text, err := a.ask(a.words.T("cmd.recovery.word", "n", fmt.Sprint(p+1))+" ", false)
			if err != nil {
				return nil, err
			}
			typed := recovery.Split(text)
			if err := recovery.Known(typed); err != nil || len(typed) != 1 {
				if err == nil {
					err = chat.Errorf(chat.CodePhraseWord, "number", fmt.Sprint(p+1), "word", strings.TrimSpace(text))
				}
				var e *chat.Error
				if errors.As(err, &e) && e.Params != nil {
					e.Params["number"] = fmt.Sprint(p + 1)
				}
				a.problem(err)
				continue
			}
			words[p+1] = typed[0]
		}
	}
	return words, nil
}

// askPhrase asks for all of the words.
func (a *app) askPhrase() (string, error) {
	secret, err := a.askWords()
	if err != nil {
		return "", err
	}
	return strings.Join(recovery.Words("en", secret), " "), nil
}

// takeKey brings the account's key back to this machine.
func (a *app) takeKey(c *config.Client) error {
	return a.withKey(c, func(s *session) error {
		status, err := s.Status(a.ctx)
		if err != nil {
			return err
		}
		if status.Backup.Key {
			return a.print(a.words.T("cmd.recovery.held"))
		}
		phrase, err := a.askPhrase()
		if err != nil {
			return err
		}
		if err := s.TakeKey(a.ctx, phrase); err != nil {
			return err
		}
		if err := a.awaitServer(s); err != nil { // it may be a new device now, which enrols
			a.problem(err)
		}
		return a.print(a.words.T("cmd.recovery.taken"))
	})
}

// revokeByWords puts out another device of the account from one that doesn't hold the account's key.
func (a *app) revokeByWords(c *config.Client, id string) error {
	return a.withKey(c, func(s *session) error {
		if err := a.awaitServer(s); err != nil {
			return err
		}
		v, err := s.RevokeDevice(a.ctx, id)
		if errors.Is(err, chat.CodePhraseNeeded) {
			var phrase string
			if phrase, err = a.askPhrase(); err != nil {
				return err
			}
			v, err = s.RevokeDeviceBy(a.ctx, id, phrase)
		}
		if err != nil {
			return err
		}
		all, err := s.Devices(a.ctx)
		if err != nil {
			return err
		}
		return a.print(strings.Join(fit(a.out, line.RevokedText(a.words, v, all)), "\n"))
	})
}
