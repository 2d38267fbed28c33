// Command errdoc writes docs/errors.md, the table of all error codes with their texts, from chat.Codes and the texts of package
// i18n, so that page and program can't differ:
//
//	go run ./internal/errdoc
//
// Its test fails when the page is old.
package main

import (
	"fmt"
	"os"
	"strings"

	"huisclos/chat"
	"huisclos/internal/i18n"
)

func main() {
	if err := os.WriteFile("docs/errors.md", []byte(page()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// page is the whole document.
func page() string {
	var b strings.Builder
	b.WriteString(`# Errors

Every error that a person or a script can meet: its code (` + "`chat.Code`" + `, which also travels between server and client), the exit code of the
command line, what happened, and what to do. Values in angle brackets are filled in. Each exists in French as well
(` + "`internal/i18n/text/errors.fr.toml`" + `).

This page is generated: ` + "`go run ./internal/errdoc`" + `.

| code | exit | what happened | what to do |
|---|---|---|---|
`)
	p := i18n.For("en")
	for _, code := range chat.Codes() {
		text, hint := p.Error(chat.Errorf(code, examples()...))
		fmt.Fprintf(&b, "| `%s` | %d | %s | %s |\n", code, code.Class().ExitCode(), cell(text), cell(hint))
	}
	return b.String()
}

// examples fills the parameters with their names.
func examples() []string {
	var pairs []string
	for _, name := range []string{"address", "command", "detail", "generation", "host", "limit", "name", "needs", "path", "room", "value", "version", "wait"} {
		pairs = append(pairs, name, "<"+name+">")
	}
	return pairs
}

// cell makes a text safe inside a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", `\<`, "\n", " ").Replace(text)
}
