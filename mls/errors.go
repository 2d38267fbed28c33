package mls

import (
	"errors"
	"fmt"
)

// Class says what a failure means for the caller.
type Class int

// The classes of errors. Each is an error itself, for errors.Is.
const (
	// ErrMalformed: the bytes aren't what they claim to be. Another attempt with the same bytes fails too.
	ErrMalformed Class = iota + 1
	// ErrInvalid: well-formed, but against a rule of the RFC, or forged.
	ErrInvalid
	// ErrRefused: the application's validator said no.
	ErrRefused
	// ErrUnsupported: a version, suite, extension or credential that this client doesn't know.
	ErrUnsupported
	// ErrPastEpoch: of an epoch that is over, and whose keys are gone.
	ErrPastEpoch
	// ErrFutureEpoch: of an epoch that this member hasn't reached; read what comes before it first.
	ErrFutureEpoch
	// ErrReplay: its key was used already, or has been dropped.
	ErrReplay
	// ErrTooFar: its generation is further ahead than the limit.
	ErrTooFar
	// ErrOwnMessage: sent by this member itself, who keeps no key to open it.
	ErrOwnMessage
	// ErrMissing: a proposal, pre-shared key, tree or key package that isn't here.
	ErrMissing
	// ErrRemoved: this member is no longer in the group.
	ErrRemoved
	// ErrMisuse: the call isn't possible in this state.
	ErrMisuse
	// ErrSave: the caller's function could not save; nothing left, nothing changed.
	ErrSave
)

var classNames = map[Class]string{
	ErrMalformed: "malformed", ErrInvalid: "invalid", ErrRefused: "refused", ErrUnsupported: "unsupported", ErrPastEpoch: "past epoch",
	ErrFutureEpoch: "future epoch", ErrReplay: "replayed", ErrTooFar: "too far ahead", ErrOwnMessage: "own message", ErrMissing: "missing",
	ErrRemoved: "removed", ErrMisuse: "misuse", ErrSave: "not saved",
}

// Error names the class: "malformed", …
func (c Class) Error() string { return "mls: " + classNames[c] }

// Error is what every function of this package returns.
type Error struct {
	Class Class
	// Check is the stable name of the rule that was broken, "SECTION/WORD" after the section of RFC 9420, or "" where no rule
	// of the RFC is involved.
	Check  string
	Detail string
	Cause  error // what a validator or a saving function said; may be nil
}

// Error gives class, rule, detail and cause. It never has a secret in it.
func (e *Error) Error() string {
	s := e.Class.Error()
	if e.Check != "" {
		s += " (RFC 9420 §" + e.Check + ")"
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is compares with a Class.
func (e *Error) Is(target error) bool {
	c, ok := target.(Class)
	return ok && c == e.Class
}

// CheckOf is the name of the rule that err says was broken, or "".
func CheckOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Check
	}
	return ""
}

func fail(class Class, check, format string, args ...any) error {
	return &Error{Class: class, Check: check, Detail: fmt.Sprintf(format, args...)}
}

// invalid is a broken rule of the RFC.
func invalid(check, format string, args ...any) error {
	return fail(ErrInvalid, check, format, args...)
}

// malformed is a broken rule of encoding.
func malformed(check, format string, args ...any) error {
	return fail(ErrMalformed, check, format, args...)
}

func misuse(format string, args ...any) error { return fail(ErrMisuse, "", format, args...) }
