package edit

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"
)

// ErrInterrupted is returned by ReadLine for Ctrl-C on an empty line. On a line with text, Ctrl-C empties it.
var ErrInterrupted = errors.New("edit: interrupted")

// ErrClosed is returned by ReadLine after Close.
var ErrClosed = errors.New("edit: closed")

// Prompt says how a line is asked for.
type Prompt struct {
	Text     string            // before the line; may hold colours; empty: what SetPrompt said
	Initial  string            // the text to begin with
	Secret   bool              // show dots, keep no history
	Keep     bool              // leave the line on the screen, and the terminal as it was, when it is accepted
	Max      int               // greatest length in bytes; 0 is no bound
	History  *History          // nil for none; used by ReadLine only
	Complete Completer         // nil for none; called while nothing else can be printed, so it must not print
	Typed    func(text string) // nil for none; called by ReadLine with the text after it has changed
}

// Line is what was read.
type Line struct {
	Text   string
	Pasted bool // some of it was pasted
}

// escapeWait is how long an ESC may wait for the rest of its sequence; slow lines need some.
const escapeWait = 60 * time.Millisecond

// pasteWait is how long a paste may pause before it counts as ended: its end got lost.
const pasteWait = 3 * time.Second

// Editor reads lines from a terminal and prints above them. One goroutine calls ReadLine; every other
// method may be called by any, at any time.
type Editor struct {
	term  Terminal
	bytes chan []byte   // from the goroutine that reads, closed at the end of input
	done  chan struct{} // closed by Close
	start sync.Once     // the reading goroutine

	mu     sync.Mutex // guards everything below and every write to the terminal
	closed bool
	screen screen
	above  []string
	label  string  // what SetPrompt said
	text   string  // what Offer said while no line was read
	prompt *Prompt // nil: no line is shown
	buf    buffer
	comp   *completion
	pasted bool
	// reading: between the beginning of a ReadLine and its end.
	reading bool

	// Used by ReadLine only.
	dec      Decoder
	keys     []Key // decoded, not acted on yet
	toldText string
}

// New makes an editor on t. The terminal stays as it is until the first ReadLine.
func New(t Terminal) *Editor {
	return &Editor{term: t, bytes: make(chan []byte, 16), done: make(chan struct{})}
}

// Close erases the line being edited, puts the terminal back as it was and ends
// ReadLine with ErrClosed. What Print gets afterwards is written as it comes.
func (e *Editor) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.hide()
	e.closed = true
	close(e.done)
	return e.term.Close()
}

// hide takes the region off the screen. The caller holds mu.
func (e *Editor) hide() {
	e.prompt, e.above, e.comp = nil, nil, nil
	e.draw()
}

// Size of the terminal in columns and rows.
func (e *Editor) Size() (width, height int) { return e.term.Size() }

// Print writes lines above the line being edited, for good. A line may hold colours and be wider than the
// terminal; it holds no line end. All the lines of one call stay together.
func (e *Editor) Print(lines ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.draw(lines...)
}

// Update is Print and SetAbove in one drawing: what moves from above the line to what is printed doesn't flicker.
func (e *Editor) Update(lines []string, above []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.above = above
	e.draw(lines...)
}

// SetPrompt changes the text before the line being edited and before later ones
// whose Prompt has none.
func (e *Editor) SetPrompt(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.label = text
	if e.prompt != nil {
		e.prompt.Text = text
		e.draw()
	}
}

// Offer puts text into the line being edited, or into the next one, if it is empty.
func (e *Editor) Offer(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case !e.reading:
		e.text = text
	case e.buf.text == "":
		e.buf.set(text)
		e.draw()
	}
}

// draw writes lines and the region in one write. The caller holds mu.
func (e *Editor) draw(lines ...string) {
	if e.closed {
		if len(lines) > 0 {
			_, _ = io.WriteString(e.term, strings.Join(lines, "\r\n")+"\r\n")
		}
		return
	}
	width, height := e.term.Size()
	r := e.region(width, height)
	// A terminal that is gone can't be told; the end of its input ends ReadLine.
	_, _ = io.WriteString(e.term, e.screen.draw(lines, r, width))
}

// region lays out what stands at the bottom; it leaves a row of the terminal free, and a column, so that
// the cursor never hangs at the right edge, where terminals differ.
func (e *Editor) region(width, height int) region {
	if e.prompt == nil {
		return region{}
	}
	var r region
	width, height = max(width-1, 2), max(height-1, 1)
	r.input = lay(e.prompt.Text, e.buf.text, e.buf.pos, width, e.prompt.Secret).window(max(height*2/3, 1))
	height -= len(r.input.rows)
	if e.comp != nil {
		r.below = e.comp.rows(width, min(height, 12))
		height -= len(r.below)
	}
	above := e.above[max(len(e.above)-height, 0):]
	for _, row := range above {
		r.above = append(r.above, Clip(row, width))
	}
	return r
}

// ReadLine reads a line. It returns io.EOF at the end of input and for Ctrl-D on an empty
// line, ErrInterrupted for Ctrl-C on one, ErrClosed, or the error of ctx or of the
// terminal. Unless p.Keep is set, an empty line with its prompt stays on the screen for the next call,
// and the terminal stays raw until Close.
func (e *Editor) ReadLine(ctx context.Context, p Prompt) (Line, error) {
	e.start.Do(func() { go e.read() })
	if err := e.show(p); err != nil {
		return Line{}, err
	}
	wait := time.NewTimer(time.Hour)
	defer wait.Stop()
	for {
		line, err, ok := e.use()
		e.tell(&p)
		if ok {
			return line, e.leave(p, err)
		}
		wait.Stop()
		if d := e.patience(); d > 0 {
			wait.Reset(d)
		}
		select {
		case b, ok := <-e.bytes:
			if !ok {
				return Line{}, e.leave(p, io.EOF)
			}
			e.keys = append(e.keys, e.dec.Feed(b)...)
		case <-wait.C:
			e.keys = append(e.keys, e.dec.Flush()...)
		case <-e.term.Resized():
			e.Print()
		case <-e.done:
			return Line{}, ErrClosed
		case <-ctx.Done():
			return Line{}, e.leave(p, ctx.Err())
		}
	}
}

// tell passes the text on if it has changed since the last time.
func (e *Editor) tell(p *Prompt) {
	e.mu.Lock()
	text := e.buf.text
	e.mu.Unlock()
	if p.Typed != nil && text != e.toldText {
		e.toldText = text
		p.Typed(text)
	}
}

// Bell rings.
func (e *Editor) Bell() {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, _ = io.WriteString(e.term, "\a")
}

// patience is how long the decoder may wait; 0 for ever.
func (e *Editor) patience() time.Duration {
	switch {
	case e.dec.Pasting():
		return pasteWait
	case e.dec.Waiting():
		return escapeWait
	}
	return 0
}

// read brings what the terminal sends to ReadLine. It ends with the input or, after Close, with the next key:
// a read of a terminal can't be taken back.
func (e *Editor) read() {
	defer close(e.bytes)
	for {
		b := make([]byte, 4096)
		n, err := e.term.Read(b)
		if n > 0 {
			select {
			case e.bytes <- b[:n]:
			case <-e.done:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// show puts the prompt on the screen.
func (e *Editor) show(p Prompt) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	if err := e.term.Raw(); err != nil {
		return err
	}
	if p.Text == "" {
		p.Text = e.label
	}
	if p.Initial == "" {
		p.Initial = e.text
	}
	e.prompt, e.pasted, e.comp, e.text, e.reading = &p, false, nil, "", true
	e.buf = buffer{max: p.Max, killed: e.buf.killed}
	e.buf.set(p.Initial)
	e.draw()
	return nil
}

// leave tidies up after a line that is kept, or after an error, and passes err on.
func (e *Editor) leave(p Prompt, err error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reading = false
	if e.closed || !p.Keep {
		return err
	}
	var kept []string
	if err == nil {
		kept = lay(p.Text, e.buf.text, e.buf.pos, max(e.screen.width-1, 2), p.Secret).rows
	}
	e.prompt, e.comp = nil, nil
	e.draw(kept...)
	return errors.Join(err, e.term.Restore())
}

// use acts on the keys that were read, up to one that ends the line.
func (e *Editor) use() (line Line, err error, done bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || len(e.keys) == 0 {
		return Line{}, nil, false
	}
	defer func() {
		if !e.closed && !(done && e.prompt.Keep) {
			e.draw()
		}
	}()
	for len(e.keys) > 0 {
		k := e.keys[0]
		e.keys = e.keys[1:]
		if line, err, done = e.act(k); done {
			return line, err, true
		}
	}
	return Line{}, nil, false
}

// act does what one key asks for. The caller holds mu.
func (e *Editor) act(k Key) (Line, error, bool) {
	if k.Action != Complete && k.Action != CompleteUp {
		e.comp = nil
	}
	switch k.Action {
	case Accept:
		return e.accept(), nil, true
	case EndOrErase:
		if e.buf.text == "" {
			return Line{}, io.EOF, true
		}
		e.buf.apply(EraseNext)
	case Interrupt:
		if e.buf.text == "" {
			return Line{}, ErrInterrupted, true
		}
		e.buf.set("")
		e.pasted = false
	case Type, Paste:
		e.insert(k)
	case Complete, CompleteUp:
		e.complete(k.Action == CompleteUp)
	case Up, Down, SearchBack:
		e.recall(k.Action)
	case Redraw:
		e.screen = screen{}
		_, _ = io.WriteString(e.term, clearScreen)
	case Suspend:
		e.suspend()
	default:
		e.buf.apply(k.Action)
	}
	return Line{}, nil, false
}

// accept takes the line.
func (e *Editor) accept() Line {
	line := Line{Text: e.buf.text, Pasted: e.pasted}
	if h := e.prompt.History; h != nil && !e.prompt.Secret {
		h.Add(line.Text)
	}
	if !e.prompt.Keep {
		e.buf.set("")
		e.pasted = false
	}
	return line
}

// insert puts typed or pasted text into the line. A single pasted line loses the line end that came with it.
func (e *Editor) insert(k Key) {
	text := k.Text
	if k.Action == Paste {
		text = strings.TrimRight(pasteable(text), "\n")
		e.pasted = e.pasted || text != ""
	}
	if !e.buf.insert(text) {
		_, _ = io.WriteString(e.term, "\a")
	}
}

// pasteable takes the controls out of pasted text; Safe would show them, and others would read the pictures.
func pasteable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)
}

// complete begins a completion or goes on with it.
func (e *Editor) complete(back bool) {
	switch {
	case e.comp != nil:
		e.comp.step(&e.buf, back)
	case e.prompt.Complete != nil:
		e.comp = begin(&e.buf, e.prompt.Complete)
	}
}

// recall moves up or down: in the text, when it has several lines, else in the history. A search takes what
// stands before the cursor as the beginning of the line to look for.
func (e *Editor) recall(a Action) {
	h := e.prompt.History
	if a != SearchBack && e.buf.vertical(a == Down) || h == nil {
		return
	}
	prefix := ""
	if a == SearchBack {
		prefix = e.buf.before()
	}
	line, ok := "", false
	if a == Down {
		line, ok = h.forward()
	} else {
		line, ok = h.back(e.buf.text, prefix)
	}
	if !ok {
		return
	}
	e.buf.set(line)
	if a == SearchBack {
		e.buf.pos = len(prefix)
	}
}

// suspend gives the terminal back for a while. The caller holds mu, so nothing is printed meanwhile.
func (e *Editor) suspend() {
	prompt, above := e.prompt, e.above
	e.hide()
	_ = e.term.Restore()
	e.term.Suspend()
	_ = e.term.Raw() // when that fails the next ReadLine says so
	e.prompt, e.above, e.screen = prompt, above, screen{}
}
