package client

import (
	"encoding/binary"
	"fmt"
	"io"
	"reflect"

	"github.com/fxamacker/cbor/v2"

	"huisclos/chat"
)

// Between a Remote and the Owner: one connection for each call, on it frames of a 4-byte length, big-endian, and
// CBOR. The caller sends one remoteCall; the owner sends remoteReplies, the last of which is Done. Both ends are of
// the same user and usually of the same program; ownerVersion tells when they aren't.

// remoteCall asks for one call of a method of API.
type remoteCall struct {
	Version int
	Token   string
	Method  string
	Args    cbor.RawMessage
}

// Format keeps the token out of logs.
func (c remoteCall) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "call of %s", c.Method) }

// remoteReply is a value, or the end with or without an error.
type remoteReply struct {
	Done   bool
	Code   chat.Code
	Params map[string]string
	Value  cbor.RawMessage
}

// maxRemote bounds a frame, in bytes.
const maxRemote = 64 << 20

var remoteEncMode, remoteDecMode = remoteModes()

func remoteModes() (cbor.EncMode, cbor.DecMode) {
	enc, err := cbor.EncOptions{Time: cbor.TimeRFC3339Nano}.EncMode()
	if err != nil {
		panic(err) // constant options
	}
	dec, err := cbor.DecOptions{MaxArrayElements: 1 << 24}.DecMode()
	if err != nil {
		panic(err) // constant options
	}
	return enc, dec
}

// remoteEncode encodes a value of this package.
func remoteEncode(v any) []byte {
	b, err := remoteEncMode.Marshal(v)
	if err != nil {
		panic("client: " + err.Error()) // only our own types come here
	}
	return b
}

func remoteDecode(b []byte, v any) error {
	if err := remoteDecMode.Unmarshal(b, v); err != nil {
		return chat.Errorf(chat.CodeVersion).Because(err)
	}
	return nil
}

func writeRemote(w io.Writer, v any) error {
	b := remoteEncode(v)
	if len(b) > maxRemote {
		return chat.Errorf(chat.CodeTooLarge, "limit", fmt.Sprint(maxRemote))
	}
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(b)), uint32(len(b))) //nolint:gosec // bounded
	_, err := w.Write(append(frame, b...))
	return err
}

func readRemote(r io.Reader, v any) error {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxRemote {
		return chat.Errorf(chat.CodeTooLarge, "limit", fmt.Sprint(maxRemote))
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err == nil && len(b) < int(n) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	return remoteDecode(b, v)
}

// remoteEvent is an event with the name of its type.
type remoteEvent struct {
	Kind  string
	Event cbor.RawMessage
}

// eventKinds has one of each type of event.
func eventKinds() []Event {
	return []Event{
		Message{}, Sent{}, SendFailed{}, Arrivals{}, Online{}, Offline{}, Notice{}, Gap{}, RoomStopped{}, RoomResumed{},
		Rotated{}, KeyMissing{}, KeyGained{}, IdentityChanged{}, NewDevice{}, DeviceAdded{}, DeviceRevoked{}, DevicesWithheld{}, CodeUsed{}, CodeFailed{}, Missed{}, Ended{},
		Invited{}, InvitationRefused{}, PutOut{}, Left{}, Returning{}, Returned{}, Updated{}, PastShared{}, PastAsked{}, PastEnded{}, Held{},
		LinkAsked{}, LinkDone{}, HistoryMoved{},
		ReportRead{}, Typing{},
		ServerRestored{}, Refilling{}, Refilled{}, RefillConflict{}, MessagesLost{}, Readmitted{},
	}
}

func encodeEvent(e Event) remoteEvent {
	return remoteEvent{Kind: reflect.TypeOf(e).Name(), Event: remoteEncode(e)}
}

func decodeEvent(r remoteEvent) (Event, error) {
	for _, kind := range eventKinds() {
		t := reflect.TypeOf(kind)
		if t.Name() != r.Kind {
			continue
		}
		v := reflect.New(t)
		if err := remoteDecode(r.Event, v.Interface()); err != nil {
			return nil, err
		}
		return v.Elem().Interface().(Event), nil //nolint:forcetypeassert // made of one
	}
	return nil, chat.Errorf(chat.CodeVersion)
}
