package conn

import (
	"bytes"
	"crypto/tls"
	"reflect"
)

// slim lets go of what the handshake has left in c: the buffers that held the ClientHello, some 4 KiB that crypto/tls
// keeps for as long as the connection lasts, a fifth of what an idle one costs. There is no method for it, so
// this reaches for the fields by name. It changes nothing unless each of them is there, has the type that it
// knows, and holds no unread byte: with another release of Go it may do nothing, never harm. The goroutine
// that reads calls it, between two reads.
func slim(c *tls.Conn) bool {
	v := reflect.ValueOf(c).Elem()
	records, handshake, plain := field[bytes.Buffer](v, "rawInput"), field[bytes.Buffer](v, "hand"), field[bytes.Reader](v, "input")
	if records == nil || handshake == nil || plain == nil || records.Len()+handshake.Len()+plain.Len() > 0 {
		return false
	}
	*records, *handshake = bytes.Buffer{}, bytes.Buffer{} // grown anew when they are needed
	plain.Reset(nil)                                      // it pointed into records
	return true
}

// field finds a field of that name and type; nil when there is none.
func field[T any](v reflect.Value, name string) *T {
	f := v.FieldByName(name)
	if !f.IsValid() || f.Type() != reflect.TypeFor[T]() {
		return nil
	}
	return (*T)(f.Addr().UnsafePointer())
}
