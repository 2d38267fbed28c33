package line

import (
	"context"
	"slices"
	"strings"

	"huisclos/client"
	"huisclos/line/edit"
)

// trustMark stands before a name: who was verified, and whose keys changed. Names can't hold the first one (trust.CheckName), and most
// people have none.
func trustMark(t client.Trust, mine bool) string {
	switch {
	case mine:
		return ""
	case t == client.TrustVerified:
		return "✓ "
	case t == client.TrustChanged:
		return "! "
	}
	return ""
}

// trust colours a mark.
func (r renderer) trust(mark string) string {
	if strings.HasPrefix(mark, "!") {
		return r.style.alarm("!") + mark[1:]
	}
	return mark
}

// trustNote says in a list what a mark means.
func trustNote(w Words, t client.Trust) string {
	if t == "" {
		return ""
	}
	return " · " + w.T("line.trust."+string(t))
}

// verify shows what to compare with somebody, or takes the person's word that it was compared; or compares it itself.
func (f *face) verify(words []string, _ string) error {
	w := f.Words
	name, answer := words[0], strings.Join(words[1:], " ")
	f.wait(func(ctx context.Context) (func(), error) {
		var v client.SafetyView
		var err error
		switch {
		case answer == "":
			v, err = f.API.Safety(ctx, name)
		case isNo(w, answer):
			v, err = f.API.Unverify(ctx, name)
		case isYes(w, answer):
			v, err = f.API.Verify(ctx, name, "")
		default:
			v, err = f.API.Verify(ctx, name, answer)
		}
		if err != nil {
			return nil, err
		}
		return func() {
			switch name := edit.SafeLine(v.Name); {
			case answer == "":
				f.showSafety(v)
			case v.Trust == client.TrustVerified:
				f.view.notice(w.T("line.verify.done", "name", name))
			default:
				f.view.notice(w.T("line.verify.undone", "name", name))
			}
		}, nil
	})
	return nil
}

// isYes reports whether a word says yes, in this language or in English.
func isYes(w Words, s string) bool {
	return slices.Contains([]string{"yes", "y", w.T("line.yes")}, strings.ToLower(s))
}

func isNo(w Words, s string) bool {
	return slices.Contains([]string{"no", "n", w.T("line.no")}, strings.ToLower(s))
}

// showSafety shows a safety number: twelve groups of five in three rows, the code to photograph, and what to do with them.
func (f *face) showSafety(v client.SafetyView) {
	w, name := f.Words, edit.SafeLine(v.Name)
	rows := []string{w.T("line.verify.number", "name", name)}
	groups := strings.Fields(v.Number)
	for i := 0; i+4 <= len(groups); i += 4 {
		rows = append(rows, "  "+strings.Join(groups[i:i+4], "  "))
	}
	f.view.answer(strings.Join(rows, "\n"))
	f.view.code(v.Code)
	state := w.T("line.verify.state."+string(v.Trust), "name", name)
	if v.Trust == client.TrustVerified {
		state = w.T("line.verify.state.verified", "name", name, "day", day(w, v.At.Local()), "how", w.T("line.verify.by."+v.By))
	}
	f.view.answer(state + "\n" + w.T("line.verify.how", "name", name))
}
