package chat

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Code names what went wrong. Codes are stable: they travel on the wire, scripts
// rely on them, and internal/i18n has a text and a hint for each in every language.
type Code string

// Class groups codes by what a caller can do. It fixes the exit code of the
// program (PROTOCOL of the script contract in docs/guide.md).
type Class uint8

const (
	// Other is everything without a class of its own; exit code 1.
	Other Class = iota
	// Usage is a command that can't be understood; exit code 2.
	Usage
	// Unreachable is a server that doesn't answer; exit code 3.
	Unreachable
	// Identity is a wrong key, a wrong server or a changed identity; exit code 4.
	Identity
	// Naming is a name that can't be had; exit code 5.
	Naming
	// Expelled is a kick, a ban or a revocation; exit code 6.
	Expelled
	// Unacknowledged is a message that the server didn't confirm; exit code 7.
	Unacknowledged
)

// Error is a code with the parameters of its text. Cause, where there is one,
// is for the log of whoever made it and never crosses the network.
type Error struct {
	Code   Code
	Params map[string]string
	Cause  error `json:"-" cbor:"-"`
}

// Errorf makes an error from a code and pairs of parameter name and value.
func Errorf(code Code, pairs ...string) *Error {
	e := &Error{Code: code}
	for i := 0; i+1 < len(pairs); i += 2 {
		if e.Params == nil {
			e.Params = make(map[string]string, len(pairs)/2)
		}
		e.Params[pairs[i]] = pairs[i+1]
	}
	return e
}

// Because adds the cause.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// Class is that of its code.
func (e *Error) Class() Class { return e.Code.Class() }

// Error is the text for a developer; a person reads the one of internal/i18n.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code))
	keys := make([]string, 0, len(e.Params))
	for k := range e.Params {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		fmt.Fprintf(&b, " %s=%q", k, e.Params[k])
	}
	if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is makes errors.Is compare codes: errors.Is(err, chat.CodeKicked).
func (e *Error) Is(target error) bool {
	switch t := target.(type) {
	case Code:
		return e.Code == t
	case *Error:
		return e.Code == t.Code
	}
	return false
}

// Error makes a bare code usable as an error.
func (c Code) Error() string { return string(c) }

// ExitCode is the one that the program ends with after an error of that class: 1 to 7.
func (c Class) ExitCode() int { return int(c) + 1 }

// CodeOf finds the code in err's chain, or CodeInternal; "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	var c Code
	if errors.As(err, &c) {
		return c
	}
	return CodeInternal
}
