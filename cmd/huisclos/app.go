package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/term"

	"huisclos/chat"
	"huisclos/internal/cli"
	"huisclos/internal/config"
	"huisclos/internal/i18n"
	"huisclos/line"
	"huisclos/line/edit"
)

// app is one run of the program.
type app struct {
	in       *os.File
	out, err *os.File
	words    *i18n.Printer
	lang     string // --lang
	ctx      context.Context
	lines    *bufio.Reader // of in, where it isn't a terminal; made once, so that nothing read ahead is lost
	editor   *edit.Editor  // of in and out, where they are a terminal; made once
}

// run runs the program and returns its exit code: that of the class of what went wrong (chat.Class).
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, ctx: ctx}
	a.words = i18n.For(config.Language(cli.LangFlag(args)))
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	if a.editor != nil {
		_ = a.editor.Close()
	}
	if err == nil {
		return 0
	}
	var told line.Told
	if !errors.Is(err, errShown) && !errors.As(err, &told) {
		a.problem(err)
	}
	return chat.CodeOf(err).Class().ExitCode()
}

// shown is an error that a person has read already; its code still gives the exit code.
type shown struct{ error }

var errShown = errors.New("shown")

func (s shown) Unwrap() error        { return s.error }
func (s shown) Is(target error) bool { return target == errShown } //nolint:errorlint // itself

// problem tells what went wrong and what to do.
func (a *app) problem(err error) { a.note(line.Problem(a.words, err)) }

// note tells something on the standard error.
func (a *app) note(text string) {
	_, _ = io.WriteString(a.err, strings.Join(fit(a.err, text), "\n")+"\n")
}

// print writes a line to the standard output.
func (a *app) print(text string) error {
	_, err := io.WriteString(a.out, text+"\n")
	return err
}

// typed reports whether a person sits at both ends: keys and screen.
func (a *app) typed() bool { return edit.IsTerminal(a.in, a.out, os.Getenv("TERM")) }

// inTerminal reports whether the input is a terminal.
func (a *app) inTerminal() bool { return term.IsTerminal(int(a.in.Fd())) } //nolint:gosec // a file descriptor

// outTerminal reports whether the output is a terminal.
func (a *app) outTerminal() bool { return term.IsTerminal(int(a.out.Fd())) } //nolint:gosec // a file descriptor

// widest is how far text for people reaches on a wide terminal.
const widest = 100

// fit breaks lines between words where out is a terminal; elsewhere they stay as they are. Rows of tables keep their columns.
func fit(out *os.File, lines ...string) []string {
	width, _, err := term.GetSize(int(out.Fd())) //nolint:gosec // a file descriptor
	if err != nil {
		return lines
	}
	var rows []string
	for _, text := range lines {
		for line := range strings.SplitSeq(text, "\n") {
			limit := width - 1
			if !strings.Contains(strings.TrimLeft(line, " "), "  ") { // a sentence, no table
				limit = min(limit, widest)
			}
			rows = append(rows, edit.WrapTable(line, max(20, limit))...)
		}
	}
	return rows
}

// reader is the standard input by lines.
func (a *app) reader() *bufio.Reader {
	if a.lines == nil {
		a.lines = bufio.NewReaderSize(a.in, 64<<10)
	}
	return a.lines
}

// terminal is the line editor.
func (a *app) terminal() *edit.Editor {
	if a.editor == nil {
		a.editor = edit.New(edit.NewSystem(a.in, a.out))
	}
	return a.editor
}

// ask asks a person for a line: on the terminal with an editor, otherwise plainly.
func (a *app) ask(prompt string, secret bool) (string, error) {
	if a.typed() {
		l, err := a.terminal().ReadLine(a.ctx, edit.Prompt{Text: prompt, Secret: secret, Keep: true, Max: 4096})
		if err != nil {
			return "", errLeft(err)
		}
		return strings.TrimSpace(l.Text), nil
	}
	_, _ = io.WriteString(a.err, prompt)
	text, err := a.reader().ReadString('\n')
	if err != nil && text == "" {
		return "", errLeft(err)
	}
	return strings.TrimSpace(text), nil
}

// errLeft is the end of the input where an answer was asked for: a person has left.
func errLeft(err error) error {
	if errors.Is(err, edit.ErrInterrupted) || errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		return shown{chat.Errorf(chat.CodeUsage).Because(err)}
	}
	return err
}

// color is how many colours the terminal shows.
func (a *app) color() line.Color {
	name := os.Getenv("TERM")
	switch {
	case os.Getenv("NO_COLOR") != "" || !a.outTerminal() || name == "dumb" || name == "":
		return line.NoColor
	case strings.Contains(name, "256color") || os.Getenv("COLORTERM") != "":
		return line.Color256
	}
	return line.Color16
}

// log is for the developer and the operator: on the standard error, or above the line that is being typed.
func (a *app) log(level slog.Level) *slog.Logger {
	var w io.Writer = a.err
	if a.typed() {
		w = above{a.terminal()}
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// above writes lines above the one that is being typed.
type above struct{ editor *edit.Editor }

// Write implements io.Writer.
func (w above) Write(b []byte) (int, error) {
	w.editor.Print(strings.Split(strings.TrimRight(string(b), "\n"), "\n")...)
	return len(b), nil
}

// usage refuses a command line.
func usage(detail string) error { return chat.Errorf(chat.CodeUsage, "detail", detail) }
