package wire

import "huisclos/chat"

// Linking a device: a number for a link code, what a new device sends with it, and sealed data between two live devices of one account, which the server hands on
// and neither reads nor keeps.

// MaxDeviceData is the most that goes to another device at once, bytes.
const MaxDeviceData = 256 << 10

// OpenLink asks for the number of a new link code. Answered by CodeOpened; CloseCode ends it.
type OpenLink struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Ref  uint64
}

// UseLink is sent by a new device in the place of Auth, with its first message.
type UseLink struct {
	_       struct{} `cbor:",toarray"`
	Type    Type
	Number  uint32
	Message []byte
}

// ToDevice hands data to another device of one's account. Answered by Done when it is on its way: CodeDeviceAway, CodeRate.
type ToDevice struct {
	_      struct{} `cbor:",toarray"`
	Type   Type
	Ref    uint64
	Device chat.DeviceID
	Data   []byte
}

// FromDevice brings it: Device has sent it.
type FromDevice struct {
	_      struct{} `cbor:",toarray"`
	Type   Type
	Device chat.DeviceID
	Data   []byte
}

func isDeviceData(d chat.DeviceID, data []byte) bool {
	return !d.IsZero() && len(data) > 0 && len(data) <= MaxDeviceData
}

func (f *UseLink) fits() bool    { return isCodeNumber(f.Number) && isCodeMessage(f.Message) }
func (f *ToDevice) fits() bool   { return isDeviceData(f.Device, f.Data) }
func (f *FromDevice) fits() bool { return isDeviceData(f.Device, f.Data) }

func (*OpenLink) kind() Type   { return TypeOpenLink }
func (*UseLink) kind() Type    { return TypeUseLink }
func (*ToDevice) kind() Type   { return TypeToDevice }
func (*FromDevice) kind() Type { return TypeFromDevice }

func (f *OpenLink) setType()   { f.Type = TypeOpenLink }
func (f *UseLink) setType()    { f.Type = TypeUseLink }
func (f *ToDevice) setType()   { f.Type = TypeToDevice }
func (f *FromDevice) setType() { f.Type = TypeFromDevice }

func emptyLink(t Type) Frame {
	switch t {
	case TypeOpenLink:
		return new(OpenLink)
	case TypeUseLink:
		return new(UseLink)
	case TypeToDevice:
		return new(ToDevice)
	case TypeFromDevice:
		return new(FromDevice)
	}
	return nil
}
