// Package schema holds the versions of the server's database, as migrations that only go forward.
package schema

import (
	"embed"
	"io/fs"
	"slices"
)

//go:embed *.sql
var files embed.FS

// Migrations lists the statements that bring a database from version i to i+1.
func Migrations() []string {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		panic("schema: " + err.Error()) // a constant pattern
	}
	slices.Sort(names)
	list := make([]string, len(names))
	for i, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			panic("schema: " + err.Error()) // it is embedded
		}
		list[i] = string(text)
	}
	return list
}
