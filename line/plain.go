package line

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"huisclos/chat"
	"huisclos/client"
	"huisclos/line/edit"
)

// Plain are the ends of a conversation without a screen.
type Plain struct {
	In  *bufio.Reader
	Out io.Writer // messages
	Err io.Writer // everything else
	// Typed says that a person types the lines: they see them, so own messages aren't repeated, the last
	// ones are shown on entering a room, and a line that failed isn't the end.
	Typed bool
	// Timeout is how long, after the last line, no acknowledgement may come before it counts as failed; 0: DefaultTimeout.
	Timeout time.Duration
}

// DefaultTimeout is how long an acknowledgement is waited for.
const DefaultTimeout = 10 * time.Second

// MaxLine bounds one line of input, in bytes; a longer one is an error and is dropped.
const MaxLine = 1 << 20

// ConversePlainly sends each line of the input to the current room, or does the command in it, until the
// input or the session ends; then it waits until everything is durable. It returns the first failure:
// CodeNotAcked when the acknowledgements don't come.
func ConversePlainly(ctx context.Context, p Plain, o Options) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	f := newFace(o, &plain{Plain: p, words: o.Words})
	f.strict = !p.Typed
	lines := make(chan input)
	// A read of a terminal or a pipe can't be taken back: this goroutine ends with its next line.
	go feed(ctx, p.In, lines)
	return f.run(ctx, lines)
}

// feed brings the lines of r, one at a time: the next one is read when the last one is taken.
func feed(ctx context.Context, r *bufio.Reader, lines chan<- input) {
	for {
		text, err := readLine(r)
		in := input{text: text}
		switch {
		case errors.Is(err, errLongLine):
			in.err = chat.Errorf(chat.CodeTooLarge, "limit", strconv.Itoa(MaxLine))
		case err != nil && text == "":
			in.done = true
		}
		select {
		case lines <- in:
		case <-ctx.Done():
			return
		}
		if in.done {
			return
		}
	}
}

var errLongLine = errors.New("line: a line longer than MaxLine")

// readLine reads a line without its end (LF or CR LF); of one over MaxLine it reads
// all and keeps nothing.
func readLine(r *bufio.Reader) (string, error) {
	var b strings.Builder
	long := false
	for {
		part, err := r.ReadSlice('\n')
		if long = long || b.Len()+len(part) > MaxLine+2; !long {
			b.Write(part)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if long {
			return "", errLongLine
		}
		text := strings.TrimSuffix(strings.TrimSuffix(b.String(), "\n"), "\r")
		if err == nil || text == "" {
			return text, err
		}
		return text, nil // the last line needs no end
	}
}

// plain is the view of a pipe, of a terminal without a cursor, of a screen reader.
type plain struct {
	Plain
	words Words
}

// shows: every room; each line says which.
func (p *plain) shows(string, string) bool { return true }

func (p *plain) past() int {
	if p.Typed {
		return lastPlain
	}
	return -1
}

// lastPlain is how many messages are read out on entering a room.
const lastPlain = 10

func (p *plain) patience() time.Duration {
	if p.Timeout > 0 {
		return p.Timeout
	}
	return DefaultTimeout
}

func (p *plain) message(m client.Message) {
	if p.Typed && m.Mine && !m.Old && m.What == client.Said {
		return
	}
	if m.Form != client.Text {
		p.notice(formText(p.words, m))
		return
	}
	if m.What != client.Said {
		p.notice(saidText(p.words, m))
		return
	}
	if m.Ref != nil {
		p.notice(p.words.T("line.said.answers", "by", edit.SafeLine(m.Sender), "quote", quoted(p.words, m.Ref)))
	}
	p.write(p.Out, PlainText(m))
	if m.Err != nil {
		p.problem(m.Err)
	}
}

func (p *plain) notice(text string)  { p.say(text) }
func (p *plain) answer(text string)  { p.say(text) }
func (p *plain) problem(err error)   { p.say(Problem(p.words, err)) }
func (p *plain) restore(string)      {}
func (p *plain) link(link, t string) { p.say(t + "\n" + link) }
func (p *plain) code(string)         {}
func (p *plain) update(*face)        {}
func (p *plain) ring()               {}

func (p *plain) header(room client.RoomView, people []client.PersonView, known bool) {
	if known {
		p.say(p.words.T("line.header.plain", "room", room.Name, "people", p.words.N("line.people", len(people))))
	} else {
		p.say(p.words.T("line.header.offline", "room", room.Name))
	}
	p.say(strings.Join(headerText(p.words, room), "\n"))
}

func (p *plain) say(text string) { p.write(p.Err, text+"\n") }

func (p *plain) write(w io.Writer, text string) {
	// When nobody reads any more, the signal for it or the end of the input ends the program.
	_, _ = io.WriteString(w, text)
}

// PlainText writes a message as lines "[#room] name: text", each of its lines with the same beginning, so that
// no text can pass for another person's.
func PlainText(m client.Message) string {
	head := "[" + roomLabel(m.Room) + "] " + edit.SafeLine(m.Sender) + ": "
	return head + strings.ReplaceAll(edit.Safe(m.Text), "\n", "\n"+head) + "\n"
}

// Problem writes an error as what happened and, in a second line, what to do.
func Problem(w Words, err error) string {
	text, hint := safeError(w, err)
	if hint == "" {
		return text
	}
	return text + "\n" + hint
}
