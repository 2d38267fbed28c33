package edit

import "strings"

// History is what was typed before, oldest first. It is kept in memory only: it holds
// what people said. The zero value is empty and ready. It is not safe for concurrent use.
type History struct {
	lines []string
	at    int    // len(lines): the line being written
	draft string // that line, while another one is shown
}

// maxHistory bounds the number of lines kept.
const maxHistory = 1000

// Add puts a line at the end and goes there. An empty line and a repetition of the last one are left out.
func (h *History) Add(line string) {
	if n := len(h.lines); line != "" && (n == 0 || h.lines[n-1] != line) {
		h.lines = append(h.lines, line)
		if len(h.lines) > maxHistory {
			h.lines = h.lines[1:]
		}
	}
	h.at, h.draft = len(h.lines), ""
}

// back finds the nearest older line that begins with prefix. shown is what stands in the line now.
func (h *History) back(shown, prefix string) (string, bool) {
	for i := h.at - 1; i >= 0; i-- {
		if strings.HasPrefix(h.lines[i], prefix) && h.lines[i] != shown {
			if h.at == len(h.lines) {
				h.draft = shown
			}
			h.at = i
			return h.lines[i], true
		}
	}
	return "", false
}

// forward finds the nearest newer line, at the end what was being written.
func (h *History) forward() (string, bool) {
	if h.at >= len(h.lines) {
		return "", false
	}
	h.at++
	if h.at == len(h.lines) {
		return h.draft, true
	}
	return h.lines[h.at], true
}
