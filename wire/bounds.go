package wire

import (
	"unicode"
	"unicode/utf8"

	"huisclos/chat"
)

// The bounds of what a HelloC may hold beyond its size.
const (
	maxVersions = 8
	maxFeatures = 32
	maxSoftware = 64 // bytes of a program's name and version
)

// bounded is a frame that Decode looks into.
type bounded interface{ fits() bool }

func (f *HelloC) fits() bool {
	return len(f.Versions) > 0 && len(f.Versions) <= maxVersions && len(f.Features) <= maxFeatures && isSoftware(f.Client)
}

func (f *PutPackages) fits() bool {
	refs, last := map[string]bool{}, 0
	for i := range f.Packages {
		p := &f.Packages[i]
		if len(p.Ref) == 0 || len(p.Ref) > MaxKeyPackageRef || len(p.Data) == 0 || len(p.Data) > MaxKeyPackage || refs[string(p.Ref)] {
			return false
		}
		refs[string(p.Ref)] = true
		if p.Last {
			last++
		}
	}
	return last <= 1 && len(f.Packages)-last <= MaxKeyPackages
}

func (f *TakePackages) fits() bool {
	return len(f.Accounts) > 0 && len(f.Accounts) <= MaxTake && differ(f.Accounts)
}

func (f *CreatePrivate) fits() bool { return !f.Room.IsZero() }

func (f *Commit) fits() bool {
	if f.ID.IsZero() || len(f.Add) > MaxRoster || len(f.Remove) > MaxRoster || len(f.Welcomes) > MaxRoster || len(f.Tree) > 0 && len(f.Info) == 0 {
		return false
	}
	if len(f.Rules) > 1 || len(f.Rules) == 1 && !f.Rules[0].fits() {
		return false
	}
	devices := make([]chat.DeviceID, len(f.Welcomes))
	for i := range f.Welcomes {
		if len(f.Welcomes[i].Welcome) == 0 {
			return false
		}
		devices[i] = f.Welcomes[i].Device
	}
	return differ(f.Add, f.Remove) && differ(devices)
}

func (f *PutState) fits() bool { return len(f.Info) > 0 }

// differ reports whether nothing stands twice in some lists, nor zero.
func differ[ID comparable](lists ...[]ID) bool {
	var zero ID
	seen := map[ID]bool{zero: true}
	for _, list := range lists {
		for _, id := range list {
			if seen[id] {
				return false
			}
			seen[id] = true
		}
	}
	return true
}

// isSoftware reports whether s can name a program: short, and of characters that an admin can be shown.
func isSoftware(s string) bool {
	if len(s) > maxSoftware || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
