package client

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/recovery"
	"huisclos/trust"
)

// The account's key may leave this device once the recovery phrase is written down (PROTOCOL §6): the phrase is the key. What is left here is the device's own key,
// which may add devices to the account's list and revoke itself; the key that seals the backup; and the account's signature over its name. So who steals the
// device unlocked is in the account until it is revoked, and can't keep anybody from revoking it.

// ProofWords is how many words of the phrase ForgetKey wants to see at least.
const ProofWords = 3

// ReasonRevoke and ReasonRenew are what CodePhraseNeeded's parameter "reason" may be.
const (
	ReasonRevoke = "revoke" // to revoke another device
	ReasonRenew  = "renew"  // to make this device a new one
)

// sealer seals the backup; nil when this device has got neither the account's key nor the backup's.
func (e *engine) sealer() *recovery.Sealer {
	if e.id.acct != nil {
		return recovery.NewSealer(e.id.acct, e.self.Server)
	}
	s, err := recovery.ParseSealer(e.id.account(), e.self.Server, e.backup.rec.Key)
	if err != nil {
		return nil
	}
	return s
}

// accountFrom reads the account's key out of its words. CodePhraseWord, CodePhraseLength, CodePhraseChecksum; CodePhraseOther when they are another account's.
func (e *engine) accountFrom(phrase string) (*trust.Account, error) {
	secret, err := recovery.Parse(phrase)
	if err != nil {
		return nil, err
	}
	account, err := trust.ParseAccount(secret)
	if err != nil || account.ID() != e.id.account() {
		return nil, chat.Errorf(chat.CodePhraseOther)
	}
	return account, nil
}

// ForgetKey implements API.
func (c *Client) ForgetKey(ctx context.Context, words map[int]string) error {
	_, err := await(ctx, c, func(e *engine, answer func(struct{}, error)) {
		if err := e.mayForget(words); err != nil {
			answer(struct{}{}, err)
			return
		}
		if e.id.acct == nil {
			e.then(func() { answer(struct{}{}, e.scrub()) })
			return
		}
		e.whenOnline(func(err error) {
			if err != nil {
				answer(struct{}{}, err)
				return
			}
			e.whenListed(listTries, func(err *chat.Error) {
				if err == nil {
					e.forgetKey()
					e.then(func() { answer(struct{}{}, e.scrub()) })
					return
				}
				answer(struct{}{}, err)
			})
		})
	})
	return err
}

// mayForget checks what a person knows of the phrase.
func (e *engine) mayForget(words map[int]string) *chat.Error {
	switch {
	case e.id.acct == nil:
		return nil
	case !e.backup.rec.On:
		return chat.Errorf(chat.CodePhraseUnseen)
	case len(words) < ProofWords:
		return chat.Errorf(chat.CodePhraseLength, "count", strconv.Itoa(len(words)))
	}
	for place, word := range words {
		if !recovery.Matches(e.id.acct.Bytes(), place, word) {
			return chat.Errorf(chat.CodePhraseOther)
		}
	}
	return nil
}

// forgetKey takes the account's key off this device, once this turn is kept.
func (e *engine) forgetKey() {
	if e.id.acct == nil {
		return
	}
	e.backup.rec.Key, e.backup.rec.Scrub = e.sealer().Bytes(), true
	e.keepBackup()
	e.id = e.id.with(nil)
	e.self.Account, e.selfDirty = nil, true
	e.stage.durable = true
}

// scrub takes what was deleted out of the vault's files. What fails, or what a crash came before, is made up for at the next start.
func (e *engine) scrub() error {
	if !e.backup.rec.Scrub {
		return nil
	}
	if err := e.vault.Scrub(); err != nil {
		e.cfg.Log.Warn("the vault's files may still have the account's key", "err", err)
		return err
	}
	e.backup.rec.Scrub = false
	e.keepBackup()
	return nil
}

// whenListed runs f once the server has a list with this device in it: without that a device could neither vouch for another nor revoke itself.
func (e *engine) whenListed(tries int, f func(*chat.Error)) {
	a, d := e.id.account(), e.id.device()
	e.who([]chat.AccountID{a}, nil, func(err *chat.Error) {
		list := e.people.list(a)
		if err == nil && !list.Has(d) {
			if e.id.acct == nil {
				f(chat.Errorf(chat.CodeUnlisted))
				return
			}
			next, changeErr := list.Change(e.id.acct, trust.ListAdd, d, time.Now().UnixMilli())
			if changeErr != nil {
				f(chat.Errorf(chat.CodeUnlisted).Because(changeErr))
				return
			}
			list = next
		}
		if err != nil || slices.Equal(list.Marshal(), e.people.served[a]) {
			f(err)
			return
		}
		e.putList(list, func(err *chat.Error) {
			if err != nil && err.Code == chat.CodeConflict && tries > 0 && e.session != nil {
				e.whenListed(tries-1, f)
				return
			}
			f(err)
		})
	})
}

// TakeKey implements API.
func (c *Client) TakeKey(ctx context.Context, phrase string) error {
	_, err := do(ctx, c, func(e *engine) (struct{}, error) {
		account, err := e.accountFrom(phrase)
		if err != nil || e.id.acct != nil {
			return struct{}{}, err
		}
		e.id = e.id.with(account)
		e.self.Account, e.selfDirty = account.Bytes(), true
		e.stage.durable = true
		if reason := e.self.Renew; reason != "" {
			if err := e.renew(reason); err != nil {
				return struct{}{}, err
			}
			e.offline = nil
			e.connect()
		}
		return struct{}{}, nil
	})
	return err
}

// awaitWords keeps this device away from the server: its keys may not be used, and only the account's key, which isn't here, can certify others.
func (e *engine) awaitWords(reason string) {
	if e.self.Renew == "" {
		e.self.Renew, e.selfDirty = reason, true
		e.stage.durable = true
	}
	err := chat.Errorf(chat.CodePhraseNeeded, "reason", ReasonRenew)
	e.dropSession(err)
	e.offline = err
	e.emit(Offline{Err: err})
	e.tellOnline(err)
	e.checkFlush()
}

// RevokeDeviceBy implements API.
func (c *Client) RevokeDeviceBy(ctx context.Context, id, phrase string) (DeviceView, error) {
	return await(ctx, c, func(e *engine, answer func(DeviceView, error)) {
		account, err := e.accountFrom(phrase)
		if err != nil {
			answer(DeviceView{}, err)
			return
		}
		e.whenOnline(func(err error) {
			if err != nil {
				answer(DeviceView{}, err)
				return
			}
			e.revoke(account, strings.ToLower(id), listTries, answer)
		})
	})
}
