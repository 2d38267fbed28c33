// Package i18n has every text that a person reads, in English and in French, and chooses the language.
//
// The texts are in text/AREA.en.toml and text/AREA.fr.toml, in the format of go-i18n: an ID, and a text with
// parameters in double braces, or one text for each plural form. A test compares the languages, and looks for the text and the
// hint of every error code and for every ID that the source names.
package i18n

import (
	"embed"
	"errors"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"

	"huisclos/chat"
)

//go:embed text/*.toml
var files embed.FS

// Languages lists those that there are, the default first.
func Languages() []string { return []string{"en", "fr"} }

// Printer gives the texts of one language. It may be used by several goroutines.
type Printer struct {
	lang      string
	localizer *i18n.Localizer
}

// For returns the Printer of the nearest language to lang, a tag or a locale of the system ("fr", "fr_CA.UTF-8", "C"); English
// when there is none.
func For(lang string) *Printer {
	lang, _, _ = strings.Cut(lang, ".")
	lang, _, _ = strings.Cut(lang, "@")
	chosen := "en"
	if tag, err := language.Parse(strings.ReplaceAll(lang, "_", "-")); err == nil {
		if base, _ := tag.Base(); base.String() == "fr" {
			chosen = "fr"
		}
	}
	return &Printer{lang: chosen, localizer: i18n.NewLocalizer(bundle(), chosen, "en")}
}

// bundle reads the texts once.
var bundle = sync.OnceValue(func() *i18n.Bundle {
	b := i18n.NewBundle(language.English)
	b.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	names, err := fs.Glob(files, "text/*.toml")
	if err != nil {
		panic("i18n: " + err.Error()) // a constant pattern
	}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err == nil {
			_, err = b.ParseMessageFileBytes(text, path.Base(name))
		}
		if err != nil {
			panic("i18n: " + name + ": " + err.Error()) // it is embedded, and a test reads it
		}
	}
	return b
})

// Lang is the language's tag.
func (p *Printer) Lang() string { return p.lang }

// T is the text with that ID; pairs are names and values of its parameters. A missing text is its ID.
func (p *Printer) T(id string, pairs ...string) string {
	text, ok := p.find(id, nil, pairs)
	if !ok {
		return id
	}
	return text
}

// N is T for a number of things, which the text may show as n.
func (p *Printer) N(id string, n int, pairs ...string) string {
	text, ok := p.find(id, &n, pairs)
	if !ok {
		return id
	}
	return text
}

// Has reports whether there is a text with that ID.
func (p *Printer) Has(id string) bool {
	_, ok := p.find(id, nil, nil)
	return ok
}

func (p *Printer) find(id string, n *int, pairs []string) (string, bool) {
	data := make(map[string]any, len(pairs)/2+1)
	for i := 0; i+1 < len(pairs); i += 2 {
		data[pairs[i]] = pairs[i+1]
	}
	config := &i18n.LocalizeConfig{MessageID: id, TemplateData: data}
	if n != nil {
		data["n"] = *n
		config.PluralCount = *n
	}
	text, err := p.localizer.Localize(config)
	if err != nil {
		return "", false
	}
	text = strings.ReplaceAll(text, "#@", "@") // a direct conversation is called @NAME, without the sign of a room
	return strings.ReplaceAll(text, "<no value>", "?"), true
}

// Error is what happened and what to do, for a person; the second may be empty. Codes that come with one of several reasons may have
// a text and a hint for each. What caused the error is for the log and isn't told.
func (p *Printer) Error(err error) (text, hint string) {
	if err == nil {
		return "", ""
	}
	code := chat.CodeOf(err)
	var params []string
	reason := ""
	var e *chat.Error
	if errors.As(err, &e) {
		for name, value := range e.Params {
			params = append(params, name, value)
		}
		reason = e.Params["reason"]
	}
	id := "error." + string(code)
	if !p.Has(id + ".text") {
		id = "error." + string(chat.CodeInternal)
	}
	text, hint = p.T(id+".text", params...), p.T(id+".hint", params...)
	if reason != "" && p.Has(id+".reason."+reason) {
		text = p.T(id+".reason."+reason, params...)
	}
	if reason != "" && p.Has(id+".hint."+reason) {
		hint = p.T(id+".hint."+reason, params...)
	}
	return text, hint
}
