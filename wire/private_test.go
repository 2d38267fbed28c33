package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"huisclos/chat"
)

// seemly gives a frame what Decode wants of it beyond its form, and takes away what it doesn't.
func seemly(f writable) {
	switch f := f.(type) {
	case *HelloC:
		if len(f.Versions) == 0 {
			f.Versions = []uint{1}
		}
	case *PutPackages:
		for i := range f.Packages {
			p := &f.Packages[i]
			p.Ref = append([]byte{byte(i)}, p.Ref[:min(len(p.Ref), 30)]...)
			p.Data = append([]byte{1}, p.Data[:min(len(p.Data), MaxKeyPackage-1)]...)
			p.Last = p.Last && i == 0
		}
	case *TakePackages:
		f.Accounts = distinct(append(f.Accounts, chat.AccountID{}), 1)
	case *CreatePrivate:
		f.Room[15] |= 1
	case *Commit:
		f.ID[15] |= 1
		f.Add, f.Remove = distinct(f.Add, 1), distinct(f.Remove, 1000)
		for i := range f.Welcomes {
			w := &f.Welcomes[i]
			binary.BigEndian.PutUint32(w.Device[:], uint32(i+1)) //nolint:gosec // small
			w.Welcome = append([]byte{1}, w.Welcome...)
		}
		f.Info = append([]byte{1}, f.Info...)
		f.Rules = f.Rules[:min(len(f.Rules), 1)]
		for i := range f.Rules {
			seemlyRules(&f.Rules[i])
		}
	case *RosterList:
		seemlyRules(&f.Rules)
		seemlyRules(&f.Noted)
	case *PutState:
		f.Info = append([]byte{1}, f.Info...)
	case *PutBackup:
		f.Serial = f.Serial>>1 | 1
		f.Sealed = append([]byte{1}, f.Sealed...)
	case *PutList:
		f.List = append([]byte{1}, f.List[:min(len(f.List), MaxDeviceList-1)]...)
	case *Recover:
		f.Account[31] |= 1
	case *Typing:
		f.Body = make([]byte, TypingSize)
	case *Typed:
		f.Body = make([]byte, TypingSize)
	default:
		seemlyCode(f)
		seemlyRefill(f)
	}
}

func seemlyRules(r *RoomRules) {
	r.Slow %= MaxSlow + 1
	r.Free, r.Muted, r.Banned = distinct(r.Free, 1), distinct(r.Muted, 1), distinct(r.Banned, 1)
}

func distinct(list []chat.AccountID, from uint32) []chat.AccountID {
	for i := range list {
		binary.BigEndian.PutUint32(list[i][:], from+uint32(i)) //nolint:gosec // small
	}
	return list
}

// The frames of private rooms, byte by byte.
func TestPrivateBytes(t *testing.T) {
	room, msg := chat.RoomID{1}, chat.MessageID{2}
	account, other, device, hash := chat.AccountID{3}, chat.AccountID{4}, chat.DeviceID{5}, [32]byte{6}
	id16, msg16 := "50 01"+strings.Repeat("00", 15), "50 02"+strings.Repeat("00", 15)
	key := func(first string) string { return "5820" + first + strings.Repeat("00", 31) }
	for _, c := range []struct {
		frame writable
		want  string
	}{
		{&PutPackages{Ref: 1, Packages: []KeyPackage{{Ref: []byte{7}, Last: true, Data: []byte{8}}}}, "83 1828 01 81 83 4107 f5 4108"},
		{&PackageState{Ref: 1, OneTime: 100, Last: true}, "84 1829 01 1864 f5"},
		{&TakePackages{Ref: 1, Accounts: []chat.AccountID{account}}, "83 182a 01 81" + key("03")},
		{&Packages{Ref: 1, Packages: []TakenPackage{{Account: account, Device: device, Data: []byte{8}}}}, "83 182b 01 81 84" + key("03") + key("05") + "f4 4108"},
		{&CreatePrivate{Ref: 1, Room: room}, "83 182c 01" + id16},
		{
			&Commit{
				Room: room, ID: msg, Base: 9, Envelope: []byte{1}, Add: []chat.AccountID{account}, Remove: []chat.AccountID{other},
				Welcomes: []DeviceWelcome{{Device: device, Welcome: []byte{2}}}, Info: []byte{3}, Tree: []byte{4},
				Rules: []RoomRules{{Slow: 30, Free: []chat.AccountID{account}, Muted: []chat.AccountID{other}, Banned: []chat.AccountID{account, other}}},
			},
			"8b 182d" + id16 + msg16 + "09 4101 81" + key("03") + "81" + key("04") + "81 82" + key("05") + "4102 4103 4104" +
				"81 84 181e 81" + key("03") + "81" + key("04") + "82" + key("03") + key("04"),
		},
		{&Commit{Room: room, ID: msg, Envelope: []byte{1}}, "8b 182d" + id16 + msg16 + "00 4101 80 80 80 40 40 80"},
		{&Invited{Room: room}, "82 182e" + id16},
		{&Invitations{Ref: 1}, "82 182f 01"},
		{
			&InvitationList{Ref: 1, Invitations: []Invitation{{Room: room, Seq: 9, Hash: hash, Account: account, Device: device, Time: 1, Welcome: []byte{2}}}},
			"83 1830 01 81 87" + id16 + "09" + key("06") + key("03") + key("05") + "01 4102",
		},
		{&Welcomed{Ref: 1, Room: room, Seq: 9}, "84 1831 01" + id16 + "09"},
		{&State{Ref: 1, Room: room}, "83 1832 01" + id16},
		{&RoomState{Ref: 1, Room: room, Seq: 9, Info: []byte{3}}, "86 1833 01" + id16 + "09 4103 40"},
		{&WantState{Room: room}, "82 1834" + id16},
		{&PutState{Ref: 1, Room: room, Seq: 9, Info: []byte{3}, Tree: []byte{4}}, "86 1835 01" + id16 + "09 4103 4104"},
		{&PrivateRooms{Ref: 1}, "82 1836 01"},
		{&Roster{Ref: 1, Room: room}, "83 1837 01" + id16},
		{&RosterList{Ref: 1, Room: room, Members: []RosterMember{{Account: account, Removed: 9, Added: 7}}, Noted: RoomRules{Slow: 1}}, "86 1838 01" + id16 + "81 83" + key("03") + "09 07 84 00 80 80 80 84 01 80 80 80"},
		{&Expelled{Room: room}, "82 1839" + id16},
	} {
		want, err := hex.DecodeString(strings.ReplaceAll(c.want, " ", ""))
		if err != nil {
			t.Fatalf("%T: %v", c.frame, err)
		}
		if got := Encode(c.frame); !bytes.Equal(got, want) {
			t.Errorf("%T:\n got %x\nwant %x", c.frame, got, want)
		}
		if _, err := Decode(want); err != nil {
			t.Errorf("%T: %v", c.frame, err)
		}
	}
	e := PrivateEnvelope{Version: 2, Room: room, Account: account, Device: device, ID: msg, Message: []byte{1}}
	want, _ := hex.DecodeString(strings.ReplaceAll("86 02"+id16+key("03")+key("05")+msg16+"4101", " ", ""))
	if got := Marshal(&e); !bytes.Equal(got, want) {
		t.Errorf("envelope:\n got %x\nwant %x", got, want)
	}
}

// What a frame of a private room may hold, and one more.
func TestPrivateBounds(t *testing.T) {
	packages := func(n int, change func(p *KeyPackage)) *PutPackages {
		f := &PutPackages{Ref: 1}
		for i := range n {
			p := KeyPackage{Ref: []byte{1, byte(i)}, Data: []byte{1}}
			if change != nil {
				change(&p)
			}
			f.Packages = append(f.Packages, p)
		}
		return f
	}
	last := KeyPackage{Ref: []byte{9}, Last: true, Data: []byte{1}}
	whole := packages(MaxKeyPackages, func(p *KeyPackage) { p.Data = make([]byte, MaxKeyPackage) })
	whole.Packages = append(whole.Packages, KeyPackage{Ref: make([]byte, MaxKeyPackageRef), Last: true, Data: make([]byte, MaxKeyPackage)})
	commit := func(change func(*Commit)) *Commit {
		f := &Commit{Room: chat.RoomID{1}, ID: chat.MessageID{1}, Envelope: []byte{1}}
		change(f)
		return f
	}
	accounts := func(n int) []chat.AccountID { return distinct(make([]chat.AccountID, n), 1) }
	ruled := func(r RoomRules) *Commit { return commit(func(f *Commit) { f.Rules = []RoomRules{r} }) }
	for name, c := range map[string]struct {
		frame writable
		good  bool
	}{
		"no packages":             {packages(0, nil), true},
		"all packages":            {whole, true},
		"a package too many":      {packages(MaxKeyPackages+1, nil), false},
		"two last resorts":        {&PutPackages{Packages: []KeyPackage{last, {Ref: []byte{8}, Last: true, Data: []byte{1}}}}, false},
		"a reference twice":       {&PutPackages{Packages: []KeyPackage{last, {Ref: []byte{9}, Data: []byte{1}}}}, false},
		"no reference":            {packages(1, func(p *KeyPackage) { p.Ref = nil }), false},
		"a long reference":        {packages(1, func(p *KeyPackage) { p.Ref = make([]byte, MaxKeyPackageRef+1) }), false},
		"an empty package":        {packages(1, func(p *KeyPackage) { p.Data = nil }), false},
		"a large package":         {packages(1, func(p *KeyPackage) { p.Data = make([]byte, MaxKeyPackage+1) }), false},
		"take from nobody":        {&TakePackages{}, false},
		"take from the most":      {&TakePackages{Accounts: accounts(MaxTake)}, true},
		"take from more":          {&TakePackages{Accounts: accounts(MaxTake + 1)}, false},
		"take twice":              {&TakePackages{Accounts: append(accounts(2), accounts(1)...)}, false},
		"take from zero":          {&TakePackages{Accounts: make([]chat.AccountID, 1)}, false},
		"the room zero":           {&CreatePrivate{Ref: 1}, false},
		"a bare commit":           {commit(func(*Commit) {}), true},
		"a commit without an ID":  {commit(func(f *Commit) { f.ID = chat.MessageID{} }), false},
		"the most added":          {commit(func(f *Commit) { f.Add = accounts(MaxRoster) }), true},
		"one added too many":      {commit(func(f *Commit) { f.Add = accounts(MaxRoster + 1) }), false},
		"one removed too many":    {commit(func(f *Commit) { f.Remove = accounts(MaxRoster + 1) }), false},
		"added and removed":       {commit(func(f *Commit) { f.Add, f.Remove = accounts(1), accounts(1) }), false},
		"a device welcomed twice": {commit(func(f *Commit) { f.Welcomes = make([]DeviceWelcome, 2) }), false},
		"an empty welcome":        {commit(func(f *Commit) { f.Welcomes = []DeviceWelcome{{Device: chat.DeviceID{1}}} }), false},
		"a tree without info":     {commit(func(f *Commit) { f.Tree = []byte{1} }), false},
		"the most rules":          {ruled(RoomRules{Slow: MaxSlow, Free: accounts(MaxRuled), Muted: accounts(MaxRuled), Banned: accounts(MaxRuled)}), true},
		"rules twice":             {commit(func(f *Commit) { f.Rules = make([]RoomRules, 2) }), false},
		"too slow":                {ruled(RoomRules{Slow: MaxSlow + 1}), false},
		"too many free":           {ruled(RoomRules{Free: accounts(MaxRuled + 1)}), false},
		"too many muted":          {ruled(RoomRules{Muted: accounts(MaxRuled + 1)}), false},
		"too many banned":         {ruled(RoomRules{Banned: accounts(MaxRuled + 1)}), false},
		"free twice":              {ruled(RoomRules{Free: append(accounts(1), accounts(1)...)}), false},
		"muted out of order":      {ruled(RoomRules{Muted: []chat.AccountID{{2}, {1}}}), false},
		"nobody banned":           {ruled(RoomRules{Banned: make([]chat.AccountID, 1)}), false},
		"wrong rules told":        {&RosterList{Rules: RoomRules{Slow: MaxSlow + 1}}, false},
		"wrong rules noted":       {&RosterList{Noted: RoomRules{Muted: make([]chat.AccountID, 1)}}, false},
		"a state without info":    {&PutState{Tree: []byte{1}}, false},
	} {
		_, err := Decode(Encode(c.frame))
		if c.good && err != nil || !c.good && !errors.Is(err, chat.CodeFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParsePrivateEnvelope(t *testing.T) {
	good := PrivateEnvelope{Version: 2, Room: chat.RoomID{1}, Account: chat.AccountID{2}, Device: chat.DeviceID{3}, ID: chat.MessageID{4}, Message: []byte{5}}
	if e, err := ParsePrivateEnvelope(Marshal(&good)); err != nil || e.ID != good.ID || !bytes.Equal(e.Message, good.Message) {
		t.Errorf("%+v, %v", e, err)
	}
	for name, spoil := range map[string]func(*PrivateEnvelope){
		"version":  func(e *PrivateEnvelope) { e.Version = 1 },
		"later":    func(e *PrivateEnvelope) { e.Version = 4 },
		"account":  func(e *PrivateEnvelope) { e.Account = chat.AccountID{} },
		"device":   func(e *PrivateEnvelope) { e.Device = chat.DeviceID{} },
		"ID":       func(e *PrivateEnvelope) { e.ID = chat.MessageID{} },
		"contents": func(e *PrivateEnvelope) { e.Message = nil },
	} {
		e := good
		spoil(&e)
		if _, err := ParsePrivateEnvelope(Marshal(&e)); !errors.Is(err, chat.CodeEnvelope) {
			t.Errorf("%s: %v", name, err)
		}
	}
	service := good
	service.Version = ServiceEnvelope
	if _, err := ParsePrivateEnvelope(Marshal(&service)); err != nil {
		t.Errorf("a service envelope: %v", err)
	}
	e := anEnvelope()
	if _, err := ParsePrivateEnvelope(Marshal(&e)); !errors.Is(err, chat.CodeEnvelope) {
		t.Errorf("one of a key room: %v", err)
	}
	if _, err := ParseEnvelope(Marshal(&good)); !errors.Is(err, chat.CodeEnvelope) {
		t.Errorf("one of a private room: %v", err)
	}
}

func TestIsLarge(t *testing.T) {
	for _, f := range every() {
		_, large := map[Type]bool{TypeCommit: true, TypePutState: true, TypePutPackages: true, TypePutBackup: true, TypeToDevice: true, TypeGive: true}[f.kind()]
		if raw := Encode(f); IsLarge(raw[:3]) != large {
			t.Errorf("%T", f)
		}
	}
	if IsLarge(nil) || IsLarge([]byte{0x8a}) {
		t.Error("nothing is large")
	}
}

func FuzzParsePrivateEnvelope(f *testing.F) {
	f.Add(Marshal(&PrivateEnvelope{Version: 2, Room: chat.RoomID{1}, Account: chat.AccountID{2}, Device: chat.DeviceID{3}, ID: chat.MessageID{4}, Message: []byte{5}}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := ParsePrivateEnvelope(raw)
		if err == nil && !bytes.Equal(Marshal(&e), raw) {
			t.Fatalf("two forms: %x", raw)
		}
	})
}
