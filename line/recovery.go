package line

import (
	"context"
	"fmt"
	"strings"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/line/edit"
)

// recovery shows the 24 words, once the person has said that nobody looks on.
func (f *face) recovery(words []string, _ string) error {
	w := f.Words
	if len(words) == 0 {
		f.view.answer(w.T("line.recovery.ask", "yes", w.T("line.yes")))
		return nil
	}
	if !isYes(w, words[0]) {
		return chat.Errorf(chat.CodeUsage, "reason", "chat", "detail", f.syntax("recovery"))
	}
	f.wait(func(ctx context.Context) (func(), error) {
		p, err := f.API.Recovery(ctx, w.T("line.recovery.language"))
		if err != nil {
			return nil, err
		}
		return func() { f.view.answer(PhraseText(w, p)) }, nil
	})
	return nil
}

// PhraseText writes the words in six rows of four, each with its number, and what to do with them.
func PhraseText(w Words, p client.Phrase) string {
	if len(p.Words) == 0 {
		return strings.Join([]string{w.T("line.recovery.gone"), storedText(w, p)}, "\n")
	}
	const columns = 4
	widest := 0
	for _, word := range p.Words {
		widest = max(widest, edit.Width(word))
	}
	rows := []string{w.T("line.recovery.words")}
	var row strings.Builder
	for i, word := range p.Words {
		fmt.Fprintf(&row, "  %2d %s", i+1, word)
		if (i+1)%columns != 0 && i+1 < len(p.Words) {
			row.WriteString(strings.Repeat(" ", widest-edit.Width(word)))
			continue
		}
		rows = append(rows, row.String())
		row.Reset()
	}
	return strings.Join(append(rows, w.T("line.recovery.keep"), storedText(w, p), w.T("line.recovery.forget")), "\n")
}

func storedText(w Words, p client.Phrase) string {
	if p.Stored {
		return w.T("line.recovery.stored")
	}
	return w.T("line.recovery.unstored")
}
