package recovery

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"huisclos/chat"
	"huisclos/trust"
)

// The backup key does what the account's key does to a backup, and no more.
func TestSealer(t *testing.T) {
	a, sealed := sealed(t, 5)
	s, err := ParseSealer(a.ID(), server, NewSealer(a, server).Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if b, err := s.Open(5, sealed); err != nil || b.Account != a.ID() {
		t.Fatal(err)
	}
	again, err := s.Seal(6, example(a))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(a, server, 6, again); err != nil {
		t.Error("the words don't open what a device without the account's key has sealed:", err)
	}
	if bytes.Contains(s.Bytes(), a.Bytes()) || bytes.Equal(s.Bytes(), NewSealer(a, chat.Fingerprint{9}).Bytes()) {
		t.Error("the backup key isn't one of its own")
	}
	for what, open := range map[string]func() error{
		"under another number": func() error { _, err := s.Open(4, sealed); return err },
		"of another account": func() error {
			other, err := ParseSealer(trust.NewAccount().ID(), server, s.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			_, err = other.Open(5, sealed)
			return err
		},
	} {
		if err := open(); !errors.Is(err, chat.CodeBackupDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, b := range [][]byte{nil, make([]byte, 32), make([]byte, 31), append(s.Bytes(), 1)} {
		if _, err := ParseSealer(a.ID(), server, b); !errors.Is(err, trust.ErrKey) {
			t.Errorf("%d bytes: %v", len(b), err)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v %s", s, s, s, s); text != strings.TrimSuffix(strings.Repeat("[secret] ", 4), " ") {
		t.Errorf("it prints %s", text)
	}
}

func TestMatches(t *testing.T) {
	secret := account(t).Bytes()
	en, fr := Words("en", secret), Words("fr", secret)
	for i := range WordCount {
		if !Matches(secret, i+1, en[i]) || !Matches(secret, i+1, strings.ToUpper(fr[i])) || !Matches(secret, i+1, fold(fr[i])) {
			t.Errorf("word %d", i+1)
		}
		if Matches(secret, i+1, en[i]+"x") || Matches(secret, i+1, "") || en[i] != en[(i+1)%WordCount] && Matches(secret, i+1, en[(i+1)%WordCount]) {
			t.Errorf("not word %d", i+1)
		}
	}
	if Matches(secret, 0, en[0]) || Matches(secret, WordCount+1, en[0]) || Matches(secret[:31], 1, en[0]) {
		t.Error("a place that isn't one")
	}
}
