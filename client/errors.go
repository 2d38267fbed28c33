package client

import (
	"context"
	"errors"

	"huisclos/chat"
)

// contextError tells an ended wait apart from a failure.
func contextError(ctx context.Context) error {
	return chat.Errorf(chat.CodeTimeout).Because(context.Cause(ctx))
}

// asError makes the error that crosses boundaries of any error.
func asError(err error) *chat.Error {
	if err == nil {
		return nil
	}
	var e *chat.Error
	if errors.As(err, &e) {
		return e
	}
	return chat.Errorf(chat.CodeOf(err)).Because(err)
}

// orNil avoids an error that holds a nil pointer.
func orNil(err *chat.Error) error {
	if err == nil {
		return nil
	}
	return err
}
