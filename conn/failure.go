package conn

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"huisclos/chat"
)

// reachError says why nothing was reached at t.
func reachError(err error, t Target) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*chat.Error](err); ok {
		return withAddress(e, t)
	}
	var dns *net.DNSError
	var network net.Error
	var certificate *tls.CertificateVerificationError
	code := chat.CodeUnreachable
	switch {
	case errors.As(err, &certificate): // the proxy's
		code = chat.CodeTLS
	case errors.As(err, &dns) && !dns.IsTimeout:
		return chat.Errorf(chat.CodeResolve, "host", t.Host, "address", t.String()).Because(err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &network) && network.Timeout():
		code = chat.CodeTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		code = chat.CodeRefused
	}
	return chat.Errorf(code, "address", t.String()).Because(err)
}

// handshakeError says why TLS did not come about with whoever answered at t.
func handshakeError(err error, t Target) error {
	var notTLS tls.RecordHeaderError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &notTLS):
		return chat.Errorf(chat.CodeNotHuisclos, "address", t.String()).Because(err)
	case isTLS(err):
		return chat.Errorf(chat.CodeTLS, "address", t.String()).Because(err)
	}
	return reachError(err, t)
}

// isTLS reports whether err is a disagreement about TLS rather than a failure of the network.
func isTLS(err error) bool {
	if _, ok := errors.AsType[*chat.Error](err); ok {
		return false
	}
	var network net.Error
	var remote *net.OpError
	if errors.As(err, &remote) && (remote.Op == "remote error" || remote.Op == "local error") {
		return true // an alert, theirs or ours
	}
	return !errors.As(err, &network) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// withAddress completes an error that was made where the address isn't known.
func withAddress(e *chat.Error, t Target) *chat.Error {
	if e.Params["address"] != "" {
		return e
	}
	c := *e
	c.Params = map[string]string{"address": t.String()}
	for k, v := range e.Params {
		c.Params[k] = v
	}
	return &c
}
