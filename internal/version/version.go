// Package version says which program this is.
package version

import "runtime/debug"

// Number is the released version.
const Number = "0.1.0"

// Program is the name and the version, as servers and clients tell each other: at most 64 bytes.
const Program = "huisclos/" + Number

// Revision is the commit that the program was built from, "" when that isn't known; with "+" when the tree was changed.
func Revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	revision, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			revision = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + changed
}
