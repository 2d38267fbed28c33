package wire

import "huisclos/chat"

// Recovery (PROTOCOL §8): the sealed backup of an account, which the server keeps and can't open.

// MaxBackup is the greatest sealed backup of an account, bytes.
const MaxBackup = 256 << 10

// PutBackup stores the backup of the asking account in the place of the one before. Answered by Done; CodeConflict (serial) unless Serial is greater
// than that of the one that is there.
type PutBackup struct {
	_      struct{} `cbor:",toarray"`
	Type   Type
	Ref    uint64
	Serial uint64
	Sealed []byte // at most MaxBackup bytes
}

// GetBackup asks for it. Answered by Backup.
type GetBackup struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Ref  uint64
}

// Backup answers GetBackup; Serial is 0 when there is none.
type Backup struct {
	_      struct{} `cbor:",toarray"`
	Type   Type
	Ref    uint64
	Serial uint64
	Time   int64 // when it came, ms since 1970
	Sealed []byte
}

// Recover comes in the place of Auth: an account that has lost its devices asks for its backup. It is answered by Recovered or Bye, and the connection ends.
type Recover struct {
	_       struct{} `cbor:",toarray"`
	Type    Type
	Account chat.AccountID
	Sig     [64]byte // the account's, over the transcript
}

// Recovered is all that the server has for it.
type Recovered struct {
	_      struct{} `cbor:",toarray"`
	Type   Type
	Person Person // with the certificates of all devices, whose list versions the next one must exceed
	Serial uint64 // 0: there is no backup
	Time   int64
	Sealed []byte
}

// Devices tells the devices of an account that its devices have changed: ask Who.
type Devices struct {
	_       struct{} `cbor:",toarray"`
	Type    Type
	Account chat.AccountID
}

// PutList gives the server the asking account's device list, which continues the one that is there. Answered by Done, also when it is that one;
// CodeConflict (version) for any other.
type PutList struct {
	_    struct{} `cbor:",toarray"`
	Type Type
	Ref  uint64
	List []byte // trust.DeviceList, at most MaxDeviceList bytes
}

// MaxDeviceList is the greatest device list, bytes: that of trust.MaxListed devices, all revoked.
const MaxDeviceList = 25 << 10

func (*PutBackup) kind() Type { return TypePutBackup }
func (*GetBackup) kind() Type { return TypeGetBackup }
func (*Backup) kind() Type    { return TypeBackup }
func (*Recover) kind() Type   { return TypeRecover }
func (*Recovered) kind() Type { return TypeRecovered }
func (*Devices) kind() Type   { return TypeDevices }
func (*PutList) kind() Type   { return TypePutList }

func (f *PutBackup) setType() { f.Type = TypePutBackup }
func (f *GetBackup) setType() { f.Type = TypeGetBackup }
func (f *Backup) setType()    { f.Type = TypeBackup }
func (f *Recover) setType()   { f.Type = TypeRecover }
func (f *Recovered) setType() { f.Type = TypeRecovered }
func (f *Devices) setType()   { f.Type = TypeDevices }
func (f *PutList) setType()   { f.Type = TypePutList }

func (f *PutBackup) fits() bool {
	return f.Serial > 0 && f.Serial < 1<<63 && len(f.Sealed) > 0 && len(f.Sealed) <= MaxBackup
}

func (f *PutList) fits() bool { return len(f.List) > 0 && len(f.List) <= MaxDeviceList }

func (f *Recover) fits() bool { return !f.Account.IsZero() }

func emptyRecovery(t Type) Frame {
	switch t {
	case TypePutBackup:
		return new(PutBackup)
	case TypeGetBackup:
		return new(GetBackup)
	case TypeBackup:
		return new(Backup)
	case TypeRecover:
		return new(Recover)
	case TypeRecovered:
		return new(Recovered)
	case TypeDevices:
		return new(Devices)
	case TypePutList:
		return new(PutList)
	}
	return nil
}
