package wire

import (
	"unicode"
	"unicode/utf8"
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
