package wire

import (
	"bytes"

	"huisclos/chat"
)

// UnmarshalStrict is Unmarshal for bytes that are signed or hashed: it accepts only what Marshal would write for the
// value read (RFC 8949 §4.2.1), so that nothing has two forms. CodeFrame.
func UnmarshalStrict(b []byte, v any) error {
	if err := Unmarshal(b, v); err != nil {
		return err
	}
	if !bytes.Equal(Marshal(v), b) { // also a byte string of another length than its field's
		return chat.Errorf(chat.CodeFrame)
	}
	return nil
}
