package vault

import (
	"errors"
	"time"

	"github.com/zalando/go-keyring"
)

// Keyring keeps small secrets for the user: the Keychain of macOS, the Credential
// Manager of Windows, the Secret Service of a Linux desktop.
type Keyring interface {
	// Get returns ErrNoEntry when the keyring works and has no such entry.
	Get(entry string) (string, error)
	Set(entry, secret string) error
	Delete(entry string) error
}

// ErrNoEntry says that a keyring works and doesn't know the entry.
var ErrNoEntry = errors.New("vault: no such entry in the keyring")

// errKeyringSilent is a keyring that doesn't answer, for example because its dialog is hidden.
var errKeyringSilent = errors.New("vault: the keyring doesn't answer")

// System is the keyring of the system. Each call gives up after its duration (0: a minute, enough to
// answer the system's own dialog).
type System struct{ Patience time.Duration }

const service = "huisclos"

// Get implements Keyring.
func (s System) Get(entry string) (string, error) {
	return s.within(func() (string, error) {
		secret, err := keyring.Get(service, entry)
		if errors.Is(err, keyring.ErrNotFound) {
			err = ErrNoEntry
		}
		return secret, err
	})
}

// Set implements Keyring.
func (s System) Set(entry, secret string) error {
	_, err := s.within(func() (string, error) { return "", keyring.Set(service, entry, secret) })
	return err
}

// Delete implements Keyring.
func (s System) Delete(entry string) error {
	_, err := s.within(func() (string, error) { return "", keyring.Delete(service, entry) })
	if errors.Is(err, keyring.ErrNotFound) {
		return nil
	}
	return err
}

// within bounds a call that can't be cancelled; a late answer is dropped.
func (s System) within(f func() (string, error)) (string, error) {
	type answer struct {
		secret string
		err    error
	}
	done := make(chan answer, 1)
	go func() {
		secret, err := f()
		done <- answer{secret, err}
	}()
	patience := s.Patience
	if patience == 0 {
		patience = time.Minute
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case a := <-done:
		return a.secret, a.err
	case <-timer.C:
		return "", errKeyringSilent
	}
}
